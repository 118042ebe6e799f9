/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <ivshmem/cursor.h>
#include <ivshmem/segment.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct segment *segment;
	struct cursor_writer *writer;
	struct cursor_reader *reader;
	struct cursor_section *section;
};

static int setup(void **state)
{
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->segment = segment_create_memfd(&config);
	assert_non_null(fixture->segment);
	fixture->writer = cursor_writer_create(fixture->segment, 0);
	assert_non_null(fixture->writer);
	fixture->reader = cursor_reader_create(fixture->segment, 0);
	assert_non_null(fixture->reader);
	fixture->section = segment_find(fixture->segment, SEGMENT_SECTION_CURSOR, 0, NULL);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cursor_reader_destroy(fixture->reader);
	cursor_writer_destroy(fixture->writer);
	segment_destroy(fixture->segment);
	free(fixture);
	return 0;
}

static void set_image(struct cursor_writer *writer, uint32_t extent, uint32_t colour)
{
	static uint32_t pixels[CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT];
	const struct cursor_image image = {
		.width = extent, .height = extent, .hot_x = colour, .hot_y = colour,
		.fourcc = VIDEO_FOURCC_ARGB8888, .pixels = pixels,
	};

	for (uint32_t i = 0; i < extent * extent; i++)
		pixels[i] = colour;
	assert_int_equal(cursor_writer_set_image(writer, &image), 0);
}

static void test_image_and_moves(void **state)
{
	struct fixture *fixture = *state;
	struct cursor_state cursor;

	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_false(cursor.visible);
	assert_false(cursor.image_changed);
	set_image(fixture->writer, 64, 7);
	cursor_writer_move(fixture->writer, -3, 40, true);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_true(cursor.visible);
	assert_true(cursor.moved);
	assert_true(cursor.image_changed);
	assert_int_equal(cursor.x, -3);
	assert_int_equal(cursor.image.width, 64);
	assert_int_equal(cursor.image.hot_x, 7);
	assert_int_equal(cursor.image.pixels[64 * 64 - 1], 7);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 0);
	assert_false(cursor.moved);
	assert_int_equal(cursor.image.pixels[0], 7);
	cursor_writer_move(fixture->writer, -2, 40, true);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_true(cursor.moved);
	assert_false(cursor.image_changed);
	cursor_writer_move(fixture->writer, -2, 40, false);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_true(cursor.moved);
	assert_false(cursor.visible);
	cursor_reader_forget(fixture->reader);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_true(cursor.image_changed);
}

static void test_too_large_is_hidden(void **state)
{
	struct fixture *fixture = *state;
	const struct cursor_image image = { .width = 257, .height = 1 };
	struct cursor_state cursor;

	set_image(fixture->writer, 2, 1);
	cursor_writer_move(fixture->writer, 0, 0, true);
	assert_int_equal(cursor_writer_set_image(fixture->writer, &image), -EINVAL);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_false(cursor.visible);
}

static void test_lies(void **state)
{
	struct fixture *fixture = *state;
	struct cursor_state cursor;

	set_image(fixture->writer, 8, 1);
	fixture->section->width = CURSOR_MAX_EXTENT + 1;
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), -EPROTO);
	fixture->section->width = 0;
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), -EPROTO);
	fixture->section->width = 8;
	fixture->section->height = UINT32_MAX;
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), -EPROTO);
	fixture->section->height = 8;
	fixture->section->fourcc = 5;
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), -EPROTO);
	fixture->section->lock |= 1;
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), -EAGAIN);
	/* A client's scribbles are gone with the next update. */
	memset(fixture->section, 0xa5, sizeof(*fixture->section));
	set_image(fixture->writer, 8, 9);
	cursor_writer_move(fixture->writer, 1, 2, true);
	assert_int_equal(cursor_reader_read(fixture->reader, &cursor), 1);
	assert_int_equal(cursor.image.pixels[63], 9);
}

#define RACE_IMAGES 20000

static void *race_writer(void *data)
{
	struct cursor_writer *writer = data;

	for (uint32_t i = 1; i <= RACE_IMAGES; i++) {
		set_image(writer, 1 + i % 48, i);
		cursor_writer_move(writer, (int32_t)i, -(int32_t)i, true);
	}
	return NULL;
}

/* Size, hotspot, every pixel and both coordinates always belong together. */
static void test_race(void **state)
{
	struct fixture *fixture = *state;
	struct cursor_state cursor;
	pthread_t thread;
	uint32_t last = 0;

	assert_int_equal(pthread_create(&thread, NULL, race_writer, fixture->writer), 0);
	while (last < RACE_IMAGES) {
		int result = cursor_reader_read(fixture->reader, &cursor);
		uint32_t image = cursor.image.hot_x;

		if (result == -EAGAIN || !image)
			continue;
		assert_true(result >= 0);
		assert_true(image >= last);
		assert_int_equal(cursor.image.width, 1 + image % 48);
		assert_int_equal(cursor.image.hot_y, image);
		assert_int_equal(cursor.x, -cursor.y);
		for (uint32_t i = 0; i < cursor.image.width * cursor.image.height; i++)
			if (cursor.image.pixels[i] != image)
				fail_msg("pixel %u is of image %u, not %u", i,
					 cursor.image.pixels[i], image);
		last = image;
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_image_and_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large_is_hidden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
