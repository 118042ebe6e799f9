/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The null backend: its clock, its room, and that it rests while nothing runs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <audio/backend.h>
#include <base/clock.h>
#include <base/loop.h>
#include <clock.h>
#include <string.h>

static const struct audio_params stereo = {
	.format = AUDIO_FORMAT_S16,
	.rate = 48000,
	.channels = 2,
	.period_frames = 480,
	.buffer_frames = 1920,
};

/* A backend with somebody who moves all there is room for. */
struct rig {
	struct loop *loop;
	struct audio_backend *backend;
	unsigned int notified[AUDIO_DIRECTIONS];
	uint64_t moved[AUDIO_DIRECTIONS];
	uint32_t greatest_room;
	uint8_t data[1 << 16];
};

static void rig_notify(void *data, enum audio_direction direction)
{
	struct rig *rig = data;
	uint32_t room = rig->backend->ops->room(rig->backend, direction);

	rig->notified[direction]++;
	if (rig->moved[direction] && room > rig->greatest_room)
		rig->greatest_room = room;
	if (direction == AUDIO_PLAYBACK)
		rig->moved[direction] += rig->backend->ops->write(rig->backend, rig->data, room);
	else
		rig->moved[direction] += rig->backend->ops->read(rig->backend, rig->data, room);
}

static int setup(void **state)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	rig.loop = loop_create("audio");
	rig.backend = audio_null_create(rig.loop);
	assert_non_null(rig.backend);
	rig.backend->listener = (struct audio_listener){ rig_notify, &rig };
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	rig->backend->ops->destroy(rig->backend);
	loop_destroy(rig->loop);
	return 0;
}

static void run_ms(struct rig *rig, uint64_t ms)
{
	uint64_t end = clock_now_ns() + ms * 1000000;

	for (uint64_t now; (now = clock_now_ns()) < end;)
		loop_dispatch(rig->loop, (int)((end - now) / 1000000) + 1);
}

/* Frames that may have been moved after that long, with what the buffer holds. */
static void assert_rate(uint64_t frames, uint64_t ns, uint32_t rate, uint32_t ahead)
{
	uint64_t exact = audio_clock_frames(ns, rate) + ahead;

	/* On a host that stands still for a while less may have been moved, but never more. */
	assert_true(frames <= exact);
	assert_true(frames >= exact / 2);
}

static void test_rate(void **state)
{
	struct rig *rig = *state;
	const struct audio_backend_ops *ops = rig->backend->ops;
	uint64_t start;

	assert_int_equal(ops->open(rig->backend, AUDIO_PLAYBACK, &stereo), 0);
	assert_int_equal(ops->open(rig->backend, AUDIO_CAPTURE, &stereo), 0);
	assert_int_equal(ops->room(rig->backend, AUDIO_PLAYBACK), 0);
	start = clock_now_ns();
	assert_int_equal(ops->start(rig->backend, AUDIO_PLAYBACK), 0);
	assert_int_equal(ops->start(rig->backend, AUDIO_CAPTURE), 0);
	assert_int_equal(rig->notified[AUDIO_PLAYBACK], 0);
	memset(rig->data, 1, sizeof(rig->data));
	run_ms(rig, 200);
	assert_rate(rig->moved[AUDIO_PLAYBACK], clock_now_ns() - start, 48000, 960);
	assert_rate(rig->moved[AUDIO_CAPTURE], clock_now_ns() - start, 48000, 0);
	/* What is recorded is silence. */
	assert_int_equal(rig->data[0], 0);
	assert_true(rig->notified[AUDIO_PLAYBACK] >= 3);
	assert_true(rig->notified[AUDIO_PLAYBACK] <= 25 + 200 / 10);
	assert_true(ops->delay(rig->backend, AUDIO_PLAYBACK) <= 960);
	ops->stop(rig->backend, AUDIO_PLAYBACK);
	ops->close(rig->backend, AUDIO_CAPTURE);
	assert_int_equal(ops->room(rig->backend, AUDIO_PLAYBACK), 0);
	assert_int_equal(ops->room(rig->backend, AUDIO_CAPTURE), 0);
	assert_int_equal(ops->write(rig->backend, rig->data, 1), 0);
	assert_int_equal(ops->delay(rig->backend, AUDIO_PLAYBACK), 0);
}

/* Nothing wakes the loop before a start and after a stop. */
static void test_rest(void **state)
{
	struct rig *rig = *state;
	const struct audio_backend_ops *ops = rig->backend->ops;

	assert_int_equal(ops->open(rig->backend, AUDIO_PLAYBACK, &stereo), 0);
	assert_int_equal(loop_dispatch(rig->loop, 30), 0);
	assert_int_equal(ops->start(rig->backend, AUDIO_PLAYBACK), 0);
	assert_int_equal(loop_dispatch(rig->loop, 1000), 1);
	ops->stop(rig->backend, AUDIO_PLAYBACK);
	rig->notified[AUDIO_PLAYBACK] = 0;
	run_ms(rig, 30);
	assert_int_equal(rig->notified[AUDIO_PLAYBACK], 0);
	ops->close(rig->backend, AUDIO_PLAYBACK);
	ops->close(rig->backend, AUDIO_PLAYBACK);
	assert_true(ops->start(rig->backend, AUDIO_PLAYBACK) < 0);
}

static void test_start_again(void **state)
{
	struct rig *rig = *state;
	const struct audio_backend_ops *ops = rig->backend->ops;

	assert_int_equal(ops->open(rig->backend, AUDIO_PLAYBACK, &stereo), 0);
	for (int i = 0; i < 3; i++) {
		uint32_t room;

		assert_int_equal(ops->start(rig->backend, AUDIO_PLAYBACK), 0);
		/* The whole buffer is free, and the time before the start does not count. */
		room = ops->room(rig->backend, AUDIO_PLAYBACK);
		assert_true(room >= 960 && room < 960 + 4800);
		assert_int_equal(ops->write(rig->backend, rig->data, 960), 960);
		assert_true(ops->delay(rig->backend, AUDIO_PLAYBACK) <= 960);
		ops->stop(rig->backend, AUDIO_PLAYBACK);
		run_ms(rig, 5);
	}
}

/* A guest that stands still loses time; it does not get it back as a burst. */
static void test_late_guest(void **state)
{
	struct rig *rig = *state;
	const struct audio_backend_ops *ops = rig->backend->ops;

	rig->backend->listener.notify = NULL;
	for (int direction = 0; direction < AUDIO_DIRECTIONS; direction++) {
		uint32_t ahead = direction == AUDIO_PLAYBACK ? 960 : 0;

		assert_int_equal(ops->open(rig->backend, direction, &stereo), 0);
		assert_int_equal(ops->start(rig->backend, direction), 0);
		run_ms(rig, 150);
		assert_true(ops->room(rig->backend, direction) <= ahead + 4800);
		assert_int_equal(ops->delay(rig->backend, AUDIO_PLAYBACK), 0);
	}
}

static void test_frames_of_years(void **state)
{
	const uint64_t year = UINT64_C(365) * 86400;

	assert_int_equal(audio_clock_frames(year * 10 * 1000000000, 192000), year * 10 * 192000);
	assert_int_equal(audio_clock_frames(999999999, 44100), 44099);
	assert_int_equal(audio_clock_frames(1000000000, 44100), 44100);
}

int main(void)
{
#define TEST(func) cmocka_unit_test_setup_teardown(func, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rate),
		TEST(test_rest),
		TEST(test_start_again),
		TEST(test_late_guest),
		TEST(test_frames_of_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
