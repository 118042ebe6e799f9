/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound rings with a thread at each end. */
#include <errno.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RACE_FRAMES 3000000u
#define RACE_STARTS 4000u
#define RACE_PIECE 1021u

struct fixture {
	struct segment *segment;
	struct sound_host *host;
	struct sound_peer *peer;
	struct sound_description description;
	_Atomic bool done;
};

static void fixture_init(struct fixture *fixture, enum sound_direction direction)
{
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };

	fixture->segment = segment_create_memfd(&config);
	assert_non_null(fixture->segment);
	fixture->host = sound_host_create(fixture->segment, direction);
	fixture->peer = sound_peer_create(fixture->segment, direction);
	assert_true(fixture->host && fixture->peer);
	fixture->description = (struct sound_description){
		.flags = SOUND_OPEN | SOUND_RUNNING, .format = SOUND_FORMAT_S32, .rate = 48000,
		.channels = 1,
	};
	atomic_init(&fixture->done, false);
}

static void fixture_finish(struct fixture *fixture)
{
	sound_peer_destroy(fixture->peer);
	sound_host_destroy(fixture->host);
	segment_destroy(fixture->segment);
}

static void *play(void *data)
{
	struct fixture *fixture = data;
	uint32_t frames[RACE_PIECE], next = 0;

	while (next < RACE_FRAMES) {
		uint32_t count = 1 + next % RACE_PIECE;

		if (count > RACE_FRAMES - next)
			count = RACE_FRAMES - next;
		for (uint32_t i = 0; i < count; i++)
			frames[i] = next + i + 1;
		count = sound_host_write(fixture->host, frames, count, next);
		next += count;
		if (!count)
			sched_yield();
	}
	return NULL;
}

/* The client's other thread does the rest meanwhile. */
static void *keep(void *data)
{
	struct fixture *fixture = data;
	struct sound_description seen;
	uint64_t now_ns = 0;

	while (!atomic_load(&fixture->done)) {
		sound_peer_beat(fixture->peer, now_ns += 1000000000);
		sound_peer_stream(fixture->peer, &seen);
		sound_peer_missed_frames(fixture->peer);
		sched_yield();
	}
	return NULL;
}

static void test_playback(void **state)
{
	struct fixture fixture;
	uint32_t frames[RACE_PIECE], next = 0;
	pthread_t player, keeper;

	fixture_init(&fixture, SOUND_PLAYBACK);
	sound_host_describe(fixture.host, &fixture.description);
	sound_peer_take(fixture.peer);
	assert_int_equal(sound_peer_join(fixture.peer, &fixture.description, 0), 0);
	assert_int_equal(pthread_create(&player, NULL, play, &fixture), 0);
	assert_int_equal(pthread_create(&keeper, NULL, keep, &fixture), 0);
	while (next < RACE_FRAMES) {
		uint32_t asked = 1 + (next + 500) % RACE_PIECE;
		uint32_t got = sound_peer_read(fixture.peer, frames, asked, next);

		for (uint32_t i = 0; i < asked; i++)
			if (frames[i] != (i < got ? next + i + 1 : 0))
				fail_msg("frame %u is %u", next + i, frames[i]);
		next += got;
		if (!got)
			sched_yield();
	}
	atomic_store(&fixture.done, true);
	pthread_join(player, NULL);
	pthread_join(keeper, NULL);
	fixture_finish(&fixture);
}

static void *record(void *data)
{
	struct fixture *fixture = data;
	uint32_t frames[RACE_PIECE], next = 0;

	while (next < RACE_FRAMES) {
		uint32_t count = 1 + next % RACE_PIECE;

		if (count > RACE_FRAMES - next)
			count = RACE_FRAMES - next;
		for (uint32_t i = 0; i < count; i++)
			frames[i] = next + i;
		count = sound_peer_write(fixture->peer, frames, count, next);
		next += count;
		if (!count)
			sched_yield();
	}
	return NULL;
}

static void test_microphone(void **state)
{
	struct fixture fixture;
	uint32_t frames[RACE_PIECE], next = 0;
	pthread_t recorder;

	fixture_init(&fixture, SOUND_MICROPHONE);
	sound_host_describe(fixture.host, &fixture.description);
	sound_peer_take(fixture.peer);
	assert_int_equal(sound_peer_join(fixture.peer, &fixture.description, 0), 0);
	assert_int_equal(pthread_create(&recorder, NULL, record, &fixture), 0);
	while (next < RACE_FRAMES) {
		uint32_t asked = 1 + (next + 500) % RACE_PIECE;
		uint32_t got = sound_host_read(fixture.host, frames, asked, next);

		for (uint32_t i = 0; i < got; i++)
			if (frames[i] != next + i)
				fail_msg("frame %u is %u", next + i, frames[i]);
		next += got;
		if (!got)
			sched_yield();
	}
	pthread_join(recorder, NULL);
	fixture_finish(&fixture);
}

static uint8_t restart_frames[SOUND_RING_BYTES];

/* Starts streams of changing formats whose every byte is the generation's number. */
static void *restart(void *data)
{
	struct fixture *fixture = data;

	for (uint32_t i = 0; i < RACE_STARTS; i++) {
		struct sound_description description = fixture->description;

		description.channels = 1 + i % SOUND_MAX_CHANNELS;
		description.format = i % 3 ? SOUND_FORMAT_S16 : SOUND_FORMAT_FLOAT;
		memset(restart_frames, (uint8_t)(i + 1), sizeof(restart_frames));
		sound_host_describe(fixture->host, &description);
		assert_int_equal((uint8_t)description.generation, (uint8_t)(i + 1));
		for (uint32_t j = 0; j < 20; j++) {
			if (!sound_host_write(fixture->host, restart_frames,
					      sound_host_room(fixture->host), j))
				sched_yield();
		}
		description.flags = SOUND_OPEN;
		sound_host_describe(fixture->host, &description);
	}
	atomic_store(&fixture->done, true);
	return NULL;
}

/* Large pieces: copying one takes longer than a new stream needs to overwrite it. */
static uint64_t hear_pieces(struct fixture *fixture, const struct sound_description *seen)
{
	static uint8_t frames[SOUND_RING_BYTES];
	uint64_t heard = 0;

	for (uint32_t pieces = 0; pieces < 4; pieces++) {
		uint32_t got = sound_peer_read(fixture->peer, frames,
					       SOUND_RING_BYTES / seen->frame_bytes, 1);

		for (uint32_t i = 0; i < got * seen->frame_bytes; i++)
			if (frames[i] != (uint8_t)seen->generation)
				fail_msg("byte %u of generation %u is %u", i, seen->generation,
					 frames[i]);
		heard += got;
	}
	return heard;
}

/* Whatever comes out belongs to the stream that was joined: never the next one's bytes. */
static void test_generations(void **state)
{
	struct sound_description seen = { 0 };
	struct fixture fixture;
	uint64_t heard = 0;
	pthread_t player;

	fixture_init(&fixture, SOUND_PLAYBACK);
	sound_peer_take(fixture.peer);
	assert_int_equal(pthread_create(&player, NULL, restart, &fixture), 0);
	while (!atomic_load(&fixture.done)) {
		int result = sound_peer_stream(fixture.peer, &seen);

		assert_true(result == 0 || result == 1 || result == -EAGAIN);
		if (result == 1 && (seen.flags & SOUND_RUNNING))
			assert_int_equal(sound_peer_join(fixture.peer, &seen, UINT32_MAX), 0);
		if (result >= 0 && (seen.flags & SOUND_RUNNING))
			heard += hear_pieces(&fixture, &seen);
	}
	pthread_join(player, NULL);
	assert_true(heard > 0);
	fixture_finish(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_playback),
		cmocka_unit_test(test_microphone),
		cmocka_unit_test(test_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
