/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound backend against a client that the test drives, with a clock that the test sets. */
#include "sound_private.h"

#include <base/clock.h>
#include <base/loop.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define RATE 48000u
#define PERIOD 480u
#define QUANTUM 256u
#define TARGET (2 * QUANTUM)
#define MAX_FRAMES 131072u       /* the ring holds as many */

/* Not 0: timers of the real clock do not fire early in it. */
static uint64_t fake_now_ns;

static uint64_t fake_now(void)
{
	return fake_now_ns;
}

struct fixture {
	struct loop *loop;
	struct segment *segment;
	struct audio_backend *backend;
	struct sound_peer *peer;
	struct sound_section *section;
	enum audio_direction direction;
	int doorbell;
	bool greedy;            /* the guest moves all it can when notified */
	bool stops;             /* it stops the stream when notified */
	uint32_t notified;
	uint32_t changed;
	uint32_t next;          /* of the guest: the next frame's value */
	uint64_t moved;         /* frames that the guest moved */
	uint32_t peer_next;     /* of the client */
};

static uint32_t frames[MAX_FRAMES];

static struct audio_params params_of(enum audio_format format, uint32_t channels, uint32_t period)
{
	struct audio_params params = {
		.format = format, .rate = RATE, .channels = channels, .period_frames = period,
		.buffer_frames = 4 * period,
	};

	audio_positions_default(params.positions, channels);
	return params;
}

/* What fits of that many; the number. */
static uint32_t guest_plays(struct fixture *fixture, uint32_t most)
{
	uint32_t room = fixture->backend->ops->room(fixture->backend, AUDIO_PLAYBACK);
	uint32_t count = most < room ? most : room;

	for (uint32_t i = 0; i < count; i++)
		frames[i] = fixture->next + i + 1;
	count = fixture->backend->ops->write(fixture->backend, frames, count);
	fixture->next += count;
	fixture->moved += count;
	return count;
}

static uint32_t guest_record(struct fixture *fixture)
{
	uint32_t room = fixture->backend->ops->room(fixture->backend, AUDIO_CAPTURE);
	uint32_t count = fixture->backend->ops->read(fixture->backend, frames, room);

	fixture->moved += count;
	return count;
}

static void on_notify(void *data, enum audio_direction direction)
{
	struct fixture *fixture = data;

	assert_int_equal(direction, fixture->direction);
	fixture->notified++;
	if (fixture->stops)
		fixture->backend->ops->stop(fixture->backend, direction);
	if (!fixture->greedy)
		return;
	if (direction == AUDIO_PLAYBACK)
		guest_plays(fixture, MAX_FRAMES);
	else
		guest_record(fixture);
}

static void on_changed(void *data)
{
	struct fixture *fixture = data;

	fixture->changed++;
}

static struct fixture *fixture_create(enum audio_direction direction, bool doorbell,
				      uint64_t (*now)(void))
{
	const struct segment_config segment = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct sound_capture_config config;

	assert_non_null(fixture);
	fake_now_ns = 1000000 * MS;
	fixture->direction = direction;
	fixture->greedy = true;
	fixture->loop = loop_create("audio");
	fixture->segment = segment_create_memfd(&segment);
	assert_true(fixture->loop && fixture->segment);
	fixture->doorbell = doorbell ? doorbell_eventfd_create() : -1;
	config = (struct sound_capture_config){
		.audio_loop = fixture->loop, .segment = fixture->segment,
		.doorbell = fixture->doorbell, .changed = on_changed, .data = fixture,
	};
	fixture->backend = sound_capture_create_clocked(&config, now);
	assert_non_null(fixture->backend);
	fixture->backend->listener = (struct audio_listener){ .notify = on_notify,
							      .data = fixture };
	fixture->peer = sound_peer_create(fixture->segment, (enum sound_direction)direction);
	fixture->section = segment_find(fixture->segment, SEGMENT_SECTION_SOUND, direction, NULL);
	assert_true(fixture->peer && fixture->section);
	return fixture;
}

static int setup_playback(void **state)
{
	*state = fixture_create(AUDIO_PLAYBACK, true, fake_now);
	return 0;
}

static int setup_microphone(void **state)
{
	*state = fixture_create(AUDIO_CAPTURE, true, fake_now);
	return 0;
}

static int setup_polled(void **state)
{
	*state = fixture_create(AUDIO_PLAYBACK, false, clock_now_ns);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->backend)
		fixture->backend->ops->destroy(fixture->backend);
	sound_peer_destroy(fixture->peer);
	segment_destroy(fixture->segment);
	if (fixture->doorbell >= 0)
		close(fixture->doorbell);
	loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

/* Time goes by and the backend looks. */
static void step(struct fixture *fixture, uint64_t ns)
{
	fake_now_ns += ns;
	doorbell_eventfd_ring(fixture->doorbell);
	loop_dispatch(fixture->loop, 0);
}

/* Opens and starts a stereo stream of 16 bits; the first notification has come. */
static void start(struct fixture *fixture, uint32_t period)
{
	const struct audio_params params = params_of(AUDIO_FORMAT_S16, 2, period);
	uint32_t notified = fixture->notified;

	assert_int_equal(fixture->backend->ops->open(fixture->backend, fixture->direction,
						     &params), 0);
	assert_int_equal(fixture->backend->ops->start(fixture->backend, fixture->direction), 0);
	assert_int_equal(fixture->notified, notified);
	loop_dispatch(fixture->loop, 1000);
	assert_true(fixture->notified > notified);
}

static void peer_take(struct fixture *fixture, uint32_t quantum)
{
	sound_peer_set_server(fixture->peer, quantum, 0);
	sound_peer_take(fixture->peer);
}

static void peer_join(struct fixture *fixture, uint32_t keep_frames)
{
	struct sound_description description;

	assert_true(sound_peer_stream(fixture->peer, &description) >= 0);
	assert_int_equal(sound_peer_join(fixture->peer, &description, keep_frames), 0);
}

/* A callback of the client's sound server: count frames are there, all in order. */
static void peer_plays(struct fixture *fixture, uint32_t count)
{
	uint32_t got = sound_peer_read(fixture->peer, frames, count, fake_now_ns);

	assert_int_equal(got, count);
	for (uint32_t i = 0; i < count; i++)
		if (frames[i] != fixture->peer_next + i + 1)
			fail_msg("frame %u is %u", fixture->peer_next + i + 1, frames[i]);
	fixture->peer_next += count;
}

static void peer_speaks(struct fixture *fixture, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		frames[i] = fixture->peer_next + i + 1;
	assert_int_equal(sound_peer_write(fixture->peer, frames, count, fake_now_ns), count);
	fixture->peer_next += count;
}

static uint32_t room(struct fixture *fixture)
{
	return fixture->backend->ops->room(fixture->backend, fixture->direction);
}

static enum sound_clock_source source(struct fixture *fixture)
{
	return sound_capture_source(fixture->backend, fixture->direction);
}

/* As the client sees it. */
static bool runs(struct fixture *fixture)
{
	return fixture->section->stream.flags & SOUND_RUNNING;
}

/* --- control --------------------------------------------------------------------------------- */

static void test_stream_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct audio_backend *backend = fixture->backend;
	struct audio_params params = params_of(AUDIO_FORMAT_FLOAT, 6, 441);
	struct sound_description seen;

	assert_int_equal(backend->ops->start(backend, fixture->direction), -EINVAL);
	backend->ops->stop(backend, fixture->direction);
	backend->ops->close(backend, fixture->direction);
	assert_int_equal(fixture->changed, 0);
	assert_int_equal(backend->ops->open(backend, fixture->direction, &params), 0);
	assert_int_equal(backend->ops->open(backend, fixture->direction, &params), -EBUSY);
	assert_int_equal(fixture->changed, 1);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, SOUND_OPEN);
	assert_int_equal(seen.format, SOUND_FORMAT_FLOAT);
	assert_int_equal(seen.rate, RATE);
	assert_int_equal(seen.channels, 6);
	assert_int_equal(seen.period_frames, 441);
	assert_memory_equal(seen.positions, params.positions, SOUND_MAX_CHANNELS);
	assert_int_equal(room(fixture), 0);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(backend->ops->start(backend, fixture->direction), 0);
		assert_int_equal(backend->ops->start(backend, fixture->direction), 0);
		assert_int_equal(fixture->changed, 2 * i);
		assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
		assert_int_equal(seen.flags, SOUND_OPEN | SOUND_RUNNING);
		assert_int_equal(seen.generation, i);
		backend->ops->stop(backend, fixture->direction);
		assert_int_equal(room(fixture), 0);
		assert_int_equal(fixture->changed, 2 * i + 1);
	}
	/* Close stops first. */
	assert_int_equal(backend->ops->start(backend, fixture->direction), 0);
	backend->ops->close(backend, fixture->direction);
	assert_int_equal(fixture->changed, 10);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, 0);
	params.rate = 1;
	assert_int_equal(backend->ops->open(backend, fixture->direction, &params), -EINVAL);
}

/* Nothing runs: whatever clients do, nobody wakes up. */
static void test_idle_sleeps(void **state)
{
	struct fixture *fixture = *state;
	uint32_t notified;

	doorbell_eventfd_ring(fixture->doorbell);
	assert_int_equal(loop_dispatch(fixture->loop, 30), 0);
	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	fixture->backend->ops->stop(fixture->backend, fixture->direction);
	notified = fixture->notified;
	step(fixture, 1000 * MS);
	doorbell_eventfd_ring(fixture->doorbell);
	assert_int_equal(loop_dispatch(fixture->loop, 600), 0);
	assert_int_equal(fixture->notified, notified);
}

static void test_segment_without_sound(void **state)
{
	struct fixture *fixture = *state;
	struct segment_header *header =
		(struct segment_header *)(uintptr_t)segment_base(fixture->segment);
	struct sound_capture_config config = { .audio_loop = fixture->loop, .doorbell = -1 };

	for (uint32_t i = 0; i < header->section_count; i++)
		if (header->sections[i].type == SEGMENT_SECTION_SOUND &&
		    header->sections[i].index == 1)
			header->sections[i].type = 99;
	config.segment = segment_attach_fd(segment_fd(fixture->segment));
	assert_non_null(config.segment);
	errno = 0;
	assert_null(sound_capture_create(&config));
	assert_int_equal(errno, ENOENT);
	segment_destroy(config.segment);
}

/* --- playback -------------------------------------------------------------------------------- */

static void test_ring_is_kept_at_two_quanta(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	assert_int_equal(source(fixture), SOUND_CLOCK_WAITING);
	assert_int_equal(fixture->moved, TARGET);
	peer_join(fixture, MAX_FRAMES);
	for (uint32_t i = 1; i < 10000; i++) {
		peer_plays(fixture, QUANTUM);
		step(fixture, 5333333);
		assert_int_equal(fixture->moved, TARGET + i * QUANTUM);
		assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
		assert_int_equal(room(fixture), 0);
	}
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 0);
	assert_int_equal(sound_capture_dropped(fixture->backend, AUDIO_PLAYBACK), 0);
}

static void test_target(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		uint32_t quantum, period, target;
	} cases[] = {
		{ 256, 480, 512 },  { 64, 480, 480 },   { 64, 120, 128 },  { 48, 120, 120 },
		{ 64, 48000, 480 }, { 1024, 1, 2048 },  { 0, 480, 1922 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t moved = fixture->moved;

		peer_take(fixture, cases[i].quantum);
		start(fixture, cases[i].period);
		assert_int_equal(fixture->moved - moved, cases[i].target);
		fixture->backend->ops->close(fixture->backend, AUDIO_PLAYBACK);
		step(fixture, 1000 * MS);
	}
}

static void test_delay(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	fixture->section->client.delay_ns = 10 * MS;
	assert_int_equal(fixture->backend->ops->delay(fixture->backend, AUDIO_PLAYBACK),
			 TARGET + 480);
	fixture->section->client.delay_ns = UINT64_MAX;
	assert_int_equal(fixture->backend->ops->delay(fixture->backend, AUDIO_PLAYBACK),
			 TARGET + 2 * RATE);
}

/* Whatever steps it is asked in, the own clock runs at the nominal rate. */
static void assert_own_rate(struct fixture *fixture)
{
	uint64_t start_ns = fake_now_ns, before = fixture->moved, written;

	written = fixture->section->written.frames;
	for (uint32_t i = 0; i < 3000; i++)
		step(fixture, 1 * MS + i * 7919 % 3000000);
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
	assert_int_equal(fixture->moved - before, (fake_now_ns - start_ns) * RATE / 1000000000);
	assert_int_equal(fixture->section->written.frames, written);
}

static void test_no_client(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, PERIOD);
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
	assert_own_rate(fixture);
	assert_int_equal(sound_capture_dropped(fixture->backend, fixture->direction),
			 fixture->moved);
	assert_int_equal(fixture->backend->ops->delay(fixture->backend, fixture->direction), 0);
}

static void test_client_that_does_not_begin(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	for (uint32_t i = 0; i < 499; i++)
		step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_WAITING);
	assert_int_equal(fixture->moved, TARGET);
	step(fixture, 1 * MS);
	assert_own_rate(fixture);
	/* It begins after all, with what was there first. */
	peer_join(fixture, MAX_FRAMES);
	peer_plays(fixture, QUANTUM);
	step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	assert_int_equal(room(fixture), 0);
	assert_int_equal(fixture->section->written.frames, TARGET + QUANTUM);
}

static void test_client_that_stands_still(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	peer_plays(fixture, QUANTUM);
	step(fixture, 0);
	step(fixture, 99 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	step(fixture, 1 * MS);
	assert_own_rate(fixture);
	/* On again: what is in the ring, and at once what fits. */
	peer_plays(fixture, QUANTUM);
	fixture->greedy = false;
	step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	assert_int_equal(room(fixture), QUANTUM);
}

/* The whole machine stood still: the client gets its turn before it is given up. */
static void test_we_stood_still_as_well(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	for (uint32_t i = 0; i < 3; i++) {
		peer_plays(fixture, QUANTUM);
		step(fixture, 0);
		step(fixture, 300 * MS);
		assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
		step(fixture, 19 * MS);
		assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	}
	/* But once only. */
	step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
}

static void test_long_quanta_may_stand_longer(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, 4096);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	peer_plays(fixture, 4096);
	step(fixture, 0);
	step(fixture, 341 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
	/* But not for ever. */
	peer_take(fixture, 60000);
	peer_plays(fixture, 4096);
	step(fixture, 0);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	step(fixture, 1000 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
}

/* The server's quantum shrinks: a second later the ring is too full for a while, but it moves. */
static void test_shorter_quantum(void **state)
{
	struct fixture *fixture = *state;
	uint64_t moved;

	peer_take(fixture, 8192);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	peer_plays(fixture, 8192);
	step(fixture, 0);
	assert_int_equal(fixture->moved, 3 * 8192);
	peer_take(fixture, 128);
	for (uint32_t i = 0; i < 370; i++) {
		peer_plays(fixture, 128);
		step(fixture, 2666667);
		assert_int_equal(fixture->moved, 3 * 8192 + (i + 1) * 128);
	}
	step(fixture, 14 * MS);
	moved = fixture->moved;
	for (uint32_t i = 0; i < (2 * 8192 - 480) / 128; i++) {
		peer_plays(fixture, 128);
		step(fixture, 2666667);
		assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	}
	assert_int_equal(fixture->moved, moved);
	peer_plays(fixture, 128);
	step(fixture, 2666667);
	peer_plays(fixture, 128);
	step(fixture, 2666667);
	assert_int_equal(fixture->moved, moved + 2 * 128 - 32);
	assert_int_equal(sound_capture_dropped(fixture->backend, AUDIO_PLAYBACK), 0);
}

/* A server that resamples: now more, now less. */
static void test_uneven_quanta(void **state)
{
	struct fixture *fixture = *state;
	uint64_t random = 1;

	peer_take(fixture, 940);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t count = i % 40 ? 1 + (uint32_t)(random >> 33) % 939 : 940;

		random = random * 6364136223846793005u + 1442695040888963407u;
		sound_peer_set_server(fixture->peer, count, 0);
		peer_plays(fixture, count);
		step(fixture, count * MS / 48);
	}
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 0);
}

/* A client that says its quantum only with its first callback: what was guessed is not kept. */
static void test_quantum_after_the_start(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, 0);
	start(fixture, PERIOD);
	assert_int_equal(fixture->moved, 2 * (RATE / 50 + 1));
	sound_peer_set_server(fixture->peer, QUANTUM, 0);
	peer_join(fixture, MAX_FRAMES);
	for (uint32_t i = 0; i < 10; i++) {
		peer_plays(fixture, QUANTUM);
		step(fixture, 5333333);
	}
	assert_int_equal(fixture->section->written.frames - fixture->section->read.frames, TARGET);
}

static void test_client_leaves_and_comes(void **state)
{
	struct fixture *fixture = *state;
	struct sound_peer *other = sound_peer_create(fixture->segment, SOUND_PLAYBACK);
	struct sound_description description;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	peer_plays(fixture, QUANTUM);
	step(fixture, 0);
	sound_peer_release(fixture->peer);
	step(fixture, 1 * MS);
	assert_own_rate(fixture);
	/* Another one: the ring is filled at once, before it has joined. */
	sound_peer_take(other);
	fixture->section->client.quantum_frames = 2 * QUANTUM;
	step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_WAITING);
	assert_int_equal(fixture->section->written.frames, QUANTUM + 4 * QUANTUM);
	assert_int_equal(sound_peer_stream(other, &description), 1);
	assert_int_equal(sound_peer_join(other, &description, 4 * QUANTUM), 0);
	assert_int_equal(sound_peer_read(other, frames, 2 * QUANTUM, 1), 2 * QUANTUM);
	step(fixture, 1 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	sound_peer_destroy(other);
}

/* A clock that runs while the ring stays full would hold the guest up for ever. */
static void test_clock_without_reading(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	for (uint32_t i = 0; i < 500; i++) {
		fixture->section->client.clock_frames += QUANTUM;
		step(fixture, 1 * MS);
	}
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
	fixture->section->client.clock_frames += QUANTUM;
	step(fixture, 100 * MS);
	assert_int_equal(source(fixture), SOUND_CLOCK_OWN);
}

static uint32_t random_next(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*random >> 33);
}

/* Arbitrary words where the client writes. */
static void scribble(struct fixture *fixture, uint64_t *random)
{
	uint8_t *client = (uint8_t *)&fixture->section->client;
	uint8_t *position = fixture->direction == AUDIO_PLAYBACK ?
				    (uint8_t *)&fixture->section->read :
				    (uint8_t *)&fixture->section->written;
	uint64_t value = random_next(random);

	if (random_next(random) % 2)
		value = value << 32 | random_next(random);
	if (random_next(random) % 3 == 0)
		value = fixture->moved + value % 1000;
	switch (random_next(random) % 4) {
	case 0:
		memcpy(client + random_next(random) % 6 * 8, &value, 8);
		break;
	case 1:
		memcpy(position, &value, 8);
		break;
	case 2:
		value = random_next(random) % 3;
		memcpy(position + 16, &value, 4);
		break;
	default:
		value = 1;
		memcpy(client + 24, &value, 4);
		memcpy(position + 16, &value, 4);
	}
}

/* Nothing that is written there holds the guest up for more than the waits there are. */
static void test_hostile_client(void **state)
{
	struct fixture *fixture = *state;
	uint64_t random = 1, last_ns, moved = 0;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	last_ns = fake_now_ns;
	for (uint32_t i = 0; i < 200000; i++) {
		scribble(fixture, &random);
		step(fixture, random_next(&random) % 20 * MS);
		if (fixture->moved != moved) {
			moved = fixture->moved;
			last_ns = fake_now_ns;
		}
		if (fake_now_ns - last_ns > 1100 * MS)
			fail_msg("step %u: nothing moved for %llu ms", i,
				 (unsigned long long)((fake_now_ns - last_ns) / MS));
	}
}

/* Nor does it keep a stream for more than a second after its end. */
static void test_drain_with_a_hostile_client(void **state)
{
	struct fixture *fixture = *state;
	uint64_t random = 2;

	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t stop_ns;

		peer_take(fixture, QUANTUM);
		start(fixture, PERIOD);
		for (uint32_t j = random_next(&random) % 20; j > 0; j--) {
			scribble(fixture, &random);
			step(fixture, random_next(&random) % 20 * MS);
		}
		fixture->backend->ops->close(fixture->backend, AUDIO_PLAYBACK);
		stop_ns = fake_now_ns;
		while (runs(fixture)) {
			scribble(fixture, &random);
			step(fixture, 20 * MS);
			assert_true(fake_now_ns - stop_ns <= 1000 * MS);
		}
	}
}

/* --- the end of a sound ---------------------------------------------------------------------- */

#define DELAY_MS 40u
#define QUANTUM_NS (QUANTUM * UINT64_C(1000000000) / RATE)

/* A stream in the middle, TARGET frames in the ring. */
static void start_played(struct fixture *fixture)
{
	peer_take(fixture, QUANTUM);
	sound_peer_set_server(fixture->peer, QUANTUM, DELAY_MS * MS);
	start(fixture, PERIOD);
	peer_join(fixture, MAX_FRAMES);
	for (uint32_t i = 0; i < 10; i++) {
		peer_plays(fixture, QUANTUM);
		step(fixture, QUANTUM_NS);
	}
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
}

/* A callback that finds only so many. */
static void peer_plays_last(struct fixture *fixture, uint32_t count)
{
	assert_int_equal(sound_peer_read(fixture->peer, frames, QUANTUM, fake_now_ns), count);
	for (uint32_t i = 0; i < QUANTUM; i++)
		assert_int_equal(frames[i], i < count ? fixture->peer_next + i + 1 : 0);
	fixture->peer_next += count;
}

/* The client plays all that the guest wrote, and says for how long the end can be heard. */
static void assert_drains(struct fixture *fixture)
{
	uint32_t notified = fixture->notified;
	uint64_t start_ns;

	assert_true(runs(fixture));
	assert_int_equal(room(fixture), 0);
	while (fixture->peer_next + QUANTUM <= fixture->next) {
		step(fixture, QUANTUM_NS);
		peer_plays(fixture, QUANTUM);
	}
	step(fixture, QUANTUM_NS);
	peer_plays_last(fixture, fixture->next - fixture->peer_next);
	step(fixture, 0);
	assert_true(runs(fixture));
	start_ns = fake_now_ns;
	while (fake_now_ns + QUANTUM_NS < start_ns + DELAY_MS * MS + QUANTUM_NS) {
		step(fixture, QUANTUM_NS);
		peer_plays_last(fixture, 0);
		assert_true(runs(fixture));
	}
	step(fixture, start_ns + DELAY_MS * MS + QUANTUM_NS - 1 - fake_now_ns);
	assert_true(runs(fixture));
	step(fixture, 1);
	assert_false(runs(fixture));
	assert_int_equal(fixture->notified, notified);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 0);
	assert_int_equal(loop_dispatch(fixture->loop, 20), 0);
}

static void test_drain(void **state)
{
	struct fixture *fixture = *state;
	struct sound_description seen;

	start_played(fixture);
	fixture->greedy = false;
	peer_plays(fixture, QUANTUM);
	step(fixture, 0);
	assert_int_equal(guest_plays(fixture, 100), 100);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
	fixture->backend->ops->stop(fixture->backend, AUDIO_PLAYBACK);
	assert_int_equal(guest_plays(fixture, 100), 0);
	/* To the client nothing has happened. */
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
	assert_drains(fixture);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, SOUND_OPEN);
	/* Nothing is left of it: a start is a new one. */
	assert_int_equal(fixture->backend->ops->start(fixture->backend, AUDIO_PLAYBACK), 0);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.generation, 2);
}

static void test_drain_of_a_closed_stream(void **state)
{
	struct fixture *fixture = *state;
	struct sound_description seen;

	start_played(fixture);
	fixture->stops = true;
	fixture->greedy = false;
	step(fixture, 0);
	fixture->backend->ops->close(fixture->backend, AUDIO_PLAYBACK);
	fixture->backend->ops->close(fixture->backend, AUDIO_PLAYBACK);
	assert_int_equal(fixture->backend->ops->start(fixture->backend, AUDIO_PLAYBACK), -EINVAL);
	assert_drains(fixture);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, 0);
}

/* A sound so short that the client hears of it when it is over. */
static void test_drain_before_the_client_begins(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	sound_peer_set_server(fixture->peer, QUANTUM, DELAY_MS * MS);
	start(fixture, PERIOD);
	fixture->backend->ops->close(fixture->backend, AUDIO_PLAYBACK);
	step(fixture, 400 * MS);
	peer_join(fixture, MAX_FRAMES);
	assert_drains(fixture);
	/* And one whose sound nobody begins to play. */
	start(fixture, PERIOD);
	fixture->backend->ops->close(fixture->backend, AUDIO_PLAYBACK);
	step(fixture, 499 * MS);
	assert_true(runs(fixture));
	step(fixture, 1 * MS);
	assert_false(runs(fixture));
}

static void test_stop_without_samples(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	fixture->greedy = false;
	start(fixture, PERIOD);
	fixture->backend->ops->stop(fixture->backend, AUDIO_PLAYBACK);
	assert_false(runs(fixture));
}

/* What the guest writes after a pause comes right behind what it wrote before. */
static void test_drain_goes_on(void **state)
{
	struct fixture *fixture = *state;
	const struct audio_backend_ops *ops = fixture->backend->ops;
	const struct audio_params params = params_of(AUDIO_FORMAT_S16, 2, PERIOD);
	struct sound_description seen;

	start_played(fixture);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t notified;

		ops->stop(fixture->backend, AUDIO_PLAYBACK);
		if (i % 2) {
			ops->close(fixture->backend, AUDIO_PLAYBACK);
			assert_int_equal(ops->open(fixture->backend, AUDIO_PLAYBACK, &params), 0);
			assert_int_equal(ops->open(fixture->backend, AUDIO_PLAYBACK, &params),
					 -EBUSY);
		}
		for (uint32_t j = 0; j < i % 3; j++) {
			peer_plays(fixture, QUANTUM);
			step(fixture, QUANTUM_NS);
		}
		notified = fixture->notified;
		assert_int_equal(ops->start(fixture->backend, AUDIO_PLAYBACK), 0);
		assert_int_equal(loop_dispatch(fixture->loop, 1000), 1);
		assert_true(fixture->notified > notified);
		for (uint32_t j = 0; j < 3; j++) {
			peer_plays(fixture, QUANTUM);
			step(fixture, QUANTUM_NS);
		}
		assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
		assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
		assert_int_equal(seen.generation, 1);
	}
	/* Opened again, but not started: it drains all the same, and stays open. */
	ops->close(fixture->backend, AUDIO_PLAYBACK);
	assert_int_equal(ops->open(fixture->backend, AUDIO_PLAYBACK, &params), 0);
	assert_drains(fixture);
	assert_int_equal(fixture->section->stream.flags, SOUND_OPEN);
}

static void test_drain_and_another_stream(void **state)
{
	struct fixture *fixture = *state;
	struct audio_backend *backend = fixture->backend;
	struct audio_params params = params_of(AUDIO_FORMAT_S16, 2, PERIOD);
	struct sound_description seen;

	start_played(fixture);
	backend->ops->stop(backend, AUDIO_PLAYBACK);
	params.rate = 44100;
	/* Not closed. */
	assert_int_equal(backend->ops->open(backend, AUDIO_PLAYBACK, &params), -EBUSY);
	assert_true(runs(fixture));
	backend->ops->close(backend, AUDIO_PLAYBACK);
	assert_int_equal(backend->ops->open(backend, AUDIO_PLAYBACK, &params), 0);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, SOUND_OPEN);
	assert_int_equal(seen.rate, 44100);
	assert_int_equal(backend->ops->start(backend, AUDIO_PLAYBACK), 0);
	loop_dispatch(fixture->loop, 1000);
	/* None of the old one's frames. */
	peer_join(fixture, MAX_FRAMES);
	fixture->peer_next = fixture->next - TARGET;
	peer_plays(fixture, QUANTUM);
	step(fixture, QUANTUM_NS);
	assert_int_equal(fixture->section->stream.generation, 2);
	assert_true(runs(fixture));
}

static void test_drain_has_an_end(void **state)
{
	struct fixture *fixture = *state;
	const struct audio_backend_ops *ops = fixture->backend->ops;

	/* The client stands still. */
	start_played(fixture);
	ops->close(fixture->backend, AUDIO_PLAYBACK);
	step(fixture, 100 * MS - 1);
	assert_true(runs(fixture));
	step(fixture, 1);
	assert_false(runs(fixture));
	/* It leaves. */
	fixture->peer_next = fixture->next;
	start_played(fixture);
	ops->close(fixture->backend, AUDIO_PLAYBACK);
	sound_peer_release(fixture->peer);
	step(fixture, 0);
	assert_false(runs(fixture));
	/* It plays a frame at a time. */
	fixture->peer_next = fixture->next;
	start_played(fixture);
	ops->close(fixture->backend, AUDIO_PLAYBACK);
	for (uint32_t i = 0; i < 499; i++) {
		peer_plays(fixture, 1);
		step(fixture, 2 * MS);
	}
	assert_true(runs(fixture));
	step(fixture, 2 * MS);
	assert_false(runs(fixture));
	/* It says that it plays into the moon. */
	fixture->peer_next = fixture->next;
	start_played(fixture);
	ops->close(fixture->backend, AUDIO_PLAYBACK);
	sound_peer_set_server(fixture->peer, QUANTUM, 2000 * MS);
	peer_plays(fixture, TARGET);
	step(fixture, 0);
	for (uint32_t i = 0; i < 250; i++) {
		assert_true(runs(fixture));
		peer_plays_last(fixture, 0);
		step(fixture, 2 * MS);
	}
	step(fixture, QUANTUM_NS);
	assert_false(runs(fixture));
	assert_int_equal(loop_dispatch(fixture->loop, 20), 0);
}

static void test_destroy_while_draining(void **state)
{
	struct fixture *fixture = *state;

	start_played(fixture);
	fixture->backend->ops->stop(fixture->backend, AUDIO_PLAYBACK);
	assert_true(runs(fixture));
	fixture->backend->ops->destroy(fixture->backend);
	fixture->backend = NULL;
	assert_int_equal(fixture->section->stream.flags, 0);
}

/* --- microphone ------------------------------------------------------------------------------ */

static void test_microphone(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	assert_int_equal(fixture->moved, 0);
	peer_join(fixture, 0);
	fixture->greedy = false;
	for (uint32_t i = 0; i < 10000; i++) {
		peer_speaks(fixture, QUANTUM);
		step(fixture, 5333333);
		assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
		assert_int_equal(guest_record(fixture), QUANTUM);
		for (uint32_t j = 0; j < QUANTUM; j++)
			assert_int_equal(frames[j], i * QUANTUM + j + 1);
	}
	assert_int_equal(sound_capture_dropped(fixture->backend, AUDIO_CAPTURE), 0);
}

static void test_microphone_silence(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, PERIOD);
	fixture->greedy = false;
	step(fixture, 100 * MS);
	memset(frames, 0xee, sizeof(frames));
	assert_int_equal(guest_record(fixture), RATE / 10);
	for (uint32_t i = 0; i < RATE / 10; i++)
		assert_int_equal(frames[i], 0);
	assert_int_equal(frames[RATE / 10], 0xeeeeeeee);
}

/* A guest that reads too slowly gets the newest: the delay stays bounded. */
static void test_microphone_slow_guest(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	peer_join(fixture, 0);
	fixture->greedy = false;
	for (uint32_t i = 0; i < 100; i++) {
		peer_speaks(fixture, QUANTUM);
		step(fixture, 5333333);
		assert_in_range(room(fixture), 1, TARGET + RATE / 10 + PERIOD);
	}
	assert_true(sound_capture_dropped(fixture->backend, AUDIO_CAPTURE) > 0);
	guest_record(fixture);
	assert_int_equal(fixture->moved + sound_capture_dropped(fixture->backend, AUDIO_CAPTURE),
			 100 * QUANTUM);
	assert_int_equal(frames[0],
			 sound_capture_dropped(fixture->backend, AUDIO_CAPTURE) + 1);
}

/* After a time of silence the guest hears what is said now, not what was said then. */
static void test_microphone_returns(void **state)
{
	struct fixture *fixture = *state;

	peer_take(fixture, QUANTUM);
	start(fixture, PERIOD);
	peer_join(fixture, 0);
	peer_speaks(fixture, QUANTUM);
	step(fixture, 0);
	step(fixture, 100 * MS);
	assert_own_rate(fixture);
	for (uint32_t i = 0; i < 8; i++)
		peer_speaks(fixture, QUANTUM);
	fixture->greedy = false;
	step(fixture, 0);
	assert_int_equal(source(fixture), SOUND_CLOCK_CLIENT);
	assert_int_equal(guest_record(fixture), TARGET);
	assert_int_equal(frames[0], 9 * QUANTUM - TARGET + 1);
}

/* --- the real clock -------------------------------------------------------------------------- */

/* Without a doorbell the ring is looked at several times a period. */
static void test_polling(void **state)
{
	struct fixture *fixture = *state;
	uint64_t end_ns, next_ns;

	peer_take(fixture, 480);
	start(fixture, PERIOD);
	/* 120 frames on top: what the server plays until we look. */
	assert_int_equal(fixture->moved, 960 + 120);
	peer_join(fixture, MAX_FRAMES);
	next_ns = clock_now_ns();
	end_ns = next_ns + 200 * MS;
	while (next_ns < end_ns) {
		if (clock_now_ns() < next_ns) {
			loop_dispatch(fixture->loop, 1);
			continue;
		}
		loop_dispatch(fixture->loop, 0);
		peer_plays(fixture, 480);
		next_ns = clock_now_ns() + 10 * MS;
	}
	assert_in_range(fixture->notified, 10, 200);
	fixture->backend->ops->stop(fixture->backend, AUDIO_PLAYBACK);
	peer_plays(fixture, fixture->next - fixture->peer_next);
	end_ns = clock_now_ns();
	while (runs(fixture))
		assert_true(loop_dispatch(fixture->loop, 1000) > 0);
	/* A quantum after it was seen; the delay is 0. */
	assert_in_range(clock_now_ns() - end_ns, 10 * MS, 500 * MS);
	assert_int_equal(loop_dispatch(fixture->loop, 20), 0);
}

/* And without a client the timer asks for every period. */
static void test_own_clock_is_real(void **state)
{
	struct fixture *fixture = *state;
	uint64_t start_ns = clock_now_ns(), due;

	start(fixture, PERIOD);
	while (clock_now_ns() - start_ns < 200 * MS)
		loop_dispatch(fixture->loop, 10);
	due = (clock_now_ns() - start_ns) * RATE / 1000000000;
	assert_in_range(fixture->moved, due > 20 * PERIOD ? due - 20 * PERIOD : 0, due);
	assert_true(fixture->moved >= 3 * PERIOD);
}

#define PLAYBACK(test) cmocka_unit_test_setup_teardown(test, setup_playback, teardown)
#define MICROPHONE(test) cmocka_unit_test_setup_teardown(test, setup_microphone, teardown)
#define POLLED(test) cmocka_unit_test_setup_teardown(test, setup_polled, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAYBACK(test_stream_is_told),
		MICROPHONE(test_stream_is_told),
		PLAYBACK(test_idle_sleeps),
		MICROPHONE(test_idle_sleeps),
		PLAYBACK(test_segment_without_sound),
		PLAYBACK(test_ring_is_kept_at_two_quanta),
		PLAYBACK(test_target),
		PLAYBACK(test_delay),
		PLAYBACK(test_no_client),
		MICROPHONE(test_no_client),
		PLAYBACK(test_client_that_does_not_begin),
		PLAYBACK(test_client_that_stands_still),
		PLAYBACK(test_we_stood_still_as_well),
		PLAYBACK(test_long_quanta_may_stand_longer),
		PLAYBACK(test_shorter_quantum),
		PLAYBACK(test_uneven_quanta),
		PLAYBACK(test_quantum_after_the_start),
		PLAYBACK(test_client_leaves_and_comes),
		PLAYBACK(test_clock_without_reading),
		PLAYBACK(test_hostile_client),
		MICROPHONE(test_hostile_client),
		PLAYBACK(test_drain),
		PLAYBACK(test_drain_of_a_closed_stream),
		PLAYBACK(test_drain_before_the_client_begins),
		PLAYBACK(test_stop_without_samples),
		PLAYBACK(test_drain_goes_on),
		PLAYBACK(test_drain_and_another_stream),
		PLAYBACK(test_drain_has_an_end),
		PLAYBACK(test_drain_with_a_hostile_client),
		PLAYBACK(test_destroy_while_draining),
		MICROPHONE(test_microphone),
		MICROPHONE(test_microphone_silence),
		MICROPHONE(test_microphone_slow_guest),
		MICROPHONE(test_microphone_returns),
		POLLED(test_polling),
		POLLED(test_own_clock_is_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
