/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gpu_rig.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define UPDATE VIRTIO_GPU_CMD_UPDATE_CURSOR
#define MOVE VIRTIO_GPU_CMD_MOVE_CURSOR

static const struct rect all = { 0, 0, 16, 16 };

/* Scanout 0 is on with resource 1; resource 2 is a cursor. */
static struct gpu_rig *show(void **state)
{
	struct gpu_rig *rig = *state;

	gpu_rig_picture(rig, 1, 16, 16);
	gpu_rig_picture(rig, 2, 64, 64);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, all), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, all), OK);
	return rig;
}

static void assert_cursor_image(struct gpu_rig *rig, uint32_t id)
{
	for (uint32_t i = 0; i < 64 * 64; i++)
		assert_int_equal(rig->recorder.cursor_pixels[i], gpu_rig_pixel(id, i % 64, i / 64));
}

static void test_update_and_move(void **state)
{
	struct gpu_rig *rig = show(state);

	/* The wire has the image's corner, the display the hotspot. */
	gpu_rig_send_cursor(rig, UPDATE, 0, 2, 100, -7, 5, 9);
	assert_int_equal(rig->recorder.cursor_images, 1);
	assert_int_equal(rig->recorder.cursor.x, 105);
	assert_int_equal(rig->recorder.cursor.y, 2);
	assert_int_equal(rig->recorder.cursor.hot_x, 5);
	/* The resource is XRGB8888, as Linux makes it; a cursor has alpha. */
	assert_int_equal(rig->recorder.cursor.buffer->fourcc, DRM_FORMAT_ARGB8888);
	assert_cursor_image(rig, 2);

	gpu_rig_send_cursor(rig, MOVE, 0, 2, -20, 30, 0, 0);
	assert_int_equal(rig->recorder.cursor_images, 1);
	assert_int_equal(rig->recorder.cursor.x, -15);
	assert_int_equal(rig->recorder.cursor.y, 39);

	gpu_rig_send_cursor(rig, UPDATE, 0, 0, 0, 0, 0, 0);
	assert_int_equal(rig->recorder.cursor_images, 2);
	assert_null(rig->recorder.cursor.buffer);
}

/* The copy is made at the update: the resource may change or go. */
static void test_image_is_a_copy(void **state)
{
	struct gpu_rig *rig = show(state);
	const struct display_cursor *cursor =
		display_surface_cursor(display_surface_get(rig->display, 0));
	struct display_pixels pixels;

	gpu_rig_send_cursor(rig, UPDATE, 0, 2, 0, 0, 0, 0);
	assert_int_equal(gpu_rig_unref(rig, 2), OK);
	assert_non_null(cursor->buffer);
	assert_int_equal(display_buffer_begin_read(cursor->buffer, &pixels), 0);
	assert_int_equal(((uint32_t *)pixels.iov[0].iov_base)[65], gpu_rig_pixel(2, 1, 1));
	display_buffer_end_read(cursor->buffer);
}

static void test_blob_cursor(void **state)
{
	struct gpu_rig *rig = show(state);
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	uint64_t gpa = fake_memory_alloc(memory, 64 * 64 * 4, 4096);
	struct fake_buffer pieces[2] = { { gpa, 6001, false }, { gpa + 6001, 10383, false } };

	gpu_rig_fill(rig, gpa, 9, 64, 64, 256);
	assert_int_equal(gpu_rig_create_blob(rig, 9, 16384, pieces, 2), OK);
	gpu_rig_send_cursor(rig, UPDATE, 0, 9, 3, 3, 1, 1);
	assert_int_equal(rig->recorder.cursor_images, 1);
	assert_int_equal(rig->recorder.cursor.buffer->fourcc, DRM_FORMAT_ARGB8888);
	assert_cursor_image(rig, 9);
}

static void test_broken(void **state)
{
	struct gpu_rig *rig = show(state);
	uint64_t gpa = fake_memory_alloc(fake_guest_memory(rig->guest), 16384, 4096);
	struct fake_buffer piece = { .gpa = gpa, .bytes = 16384 };

	assert_int_equal(gpu_rig_create_blob(rig, 9, 16383, &piece, 1), OK);
	assert_int_equal(gpu_rig_create_blob(rig, 10, 16384, NULL, 0), OK);
	gpu_rig_send_cursor(rig, UPDATE, 2, 2, 0, 0, 0, 0);             /* no such scanout */
	gpu_rig_send_cursor(rig, MOVE, UINT32_MAX, 2, 0, 0, 0, 0);
	gpu_rig_send_cursor(rig, UPDATE, 0, 77, 0, 0, 0, 0);            /* no such resource */
	gpu_rig_send_cursor(rig, UPDATE, 0, 1, 0, 0, 0, 0);             /* 16 x 16 */
	gpu_rig_send_cursor(rig, UPDATE, 0, 9, 0, 0, 0, 0);             /* a byte short */
	gpu_rig_send_cursor(rig, UPDATE, 0, 10, 0, 0, 0, 0);            /* no pages */
	gpu_rig_send_cursor(rig, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0, 0, 0, 0, 0, 0);
	assert_int_equal(rig->recorder.cursors, 0);
	/* A hotspot outside of the image moves into it; the image stays where it is. */
	gpu_rig_send_cursor(rig, UPDATE, 0, 2, 7, 8, 64, UINT32_MAX);
	assert_int_equal(rig->recorder.cursor_images, 1);
	assert_int_equal(rig->recorder.cursor.hot_x, 63);
	assert_int_equal(rig->recorder.cursor.hot_y, 63);
	assert_int_equal(rig->recorder.cursor.x, 70);
	assert_int_equal(rig->recorder.cursor.y, 71);
	gpu_rig_send_cursor(rig, UPDATE, 0, 2, INT32_MAX, INT32_MIN, 63, 63);
	assert_int_equal(rig->recorder.cursor_images, 2);
}

/* A driver that leaves room gets an answer; cursor commands belong on their own queue. */
static void test_answers(void **state)
{
	struct gpu_rig *rig = show(state);
	struct virtio_gpu_update_cursor command = {
		.hdr = { .type = UPDATE, .flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = 5 },
		.resource_id = 77,
	};
	struct virtio_gpu_ctrl_hdr answer;

	assert_int_equal(fake_queue_request(rig->cursor, &command, sizeof(command), &answer,
					    sizeof(answer)), sizeof(answer));
	assert_int_equal(answer.type, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(answer.fence_id, 5);
	assert_int_equal(fake_queue_request(rig->cursor, &command, sizeof(command) - 1, &answer,
					    sizeof(answer)), sizeof(answer));
	assert_int_equal(answer.type, VIRTIO_GPU_RESP_ERR_UNSPEC);
	command.resource_id = 2;
	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), NULL, 0),
			 VIRTIO_GPU_RESP_ERR_UNSPEC);
}

/* Linux turns a screen off and on in a mode set and says nothing about its cursor again. */
static void test_survives_a_mode_set(void **state)
{
	struct gpu_rig *rig = show(state);

	gpu_rig_send_cursor(rig, UPDATE, 0, 2, 10, 10, 1, 1);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 0, all), OK);
	assert_null(display_surface_cursor(display_surface_get(rig->display, 0))->buffer);
	gpu_rig_send_cursor(rig, MOVE, 0, 2, 20, 20, 1, 1);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, all), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, all), OK);
	assert_int_equal(rig->recorder.cursor_images, 2);
	assert_int_equal(rig->recorder.cursor.x, 21);
	assert_cursor_image(rig, 2);

	/* A reboot does make it go. */
	fake_guest_stop(rig->guest);
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	gpu_rig_picture(rig, 1, 16, 16);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, all), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, all), OK);
	assert_int_equal(rig->recorder.cursor_images, 2);
}

#define RIG_TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, gpu_rig_setup, gpu_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_update_and_move),
		RIG_TEST(test_image_is_a_copy),
		RIG_TEST(test_blob_cursor),
		RIG_TEST(test_broken),
		RIG_TEST(test_answers),
		RIG_TEST(test_survives_a_mode_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
