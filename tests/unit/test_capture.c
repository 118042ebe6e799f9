/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bridge between a display and a segment: what is shown arrives, references come back at
 * once, frames that are overtaken leave their damage behind.
 */
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/capture.h>
#include <display/surface.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <ivshmem/cursor.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/slots_reader.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 128u
#define HEIGHT 96u
#define TIMEOUT_MS 5000

struct fixture {
	struct loop *loop;
	struct display *display;
	struct segment *segment;
	struct capture *capture;
	struct slots_reader *reader;
	struct cursor_reader *cursor;
	int doorbell;
	_Atomic unsigned int released;
};

struct test_frame {
	struct display_frame base;
	struct fixture *fixture;
};

static int setup(void **state)
{
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	assert_non_null(fixture);
	fixture->loop = loop_create("display");
	fixture->display = display_create(fixture->loop, 2);
	fixture->segment = segment_create_memfd(&config);
	assert_non_null(fixture->segment);
	fixture->doorbell = doorbell_eventfd_create();
	fixture->capture = capture_create(fixture->display, fixture->segment);
	assert_non_null(fixture->capture);
	assert_int_equal(capture_add_doorbell(fixture->capture, fixture->doorbell), 0);
	fixture->reader = slots_reader_create(fixture->segment, 0);
	fixture->cursor = cursor_reader_create(fixture->segment, 0);
	assert_int_equal(loop_start(fixture->loop), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	capture_remove_doorbell(fixture->capture, fixture->doorbell);
	capture_destroy(fixture->capture);
	loop_stop(fixture->loop);
	display_destroy(fixture->display);
	loop_destroy(fixture->loop);
	cursor_reader_destroy(fixture->cursor);
	slots_reader_destroy(fixture->reader);
	segment_destroy(fixture->segment);
	close(fixture->doorbell);
	free(fixture);
	return 0;
}

static void frame_release(struct display_frame *base)
{
	struct test_frame *frame = (struct test_frame *)base;

	atomic_fetch_add(&frame->fixture->released, 1);
	display_buffer_unref(base->buffer);
	free(frame);
}

/* What runs on the display's loop, as a producer must. */
struct job {
	struct fixture *fixture;
	uint32_t surface;
	struct display_buffer *buffer;
	struct rect source;
	struct rect damage;
	uint32_t times;
	struct display_cursor cursor;
};

static void job_commit(void *data)
{
	struct job *job = data;

	for (uint32_t i = 0; i < job->times; i++) {
		struct test_frame *frame = calloc(1, sizeof(*frame));
		struct rect damage = job->damage;

		frame->fixture = job->fixture;
		frame->base.references = 1;
		frame->base.buffer = display_buffer_ref(job->buffer);
		frame->base.source = job->source;
		frame->base.flush_ns = clock_now_ns();
		frame->base.release = frame_release;
		damage.x += i * damage.width;
		damage_add(&frame->base.damage, &damage);
		display_surface_commit(display_surface_get(job->fixture->display, job->surface),
				       &frame->base);
	}
}

static void job_disable(void *data)
{
	struct job *job = data;

	display_surface_disable(display_surface_get(job->fixture->display, job->surface));
}

static void job_cursor(void *data)
{
	struct job *job = data;

	display_surface_set_cursor(display_surface_get(job->fixture->display, 0), &job->cursor);
}

static void job_move_cursor(void *data)
{
	struct job *job = data;

	display_surface_move_cursor(display_surface_get(job->fixture->display, 0), job->cursor.x,
				    job->cursor.y);
}

static void commit(struct fixture *fixture, struct display_buffer *buffer, struct rect source,
		   struct rect damage)
{
	struct job job = { .fixture = fixture, .buffer = buffer, .source = source,
			   .damage = damage, .times = 1 };

	loop_call(fixture->loop, job_commit, &job);
}

static struct display_buffer *make_buffer(uint32_t width, uint32_t height, uint32_t colour)
{
	struct display_buffer *buffer = display_buffer_create_host(width, height,
								   DRM_FORMAT_XRGB8888);
	uint32_t *pixels;

	assert_non_null(buffer);
	pixels = display_buffer_host_pixels(buffer);
	for (uint32_t i = 0; i < width * height; i++)
		pixels[i] = colour + i;
	return buffer;
}

/* Sleeps on the doorbell until a frame is there. */
static void wait_frame(struct fixture *fixture, struct slots_frame *frame)
{
	struct pollfd bell = { .fd = fixture->doorbell, .events = POLLIN };
	int result;

	while ((result = slots_reader_begin(fixture->reader, frame)) != 1) {
		assert_true(result == 0 || result == -EAGAIN);
		assert_int_equal(poll(&bell, 1, TIMEOUT_MS), 1);
		doorbell_eventfd_clear(fixture->doorbell);
	}
}

static enum video_state wait_state(struct fixture *fixture, enum video_state wanted)
{
	uint64_t deadline_ns = clock_now_ns() + TIMEOUT_MS * UINT64_C(1000000);
	uint32_t width, height;

	while (clock_now_ns() < deadline_ns) {
		if (slots_reader_state(fixture->reader, &width, &height) == wanted)
			return wanted;
		usleep(1000);
	}
	return slots_reader_state(fixture->reader, &width, &height);
}

static void wait_released(struct fixture *fixture, unsigned int count)
{
	uint64_t deadline_ns = clock_now_ns() + TIMEOUT_MS * UINT64_C(1000000);

	while (fixture->released < count && clock_now_ns() < deadline_ns)
		usleep(1000);
	assert_int_equal(fixture->released, count);
}

static const struct rect whole = { 0, 0, WIDTH, HEIGHT };

static void test_frame_arrives(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 1000);
	struct capture_stats stats;
	struct slots_frame frame;

	commit(fixture, buffer, whole, whole);
	wait_frame(fixture, &frame);
	assert_int_equal(frame.width, WIDTH);
	assert_int_equal(frame.height, HEIGHT);
	assert_true(frame.guest_flush_ns && frame.publish_ns >= frame.guest_flush_ns);
	assert_memory_equal(frame.pixels, display_buffer_host_pixels(buffer), WIDTH * HEIGHT * 4);
	assert_true(slots_reader_end(fixture->reader, &frame));
	/* The guest's flush is not kept waiting by a client. */
	wait_released(fixture, 1);
	capture_read_stats(fixture->capture, &stats);
	assert_int_equal(stats.frames_committed, 1);
	assert_int_equal(stats.frames_published, 1);
	assert_int_equal(stats.bytes_copied, WIDTH * HEIGHT * 4);
	display_buffer_unref(buffer);
}

/* Only damaged pixels are copied, and every slot is repaired for what it missed. */
static void test_damage_only(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 5);
	uint32_t *pixels = display_buffer_host_pixels(buffer);
	struct slots_frame frame;

	commit(fixture, buffer, whole, whole);
	wait_frame(fixture, &frame);
	assert_true(slots_reader_end(fixture->reader, &frame));
	for (uint32_t i = 0; i < 50; i++) {
		struct rect rect = { i * 2, i, 2, 1 };

		wait_released(fixture, i + 1);
		pixels[rect.y * WIDTH + rect.x] = ~i;
		commit(fixture, buffer, whole, rect);
		wait_frame(fixture, &frame);
		assert_int_equal(frame.damage.count, 1);
		assert_int_equal(frame.damage.rects[0].x, rect.x);
		assert_int_equal(frame.damage.rects[0].width, 2);
		assert_memory_equal(frame.pixels, pixels, WIDTH * HEIGHT * 4);
		assert_true(slots_reader_end(fixture->reader, &frame));
	}
	display_buffer_unref(buffer);
}

/* Many commits at once: all references come back, none of the damage is lost. */
static void test_overtaken_frames(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 5);
	uint32_t *pixels = display_buffer_host_pixels(buffer);
	struct job job = { .fixture = fixture, .buffer = buffer, .source = whole,
			   .damage = { 0, 7, 1, 1 }, .times = WIDTH };
	struct slots_frame frame;

	/* Every slot has been filled before: from here on nothing but damage is copied. */
	for (unsigned int i = 1; i <= SEGMENT_DEFAULT_SLOTS + 1; i++) {
		commit(fixture, buffer, whole, whole);
		wait_frame(fixture, &frame);
		assert_true(slots_reader_end(fixture->reader, &frame));
		wait_released(fixture, i);
	}
	for (uint32_t x = 0; x < WIDTH; x++)
		pixels[7 * WIDTH + x] = 0xabc000 + x;
	loop_call(fixture->loop, job_commit, &job);
	wait_released(fixture, SEGMENT_DEFAULT_SLOTS + 1 + WIDTH);
	do {
		wait_frame(fixture, &frame);
		assert_true(slots_reader_end(fixture->reader, &frame));
	} while (slots_reader_pending(fixture->reader));
	assert_memory_equal(frame.pixels, pixels, WIDTH * HEIGHT * 4);
	display_buffer_unref(buffer);
}

/* A part of a larger buffer; panning is a new picture whatever the damage says. */
static void test_part_of_buffer(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 0);
	const uint32_t *pixels = display_buffer_host_pixels(buffer);
	struct rect source = { 10, 20, 30, 40 };
	struct slots_frame frame;

	commit(fixture, buffer, source, (struct rect){ 0, 0, 30, 40 });
	wait_frame(fixture, &frame);
	assert_int_equal(frame.width, 30);
	assert_int_equal(((const uint32_t *)frame.pixels)[30 * 40 - 1], pixels[59 * WIDTH + 39]);
	assert_true(slots_reader_end(fixture->reader, &frame));
	source.x = 11;
	commit(fixture, buffer, source, (struct rect){ 0, 0, 1, 1 });
	wait_frame(fixture, &frame);
	assert_true(frame.full);
	assert_int_equal(((const uint32_t *)frame.pixels)[30 * 40 - 1], pixels[59 * WIDTH + 40]);
	assert_true(slots_reader_end(fixture->reader, &frame));
	display_buffer_unref(buffer);
}

static void test_off_and_on(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 0);
	struct job job = { .fixture = fixture };
	struct slots_frame frame;

	commit(fixture, buffer, whole, whole);
	assert_int_equal(wait_state(fixture, VIDEO_ON), VIDEO_ON);
	loop_call(fixture->loop, job_disable, &job);
	assert_int_equal(wait_state(fixture, VIDEO_OFF), VIDEO_OFF);
	commit(fixture, buffer, whole, (struct rect){ 0, 0, 1, 1 });
	assert_int_equal(wait_state(fixture, VIDEO_ON), VIDEO_ON);
	wait_frame(fixture, &frame);
	assert_true(frame.full);
	assert_memory_equal(frame.pixels, display_buffer_host_pixels(buffer), WIDTH * HEIGHT * 4);
	assert_true(slots_reader_end(fixture->reader, &frame));
	display_buffer_unref(buffer);
}

static void test_too_large(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(1000, 800, 0);
	uint32_t width, height;

	commit(fixture, buffer, (struct rect){ 0, 0, 1000, 800 }, whole);
	assert_int_equal(wait_state(fixture, VIDEO_TOO_LARGE), VIDEO_TOO_LARGE);
	slots_reader_state(fixture->reader, &width, &height);
	assert_int_equal(width, 1000);
	assert_int_equal(height, 800);
	wait_released(fixture, 1);
	commit(fixture, buffer, whole, whole);
	assert_int_equal(wait_state(fixture, VIDEO_ON), VIDEO_ON);
	display_buffer_unref(buffer);
}

/* A screen that no scanout of the segment carries. */
static void test_surface_beyond_segment(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 0);
	struct job job = { .fixture = fixture, .surface = 1, .buffer = buffer, .source = whole,
			   .damage = whole, .times = 1 };

	loop_call(fixture->loop, job_commit, &job);
	wait_released(fixture, 1);
	loop_call(fixture->loop, job_disable, &job);
	display_buffer_unref(buffer);
}

static void wait_cursor(struct fixture *fixture, struct cursor_state *cursor, int32_t x)
{
	uint64_t deadline_ns = clock_now_ns() + TIMEOUT_MS * UINT64_C(1000000);

	do {
		cursor_reader_forget(fixture->cursor);
		if (cursor_reader_read(fixture->cursor, cursor) == 1 && cursor->x == x)
			return;
		usleep(1000);
	} while (clock_now_ns() < deadline_ns);
	fail_msg("the cursor did not come to %d", x);
}

static void test_cursor(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *image = display_buffer_create_host(64, 64, DRM_FORMAT_ABGR8888);
	struct display_buffer *large = display_buffer_create_host(300, 2, DRM_FORMAT_ARGB8888);
	struct job job = { .fixture = fixture };
	struct cursor_state cursor;

	((uint32_t *)display_buffer_host_pixels(image))[5] = 0x80112233;
	job.cursor = (struct display_cursor){ .buffer = image, .hot_x = 3, .hot_y = 4, .x = -7,
					      .y = 8 };
	loop_call(fixture->loop, job_cursor, &job);
	wait_cursor(fixture, &cursor, -7);
	assert_true(cursor.visible);
	assert_int_equal(cursor.y, 8);
	assert_int_equal(cursor.image.hot_y, 4);
	assert_int_equal(cursor.image.fourcc, VIDEO_FOURCC_ARGB8888);
	assert_int_equal(cursor.image.pixels[5], 0x80332211);
	job.cursor.x = 9;
	loop_call(fixture->loop, job_move_cursor, &job);
	wait_cursor(fixture, &cursor, 9);
	assert_true(cursor.visible);
	job.cursor = (struct display_cursor){ .x = 10 };
	loop_call(fixture->loop, job_cursor, &job);
	wait_cursor(fixture, &cursor, 10);
	assert_false(cursor.visible);
	job.cursor = (struct display_cursor){ .buffer = large, .x = 11 };
	loop_call(fixture->loop, job_cursor, &job);
	wait_cursor(fixture, &cursor, 11);
	assert_false(cursor.visible);
	job.cursor = (struct display_cursor){ .buffer = image, .x = 12 };
	loop_call(fixture->loop, job_cursor, &job);
	wait_cursor(fixture, &cursor, 12);
	assert_true(cursor.visible);
	display_buffer_unref(image);
	display_buffer_unref(large);
}

/* Started late, it shows what is there. */
static void test_late_start(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *buffer = make_buffer(WIDTH, HEIGHT, 77);
	struct slots_frame frame;

	capture_remove_doorbell(fixture->capture, fixture->doorbell);
	capture_destroy(fixture->capture);
	commit(fixture, buffer, whole, whole);
	fixture->capture = capture_create(fixture->display, fixture->segment);
	assert_non_null(fixture->capture);
	assert_int_equal(capture_add_doorbell(fixture->capture, fixture->doorbell), 0);
	wait_frame(fixture, &frame);
	assert_int_equal(((const uint32_t *)frame.pixels)[0], 77);
	assert_true(slots_reader_end(fixture->reader, &frame));
	display_buffer_unref(buffer);
}

static void test_state_and_heartbeat(void **state)
{
	struct fixture *fixture = *state;
	uint64_t deadline_ns = clock_now_ns() + TIMEOUT_MS * UINT64_C(1000000);
	int bells[CAPTURE_MAX_DOORBELLS];

	doorbell_eventfd_clear(fixture->doorbell);
	capture_set_state(fixture->capture, SEGMENT_RUNNING);
	assert_int_equal(segment_state(fixture->segment), SEGMENT_RUNNING);
	assert_true(doorbell_eventfd_clear(fixture->doorbell));
	for (int i = 1; i < CAPTURE_MAX_DOORBELLS; i++) {
		bells[i] = doorbell_eventfd_create();
		assert_int_equal(capture_add_doorbell(fixture->capture, bells[i]), 0);
	}
	assert_int_equal(capture_add_doorbell(fixture->capture, fixture->doorbell), -ENOSPC);
	for (int i = 1; i < CAPTURE_MAX_DOORBELLS; i++) {
		capture_remove_doorbell(fixture->capture, bells[i]);
		assert_true(doorbell_eventfd_clear(bells[i]));
		close(bells[i]);
	}
	while (segment_heartbeat(fixture->segment) < 1 && clock_now_ns() < deadline_ns)
		usleep(10000);
	assert_true(segment_heartbeat(fixture->segment) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frame_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overtaken_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_part_of_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off_and_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_surface_beyond_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_and_heartbeat, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
