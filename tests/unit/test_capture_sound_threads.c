/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound backend on its own loop, a client's callback on a thread of its own, both rings. */
#include "sound_private.h"

#include <base/clock.h>
#include <base/loop.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TOTAL_FRAMES 200000u
#define QUANTUM 240u
#define MAX_FRAMES 65536u

struct rig {
	struct loop *loop;
	struct segment *segment;
	struct audio_backend *backend;
	struct sound_peer *playback, *microphone;
	int doorbell;
	_Atomic uint32_t changed;
	/* The guest's, on the loop. */
	uint32_t played, recorded, wrong;
	_Atomic bool done;
	uint32_t frames[MAX_FRAMES];
};

/* However busy the machine is: nobody is given up. */
static uint64_t still(void)
{
	return 1000000000;
}

static void rig_on_changed(void *data)
{
	struct rig *rig = data;

	atomic_fetch_add(&rig->changed, 1);
}

/* The guest: plays 1, 2, 3, ... and stops with the end in the ring; checks that it records the same.
 * Silence has no order. */
static void rig_on_notify(void *data, enum audio_direction direction)
{
	struct rig *rig = data;
	const struct audio_backend_ops *ops = rig->backend->ops;
	uint32_t room = ops->room(rig->backend, direction);

	if (direction == AUDIO_PLAYBACK) {
		if (room > TOTAL_FRAMES - rig->played)
			room = TOTAL_FRAMES - rig->played;
		for (uint32_t i = 0; i < room; i++)
			rig->frames[i] = rig->played + i + 1;
		rig->played += ops->write(rig->backend, rig->frames, room);
		if (rig->played == TOTAL_FRAMES)
			ops->stop(rig->backend, direction);
		return;
	}
	room = ops->read(rig->backend, rig->frames, room);
	for (uint32_t i = 0; i < room; i++) {
		rig->wrong += rig->frames[i] != rig->recorded + 1;
		rig->recorded++;
	}
}

static void rig_start(void *data)
{
	struct rig *rig = data;
	struct audio_params params = {
		.format = AUDIO_FORMAT_S16, .rate = 48000, .channels = 2, .period_frames = 480,
	};

	for (int i = 0; i < AUDIO_DIRECTIONS; i++) {
		enum audio_direction direction = (enum audio_direction)i;

		assert_int_equal(rig->backend->ops->open(rig->backend, direction, &params), 0);
		assert_int_equal(rig->backend->ops->start(rig->backend, direction), 0);
	}
}

static void rig_stop(void *data)
{
	struct rig *rig = data;

	rig->backend->ops->close(rig->backend, AUDIO_PLAYBACK);
	rig->backend->ops->close(rig->backend, AUDIO_CAPTURE);
}

/* The client's control thread. */
static void *rig_keep(void *data)
{
	struct rig *rig = data;
	struct sound_description seen;

	while (!atomic_load(&rig->done)) {
		sound_peer_beat(rig->playback, clock_now_ns());
		sound_peer_beat(rig->microphone, clock_now_ns());
		sound_peer_stream(rig->playback, &seen);
		usleep(1000);
	}
	return NULL;
}

static void rig_join(struct sound_peer *peer)
{
	struct sound_description description;

	while (sound_peer_stream(peer, &description) < 0)
		sched_yield();
	assert_int_equal(sound_peer_join(peer, &description, UINT32_MAX), 0);
}

/* The audio callback, as fast as it goes. */
static void rig_call_back(struct rig *rig)
{
	uint32_t frames[QUANTUM], heard = 0, said = 0;
	/* Not more than a few quanta ahead: what the guest has not taken is dropped some time. */
	const struct sound_section *section = segment_find(rig->segment, SEGMENT_SECTION_SOUND, 1,
							   NULL);

	while (heard < TOTAL_FRAMES || said < TOTAL_FRAMES) {
		uint32_t got = sound_peer_read(rig->playback, frames, QUANTUM, clock_now_ns());

		for (uint32_t i = 0; i < QUANTUM; i++)
			if (frames[i] != (i < got ? heard + i + 1 : 0))
				fail_msg("frame %u is %u", heard + i + 1, frames[i]);
		heard += got;
		for (uint32_t i = 0; i < QUANTUM; i++)
			frames[i] = said + i + 1;
		if (said - (uint32_t)atomic_load(&section->read.frames) < 2 * QUANTUM)
			said += sound_peer_write(rig->microphone, frames, QUANTUM, clock_now_ns());
		doorbell_eventfd_ring(rig->doorbell);
		if (got < QUANTUM)
			sched_yield();
	}
}

static void test_both_directions(void **state)
{
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	struct rig *rig = calloc(1, sizeof(*rig));
	pthread_t keeper;

	rig->loop = loop_create("audio");
	rig->segment = segment_create_memfd(&config);
	rig->doorbell = doorbell_eventfd_create();
	rig->backend = sound_capture_create_clocked(&(struct sound_capture_config){
		.audio_loop = rig->loop, .segment = rig->segment, .doorbell = rig->doorbell,
		.changed = rig_on_changed, .data = rig }, still);
	assert_non_null(rig->backend);
	rig->backend->listener = (struct audio_listener){ .notify = rig_on_notify, .data = rig };
	rig->playback = sound_peer_create(rig->segment, SOUND_PLAYBACK);
	rig->microphone = sound_peer_create(rig->segment, SOUND_MICROPHONE);
	sound_peer_take(rig->playback);
	sound_peer_take(rig->microphone);
	sound_peer_set_server(rig->playback, QUANTUM, 0);
	sound_peer_set_server(rig->microphone, QUANTUM, 0);
	assert_int_equal(loop_start(rig->loop), 0);
	loop_call(rig->loop, rig_start, rig);
	rig_join(rig->playback);
	rig_join(rig->microphone);
	assert_int_equal(pthread_create(&keeper, NULL, rig_keep, rig), 0);
	rig_call_back(rig);
	atomic_store(&rig->done, true);
	pthread_join(keeper, NULL);
	loop_call(rig->loop, rig_stop, rig);
	loop_stop(rig->loop);
	/* Each way: open, start, stop and close; but the playback drains as long as time stands still. */
	assert_int_equal(atomic_load(&rig->changed), 7);
	assert_int_equal(rig->played, TOTAL_FRAMES);
	assert_true(rig->recorded + 4 * QUANTUM >= TOTAL_FRAMES);
	assert_int_equal(rig->wrong, 0);
	rig->backend->ops->destroy(rig->backend);
	assert_int_equal(atomic_load(&rig->changed), 8);
	sound_peer_destroy(rig->playback);
	sound_peer_destroy(rig->microphone);
	segment_destroy(rig->segment);
	close(rig->doorbell);
	loop_destroy(rig->loop);
	free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
