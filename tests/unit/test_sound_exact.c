/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every sample, both ways at once: a fake guest, the real sound device, the real backend, the
 * segment, and a client's callback on a thread of its own; periods and quanta of odd sizes, and
 * each of the two is slow at times. Time stands still for the backend: nothing may be dropped.
 */
#include "sound_guest.h"
#include "sound_private.h"

#include <audio/virtio_snd.h>
#include <base/loop.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <linux/virtio_snd.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TOTAL_FRAMES 1000000u
#else
#define TOTAL_FRAMES 10000000u
#endif
#define PERIOD_FRAMES 1499u
#define PERIODS 7u
#define MAX_QUANTUM 1201u
#define MAX_AHEAD 4000u         /* a microphone that far ahead of the guest would lose some */
#define MAX_FRAME_BYTES 16u

/* One direction: what both ends know of it. */
struct lane {
	uint8_t format;         /* VIRTIO_SND_PCM_FMT_* */
	uint8_t channels;
	uint32_t frame_bytes;
	uint64_t salt;
};

struct rig {
	struct loop *loop;
	struct segment *segment;
	struct audio_backend *backend;
	struct fake_guest *guest;
	struct sound_peer *peers[AUDIO_DIRECTIONS];
	struct sound_guest_stream streams[AUDIO_DIRECTIONS];
	struct lane lanes[AUDIO_DIRECTIONS];
	int doorbell;
	uint64_t wrong[AUDIO_DIRECTIONS];
};

static uint64_t still(void)
{
	return 1000000000;
}

static uint32_t random_next(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*random >> 33);
}

/* Two bytes of the stream, the n-th of them. */
static uint16_t lane_word(const struct lane *lane, uint64_t n)
{
	return (uint16_t)((n + lane->salt) * 0x9e3779b97f4a7c15u >> 40);
}

static void lane_fill(const struct lane *lane, void *frames, uint64_t first, uint32_t count)
{
	uint64_t words = lane->frame_bytes / 2;
	uint16_t *to = frames;

	for (uint64_t i = 0; i < count * words; i++)
		to[i] = lane_word(lane, first * words + i);
}

/* The number of words that are not what they should be. */
static uint64_t lane_compare(const struct lane *lane, const void *frames, uint64_t first,
			     uint32_t count)
{
	uint64_t words = lane->frame_bytes / 2, wrong = 0;
	const uint16_t *from = frames;

	for (uint64_t i = 0; i < count * words; i++)
		wrong += from[i] != lane_word(lane, first * words + i);
	return wrong;
}

/* Now and then somebody has other things to do. */
static void dawdle(uint64_t *random, uint32_t one_in)
{
	if (random_next(random) % one_in == 0)
		usleep(random_next(random) % 10000);
}

static void *guest_plays(void *data)
{
	struct rig *rig = data;
	struct sound_guest_stream *stream = &rig->streams[AUDIO_PLAYBACK];
	const struct lane *lane = &rig->lanes[AUDIO_PLAYBACK];
	uint64_t random = 11;
	uint32_t sent = 0;

	while (sent < TOTAL_FRAMES) {
		struct sound_guest_period *period = sound_guest_free(stream);
		uint32_t count = 1 + random_next(&random) % PERIOD_FRAMES;

		if (!period) {
			sound_guest_done(stream, true);
			continue;
		}
		if (count > TOTAL_FRAMES - sent)
			count = TOTAL_FRAMES - sent;
		lane_fill(lane, period->data, sent, count);
		sound_guest_send(stream, count * lane->frame_bytes);
		sent += count;
		dawdle(&random, 500);
	}
	while (stream->next_done < stream->next_sent)
		sound_guest_done(stream, true);
	return NULL;
}

static void *guest_records(void *data)
{
	struct rig *rig = data;
	struct sound_guest_stream *stream = &rig->streams[AUDIO_CAPTURE];
	const struct lane *lane = &rig->lanes[AUDIO_CAPTURE];
	uint64_t random = 12;
	uint32_t asked = 0, heard = 0;

	while (heard < TOTAL_FRAMES) {
		uint32_t count = 1 + random_next(&random) % PERIOD_FRAMES;
		struct sound_guest_period *period;

		if (count > TOTAL_FRAMES - asked)
			count = TOTAL_FRAMES - asked;
		if (count && sound_guest_free(stream)) {
			sound_guest_send(stream, count * lane->frame_bytes);
			asked += count;
			continue;
		}
		period = sound_guest_done(stream, true);
		count = period->bytes / lane->frame_bytes;
		rig->wrong[AUDIO_CAPTURE] += lane_compare(lane, period->data, heard, count);
		heard += count;
		dawdle(&random, 500);
	}
	return NULL;
}

static uint32_t client_plays(struct rig *rig, uint32_t count, uint64_t first)
{
	uint16_t frames[MAX_QUANTUM * MAX_FRAME_BYTES / 2];
	const struct lane *lane = &rig->lanes[AUDIO_PLAYBACK];
	uint32_t got = sound_peer_read(rig->peers[AUDIO_PLAYBACK], frames, count, 1);
	const uint8_t *silence = (const uint8_t *)frames + (size_t)got * lane->frame_bytes;

	rig->wrong[AUDIO_PLAYBACK] += lane_compare(lane, frames, first, got);
	for (uint32_t i = 0; i < (count - got) * lane->frame_bytes; i++)
		rig->wrong[AUDIO_PLAYBACK] += silence[i] != 0;
	return got;
}

static uint32_t client_speaks(struct rig *rig, uint32_t count, uint64_t first)
{
	uint16_t frames[MAX_QUANTUM * MAX_FRAME_BYTES / 2];
	const struct sound_section *section = segment_find(rig->segment, SEGMENT_SECTION_SOUND,
							   SOUND_MICROPHONE, NULL);
	uint64_t ahead = first - atomic_load(&section->read.frames);

	if (count > TOTAL_FRAMES - first)
		count = (uint32_t)(TOTAL_FRAMES - first);
	if (ahead + count > MAX_AHEAD)
		return 0;
	lane_fill(&rig->lanes[AUDIO_CAPTURE], frames, first, count);
	return sound_peer_write(rig->peers[AUDIO_CAPTURE], frames, count, 1);
}

/* The callback, as fast as there is something to do. */
static void *client(void *data)
{
	struct rig *rig = data;
	uint64_t played = 0, said = 0, random = 13;

	while (played < TOTAL_FRAMES || said < TOTAL_FRAMES) {
		uint32_t count = 1 + random_next(&random) % MAX_QUANTUM;
		uint32_t got = client_plays(rig, count, played);
		uint32_t put = client_speaks(rig, count, said);

		played += got;
		said += put;
		doorbell_eventfd_ring(rig->doorbell);
		if (!got && !put)
			usleep(50);
		dawdle(&random, 500);
	}
	return NULL;
}

/* --- the rig --------------------------------------------------------------------------------- */

static void rig_join(struct rig *rig, enum audio_direction direction)
{
	struct sound_peer *peer = rig->peers[direction];
	struct sound_description description;

	assert_true(sound_peer_stream(peer, &description) >= 0);
	assert_int_equal(description.frame_bytes, rig->lanes[direction].frame_bytes);
	assert_int_equal(sound_peer_join(peer, &description, UINT32_MAX), 0);
}

static void rig_start_stream(struct rig *rig, enum audio_direction direction)
{
	const struct lane *lane = &rig->lanes[direction];

	rig->peers[direction] = sound_peer_create(rig->segment, (enum sound_direction)direction);
	assert_non_null(rig->peers[direction]);
	sound_peer_take(rig->peers[direction]);
	sound_guest_open(&rig->streams[direction], rig->guest, direction, lane->format,
			 VIRTIO_SND_PCM_RATE_48000, lane->channels,
			 PERIOD_FRAMES * lane->frame_bytes, PERIODS);
	sound_guest_command(&rig->streams[direction], VIRTIO_SND_R_PCM_START);
	sound_peer_set_server(rig->peers[direction], MAX_QUANTUM, 0);
	rig_join(rig, direction);
}

static void rig_init(struct rig *rig)
{
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	struct virtio_device *device;

	rig->loop = loop_create("audio");
	rig->segment = segment_create_memfd(&config);
	rig->doorbell = doorbell_eventfd_create();
	rig->backend = sound_capture_create_clocked(&(struct sound_capture_config){
		.audio_loop = rig->loop, .segment = rig->segment, .doorbell = rig->doorbell },
		still);
	assert_non_null(rig->backend);
	device = virtio_snd_create(rig->loop, rig->backend);
	rig->guest = fake_guest_create(device, FAKE_LOOP_THREADED);
	assert_int_equal(loop_start(rig->loop), 0);
	assert_int_equal(fake_guest_start(rig->guest, FAKE_ALL_FEATURES), 0);
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		rig_start_stream(rig, (enum audio_direction)i);
}

static void rig_finish(struct rig *rig)
{
	for (int i = 0; i < AUDIO_DIRECTIONS; i++) {
		sound_guest_command(&rig->streams[i], VIRTIO_SND_R_PCM_STOP);
		sound_guest_command(&rig->streams[i], VIRTIO_SND_R_PCM_RELEASE);
		sound_peer_destroy(rig->peers[i]);
	}
	fake_guest_destroy(rig->guest);
	loop_stop(rig->loop);
	rig->backend->ops->destroy(rig->backend);
	loop_destroy(rig->loop);
	segment_destroy(rig->segment);
	close(rig->doorbell);
}

static void run(const struct lane *playback, const struct lane *microphone)
{
	struct rig rig = { .lanes = { *playback, *microphone } };
	pthread_t threads[3];

	rig_init(&rig);
	assert_int_equal(pthread_create(&threads[0], NULL, guest_plays, &rig), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, guest_records, &rig), 0);
	assert_int_equal(pthread_create(&threads[2], NULL, client, &rig), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rig.wrong[AUDIO_PLAYBACK], 0);
	assert_int_equal(rig.wrong[AUDIO_CAPTURE], 0);
	assert_int_equal(sound_capture_dropped(rig.backend, AUDIO_PLAYBACK), 0);
	assert_int_equal(sound_capture_dropped(rig.backend, AUDIO_CAPTURE), 0);
	/* And not one more. */
	assert_int_equal(client_plays(&rig, 1, TOTAL_FRAMES), 0);
	rig_finish(&rig);
}

/* Frames of 6 and of 8 bytes: a ring that they do not fill to the last byte, and one they do. */
static void test_s16_and_float(void **state)
{
	const struct lane playback = { VIRTIO_SND_PCM_FMT_S16, 3, 6, 1 };
	const struct lane microphone = { VIRTIO_SND_PCM_FMT_FLOAT, 2, 8, 2 };

	run(&playback, &microphone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s16_and_float),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
