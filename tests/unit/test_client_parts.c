/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cursor_image.h>
#include <dir_watch.h>
#include <font.h>
#include <ivshmem/abi.h>
#include <poll.h>
#include <settle.h>
#include <stats.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define WIDTH 320
#define HEIGHT 200

/* --- settle ----------------------------------------------------------------------------- */

static uint32_t picture[WIDTH * HEIGHT];

static void paint(int x, int y, int width, int height, uint32_t colour)
{
	for (int row = y; row < y + height; row++) {
		for (int column = x; column < x + width; column++)
			picture[row * WIDTH + column] = colour;
	}
}

static void feed(struct settle *settle, uint64_t now_ns)
{
	assert_int_equal(settle_feed(settle, picture, WIDTH, HEIGHT, WIDTH, now_ns), 0);
}

static void test_settle_waits_for_a_still_picture(void **state)
{
	struct settle settle;

	settle_init(&settle, 3 * SECOND);
	assert_false(settle_is_done(&settle, 100 * SECOND));
	paint(0, 0, WIDTH, HEIGHT, 0x203040);
	feed(&settle, 1 * SECOND);
	assert_false(settle_is_done(&settle, 100 * SECOND));
	assert_string_equal(settle_reason(&settle), "the picture is of one colour");
	paint(10, 10, 200, 100, 0xffffff);
	feed(&settle, 2 * SECOND);
	assert_false(settle_is_done(&settle, 5 * SECOND - 1));
	assert_true(settle_is_done(&settle, 5 * SECOND));
	settle_finish(&settle);
}

static void test_settle_ignores_a_clock_but_not_a_window(void **state)
{
	struct settle settle;

	settle_init(&settle, 3 * SECOND);
	paint(0, 0, WIDTH, HEIGHT, 0x203040);
	paint(10, 10, 200, 100, 0xffffff);
	feed(&settle, 1 * SECOND);
	for (uint32_t i = 0; i < 10; i++) {
		paint(WIDTH - 40, 0, 40, 14, i * 0x10101);
		/* What the X of a pixel says does not count. */
		picture[5] ^= 0xff000000;
		feed(&settle, 1 * SECOND + i * SECOND / 4);
	}
	assert_true(settle_is_done(&settle, 4 * SECOND));
	paint(0, 100, 160, 100, 0x00ff00);
	feed(&settle, 4 * SECOND);
	assert_false(settle_is_done(&settle, 6 * SECOND));
	assert_true(settle_is_done(&settle, 7 * SECOND));
	settle_finish(&settle);
}

static void test_settle_waits_longer_for_a_picture_with_little_in_it(void **state)
{
	struct settle settle;

	settle_init(&settle, 3 * SECOND);
	paint(0, 0, WIDTH, HEIGHT, 0);
	paint(0, HEIGHT - 32, WIDTH, 32, 0x303030);
	feed(&settle, 1 * SECOND);
	assert_false(settle_is_done(&settle, 25 * SECOND - 1));
	assert_true(settle_is_done(&settle, 25 * SECOND));
	paint(0, 0, WIDTH, HEIGHT - 32, 0x104060);
	paint(0, 0, 1, 1, 0);
	feed(&settle, 26 * SECOND);
	assert_false(settle_is_done(&settle, 29 * SECOND - 1));
	assert_true(settle_is_done(&settle, 29 * SECOND));
	settle_finish(&settle);
}

/* Many tiny changes in different places add up. */
static void test_settle_sees_slow_drawing(void **state)
{
	struct settle settle;
	uint64_t now_ns = SECOND;

	settle_init(&settle, 3 * SECOND);
	paint(0, 0, WIDTH, HEIGHT, 0x203040);
	paint(0, 0, 100, 100, 0xffffff);
	feed(&settle, now_ns);
	for (int line = 0; line < 12; line++) {
		paint(0, line * 16, WIDTH / 2, 16, 0xa0a0a0);
		feed(&settle, now_ns += SECOND);
		assert_false(settle_is_done(&settle, now_ns));
	}
	settle_finish(&settle);
}

/* --- cursor pictures -------------------------------------------------------------------- */

static void test_cursor_formats(void **state)
{
	uint32_t pixels[2] = { 0x80402010, 0x00ffffff };

	cursor_image_convert(pixels, pixels, 2, VIDEO_FOURCC_ABGR8888);
	assert_int_equal(pixels[0], 0x80102040);
	assert_int_equal(pixels[1], 0);
	pixels[0] = 0x00402010;
	cursor_image_convert(pixels, pixels, 1, VIDEO_FOURCC_XRGB8888);
	assert_int_equal(pixels[0], 0xff402010);
	pixels[0] = 0x80804020;
	cursor_image_straighten(pixels, pixels, 2);
	assert_int_equal(pixels[0], 0x80ff8040);
	assert_int_equal(pixels[1], 0);
}

static void test_cursor_scaling(void **state)
{
	const uint32_t from[4] = { 0xff000000, 0xffffffff, 0xffffffff, 0xff000000 };
	uint32_t to[16];

	cursor_image_scale(to, 4, 4, from, 2, 2);
	assert_int_equal(to[0], 0xff000000);
	assert_int_equal(to[1], 0xff000000);
	assert_int_equal(to[2], 0xffffffff);
	assert_int_equal(to[15], 0xff000000);
	cursor_image_scale(to, 1, 1, from, 2, 2);
	assert_int_equal(to[0], 0xff808080);
	cursor_image_scale(to, 3, 2, from, 2, 2);
	assert_int_equal(to[1], 0xff808080);
}

/* --- text ------------------------------------------------------------------------------- */

static void test_font(void **state)
{
	const char *text = "A\xe2\x80\xa6\xf0\x9f\x98\x80\x01 \xc3";
	uint8_t cell[64 * 64];
	int width, height;

	assert_int_equal(font_next_glyph(&text), 'A' - ' ');
	assert_int_equal(font_next_glyph(&text), 95);
	assert_int_equal(font_next_glyph(&text), '?' - ' ');
	assert_int_equal(font_next_glyph(&text), '?' - ' ');
	assert_int_equal(font_next_glyph(&text), 0);
	assert_int_equal(font_next_glyph(&text), '?' - ' ');
	assert_int_equal(*text, 0);
	font_cell(9, &width, &height);
	assert_in_range(width, 6, 64);
	for (int glyph = 0; glyph < FONT_GLYPHS; glyph++) {
		int ink = 0;

		font_draw_cell(glyph, 9, cell, 64);
		for (int y = 0; y < height; y++) {
			/* Letters do not touch their neighbours. */
			assert_int_equal(cell[y * 64 + width - 1], 0);
			for (int x = 0; x < width; x++)
				ink += cell[y * 64 + x] > 128;
		}
		assert_true(glyph == 0 ? ink == 0 : ink > 0);
	}
}

static void test_stats(void **state)
{
	struct stats stats = { .second_start_ns = SECOND };
	char text[128];

	for (uint64_t i = 0; i < 50; i++)
		stats_shown(&stats, SECOND + i, SECOND + i - 2000000, i / 10);
	assert_false(stats_roll(&stats, SECOND + SECOND / 2));
	assert_true(stats_roll(&stats, 2 * SECOND));
	stats_format(&stats, text, sizeof(text));
	assert_string_equal(text, "50.0 fps   2.00 ms (max 2.00)   4 dropped");
	/* A clock that does not compare, or a stamp from the future, is no latency. */
	stats_shown(&stats, 2 * SECOND, 0, 4);
	stats_shown(&stats, 2 * SECOND, 9 * SECOND, 4);
	assert_true(stats_roll(&stats, 3 * SECOND));
	stats_format(&stats, text, sizeof(text));
	assert_string_equal(text, "2.0 fps   0 dropped");
}

/* --- waiting for a path ----------------------------------------------------------------- */

static bool news(struct dir_watch *watch)
{
	struct pollfd ready = { .fd = dir_watch_fd(watch), .events = POLLIN };

	return poll(&ready, 1, 0) == 1 && dir_watch_read(watch);
}

static void touch(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fclose(file);
}

static void test_dir_watch_follows_the_path_down(void **state)
{
	char base[] = "/tmp/vitrine-test-XXXXXX", path[128], deeper[128], other[128];
	struct dir_watch *watch;

	assert_non_null(mkdtemp(base));
	snprintf(deeper, sizeof(deeper), "%s/one", base);
	snprintf(path, sizeof(path), "%s/one/socket", base);
	snprintf(other, sizeof(other), "%s/other", base);
	watch = dir_watch_create(path);
	assert_non_null(watch);
	assert_int_equal(dir_watch_arm(watch), 0);
	touch(other);
	assert_false(news(watch));
	assert_int_equal(mkdir(deeper, 0700), 0);
	assert_true(news(watch));
	assert_int_equal(dir_watch_arm(watch), 0);
	assert_false(news(watch));
	touch(path);
	assert_true(news(watch));
	/* The directory goes, and comes back. */
	unlink(path);
	rmdir(deeper);
	assert_true(news(watch));
	assert_int_equal(dir_watch_arm(watch), 0);
	assert_int_equal(mkdir(deeper, 0700), 0);
	assert_true(news(watch));
	dir_watch_destroy(watch);
	rmdir(deeper);
	unlink(other);
	rmdir(base);
	assert_null(dir_watch_create("relative/path"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle_waits_for_a_still_picture),
		cmocka_unit_test(test_settle_ignores_a_clock_but_not_a_window),
		cmocka_unit_test(test_settle_waits_longer_for_a_picture_with_little_in_it),
		cmocka_unit_test(test_settle_sees_slow_drawing),
		cmocka_unit_test(test_cursor_formats),
		cmocka_unit_test(test_cursor_scaling),
		cmocka_unit_test(test_font),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_dir_watch_follows_the_path_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
