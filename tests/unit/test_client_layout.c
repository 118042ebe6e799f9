/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <layout.h>
#include <resize.h>

#define MS UINT64_C(1000000)

static struct layout place(int window_width, int window_height, int times, int guest_width,
			   int guest_height, enum scale_mode mode)
{
	struct layout layout = { window_width, window_height, window_width * times,
				 window_height * times, guest_width, guest_height, 0, 0, 0, 0 };

	layout_place(&layout, mode);
	return layout;
}

/* Every pixel of the picture is found under the point that shows it, and nothing else is. */
static void check_exact(const struct layout *layout)
{
	for (int x = 0; x < layout->guest_width; x++) {
		int guest_x, guest_y;

		assert_true(layout_guest_pixel(layout, layout->x + x, layout->y, &guest_x,
					       &guest_y));
		assert_int_equal(guest_x, x);
		assert_int_equal(guest_y, 0);
	}
}

static void test_exact_is_exact(void **state)
{
	struct layout layout = place(801, 603, 1, 800, 600, SCALE_FIT);

	assert_true(layout_is_exact(&layout));
	check_exact(&layout);
	layout = place(1600, 900, 1, 640, 480, SCALE_NONE);
	assert_int_equal(layout.x, 480);
	check_exact(&layout);
}

static void test_fit_keeps_the_aspect(void **state)
{
	struct layout layout = place(1100, 700, 1, 800, 600, SCALE_FIT);

	assert_int_equal(layout.width, 933);
	assert_int_equal(layout.height, 700);
	assert_int_equal(layout.x, 83);
	assert_int_equal(layout.y, 0);
	layout = place(400, 1000, 1, 800, 600, SCALE_FIT);
	assert_int_equal(layout.width, 400);
	assert_int_equal(layout.height, 300);
	assert_int_equal(layout.y, 350);
}

static void test_integer_scale(void **state)
{
	struct layout layout = place(1000, 1000, 1, 300, 200, SCALE_INTEGER);

	assert_int_equal(layout.width, 900);
	assert_int_equal(layout.height, 600);
	layout = place(100, 100, 1, 300, 200, SCALE_INTEGER);
	assert_int_equal(layout.width, 100);
}

/* The middle of each scaled guest pixel finds that pixel. */
static void test_scaled_points(void **state)
{
	static const int sizes[][2] = { { 1920, 1080 }, { 1366, 768 }, { 333, 777 }, { 64, 64 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct layout layout = place(1600, 1000, 1, sizes[i][0], sizes[i][1], SCALE_FIT);

		if (layout.width < layout.guest_width)
			continue;
		for (int pixel = 0; pixel < layout.guest_width; pixel++) {
			int middle = layout.x + (int)((pixel + 0.5) * layout.width /
						      layout.guest_width);
			int x, y;

			layout_guest_pixel(&layout, middle, 500, &x, &y);
			assert_int_equal(x, pixel);
		}
	}
}

static void test_high_dpi_points(void **state)
{
	struct layout layout = place(640, 360, 2, 1280, 720, SCALE_FIT);
	int x, y;

	assert_true(layout_is_exact(&layout));
	assert_true(layout_guest_pixel(&layout, 0, 0, &x, &y));
	assert_int_equal(x, 1);
	assert_true(layout_guest_pixel(&layout, 639, 359, &x, &y));
	assert_int_equal(x, 1279);
	assert_int_equal(y, 719);
}

static void test_outside_is_the_nearest_edge(void **state)
{
	struct layout layout = place(1100, 700, 1, 800, 600, SCALE_FIT);
	int x, y;

	assert_false(layout_guest_pixel(&layout, 3, 300, &x, &y));
	assert_int_equal(x, 0);
	assert_false(layout_guest_pixel(&layout, 1099, 5000, &x, &y));
	assert_int_equal(x, 799);
	assert_int_equal(y, 599);
	assert_false(layout_guest_pixel(&layout, -5000, -1, &x, &y));
	assert_int_equal(x, 0);
}

static void test_no_picture(void **state)
{
	struct layout layout = place(100, 100, 1, 0, 0, SCALE_FIT);
	int x, y;

	assert_false(layout_guest_pixel(&layout, 3, 3, &x, &y));
	assert_int_equal(layout_absolute(0, 0), 0);
	layout = place(0, 0, 1, 800, 600, SCALE_INTEGER);
	assert_false(layout_guest_pixel(&layout, 0, 0, &x, &y));
}

/* Whichever way a guest divides, it finds the pixel that was meant. */
static void test_absolute_positions_survive_rounding(void **state)
{
	for (int extent = 1; extent <= 4096; extent += 61) {
		for (int pixel = 0; pixel < extent; pixel++) {
			int64_t position = layout_absolute(pixel, extent);

			assert_in_range(position, 0, 65535);
			assert_int_equal(position * extent / 65536, pixel);
			assert_int_equal(position * extent / 65535, pixel);
			assert_int_equal((position >> 1) * extent / 32768, pixel);
		}
	}
}

/* --- who follows whom ------------------------------------------------------------------- */

static void test_following_the_guest_asks_nothing(void **state)
{
	struct resize resize = { .enabled = true };
	uint64_t now_ns = 1000 * MS;
	int width, height;

	for (int i = 0; i < 5; i++) {
		resize_own(&resize, 640 + i, 480, now_ns);
		assert_true(resize_follows_guest(&resize));
	}
	/* The events come late, and all of them. */
	for (int i = 0; i < 5; i++)
		resize_window(&resize, 640 + i, 480, now_ns += 100 * MS);
	assert_true(resize_follows_guest(&resize));
	assert_false(resize_due(&resize, now_ns + 10000 * MS, &width, &height));
}

static void test_the_user_is_heard_once(void **state)
{
	struct resize resize = { .enabled = true };
	uint64_t now_ns = 1000 * MS;
	int width, height;

	for (int i = 0; i < 10; i++) {
		now_ns += 50 * MS;
		resize_window(&resize, 800 + i, 600, now_ns);
		assert_false(resize_due(&resize, now_ns + 100 * MS, &width, &height));
	}
	assert_true(resize_due(&resize, now_ns + 150 * MS, &width, &height));
	assert_int_equal(width, 809);
	assert_int_equal(height, 600);
	assert_false(resize_follows_guest(&resize));
	/* The guest took it; the same size again is no news. */
	resize_window(&resize, 809, 600, now_ns + 500 * MS);
	assert_false(resize_due(&resize, now_ns + 1000 * MS, &width, &height));
}

static void test_back_from_full_screen(void **state)
{
	struct resize resize = { .enabled = true };
	uint64_t now_ns = 1000 * MS;
	int width, height;

	resize_own(&resize, 800, 600, now_ns);
	resize_window(&resize, 800, 600, now_ns);
	resize_window(&resize, 1920, 1080, now_ns + 100 * MS);
	assert_true(resize_due(&resize, now_ns + 300 * MS, &width, &height));
	/* The old size was our own, but now the guest has another: it must hear of it. */
	resize_window(&resize, 800, 600, now_ns + 400 * MS);
	assert_true(resize_due(&resize, now_ns + 600 * MS, &width, &height));
	assert_int_equal(width, 800);
}

static void test_a_new_session_hears_the_users_wish(void **state)
{
	struct resize resize = { .enabled = true };
	int width, height;

	resize_forget_guest(&resize, MS);
	assert_false(resize_due(&resize, 1000 * MS, &width, &height));
	resize_ask(&resize, 900, 700, MS);
	assert_true(resize_due(&resize, MS, &width, &height));
	resize_forget_guest(&resize, 2 * MS);
	assert_true(resize_due(&resize, 2 * MS, &width, &height));
	assert_int_equal(width, 900);
}

static void test_disabled_asks_nothing(void **state)
{
	struct resize resize = { .enabled = false };
	int width, height;

	resize_ask(&resize, 900, 700, MS);
	assert_false(resize_due(&resize, 1000 * MS, &width, &height));
	resize_window(&resize, 0, -1, MS);
	assert_int_equal(resize.width, 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_is_exact),
		cmocka_unit_test(test_fit_keeps_the_aspect),
		cmocka_unit_test(test_integer_scale),
		cmocka_unit_test(test_scaled_points),
		cmocka_unit_test(test_high_dpi_points),
		cmocka_unit_test(test_outside_is_the_nearest_edge),
		cmocka_unit_test(test_no_picture),
		cmocka_unit_test(test_absolute_positions_survive_rounding),
		cmocka_unit_test(test_following_the_guest_asks_nothing),
		cmocka_unit_test(test_the_user_is_heard_once),
		cmocka_unit_test(test_back_from_full_screen),
		cmocka_unit_test(test_a_new_session_hears_the_users_wish),
		cmocka_unit_test(test_disabled_asks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
