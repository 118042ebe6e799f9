/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tap: what it hands on, what its listener hears and says, and both at once on two threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <audio/tap.h>
#include <base/clock.h>
#include <base/loop.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <tap_ring.h>

#include "audio_rig.h"

#define MOST_FRAMES 8192u
/* As in the door: what has to wait before the listener is heard, at 48 kHz. */
#define AHEAD 2400u

static const struct audio_params stereo = {
	.format = AUDIO_FORMAT_S16,
	.rate = 48000,
	.channels = 2,
	.period_frames = 480,
	.buffer_frames = 1920,
	.positions = { AUDIO_POSITION_FL, AUDIO_POSITION_FR },
};

static struct audio_rig rig;
static struct audio_tap *tap;
static struct audio_backend *backend;
static unsigned int notified;

static void on_notify(void *data, enum audio_direction direction)
{
	assert_ptr_equal(data, &rig);
	assert_int_equal(direction, AUDIO_PLAYBACK);
	notified++;
}

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	rig.loop = loop_create("audio");
	audio_rig_init_backend(&rig, rig.loop);
	tap = audio_tap_create(&rig.backend);
	assert_non_null(tap);
	backend = audio_tap_backend(tap);
	assert_ptr_equal(backend->loop, rig.loop);
	notified = 0;
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		if (rig.streams[i].open)
			backend->ops->close(backend, (enum audio_direction)i);
	backend->ops->destroy(backend);
	audio_rig_finish_backend(&rig);
	loop_destroy(rig.loop);
	return 0;
}

static void begin(enum audio_direction direction, const struct audio_params *params)
{
	if (rig.streams[direction].open)
		backend->ops->close(backend, direction);
	assert_int_equal(backend->ops->open(backend, direction, params), 0);
	assert_int_equal(backend->ops->start(backend, direction), 0);
}

/* A frame that says which one it is, differently in both channels. */
static void number(int16_t *frame, uint32_t n)
{
	frame[0] = (int16_t)(n * 3 + 1);
	frame[1] = (int16_t)(n / 5461 - n);
}

static void numbers(int16_t *frames, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		number(frames + (size_t)i * 2, first + i);
}

static void assert_numbers(const int16_t *frames, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int16_t expected[2];

		number(expected, first + i);
		if (memcmp(expected, frames + (size_t)i * 2, sizeof(expected)))
			fail_msg("frame %u is not there", first + i);
	}
}

/* The guest plays those. */
static void play(uint32_t first, uint32_t count)
{
	static int16_t frames[MOST_FRAMES * 2];

	numbers(frames, first, count);
	rig.streams[AUDIO_PLAYBACK].room += count;
	assert_int_equal(backend->ops->write(backend, frames, count), count);
}

static void hear(uint32_t first, uint32_t count)
{
	static int16_t frames[MOST_FRAMES * 2];

	assert_int_equal(audio_tap_take(tap, frames, count), count);
	assert_numbers(frames, first, count);
}

static void say(uint32_t first, uint32_t count)
{
	static int16_t frames[MOST_FRAMES * 2];

	numbers(frames, first, count);
	assert_int_equal(audio_tap_give(tap, frames, count), count);
}

/* What the guest records; inner's pattern is told apart by the rig's own count. */
static int16_t *record(uint32_t count)
{
	static int16_t frames[MOST_FRAMES * 2];

	rig.streams[AUDIO_CAPTURE].room += count;
	assert_int_equal(backend->ops->read(backend, frames, count), count);
	return frames;
}

static void assert_recorded(uint32_t first, uint32_t count)
{
	assert_numbers(record(count), first, count);
}

static void assert_inner(const int16_t *frames, uint32_t count)
{
	const uint8_t *bytes = (const uint8_t *)frames;
	uint64_t first = rig.recorded_bytes - (uint64_t)count * 4;

	for (uint32_t i = 0; i < count * 4; i++)
		assert_int_equal(bytes[i], audio_rig_pattern(first + i));
}

static bool rung(void)
{
	struct pollfd fd = { .fd = audio_tap_fd(tap), .events = POLLIN };
	bool yes = poll(&fd, 1, 0) == 1;

	audio_tap_clear(tap);
	return yes;
}

static struct audio_tap_view look(enum audio_direction direction)
{
	struct audio_tap_view view;

	audio_tap_look(tap, direction, &view);
	return view;
}

/* --- handing on -------------------------------------------------------------------------- */

static void test_hands_on(void **state)
{
	struct audio_rig_stream *inner = &rig.streams[AUDIO_PLAYBACK];
	struct audio_tap_view view = look(AUDIO_PLAYBACK);

	assert_false(view.running);
	assert_int_equal(view.rate, 0);
	backend->listener = (struct audio_listener){ on_notify, &rig };
	inner->open_error = -EIO;
	assert_int_equal(backend->ops->open(backend, AUDIO_PLAYBACK, &stereo), -EIO);
	inner->open_error = 0;
	assert_int_equal(backend->ops->open(backend, AUDIO_PLAYBACK, &stereo), 0);
	assert_memory_equal(&inner->params, &stereo, sizeof(stereo));
	inner->start_error = -ENOMEM;
	assert_int_equal(backend->ops->start(backend, AUDIO_PLAYBACK), -ENOMEM);
	assert_false(look(AUDIO_PLAYBACK).running);
	inner->start_error = 0;
	assert_false(rung());
	assert_int_equal(backend->ops->start(backend, AUDIO_PLAYBACK), 0);
	assert_true(rung());
	assert_true(look(AUDIO_PLAYBACK).running);
	assert_int_equal(look(AUDIO_PLAYBACK).rate, 48000);

	audio_rig_give(&rig, AUDIO_PLAYBACK, 100);
	assert_int_equal(notified, 1);
	inner->delay = 77;
	assert_int_equal(backend->ops->room(backend, AUDIO_PLAYBACK), 100);
	assert_int_equal(backend->ops->delay(backend, AUDIO_PLAYBACK), 77);
	inner->take_at_most = 30;
	assert_int_equal(backend->ops->write(backend, rig.played, 50), 30);
	assert_int_equal(inner->frames, 30);

	backend->ops->stop(backend, AUDIO_PLAYBACK);
	assert_true(rung());
	assert_false(look(AUDIO_PLAYBACK).running);
	assert_int_equal(inner->stops, 1);
	backend->ops->close(backend, AUDIO_PLAYBACK);
	assert_int_equal(inner->closes, 1);
	assert_false(rung());
}

/* A stream that is closed while it runs has stopped. */
static void test_close_stops(void **state)
{
	begin(AUDIO_CAPTURE, &stereo);
	rung();
	backend->ops->close(backend, AUDIO_CAPTURE);
	assert_true(rung());
	assert_false(look(AUDIO_CAPTURE).running);
}

/* --- hearing ----------------------------------------------------------------------------- */

static void test_nobody_listens(void **state)
{
	begin(AUDIO_PLAYBACK, &stereo);
	begin(AUDIO_CAPTURE, &stereo);
	rung();
	play(0, 480);
	assert_inner(record(480), 480);
	assert_false(rung());
	assert_int_equal(look(AUDIO_PLAYBACK).frames, 0);
	/* From now on, and not what was before. */
	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	play(480, 10);
	assert_true(rung());
	hear(480, 10);
	play(490, 10);
	audio_tap_listen(tap, AUDIO_PLAYBACK, false);
	assert_int_equal(look(AUDIO_PLAYBACK).frames, 0);
	assert_int_equal(rig.played_bytes, 500 * 4);
}

/* Odd lengths on both sides, several times round the ring; what inner gets is the same. */
/* Long periods are heard in parts, and only while somebody hears them. */
static void test_even_pace(void **state)
{
	struct audio_params params = stereo;
	uint64_t end_ns;

	params.period_frames = 4800;
	params.buffer_frames = 19200;
	begin(AUDIO_PLAYBACK, &params);
	backend->listener = (struct audio_listener){ on_notify, &rig };
	assert_int_equal(loop_dispatch(rig.loop, 50), 0);
	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	rig.backend.listener.notify(rig.backend.listener.data, AUDIO_PLAYBACK);
	assert_int_equal(notified, 1);
	end_ns = clock_now_ns() + UINT64_C(10000000000);
	while (notified < 20 && clock_now_ns() < end_ns)
		loop_dispatch(rig.loop, 1000);
	assert_true(notified >= 20);
	audio_tap_listen(tap, AUDIO_PLAYBACK, false);
	loop_dispatch(rig.loop, 1000);
	assert_int_equal(loop_dispatch(rig.loop, 50), 0);
	/* It ends with the stream, too, and short periods are even enough. */
	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	rig.backend.listener.notify(rig.backend.listener.data, AUDIO_PLAYBACK);
	assert_true(loop_dispatch(rig.loop, 1000) > 0);
	backend->ops->stop(backend, AUDIO_PLAYBACK);
	assert_int_equal(loop_dispatch(rig.loop, 50), 0);
	begin(AUDIO_PLAYBACK, &stereo);
	assert_int_equal(loop_dispatch(rig.loop, 50), 0);
}

static void test_exact(void **state)
{
	uint32_t played = 0, heard = 0;

	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	begin(AUDIO_PLAYBACK, &stereo);
	for (uint32_t step = 0; played < 4 * TAP_RING_FRAMES; step++) {
		uint32_t count = 1 + step * 7919 % 1777, waits;

		play(played, count);
		assert_numbers((int16_t *)(rig.played + rig.played_bytes - (size_t)count * 4),
			       played, count);
		played += count;
		waits = look(AUDIO_PLAYBACK).frames;
		assert_int_equal(waits, played - heard);
		count = waits > MOST_FRAMES ? MOST_FRAMES : waits - waits % (1 + step % 5);
		hear(heard, count);
		heard += count;
	}
	while (heard < played) {
		uint32_t count = played - heard < 1001 ? played - heard : 1001;

		hear(heard, count);
		heard += count;
	}
	assert_int_equal(audio_tap_take(tap, NULL, 1), 0);
}

static void test_a_sleeper_loses_the_newest(void **state)
{
	uint32_t played = 0;

	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	begin(AUDIO_PLAYBACK, &stereo);
	for (; played < TAP_RING_FRAMES + 10000; played += 1000)
		play(played, 1000);
	assert_int_equal(rig.streams[AUDIO_PLAYBACK].frames, played);
	assert_int_equal(look(AUDIO_PLAYBACK).frames, TAP_RING_FRAMES);
	hear(0, 5000);
	play(played, 100);
	for (uint32_t heard = 5000; heard < TAP_RING_FRAMES;) {
		uint32_t count = TAP_RING_FRAMES - heard < 1000 ? TAP_RING_FRAMES - heard : 1000;

		hear(heard, count);
		heard += count;
	}
	hear(played, 100);
}

static void test_streams_are_told_apart(void **state)
{
	struct audio_params other = stereo;
	struct audio_tap_view view;

	other.rate = 192000;
	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	begin(AUDIO_PLAYBACK, &stereo);
	play(0, 300);
	begin(AUDIO_PLAYBACK, &other);
	view = look(AUDIO_PLAYBACK);
	assert_true(view.running);
	assert_int_equal(view.rate, 192000);
	assert_int_equal(view.earlier_frames, 300);
	assert_int_equal(view.frames, 0);
	play(300, 50);
	hear(0, 299);
	view = look(AUDIO_PLAYBACK);
	assert_int_equal(view.earlier_frames, 1);
	assert_int_equal(view.frames, 50);
	hear(299, 51);
	assert_int_equal(look(AUDIO_PLAYBACK).earlier_frames, 0);
	backend->ops->stop(backend, AUDIO_PLAYBACK);
	assert_int_equal(backend->ops->start(backend, AUDIO_PLAYBACK), 0);
	play(350, 5);
	view = look(AUDIO_PLAYBACK);
	assert_int_equal(view.earlier_frames, 0);
	assert_int_equal(view.frames, 5);
}

/* --- speaking ---------------------------------------------------------------------------- */

static void test_speaks(void **state)
{
	uint32_t heard = 0;

	audio_tap_listen(tap, AUDIO_CAPTURE, true);
	begin(AUDIO_CAPTURE, &stereo);
	rung();
	assert_inner(record(480), 480);
	assert_true(rung());
	/* Not before it is enough. */
	say(0, AHEAD - 1);
	assert_inner(record(480), 480);
	say(AHEAD - 1, 1);
	for (; heard + 477 <= AHEAD; heard += 477)
		assert_recorded(heard, 477);
	assert_int_equal(backend->ops->delay(backend, AUDIO_CAPTURE), AHEAD - heard);
	/* Odd lengths, several times round. */
	for (uint32_t step = 0, said = AHEAD; said < 3 * TAP_RING_FRAMES; step++) {
		uint32_t count = 1 + step * 7919 % 901;

		say(said, count);
		assert_recorded(heard, count);
		said += count;
		heard += count;
	}
	/* It runs out in the middle. */
	{
		int16_t *frames = record(480);
		uint32_t left = AHEAD % 477;

		assert_numbers(frames, heard, left);
		heard += left;
	}
	say(heard, 100);
	assert_inner(record(480), 480);
}

static void test_too_much_is_said(void **state)
{
	uint32_t said = 0;

	audio_tap_listen(tap, AUDIO_CAPTURE, true);
	begin(AUDIO_CAPTURE, &stereo);
	record(1);
	/* At first: all but the newest is what was said before. */
	say(said, AHEAD + 1000);
	said += AHEAD + 1000;
	assert_recorded(said - AHEAD, 480);
	/* Later: up to three times as much may wait. */
	say(said, 2 * AHEAD + 480);
	said += 2 * AHEAD + 480;
	assert_recorded(said - 3 * AHEAD, 480);
	say(said, 481);
	said += 481;
	assert_recorded(said - AHEAD, 480);
	/* The guest stands still. */
	for (int i = 0; i < 40; i++) {
		static int16_t frames[1000 * 2];

		audio_tap_give(tap, frames, 1000);
	}
	assert_int_equal(audio_tap_give(tap, (int16_t[2]){ 0 }, 1), 0);
	record(480);
	say(0, AHEAD);
	record(2 * AHEAD);
}

static void test_what_is_old_is_not_said(void **state)
{
	audio_tap_listen(tap, AUDIO_CAPTURE, true);
	begin(AUDIO_CAPTURE, &stereo);
	record(1);
	say(0, 2 * AHEAD);
	assert_recorded(AHEAD, 10);
	/* It went and came back. */
	audio_tap_listen(tap, AUDIO_CAPTURE, false);
	assert_inner(record(480), 480);
	audio_tap_listen(tap, AUDIO_CAPTURE, true);
	assert_inner(record(480), 480);
	say(7, AHEAD);
	assert_recorded(7, 10);
	/* The guest's stream did. */
	backend->ops->stop(backend, AUDIO_CAPTURE);
	assert_int_equal(backend->ops->start(backend, AUDIO_CAPTURE), 0);
	assert_inner(record(480), 480);
	say(9, AHEAD);
	assert_recorded(9, 10);
}

/* --- formats ----------------------------------------------------------------------------- */

/* A whole stream through the tap in a format that is converted. */
static void test_converts(void **state)
{
	struct audio_params params = stereo;
	const float frames[3] = { 0.5f, -0.5f, 0.25f };
	int16_t heard[6];

	params.format = AUDIO_FORMAT_FLOAT;
	params.channels = 1;
	params.positions[0] = AUDIO_POSITION_MONO;
	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	begin(AUDIO_PLAYBACK, &params);
	rig.streams[AUDIO_PLAYBACK].room = 3;
	assert_int_equal(backend->ops->write(backend, frames, 3), 3);
	assert_memory_equal(rig.played, frames, sizeof(frames));
	assert_int_equal(audio_tap_take(tap, heard, 5), 3);
	assert_memory_equal(heard, ((int16_t[]){ 16384, 16384, -16384, -16384, 8192, 8192 }),
			    sizeof(heard));
	begin(AUDIO_CAPTURE, &params);
	audio_tap_listen(tap, AUDIO_CAPTURE, true);
	record(1);
	for (uint32_t i = 0; i < AHEAD; i++)
		audio_tap_give(tap, (int16_t[2]){ 16384, 16384 }, 1);
	assert_true(((float *)record(3))[2] == 0.5f);
}

/* --- two threads ------------------------------------------------------------------------- */

#define RACE_FRAMES (1u << 20)

static _Atomic bool race_over;

/* Two bytes that are the same do not follow each other in what inner gives. */
static void race_number(int16_t frame[2], uint32_t n)
{
	frame[0] = (int16_t)((n >> 16 & 0xff) * 0x101);
	frame[1] = (int16_t)n;
}

static bool race_is_number(const int16_t frame[2], uint32_t *n)
{
	uint16_t high = (uint16_t)frame[0];

	*n = (uint32_t)(high >> 8) << 16 | (uint16_t)frame[1];
	return (high & 0xff) == high >> 8;
}

/* The listener's numbers come in order, with some left out. */
static uint32_t race_check(const int16_t *frames, uint32_t count, uint32_t *next)
{
	uint32_t said, found = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!race_is_number(frames + 2 * (size_t)i, &said))
			continue;
		if (((said - *next) & 0xffffff) > 0x7fffff)
			fail_msg("%u after %u", said, *next);
		*next = said + 1;
		found++;
	}
	return found;
}

/* The audio loop: plays all frames and records what is said, starting again now and then. */
static void *race_audio(void *data)
{
	uint32_t *recorded = data, next = 0;

	begin(AUDIO_PLAYBACK, &stereo);
	begin(AUDIO_CAPTURE, &stereo);
	for (uint32_t played = 0, step = 0; played < RACE_FRAMES; step++) {
		uint32_t count = 1 + step * 7919 % 600;

		/* Playing never waits; here it does, so that nothing is lost. */
		while (look(AUDIO_PLAYBACK).frames > TAP_RING_FRAMES - 601)
			;
		play(played, count);
		played += count;
		*recorded += race_check(record(count), count, &next);
		if (step % 100 == 99)
			begin(AUDIO_CAPTURE, &stereo);
	}
	atomic_store(&race_over, true);
	return NULL;
}

static void race_say(uint32_t *said)
{
	int16_t frames[64][2];

	for (uint32_t i = 0; i < 64; i++)
		race_number(frames[i], *said + i);
	*said += audio_tap_give(tap, frames[0], 64);
}

static void test_two_threads(void **state)
{
	static int16_t frames[1000 * 2];
	uint32_t heard = 0, recorded = 0, said = 0, count;
	pthread_t thread;

	race_over = false;
	audio_tap_listen(tap, AUDIO_PLAYBACK, true);
	audio_tap_listen(tap, AUDIO_CAPTURE, true);
	assert_int_equal(pthread_create(&thread, NULL, race_audio, &recorded), 0);
	do {
		bool over = atomic_load(&race_over);

		count = audio_tap_take(tap, frames, 1 + heard % 1000);
		assert_numbers(frames, heard, count);
		heard += count;
		race_say(&said);
		audio_tap_clear(tap);
		if (over && !count)
			break;
	} while (true);
	pthread_join(thread, NULL);
	assert_true(heard >= RACE_FRAMES);
	assert_true(recorded > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hands_on),
		TEST(test_close_stops),
		TEST(test_nobody_listens),
		TEST(test_even_pace),
		TEST(test_exact),
		TEST(test_a_sleeper_loses_the_newest),
		TEST(test_streams_are_told_apart),
		TEST(test_speaks),
		TEST(test_too_much_is_said),
		TEST(test_what_is_old_is_not_said),
		TEST(test_converts),
		TEST(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
