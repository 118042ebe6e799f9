/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When answers are given: flushes, their readers, and who has to wait for them. */
#include "gpu_rig.h"

#include <base/loop.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OK VIRTIO_GPU_RESP_OK_NODATA

static const struct rect all = { 0, 0, 16, 16 };

/* Resource 1 on scanout 0, shown once; from now on the consumer keeps every frame. */
static struct gpu_rig *hold_frames(void **state)
{
	struct gpu_rig *rig = *state;

	gpu_rig_picture(rig, 1, 16, 16);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, all), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, all), OK);
	rig->recorder.hold = true;
	return rig;
}

static struct gpu_rig_pending submit_flush(struct gpu_rig *rig, uint32_t id, uint64_t fence_id)
{
	struct virtio_gpu_resource_flush command = gpu_rig_flush_command(id, all);

	if (fence_id) {
		command.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
		command.hdr.fence_id = fence_id;
	}
	return gpu_rig_submit(rig, &command, sizeof(command));
}

static struct gpu_rig_pending submit_transfer(struct gpu_rig *rig, uint32_t id, uint64_t fence_id)
{
	struct virtio_gpu_transfer_to_host_2d command = gpu_rig_transfer_command(id, all, 0);

	if (fence_id) {
		command.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
		command.hdr.fence_id = fence_id;
	}
	return gpu_rig_submit(rig, &command, sizeof(command));
}

static void test_flush_waits_for_readers(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct virtio_gpu_ctrl_hdr answer;
	struct gpu_rig_pending flush = submit_flush(rig, 1, 77);

	assert_int_equal(rig->recorder.held_count, 1);
	assert_false(gpu_rig_answered(rig, &flush, NULL));
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, &answer));
	assert_int_equal(answer.type, OK);
	assert_int_equal(answer.flags, VIRTIO_GPU_FLAG_FENCE);
	assert_int_equal(answer.fence_id, 77);
}

static void test_flush_waits_for_all_scanouts(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending flush;

	assert_int_equal(gpu_rig_set_scanout(rig, 1, 1, all), OK);
	flush = submit_flush(rig, 1, 0);
	assert_int_equal(rig->recorder.held_count, 2);
	display_frame_unref(rig->recorder.held[--rig->recorder.held_count]);
	assert_false(gpu_rig_answered(rig, &flush, NULL));
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
}

static void test_other_commands_go_on(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending flush, transfer, later;

	gpu_rig_picture(rig, 2, 16, 16);
	flush = submit_flush(rig, 1, 0);
	transfer = submit_transfer(rig, 2, 0);
	later = submit_flush(rig, 2, 0);
	assert_true(gpu_rig_answered(rig, &transfer, NULL));
	assert_true(gpu_rig_answered(rig, &later, NULL));
	assert_false(gpu_rig_answered(rig, &flush, NULL));
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
}

/* The pixels a reader holds do not change under its hands. */
static void test_transfer_waits_for_readers(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending flush = submit_flush(rig, 1, 0), transfer, later;
	struct display_pixels pixels;
	uint32_t white = 0xffffffff, *seen;
	struct virtio_gpu_resource_flush unknown = gpu_rig_flush_command(99, all);
	struct fake_buffer piece = { .bytes = 1024 };

	assert_int_equal(gpu_rig_answered(rig, &flush, NULL), false);
	assert_int_equal(display_buffer_begin_read(rig->recorder.held[0]->buffer, &pixels), 0);
	seen = pixels.iov[0].iov_base;

	/* A transfer from white pages; what comes behind it has to keep its place. */
	piece.gpa = fake_memory_alloc(fake_guest_memory(rig->guest), 1024, 4096);
	for (uint32_t i = 0; i < 256; i++)
		fake_memory_write(fake_guest_memory(rig->guest), piece.gpa + 4 * i, &white, 4);
	display_buffer_end_read(rig->recorder.held[0]->buffer);
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
	assert_int_equal(gpu_rig_detach(rig, 1), OK);
	assert_int_equal(gpu_rig_attach(rig, 1, &piece, 1), OK);

	flush = submit_flush(rig, 1, 0);
	transfer = submit_transfer(rig, 1, 0);
	later = gpu_rig_submit(rig, &unknown, sizeof(unknown));
	assert_false(gpu_rig_answered(rig, &flush, NULL));
	assert_false(gpu_rig_answered(rig, &transfer, NULL));
	assert_false(gpu_rig_answered(rig, &later, NULL));
	for (uint32_t i = 0; i < 256; i++)
		assert_int_equal(seen[i], gpu_rig_pixel(1, i % 16, i / 16));

	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
	assert_true(gpu_rig_answered(rig, &transfer, NULL));
	assert_true(gpu_rig_answered(rig, &later, NULL));
	assert_int_equal(seen[17], white);
}

static void test_unref_waits_for_readers(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending flush = submit_flush(rig, 1, 0), unref;
	struct virtio_gpu_resource_unref command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF, .resource_id = 1,
	};

	unref = gpu_rig_submit(rig, &command, sizeof(command));
	assert_false(gpu_rig_answered(rig, &unref, NULL));
	assert_int_equal(rig->recorder.removed[0], 0);
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
	assert_true(gpu_rig_answered(rig, &unref, NULL));
	assert_int_equal(rig->recorder.removed[0], 1);
}

/* A driver takes a fence for all that came before it. */
static void test_fences_keep_their_order(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending flush, fenced, unfenced, last;

	gpu_rig_picture(rig, 2, 16, 16);
	flush = submit_flush(rig, 1, 10);
	fenced = submit_transfer(rig, 2, 11);
	unfenced = submit_transfer(rig, 2, 0);
	last = submit_flush(rig, 2, 12);
	assert_false(gpu_rig_answered(rig, &flush, NULL));
	assert_false(gpu_rig_answered(rig, &fenced, NULL));
	assert_true(gpu_rig_answered(rig, &unfenced, NULL));
	assert_false(gpu_rig_answered(rig, &last, NULL));
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
	assert_true(gpu_rig_answered(rig, &fenced, NULL));
	assert_true(gpu_rig_answered(rig, &last, NULL));
	assert_int_equal(rig->control->vring.used->ring[(rig->control->next_used - 3) %
							rig->control->size].id, flush.head);
}

/* Refused commands keep the order of fences, too. */
static void test_refused_fence_keeps_order(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending flush = submit_flush(rig, 1, 20), broken;
	struct virtio_gpu_ctrl_hdr unknown = {
		.type = 0x1ff, .flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = 21,
	}, answer;

	broken = gpu_rig_submit(rig, &unknown, sizeof(unknown));
	assert_false(gpu_rig_answered(rig, &broken, NULL));
	display_recorder_release(&rig->recorder);
	assert_true(gpu_rig_answered(rig, &flush, NULL));
	assert_true(gpu_rig_answered(rig, &broken, &answer));
	assert_int_equal(answer.type, VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(answer.fence_id, 21);
}

/* The queue goes with frames on their way and a command waiting for them; then it comes back. */
static void test_stop_and_start_meanwhile(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct display_pixels pixels;

	submit_flush(rig, 1, 30);
	submit_flush(rig, 1, 31);
	submit_transfer(rig, 1, 0);
	fake_guest_stop(rig->guest);
	assert_int_equal(rig->recorder.held_count, 2);
	assert_int_equal(rig->recorder.removed[0], 1);

	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	rig->recorder.hold = false;
	gpu_rig_picture(rig, 1, 16, 16);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, all), OK);
	assert_int_equal(gpu_rig_flush(rig, 1, all), OK);
	/* The old frames still have their old pixels. */
	assert_int_equal(display_buffer_begin_read(rig->recorder.held[1]->buffer, &pixels), 0);
	assert_int_equal(((uint32_t *)pixels.iov[0].iov_base)[17], gpu_rig_pixel(1, 1, 1));
	display_buffer_end_read(rig->recorder.held[1]->buffer);
	display_recorder_release(&rig->recorder);
	fake_guest_run(rig->guest);
	assert_int_equal(fake_queue_used_count(rig->control), 0);
	assert_int_equal(gpu_rig_transfer(rig, 1, all, 0), OK);
}

/* A consumer may sit on frames when the device is gone. */
static void test_frames_outlive_the_device(void **state)
{
	struct gpu_config config;
	struct gpu_rig *rig;
	struct display_frame *first, *second;
	struct display_pixels pixels;

	gpu_config_init(&config);
	rig = gpu_rig_create(&config);
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	hold_frames((void **)&rig);
	submit_flush(rig, 1, 1);
	submit_flush(rig, 1, 2);
	assert_int_equal(rig->recorder.held_count, 2);
	first = rig->recorder.held[0];
	second = rig->recorder.held[1];
	rig->recorder.held_count = 0;
	gpu_rig_destroy(rig);

	display_frame_unref(second);
	assert_int_equal(display_buffer_begin_read(first->buffer, &pixels), 0);
	assert_int_equal(((uint32_t *)pixels.iov[0].iov_base)[0], gpu_rig_pixel(1, 0, 0));
	display_buffer_end_read(first->buffer);
	display_frame_unref(first);
}

/* A full queue of flushes: all are answered, nothing is kept beside them. */
static void test_queue_full_of_flushes(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct gpu_rig_pending pending[60];

	for (int i = 0; i < 60; i++)
		pending[i] = submit_flush(rig, 1, (uint64_t)i + 1);
	assert_int_equal(rig->recorder.held_count, 60);
	for (int i = 0; i < 60; i++)
		assert_false(gpu_rig_answered(rig, &pending[i], NULL));
	display_recorder_release(&rig->recorder);
	for (int i = 0; i < 60; i++)
		assert_true(gpu_rig_answered(rig, &pending[i], NULL));
}

/* More than the device runs at a time, and one kick for all. */
static void test_more_than_a_batch(void **state)
{
	struct gpu_rig *rig = hold_frames(state);
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	struct virtio_gpu_resource_flush command = gpu_rig_flush_command(1, all);
	struct fake_buffer buffers[2] = {
		{ .gpa = fake_memory_copy_in(memory, &command, sizeof(command)),
		  .bytes = sizeof(command) },
		{ .gpa = fake_memory_alloc(memory, 24, 8), .bytes = 24, .writable = true },
	};
	unsigned int frames = rig->recorder.frames[0];

	rig->recorder.hold = false;
	for (int i = 0; i < 120; i++)
		assert_true(fake_queue_add(rig->control, buffers, 2) >= 0);
	assert_true(fake_queue_kick(rig->control));
	fake_guest_run(rig->guest);
	assert_int_equal(fake_queue_used_count(rig->control), 120);
	assert_int_equal(rig->recorder.frames[0], frames + 120);
}

/* A consumer on a thread of its own: takes frames from a mailbox, reads them, drops them. */
struct reader {
	struct display_consumer consumer;
	pthread_t thread;
	_Atomic(struct display_frame *) mailbox;
	atomic_bool quit;
	atomic_uint frames;
	uint32_t pixels[256];
};

static void reader_frame(struct display_consumer *consumer, struct display_surface *surface,
			 struct display_frame *frame)
{
	struct reader *reader = (struct reader *)consumer;

	display_frame_unref(atomic_exchange(&reader->mailbox, display_frame_ref(frame)));
}

static void reader_surface(struct display_consumer *consumer, struct display_surface *surface)
{
}

static void reader_cursor(struct display_consumer *consumer, struct display_surface *surface,
			  const struct display_cursor *cursor, bool image_changed)
{
}

static void *reader_run(void *data)
{
	struct reader *reader = data;

	while (!atomic_load(&reader->quit)) {
		struct display_frame *frame = atomic_exchange(&reader->mailbox, NULL);
		struct display_pixels pixels;

		if (!frame) {
			usleep(50);
			continue;
		}
		if (display_buffer_begin_read(frame->buffer, &pixels) == 0) {
			display_pixels_copy(&pixels, &all, reader->pixels, 64);
			display_buffer_end_read(frame->buffer);
		}
		/* One transfer fills all: half a picture would show two values. */
		for (int i = 1; i < 256; i++)
			if (reader->pixels[i] != reader->pixels[0])
				fake_fail("a torn picture");
		atomic_fetch_add(&reader->frames, 1);
		display_frame_unref(frame);
	}
	return NULL;
}

static void test_reader_thread(void **state)
{
	static const struct display_consumer_ops ops = {
		.surface_added = reader_surface,
		.surface_removed = reader_surface,
		.frame = reader_frame,
		.cursor = reader_cursor,
	};
	struct gpu_rig *rig = *state;
	struct reader reader = { .consumer.ops = &ops };
	uint64_t gpa = gpu_rig_picture(rig, 1, 16, 16);
	uint32_t picture[256];

	memset(picture, 0, sizeof(picture));
	fake_memory_write(fake_guest_memory(rig->guest), gpa, picture, sizeof(picture));
	assert_int_equal(gpu_rig_transfer(rig, 1, all, 0), OK);
	assert_int_equal(gpu_rig_set_scanout(rig, 0, 1, all), OK);
	display_add_consumer(rig->display, &reader.consumer);
	assert_int_equal(pthread_create(&reader.thread, NULL, reader_run, &reader), 0);
	for (uint32_t round = 1; round <= 300; round++) {
		struct gpu_rig_pending flush, transfer;

		for (uint32_t i = 0; i < 256; i++)
			picture[i] = round;
		fake_memory_write(fake_guest_memory(rig->guest), gpa, picture, sizeof(picture));
		flush = submit_flush(rig, 1, round);
		transfer = submit_transfer(rig, 1, 0);
		while (!gpu_rig_answered(rig, &flush, NULL) ||
		       !gpu_rig_answered(rig, &transfer, NULL))
			assert_true(loop_dispatch(rig->loop, 1000) >= 0);
	}
	display_remove_consumer(rig->display, &reader.consumer);
	atomic_store(&reader.quit, true);
	pthread_join(reader.thread, NULL);
	display_frame_unref(atomic_load(&reader.mailbox));
	assert_in_range(atomic_load(&reader.frames), 250, 300);
}

#define RIG_TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, gpu_rig_setup, gpu_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_flush_waits_for_readers),
		RIG_TEST(test_flush_waits_for_all_scanouts),
		RIG_TEST(test_other_commands_go_on),
		RIG_TEST(test_transfer_waits_for_readers),
		RIG_TEST(test_unref_waits_for_readers),
		RIG_TEST(test_fences_keep_their_order),
		RIG_TEST(test_refused_fence_keeps_order),
		RIG_TEST(test_stop_and_start_meanwhile),
		cmocka_unit_test(test_frames_outlive_the_device),
		RIG_TEST(test_queue_full_of_flushes),
		RIG_TEST(test_more_than_a_batch),
		RIG_TEST(test_reader_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
