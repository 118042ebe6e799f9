/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "display_recorder.h"

#include <base/loop.h>
#include <display/pixel_layout.h>
#include <display/screenshot.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct loop *loop;
	struct display *display;
	struct display_recorder recorder;
};

/* A frame that counts how often it was released. */
struct test_frame {
	struct display_frame base;
	unsigned int *released;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->loop = loop_create("display");
	assert_non_null(fixture->loop);
	fixture->display = display_create(fixture->loop, 2);
	assert_non_null(fixture->display);
	display_recorder_init(&fixture->recorder);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	display_recorder_finish(&fixture->recorder);
	display_destroy(fixture->display);
	loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

static void test_frame_release(struct display_frame *frame)
{
	struct test_frame *own = (struct test_frame *)frame;

	(*own->released)++;
	display_buffer_unref(frame->buffer);
	free(own);
}

static struct display_frame *frame_create(struct display_buffer *buffer, struct rect source,
					  unsigned int *released)
{
	struct test_frame *frame = calloc(1, sizeof(*frame));

	assert_non_null(frame);
	atomic_init(&frame->base.references, 1);
	frame->base.buffer = display_buffer_ref(buffer);
	frame->base.source = source;
	damage_set_full(&frame->base.damage, source.width, source.height);
	frame->base.release = test_frame_release;
	frame->released = released;
	return &frame->base;
}

/* Every pixel says where it is. */
static struct display_buffer *picture_create(uint32_t width, uint32_t height, uint32_t fourcc)
{
	struct display_buffer *buffer = display_buffer_create_host(width, height, fourcc);
	uint32_t *pixels;

	assert_non_null(buffer);
	pixels = display_buffer_host_pixels(buffer);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			pixels[y * width + x] = 0xff000000 | y << 12 | x;
	return buffer;
}

static void test_host_buffer(void **state)
{
	struct display_buffer *buffer = display_buffer_create_host(5, 3, DRM_FORMAT_XRGB8888);
	struct display_pixels pixels;

	assert_non_null(buffer);
	assert_int_equal(display_buffer_begin_read(buffer, &pixels), 0);
	assert_int_equal(pixels.iov_count, 1);
	assert_int_equal(pixels.stride_bytes, 20);
	assert_int_equal(pixels.iov[0].iov_len, 60);
	for (size_t i = 0; i < 60; i++)
		assert_int_equal(((const uint8_t *)pixels.iov[0].iov_base)[i], 0);
	display_buffer_end_read(buffer);
	display_buffer_unref(buffer);

	assert_null(display_buffer_create_host(0, 3, DRM_FORMAT_XRGB8888));
	assert_int_equal(errno, EINVAL);
	assert_null(display_buffer_create_host(1u << 31, 1u << 31, DRM_FORMAT_XRGB8888));
	assert_int_equal(errno, EINVAL);
}

/* Cuts 7 x 6 pixels with odd padding into every possible pair of pieces plus an empty one. */
static void test_pixels_in_pieces(void **state)
{
	enum { WIDTH = 7, HEIGHT = 6, STRIDE = 36, OFFSET = 13, TOTAL = OFFSET + STRIDE * HEIGHT };
	uint8_t memory[TOTAL], copy[4 * 5 * 4];
	const struct rect rect = { 2, 1, 4, 5 };

	for (size_t i = 0; i < TOTAL; i++)
		memory[i] = (uint8_t)(i * 7 + (i >> 5));
	for (size_t cut = 0; cut <= TOTAL; cut++) {
		struct iovec iov[3] = {
			{ memory, cut }, { NULL, 0 }, { memory + cut, TOTAL - cut },
		};
		struct display_pixels pixels = {
			.iov = iov, .iov_count = 3, .offset_bytes = OFFSET, .stride_bytes = STRIDE,
		};

		memset(copy, 0xee, sizeof(copy));
		display_pixels_copy(&pixels, &rect, copy, 16);
		for (size_t y = 0; y < rect.height; y++)
			assert_memory_equal(copy + y * 16, memory + OFFSET + (y + 1) * STRIDE + 8,
					    16);
	}
}

static void test_pixels_whole_rows(void **state)
{
	uint8_t memory[8 * 4 * 4], copy[8 * 4 * 3];
	struct iovec iov[3] = { { memory, 45 }, { memory + 45, 1 }, { memory + 46, 82 } };
	struct display_pixels pixels = { .iov = iov, .iov_count = 3, .stride_bytes = 32 };

	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)i;
	display_pixels_copy(&pixels, &(struct rect){ 0, 1, 8, 3 }, copy, 32);
	assert_memory_equal(copy, memory + 32, sizeof(copy));
}

static void test_commit_and_release(void **state)
{
	struct fixture *fixture = *state;
	struct display_surface *surface = display_surface_get(fixture->display, 1);
	struct display_buffer *buffer = picture_create(8, 6, DRM_FORMAT_XRGB8888);
	struct rect part = { 2, 3, 4, 2 }, source;
	unsigned int released = 0;

	fixture->recorder.hold = true;
	display_add_consumer(fixture->display, &fixture->recorder.consumer);
	assert_int_equal(fixture->recorder.added[1], 0);
	assert_null(display_surface_buffer(surface, NULL));

	display_surface_commit(surface, frame_create(buffer, part, &released));
	assert_int_equal(fixture->recorder.added[1], 1);
	assert_int_equal(fixture->recorder.frames[1], 1);
	assert_int_equal(display_recorder_pixel(&fixture->recorder, 0, 0), 0xff003002);
	assert_int_equal(display_recorder_pixel(&fixture->recorder, 3, 1), 0xff004005);
	assert_ptr_equal(display_surface_buffer(surface, &source), buffer);
	assert_memory_equal(&source, &part, sizeof(part));

	display_surface_commit(surface, frame_create(buffer, part, &released));
	assert_int_equal(fixture->recorder.added[1], 1);
	assert_int_equal(fixture->recorder.frames[1], 2);
	assert_int_equal(released, 0);
	display_recorder_release(&fixture->recorder);
	assert_int_equal(released, 2);

	display_surface_disable(surface);
	display_surface_disable(surface);
	assert_int_equal(fixture->recorder.removed[1], 1);
	assert_null(display_surface_buffer(surface, NULL));
	assert_int_equal(atomic_load(&buffer->references), 1);
	display_buffer_unref(buffer);
	display_remove_consumer(fixture->display, &fixture->recorder.consumer);
}

static void test_late_consumer(void **state)
{
	struct fixture *fixture = *state;
	struct display_surface *surface = display_surface_get(fixture->display, 0);
	struct display_buffer *buffer = picture_create(8, 6, DRM_FORMAT_XRGB8888);
	struct display_cursor cursor = { .buffer = buffer, .hot_x = 1, .hot_y = 2, .x = -3 };
	unsigned int released = 0;

	display_surface_commit(surface,
			       frame_create(buffer, (struct rect){ 0, 0, 8, 6 }, &released));
	display_surface_set_cursor(surface, &cursor);
	assert_int_equal(released, 1);

	display_add_consumer(fixture->display, &fixture->recorder.consumer);
	assert_int_equal(fixture->recorder.added[0], 1);
	assert_int_equal(fixture->recorder.added[1], 0);
	assert_int_equal(fixture->recorder.frames[0], 1);
	assert_int_equal(damage_pixels(&fixture->recorder.damage), 48);
	assert_int_equal(fixture->recorder.cursor_images, 1);
	assert_int_equal(fixture->recorder.cursor.x, -3);

	display_surface_move_cursor(surface, 7, 8);
	assert_int_equal(fixture->recorder.cursor.x, 7);
	assert_int_equal(fixture->recorder.cursor_images, 1);
	display_remove_consumer(fixture->display, &fixture->recorder.consumer);
	display_surface_move_cursor(surface, 9, 9);
	assert_int_equal(fixture->recorder.cursor.x, 7);
	display_buffer_unref(buffer);
}

struct wish_listener {
	struct display_resize_listener base;
	unsigned int calls;
	uint32_t index, width, height;
};

static void wish_listener_monitor(struct display_resize_listener *base, uint32_t index,
				  uint32_t width, uint32_t height)
{
	struct wish_listener *listener = (struct wish_listener *)base;

	listener->calls++;
	listener->index = index;
	listener->width = width;
	listener->height = height;
}

static void *wish_thread(void *data)
{
	for (uint32_t i = 1; i <= 1000; i++)
		display_set_monitor(data, 1, 640 + i, 480 + i);
	return NULL;
}

static void test_monitor_wishes(void **state)
{
	struct fixture *fixture = *state;
	struct wish_listener listener = { .base.monitor = wish_listener_monitor };
	pthread_t thread;

	display_set_resize_listener(fixture->display, &listener.base);
	display_set_monitor(fixture->display, 7, 1, 1);
	assert_int_equal(pthread_create(&thread, NULL, wish_thread, fixture->display), 0);
	while (listener.width != 1640)
		assert_true(loop_dispatch(fixture->loop, 1000) >= 0);
	pthread_join(thread, NULL);
	assert_int_equal(listener.index, 1);
	assert_int_equal(listener.height, 1480);
	assert_in_range(listener.calls, 1, 1000);

	/* The newest wins; unplugged is a wish, too. */
	listener.calls = 0;
	display_set_monitor(fixture->display, 0, 100, 100);
	display_set_monitor(fixture->display, 0, 0, 0);
	while (listener.calls == 0)
		assert_true(loop_dispatch(fixture->loop, 1000) >= 0);
	assert_int_equal(listener.calls, 1);
	assert_int_equal(listener.width, 0);
}

/* A wish still on its way when its display goes away must not touch it. */
static void test_monitor_wish_outlives_display(void **state)
{
	struct fixture *fixture = *state;
	struct wish_listener listener = { .base.monitor = wish_listener_monitor };
	struct display *display = display_create(fixture->loop, 1);

	assert_non_null(display);
	display_set_resize_listener(display, &listener.base);
	display_set_monitor(display, 0, 800, 600);
	display_destroy(display);
	loop_dispatch(fixture->loop, 0);
	assert_int_equal(listener.calls, 0);
}

static void test_screenshot(void **state)
{
	struct fixture *fixture = *state;
	struct display_surface *surface = display_surface_get(fixture->display, 0);
	struct display_buffer *buffer = picture_create(8, 6, DRM_FORMAT_XRGB8888);
	struct display_buffer *arrow = display_buffer_create_host(3, 3, DRM_FORMAT_ABGR8888);
	struct display_cursor cursor = { .buffer = arrow, .hot_x = 1, .hot_y = 1, .x = 0, .y = 5 };
	struct display_screenshot shot;
	unsigned int released = 0;
	uint32_t *image = display_buffer_host_pixels(arrow), pixel;

	assert_int_equal(display_screenshot_take(fixture->display, 0, false, &shot), -ENODATA);
	assert_int_equal(display_screenshot_take(fixture->display, 2, false, &shot), -ENODEV);
	display_surface_commit(surface,
			       frame_create(buffer, (struct rect){ 1, 0, 7, 6 }, &released));
	image[1] = 0xff0000fe;           /* opaque red in ABGR */
	image[5] = 0x80400000;           /* half transparent blue: premultiplied */
	display_surface_set_cursor(surface, &cursor);

	assert_int_equal(display_screenshot_take(fixture->display, 0, false, &shot), 0);
	assert_int_equal(shot.width, 7);
	assert_int_equal(shot.pixel_bytes, 7 * 6 * 4);
	memcpy(&pixel, shot.pixels + 4 * shot.stride_bytes, 4);
	assert_int_equal(pixel, 0xff004001);
	display_screenshot_finish(&shot);

	/* The hotspot is at (0, 5): column 0 of the image is left of the picture. */
	assert_int_equal(display_screenshot_take(fixture->display, 0, true, &shot), 0);
	memcpy(&pixel, shot.pixels + 4 * shot.stride_bytes, 4);
	assert_int_equal(pixel, 0xfffe0000);
	memcpy(&pixel, shot.pixels + 5 * shot.stride_bytes + 4, 4);
	assert_int_equal(pixel, 0xff002841);     /* 0x005002 halved, plus blue 0x40 */
	display_screenshot_finish(&shot);
	display_buffer_unref(arrow);
	display_buffer_unref(buffer);
}

static void test_screenshot_from_other_thread(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = picture_create(8, 6, DRM_FORMAT_XRGB8888);
	struct display_screenshot shot;
	unsigned int released = 0;

	display_surface_commit(display_surface_get(fixture->display, 0),
			       frame_create(buffer, (struct rect){ 0, 0, 8, 6 }, &released));
	display_buffer_unref(buffer);
	assert_int_equal(loop_start(fixture->loop), 0);
	assert_int_equal(display_screenshot_take(fixture->display, 0, true, &shot), 0);
	assert_int_equal(shot.height, 6);
	display_screenshot_finish(&shot);
	loop_stop(fixture->loop);
}

static void test_pixel_layouts(void **state)
{
	const struct pixel_layout *layout = pixel_layout_find(DRM_FORMAT_BGRX8888);

	assert_non_null(layout);
	assert_int_equal(layout->blue, 24);
	assert_int_equal(layout->fourcc_alpha, DRM_FORMAT_BGRA8888);
	assert_false(layout->has_alpha);
	assert_null(pixel_layout_find(DRM_FORMAT_RGB565));
}

static void test_bad_arguments(void **state)
{
	struct fixture *fixture = *state;

	assert_null(display_create(fixture->loop, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(display_create(fixture->loop, DISPLAY_MAX_SURFACES + 1));
	assert_null(display_surface_get(fixture->display, 2));
	assert_int_equal(display_surface_count(fixture->display), 2);
	assert_ptr_equal(display_loop(fixture->display), fixture->loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_buffer),
		cmocka_unit_test(test_pixels_in_pieces),
		cmocka_unit_test(test_pixels_whole_rows),
		cmocka_unit_test(test_pixel_layouts),
		cmocka_unit_test_setup_teardown(test_commit_and_release, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_consumer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor_wishes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor_wish_outlives_display, setup, teardown),
		cmocka_unit_test_setup_teardown(test_screenshot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_screenshot_from_other_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_arguments, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
