/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <base/scan_codes.h>
#include <cmocka.h>
#include <linux/input-event-codes.h>

static void test_known_codes(void **state)
{
	static const struct { uint16_t key, code; } known[] = {
		{ KEY_ESC, 0x01 }, { KEY_A, 0x1e }, { KEY_KPDOT, 0x53 }, { KEY_102ND, 0x56 },
		{ KEY_F11, 0x57 }, { KEY_F12, 0x58 }, { KEY_NUMLOCK, 0x45 }, { KEY_RO, 0x73 },
		{ KEY_KPENTER, 0x11c }, { KEY_RIGHTCTRL, 0x11d }, { KEY_RIGHTALT, 0x138 },
		{ KEY_LEFT, 0x14b }, { KEY_DELETE, 0x153 }, { KEY_LEFTMETA, 0x15b },
		{ KEY_COMPOSE, 0x15d }, { KEY_VOLUMEUP, 0x130 },
		/* Those that have two. */
		{ KEY_SYSRQ, 0x137 }, { KEY_PAUSE, 0x146 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(scan_code_of_key(known[i].key), known[i].code);
		assert_int_equal(scan_code_key(known[i].code), known[i].key);
	}
	assert_int_equal(scan_code_key(0x54), KEY_SYSRQ);
	assert_int_equal(scan_code_key(0x145), KEY_PAUSE);
}

/* Each code's key has a code, and only Print and Pause have two. */
static void test_both_ways(void **state)
{
	unsigned int others = 0;

	for (unsigned int code = 0; code < SCAN_CODE_COUNT; code++) {
		uint16_t key = scan_code_key(code);

		if (!key)
			continue;
		assert_int_equal(scan_code_key(scan_code_of_key(key)), key);
		others += scan_code_of_key(key) != code;
	}
	assert_int_equal(others, 2);
}

static void test_no_codes(void **state)
{
	static const uint16_t none[] = { 0, 0x55, 0x5f, 0x80, 0xdf, 0xff, 0x100, 0x12a, 0x136,
					 0x180, 0x1ff, 0x200, 0xffff };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(scan_code_key(none[i]), KEY_RESERVED);
	assert_int_equal(scan_code_key(UINT32_MAX), KEY_RESERVED);
	assert_int_equal(scan_code_of_key(KEY_RESERVED), 0);
	assert_int_equal(scan_code_of_key(KEY_FN), 0);
	assert_int_equal(scan_code_of_key(BTN_LEFT), 0);
	assert_int_equal(scan_code_of_key(UINT32_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_codes),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_no_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
