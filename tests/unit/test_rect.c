/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/rect.h>
#include <cmocka.h>

#define SIDE 64

static void test_inside_and_clip(void **state)
{
	struct rect edge = { 60, 60, 4, 4 }, over = { 60, 60, 5, 4 };
	struct rect wraps = { UINT32_MAX - 1, 0, 4, 4 }, huge = { 1, 1, UINT32_MAX, UINT32_MAX };
	struct rect empty = { 0, 0, 0, 4 };

	assert_true(rect_inside(&edge, SIDE, SIDE));
	assert_false(rect_inside(&over, SIDE, SIDE));
	assert_false(rect_inside(&wraps, SIDE, SIDE));
	assert_false(rect_inside(&empty, SIDE, SIDE));
	assert_false(rect_clip(&wraps, SIDE, SIDE));
	assert_true(rect_clip(&huge, SIDE, SIDE));
	assert_int_equal(huge.width, SIDE - 1);
	assert_int_equal(huge.height, SIDE - 1);
}

static void mark(uint8_t *cells, const struct rect *rect)
{
	for (uint32_t y = rect->y; y < rect->y + rect->height; y++)
		memset(cells + y * SIDE + rect->x, 1, rect->width);
}

/* Whatever is added stays covered, and never more than DAMAGE_MAX_RECTS rectangles are kept. */
static void test_damage_covers_all_that_was_added(void **state)
{
	srand(7);
	for (int round = 0; round < 200; round++) {
		uint8_t wanted[SIDE * SIDE] = { 0 }, covered[SIDE * SIDE] = { 0 };
		struct damage damage = { 0 };

		for (int i = 0; i < 60; i++) {
			struct rect rect = { (uint32_t)rand() % 60, (uint32_t)rand() % 60,
					     1 + (uint32_t)rand() % 4, 1 + (uint32_t)rand() % 4 };

			mark(wanted, &rect);
			damage_add(&damage, &rect);
			assert_true(damage.count <= DAMAGE_MAX_RECTS);
		}
		for (uint32_t i = 0; i < damage.count; i++) {
			assert_true(rect_inside(&damage.rects[i], SIDE, SIDE));
			mark(covered, &damage.rects[i]);
		}
		for (int i = 0; i < SIDE * SIDE; i++)
			assert_true(covered[i] >= wanted[i]);
	}
}

static void test_damage_does_not_grow_without_need(void **state)
{
	struct damage damage = { 0 };
	struct rect a = { 0, 0, 8, 8 }, b = { 8, 0, 8, 8 }, c = { 40, 40, 1, 1 };

	damage_add(&damage, &a);
	damage_add(&damage, &a);
	assert_int_equal(damage.count, 1);
	damage_add(&damage, &b);
	assert_int_equal(damage.count, 1);
	damage_add(&damage, &c);
	assert_int_equal(damage.count, 2);
	assert_int_equal(damage_pixels(&damage), 129);
	damage_clip(&damage, 10, 4);
	assert_int_equal(damage_pixels(&damage), 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside_and_clip),
		cmocka_unit_test(test_damage_covers_all_that_was_added),
		cmocka_unit_test(test_damage_does_not_grow_without_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
