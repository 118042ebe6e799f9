/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory blobs: shown from the guest's own pages. */
#include "gpu_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define PARAMETER VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER

#define WIDTH 24u
#define HEIGHT 10u
#define STRIDE 128u
#define OFFSET 256u
#define BYTES 4096u

static const struct rect all = { 0, 0, WIDTH, HEIGHT };

/* Blob 5 of one page; its address. */
static uint64_t make_blob(struct gpu_rig *rig)
{
	struct fake_buffer piece = {
		.gpa = fake_memory_alloc(fake_guest_memory(rig->guest), BYTES, 4096),
		.bytes = BYTES,
	};

	assert_int_equal(gpu_rig_create_blob(rig, 5, BYTES, &piece, 1), OK);
	return piece.gpa;
}

static uint32_t show_blob(struct gpu_rig *rig, struct rect rect)
{
	return gpu_rig_set_scanout_blob(rig, 0, 5, rect, WIDTH, HEIGHT, STRIDE, OFFSET);
}

static void test_create_broken(void **state)
{
	struct gpu_rig *rig = *state;
	struct fake_buffer piece = {
		.gpa = fake_memory_alloc(fake_guest_memory(rig->guest), BYTES, 4096),
		.bytes = BYTES,
	};
	struct virtio_gpu_resource_create_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		.resource_id = 5,
		.blob_mem = VIRTIO_GPU_BLOB_MEM_HOST3D,
		.size = BYTES,
	};

	assert_int_equal(gpu_rig_create_blob(rig, 0, BYTES, &piece, 1),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_create_blob(rig, 5, 0, &piece, 1), PARAMETER);
	assert_int_equal(gpu_rig_create_blob(rig, 5, BYTES + 1, &piece, 1), PARAMETER);
	assert_int_equal(gpu_rig_create_blob(rig, 5, UINT64_MAX, &piece, 1), PARAMETER);
	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), NULL, 0), PARAMETER);
	command.blob_mem = VIRTIO_GPU_BLOB_MEM_GUEST;
	command.blob_flags = 8;
	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), NULL, 0), PARAMETER);
	command.blob_flags = 0;
	command.nr_entries = 1;         /* but there is none */
	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), NULL, 0), PARAMETER);
	assert_int_equal(gpu_rig_create_blob(rig, 5, BYTES, &piece, 1), OK);
	assert_int_equal(gpu_rig_create_blob(rig, 5, BYTES, &piece, 1),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_unref(rig, 5), OK);
}

static void test_set_scanout_broken(void **state)
{
	struct gpu_rig *rig = *state;
	const uint64_t last = OFFSET + STRIDE * (HEIGHT - 1) + WIDTH * 4;

	make_blob(rig);
	gpu_rig_picture(rig, 6, 16, 16);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 2, 5, all, WIDTH, HEIGHT, STRIDE, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 9, all, WIDTH, HEIGHT, STRIDE, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 6, all, WIDTH, HEIGHT, STRIDE, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 5, all), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, 0, HEIGHT, STRIDE, 0), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, WIDTH, 0, STRIDE, 0), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, WIDTH, HEIGHT, WIDTH * 4 - 1, 0),
			 PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, WIDTH, HEIGHT, UINT32_MAX, 0),
			 PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, WIDTH, HEIGHT, STRIDE,
						  UINT32_MAX), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, WIDTH, HEIGHT, STRIDE,
						  (uint32_t)(OFFSET + BYTES - last + 1)), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, WIDTH, HEIGHT, STRIDE,
						  (uint32_t)(OFFSET + BYTES - last)), OK);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, (struct rect){ 0, 0, WIDTH + 1, 1 },
						  WIDTH, HEIGHT, STRIDE, 0), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, all, 16385, 1, 65540, 0), PARAMETER);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 0, all, 0, 0, 0, 0), OK);
}

static void test_flush_pixels(void **state)
{
	struct gpu_rig *rig = *state;
	struct display_buffer *shown;
	struct display_pixels pixels;
	uint64_t gpa = make_blob(rig);
	uint32_t pixel = 0x00c0ffee;

	gpu_rig_fill(rig, gpa + OFFSET, 5, WIDTH, HEIGHT, STRIDE);
	assert_int_equal(show_blob(rig, (struct rect){ 4, 2, 16, 8 }), OK);
	/* Linux transfers blobs, too: nothing to do. */
	assert_int_equal(gpu_rig_transfer(rig, 5, all, 0), OK);
	assert_int_equal(gpu_rig_flush(rig, 5, all), OK);
	assert_int_equal(rig->recorder.source.width, 16);
	for (uint32_t y = 0; y < 8; y++)
		for (uint32_t x = 0; x < 16; x++)
			assert_int_equal(display_recorder_pixel(&rig->recorder, x, y),
					 gpu_rig_pixel(5, x + 4, y + 2));

	/* These are the guest's pages themselves. */
	shown = display_surface_buffer(display_surface_get(rig->display, 0), NULL);
	assert_int_equal(display_buffer_begin_read(shown, &pixels), 0);
	assert_ptr_equal(pixels.iov[0].iov_base,
			 fake_memory_host(fake_guest_memory(rig->guest), gpa, BYTES));
	display_buffer_end_read(shown);
	fake_memory_write(fake_guest_memory(rig->guest), gpa + OFFSET + 3 * STRIDE + 6 * 4, &pixel,
			  4);
	assert_int_equal(gpu_rig_flush(rig, 5, (struct rect){ 6, 3, 1, 1 }), OK);
	assert_int_equal(display_recorder_pixel(&rig->recorder, 2, 1), pixel);
	assert_memory_equal(&rig->recorder.damage.rects[0], (&(struct rect){ 2, 1, 1, 1 }),
			    sizeof(struct rect));
	/* A blob has no size: what lies outside is cut off, and must not wrap. */
	assert_int_equal(gpu_rig_flush(rig, 5, (struct rect){ 19, 9, UINT32_MAX, UINT32_MAX }), OK);
	assert_memory_equal(&rig->recorder.damage.rects[0], (&(struct rect){ 15, 7, 1, 1 }),
			    sizeof(struct rect));
	assert_int_equal(gpu_rig_flush(rig, 5, (struct rect){ UINT32_MAX, 0, 2, 2 }), OK);
	assert_int_equal(rig->recorder.frames[0], 3);
}

static void test_blob_in_odd_pieces(void **state)
{
	struct gpu_rig *rig = *state;
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	const uint32_t sizes[] = { 301, 1, 130, 700, 468 };     /* 1600 bytes: 20 x 20 pixels */
	struct fake_buffer pieces[5];
	uint8_t content[1600];
	uint32_t at = 0;

	for (uint32_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 29 + (i >> 8));
	for (int i = 0; i < 5; i++) {
		pieces[i].gpa = fake_memory_alloc(memory, sizes[i] + 64, 64) + 3;
		pieces[i].bytes = sizes[i];
		fake_memory_write(memory, pieces[i].gpa, content + at, sizes[i]);
		at += sizes[i];
	}
	assert_int_equal(gpu_rig_create_blob(rig, 5, 1600, pieces, 5), OK);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 0, 5, (struct rect){ 0, 0, 20, 20 }, 20, 20,
						  80, 0), OK);
	assert_int_equal(gpu_rig_flush(rig, 5, (struct rect){ 0, 0, 20, 20 }), OK);
	assert_memory_equal(rig->recorder.pixels, content, sizeof(content));
}

/* The guest gets its pages back only when nobody reads them any more. */
static void test_detach_waits_for_readers(void **state)
{
	struct gpu_rig *rig = *state;
	struct virtio_gpu_resource_flush flush_command = gpu_rig_flush_command(5, all);
	struct virtio_gpu_resource_detach_backing detach_command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, .resource_id = 5,
	};
	struct gpu_rig_pending flush, detach;
	struct fake_buffer piece = { .bytes = BYTES };
	uint64_t gpa = make_blob(rig);

	gpu_rig_fill(rig, gpa + OFFSET, 5, WIDTH, HEIGHT, STRIDE);
	assert_int_equal(show_blob(rig, all), OK);
	rig->recorder.hold = true;
	flush = gpu_rig_submit(rig, &flush_command, sizeof(flush_command));
	detach = gpu_rig_submit(rig, &detach_command, sizeof(detach_command));
	assert_false(gpu_rig_answered(rig, &flush, NULL));
	assert_false(gpu_rig_answered(rig, &detach, NULL));
	display_recorder_release(&rig->recorder);
	rig->recorder.hold = false;
	assert_true(gpu_rig_answered(rig, &flush, NULL));
	assert_true(gpu_rig_answered(rig, &detach, NULL));

	/* Without pages it shows nothing; with new ones it does again. */
	assert_int_equal(rig->recorder.removed[0], 1);
	assert_int_equal(gpu_rig_flush(rig, 5, all), OK);
	assert_int_equal(rig->recorder.frames[0], 1);
	assert_int_equal(gpu_rig_set_scanout_blob(rig, 1, 5, all, WIDTH, HEIGHT, STRIDE, 0),
			 VIRTIO_GPU_RESP_ERR_UNSPEC);
	piece.gpa = fake_memory_alloc(fake_guest_memory(rig->guest), BYTES, 4096);
	gpu_rig_fill(rig, piece.gpa + OFFSET, 9, WIDTH, HEIGHT, STRIDE);
	piece.bytes--;
	assert_int_equal(gpu_rig_attach(rig, 5, &piece, 1), PARAMETER);
	piece.bytes++;
	assert_int_equal(gpu_rig_attach(rig, 5, &piece, 1), OK);
	assert_int_equal(gpu_rig_flush(rig, 5, (struct rect){ 0, 0, 1, 1 }), OK);
	assert_int_equal(rig->recorder.added[0], 2);
	assert_int_equal(damage_pixels(&rig->recorder.damage), WIDTH * HEIGHT);
	assert_int_equal(display_recorder_pixel(&rig->recorder, 9, 9), gpu_rig_pixel(9, 9, 9));
}

static void test_unref_frees_the_screen(void **state)
{
	struct gpu_rig *rig = *state;

	make_blob(rig);
	assert_int_equal(show_blob(rig, all), OK);
	assert_int_equal(gpu_rig_flush(rig, 5, all), OK);
	assert_int_equal(gpu_rig_unref(rig, 5), OK);
	assert_int_equal(rig->recorder.removed[0], 1);
}

static void test_not_negotiated(void **state)
{
	struct gpu_config config;
	struct gpu_rig *rig;
	struct fake_buffer piece = { .bytes = BYTES };

	gpu_config_init(&config);
	rig = gpu_rig_create(&config);
	gpu_rig_start(rig, ~(1ull << VIRTIO_GPU_F_RESOURCE_BLOB));
	piece.gpa = fake_memory_alloc(fake_guest_memory(rig->guest), BYTES, 4096);
	assert_int_equal(gpu_rig_create_blob(rig, 5, BYTES, &piece, 1), VIRTIO_GPU_RESP_ERR_UNSPEC);
	gpu_rig_destroy(rig);

	config.blob = false;
	rig = gpu_rig_create(&config);
	assert_int_equal(fake_guest_features(rig->guest) >> VIRTIO_GPU_F_RESOURCE_BLOB & 1, 0);
	assert_int_equal(fake_guest_features(rig->guest) >> VIRTIO_GPU_F_EDID & 1, 1);
	assert_int_equal(fake_guest_features(rig->guest) >> VIRTIO_GPU_F_VIRGL & 1, 0);
	gpu_rig_destroy(rig);
}

#define RIG_TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, gpu_rig_setup, gpu_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_create_broken),
		RIG_TEST(test_set_scanout_broken),
		RIG_TEST(test_flush_pixels),
		RIG_TEST(test_blob_in_odd_pieces),
		RIG_TEST(test_detach_waits_for_readers),
		RIG_TEST(test_unref_frees_the_screen),
		cmocka_unit_test(test_not_negotiated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
