/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "state.h"

static void test_set_tells_changes(void **state)
{
	struct input_state held = { 0 };

	assert_true(input_state_set(&held, KEY_A, true));
	assert_false(input_state_set(&held, KEY_A, true));
	assert_true(input_state_has(&held, KEY_A));
	assert_false(input_state_has(&held, KEY_S));
	assert_true(input_state_set(&held, KEY_A, false));
	assert_false(input_state_set(&held, KEY_A, false));
	assert_int_equal(input_state_first(&held, NULL), -1);
}

static void test_last_code_and_past_it(void **state)
{
	struct input_state held = { 0 };

	assert_true(input_state_set(&held, KEY_MAX, true));
	assert_int_equal(input_state_first(&held, NULL), KEY_MAX);
	assert_false(input_state_set(&held, KEY_CNT, true));
	assert_false(input_state_set(&held, UINT16_MAX, true));
	assert_false(input_state_has(&held, KEY_CNT));
}

static void test_difference(void **state)
{
	struct input_state a = { 0 }, b = { 0 };

	input_state_set(&a, KEY_A, true);
	input_state_set(&a, BTN_LEFT, true);
	input_state_set(&b, KEY_A, true);
	assert_int_equal(input_state_first(&a, NULL), KEY_A);
	assert_int_equal(input_state_first(&a, &b), BTN_LEFT);
	assert_int_equal(input_state_first(&b, &a), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_tells_changes),
		cmocka_unit_test(test_last_code_and_past_it),
		cmocka_unit_test(test_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
