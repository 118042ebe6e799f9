/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 2D resources, transfers, scanouts and flushes. */
#include "gpu_rig.h"

#include <base/clock.h>
#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BGRX VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

static void test_create_limits(void **state)
{
	struct gpu_rig *rig = *state;

	assert_int_equal(gpu_rig_create_2d(rig, 0, BGRX, 8, 8),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_create_2d(rig, 1, 5, 8, 8), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 0, 8),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 8, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 16385, 8),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	/* 65536 * 65536 * 4 is 0 in 32 bits, and 2^31 * 2^31 * 4 in 64. */
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 65536, 65536),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 1u << 31, 1u << 31),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 16384, 1), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 8, 8),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	/* The same bucket of the table. */
	assert_int_equal(gpu_rig_create_2d(rig, 1025, BGRX, 8, 8), OK);
	assert_int_equal(gpu_rig_unref(rig, 1), OK);
	assert_int_equal(gpu_rig_unref(rig, 1), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_unref(rig, 0), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_unref(rig, 1025), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 8, 8), OK);
}

static void test_host_memory_limit(void **state)
{
	struct gpu_rig *rig = *state;

	/* 256 MiB are four pictures of 4096 x 4096. */
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(gpu_rig_create_2d(rig, id, BGRX, 4096, 4096), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 5, BGRX, 1, 1), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(gpu_rig_unref(rig, 3), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 5, BGRX, 4096, 4095), OK);
	/* A list of pages is host memory, too: 16 KiB are left. */
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(gpu_rig_create_2d(rig, 10 + i, BGRX, 512, 1), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 20, BGRX, 1, 1), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(gpu_rig_attach(rig, 10,
					&(struct fake_buffer){
						fake_memory_alloc(fake_guest_memory(rig->guest),
								  2048, 4),
						2048, false },
					1),
			 VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	/* A reboot gives everything back. */
	fake_guest_stop(rig->guest);
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(gpu_rig_create_2d(rig, id, BGRX, 4096, 4096), OK);
}

static void test_resource_count_limit(void **state)
{
	struct gpu_config config;
	struct gpu_rig *rig;

	gpu_config_init(&config);
	config.max_resources = 3;
	rig = gpu_rig_create(&config);
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(gpu_rig_create_2d(rig, id, BGRX, 1, 1), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 4, BGRX, 1, 1), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	assert_int_equal(gpu_rig_unref(rig, 2), OK);
	assert_int_equal(gpu_rig_create_2d(rig, 4, BGRX, 1, 1), OK);
	gpu_rig_destroy(rig);
}

static void test_attach_broken(void **state)
{
	struct gpu_rig *rig = *state;
	uint64_t gpa = fake_memory_alloc(fake_guest_memory(rig->guest), 4096, 4096);
	struct fake_buffer piece = { .gpa = gpa, .bytes = 4096 };
	struct fake_buffer hole = { .gpa = FAKE_MEMORY_HOLE - 8, .bytes = 16 };
	struct fake_buffer wraps = { .gpa = UINT64_MAX - 7, .bytes = 16 };
	struct virtio_gpu_resource_attach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = 1,
		.nr_entries = 1,
	};

	assert_int_equal(gpu_rig_attach(rig, 1, &piece, 1),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 32, 32), OK);
	assert_int_equal(gpu_rig_detach(rig, 1), VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(gpu_rig_attach(rig, 1, &hole, 1), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_attach(rig, 1, &wraps, 1), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	/* Announces more than the chain has; 2^28 * 16 is 0 in 32 bits. */
	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), NULL, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	command.nr_entries = 1u << 28;
	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), NULL, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 32, 32 }, 0),
			 VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(gpu_rig_attach(rig, 1, &piece, 1), OK);
	assert_int_equal(gpu_rig_attach(rig, 1, &piece, 1), VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(gpu_rig_detach(rig, 1), OK);
	assert_int_equal(gpu_rig_detach(rig, 2), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_attach(rig, 1, &piece, 1), OK);
}

static void test_transfer_broken(void **state)
{
	struct gpu_rig *rig = *state;
	const uint32_t parameter = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

	gpu_rig_picture(rig, 1, 32, 16);
	assert_int_equal(gpu_rig_transfer(rig, 2, (struct rect){ 0, 0, 1, 1 }, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 33, 1 }, 0), parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 0, 0 }, 0), parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 31, 15, 2, 1 }, 0), parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ UINT32_MAX, 0, 2, 1 }, 0),
			 parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 1, 1, UINT32_MAX, UINT32_MAX }, 0),
			 parameter);
	/* The last row ends one pixel behind the backing. */
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 32, 16 }, 4), parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 1, 1 }, 32 * 16 * 4 - 3),
			 parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 1, 1 }, UINT64_MAX),
			 parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 1, 1 }, UINT64_MAX - 3),
			 parameter);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 1, 1 }, 32 * 16 * 4 - 4),
			 OK);
}

static void test_pixels_reach_the_consumer(void **state)
{
	struct gpu_rig *rig = *state;
	uint64_t before_ns = clock_now_ns();

	gpu_rig_picture(rig, 7, 40, 30);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 7, (struct rect){ 0, 0, 40, 30 }), OK);
	assert_int_equal(rig->recorder.added[0], 0);
	assert_int_equal(gpu_rig_flush(rig, 7, (struct rect){ 3, 4, 5, 6 }), OK);
	assert_int_equal(rig->recorder.added[0], 1);
	assert_int_equal(rig->recorder.frames[0], 1);
	/* The first flush shows all, the next one what it names. */
	assert_int_equal(damage_pixels(&rig->recorder.damage), 40 * 30);
	assert_in_range(rig->recorder.flush_ns, before_ns, clock_now_ns());
	for (uint32_t y = 0; y < 30; y++)
		for (uint32_t x = 0; x < 40; x++)
			assert_int_equal(display_recorder_pixel(&rig->recorder, x, y),
					 gpu_rig_pixel(7, x, y));
	assert_int_equal(gpu_rig_flush(rig, 7, (struct rect){ 3, 4, 5, 6 }), OK);
	assert_int_equal(rig->recorder.damage.count, 1);
	assert_memory_equal(&rig->recorder.damage.rects[0], (&(struct rect){ 3, 4, 5, 6 }),
			    sizeof(struct rect));
}

/* Part of a picture from odd pieces: the offset is its own first pixel, rows a resource's apart. */
static void test_transfer_part_from_pieces(void **state)
{
	struct gpu_rig *rig = *state;
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	const uint32_t width = 20, height = 10, bytes = width * height * 4;
	const uint32_t sizes[] = { 1, 2, 81, 3, 0, 250, 7, 300, 156 };
	struct fake_buffer pieces[9];
	uint8_t content[20 * 10 * 4];
	uint32_t at = 0;

	for (uint32_t i = 0; i < bytes; i++)
		content[i] = (uint8_t)(i * 13 + (i >> 8));
	for (int i = 0; i < 9; i++) {
		/* Not one behind the other: each is allocated with a gap. */
		pieces[i].gpa = fake_memory_alloc(memory, sizes[i] + 64, 32) + 1;
		pieces[i].bytes = sizes[i];
		fake_memory_write(memory, pieces[i].gpa, content + at, sizes[i]);
		at += sizes[i];
	}
	assert_int_equal(at, bytes);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, width, height), OK);
	assert_int_equal(gpu_rig_attach(rig, 1, pieces, 9), OK);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 5, 2, 11, 7 },
					  2 * width * 4 + 5 * 4), OK);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, (struct rect){ 0, 0, width, height }), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, width, height }), OK);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			bool inside = x >= 5 && x < 16 && y >= 2 && y < 9;
			uint32_t wanted = 0;

			if (inside)
				memcpy(&wanted, content + (y * width + x) * 4, 4);
			assert_int_equal(display_recorder_pixel(&rig->recorder, x, y), wanted);
		}
	/* The whole in one go, over all pieces. */
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, width, height }, 0), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, width, height }), OK);
	assert_memory_equal(rig->recorder.pixels, content, bytes);
}

/* Across the border of two regions of guest RAM. */
static void test_backing_over_two_regions(void **state)
{
	struct gpu_rig *rig = *state;
	const uint64_t gpa = FAKE_MEMORY_BORDER - 512;
	struct fake_buffer piece = { .gpa = gpa, .bytes = 1024 };
	uint32_t pixels[256];

	for (uint32_t i = 0; i < 256; i++)
		pixels[i] = i * 0x01010101u;
	fake_memory_write(fake_guest_memory(rig->guest), gpa, pixels, 512);
	fake_memory_write(fake_guest_memory(rig->guest), FAKE_MEMORY_BORDER, pixels + 128, 512);
	assert_int_equal(gpu_rig_create_2d(rig, 1, BGRX, 16, 16), OK);
	assert_int_equal(gpu_rig_attach(rig, 1, &piece, 1), OK);
	assert_int_equal(gpu_rig_transfer(rig, 1, (struct rect){ 0, 0, 16, 16 }, 0), OK);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, (struct rect){ 0, 0, 16, 16 }), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, 16, 16 }), OK);
	assert_memory_equal(rig->recorder.pixels, pixels, sizeof(pixels));
}

static void test_all_formats(void **state)
{
	static const struct {
		uint32_t format, fourcc;
	} formats[] = {
		{ VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, DRM_FORMAT_ARGB8888 },
		{ VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, DRM_FORMAT_XRGB8888 },
		{ VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, DRM_FORMAT_BGRA8888 },
		{ VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, DRM_FORMAT_BGRX8888 },
		{ VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, DRM_FORMAT_ABGR8888 },
		{ VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, DRM_FORMAT_RGBX8888 },
		{ VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, DRM_FORMAT_RGBA8888 },
		{ VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, DRM_FORMAT_XBGR8888 },
	};
	struct gpu_rig *rig = *state;

	for (uint32_t i = 0; i < 8; i++) {
		struct display_buffer *shown;

		assert_int_equal(gpu_rig_create_2d(rig, 1 + i, formats[i].format, 16, 16), OK);
		assert_int_equal(gpu_rig_set_scanout(rig, 0, 1 + i, (struct rect){ 0, 0, 16, 16 }),
				 OK);
		assert_int_equal(gpu_rig_flush(rig, 1 + i, (struct rect){ 0, 0, 16, 16 }), OK);
		shown = display_surface_buffer(display_surface_get(rig->display, 0), NULL);
		assert_int_equal(shown->fourcc, formats[i].fourcc);
	}
}

static void test_scanout_broken(void **state)
{
	struct gpu_rig *rig = *state;

	gpu_rig_picture(rig, 1, 32, 16);
	assert_int_equal(gpu_rig_set_scanout(rig, 2, 1, (struct rect){ 0, 0, 32, 16 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	assert_int_equal(gpu_rig_set_scanout(rig, 16, 0, (struct rect){ 0 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 9, (struct rect){ 0, 0, 32, 16 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, (struct rect){ 0, 1, 32, 16 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, (struct rect){ UINT32_MAX, 0, 2, 1 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, (struct rect){ 0, 0, 0, 16 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_flush(rig, 9, (struct rect){ 0, 0, 1, 1 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, 32, 17 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_set_scanout(rig, 1, 0, (struct rect){ 0 }), OK);
	/* Nobody shows it: fine, and nothing happens. */
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, 32, 16 }), OK);
	assert_int_equal(rig->recorder.frames[0] + rig->recorder.frames[1], 0);
}

/* One large resource on two screens side by side, as drivers without page flips do it. */
static void test_two_scanouts(void **state)
{
	struct gpu_rig *rig = *state;
	const struct rect left = { 0, 0, 32, 24 }, right = { 32, 0, 20, 24 };

	gpu_rig_picture(rig, 3, 52, 24);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 3, left), OK);
	assert_int_equal(gpu_rig_set_scanout(rig, 1, 3, right), OK);
	assert_int_equal(gpu_rig_flush(rig, 3, (struct rect){ 0, 0, 52, 24 }), OK);
	assert_int_equal(rig->recorder.frames[0], 1);
	assert_int_equal(rig->recorder.frames[1], 1);
	assert_int_equal(rig->recorder.last_index, 1);
	assert_int_equal(display_recorder_pixel(&rig->recorder, 0, 5), gpu_rig_pixel(3, 32, 5));

	/* Only the left one. */
	assert_int_equal(gpu_rig_flush(rig, 3, (struct rect){ 10, 10, 22, 4 }), OK);
	assert_int_equal(rig->recorder.frames[0], 2);
	assert_int_equal(rig->recorder.frames[1], 1);
	/* Over the border: each gets its part, in its own coordinates. */
	assert_int_equal(gpu_rig_flush(rig, 3, (struct rect){ 30, 20, 6, 4 }), OK);
	assert_int_equal(rig->recorder.frames[0], 3);
	assert_int_equal(rig->recorder.frames[1], 2);
	assert_memory_equal(&rig->recorder.damage.rects[0], (&(struct rect){ 0, 20, 4, 4 }),
			    sizeof(struct rect));

	assert_int_equal(gpu_rig_set_scanout(rig, 1, 0, (struct rect){ 0 }), OK);
	assert_int_equal(rig->recorder.removed[1], 1);
	/* Freeing the resource turns the other one off. */
	assert_int_equal(gpu_rig_unref(rig, 3), OK);
	assert_int_equal(rig->recorder.removed[0], 1);
	assert_null(display_surface_buffer(display_surface_get(rig->display, 0), NULL));
}

static void test_page_flip(void **state)
{
	struct gpu_rig *rig = *state;
	const struct rect all = { 0, 0, 16, 16 };

	gpu_rig_picture(rig, 1, 16, 16);
	gpu_rig_picture(rig, 2, 16, 16);
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t id = 1 + i % 2;

		assert_int_equal(gpu_rig_set_scanout(rig, 0, id, all), OK);
		assert_int_equal(gpu_rig_flush(rig, id, (struct rect){ 0, 0, 1, 1 }), OK);
		assert_int_equal(rig->recorder.frames[0], i + 1);
		assert_int_equal(damage_pixels(&rig->recorder.damage), 256);
		assert_int_equal(display_recorder_pixel(&rig->recorder, 15, 15),
				 gpu_rig_pixel(id, 15, 15));
	}
	assert_int_equal(rig->recorder.added[0], 1);
	assert_int_equal(rig->recorder.removed[0], 0);
}

static void test_reset_turns_off(void **state)
{
	struct gpu_rig *rig = *state;

	gpu_rig_picture(rig, 1, 16, 16);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, (struct rect){ 0, 0, 16, 16 }), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, 16, 16 }), OK);
	fake_guest_stop(rig->guest);
	assert_int_equal(rig->recorder.removed[0], 1);
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	assert_int_equal(gpu_rig_flush(rig, 1, (struct rect){ 0, 0, 16, 16 }),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
}

#define RIG_TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, gpu_rig_setup, gpu_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_create_limits),
		RIG_TEST(test_host_memory_limit),
		cmocka_unit_test(test_resource_count_limit),
		RIG_TEST(test_attach_broken),
		RIG_TEST(test_transfer_broken),
		RIG_TEST(test_pixels_reach_the_consumer),
		RIG_TEST(test_transfer_part_from_pieces),
		RIG_TEST(test_backing_over_two_regions),
		RIG_TEST(test_all_formats),
		RIG_TEST(test_scanout_broken),
		RIG_TEST(test_two_scanouts),
		RIG_TEST(test_page_flip),
		RIG_TEST(test_reset_turns_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
