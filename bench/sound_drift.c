/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Minutes of sound in seconds: the clock that the backend sees is ours, and the client's sound
 * server runs some parts in a million faster or slower than it. Both ways at once, every frame checked.
 */
#include "sound_path.h"

#include "sound_guest.h"
#include "sound_private.h"

#include <audio/virtio_snd.h>
#include <base/loop.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <linux/virtio_snd.h>
#include <unistd.h>

#define DRIFT_PERIOD_FRAMES 480u
#define DRIFT_PERIODS 3u
#define DRIFT_QUANTUM 256u

struct drift_rig {
	struct loop *loop;
	struct segment *segment;
	struct audio_backend *backend;
	struct fake_guest *guest;
	struct sound_guest_stream streams[AUDIO_DIRECTIONS];
	struct sound_peer *peers[AUDIO_DIRECTIONS];
	int doorbell;
	uint32_t guest_next[AUDIO_DIRECTIONS];  /* frame */
	uint32_t client_next[AUDIO_DIRECTIONS];
};

static uint64_t drift_time_ns = 1000000000;

static uint64_t drift_now(void)
{
	return drift_time_ns;
}

static void drift_start(struct drift_rig *rig, enum audio_direction direction)
{
	struct sound_guest_stream *stream = &rig->streams[direction];
	struct sound_description description;

	rig->peers[direction] = sound_peer_create(rig->segment, (enum sound_direction)direction);
	if (!rig->peers[direction])
		fake_fail("no sound section: %m");
	sound_peer_set_server(rig->peers[direction], DRIFT_QUANTUM, 0);
	sound_peer_take(rig->peers[direction]);
	sound_guest_open(stream, rig->guest, direction, VIRTIO_SND_PCM_FMT_S16,
			 VIRTIO_SND_PCM_RATE_48000, 2,
			 DRIFT_PERIOD_FRAMES * SOUND_BENCH_FRAME_BYTES, DRIFT_PERIODS);
	sound_guest_command(stream, VIRTIO_SND_R_PCM_START);
	sound_peer_stream(rig->peers[direction], &description);
	if (sound_peer_join(rig->peers[direction], &description, UINT32_MAX))
		fake_fail("the client cannot join");
}

static void drift_init(struct drift_rig *rig)
{
	const struct segment_config config = { .name = "bench", .slot_bytes = 640 * 480 * 4 };

	rig->loop = loop_create("audio");
	rig->segment = segment_create_memfd(&config);
	rig->doorbell = doorbell_eventfd_create();
	rig->backend = rig->segment ? sound_capture_create_clocked(&(struct sound_capture_config){
		.audio_loop = rig->loop, .segment = rig->segment, .doorbell = rig->doorbell },
		drift_now) : NULL;
	if (!rig->backend)
		fake_fail("no backend: %m");
	rig->guest = fake_guest_create(virtio_snd_create(rig->loop, rig->backend),
				       FAKE_LOOP_DISPATCHED);
	if (fake_guest_start(rig->guest, FAKE_ALL_FEATURES))
		fake_fail("the sound device does not start");
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		drift_start(rig, (enum audio_direction)i);
}

static void drift_finish(struct drift_rig *rig)
{
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		sound_peer_destroy(rig->peers[i]);
	fake_guest_destroy(rig->guest);
	rig->backend->ops->destroy(rig->backend);
	loop_destroy(rig->loop);
	segment_destroy(rig->segment);
	close(rig->doorbell);
}

/* Gives back whatever period is the guest's. */
static void drift_guest_plays(struct drift_rig *rig)
{
	struct sound_guest_stream *stream = &rig->streams[AUDIO_PLAYBACK];
	struct sound_guest_period *period;

	while (sound_guest_done(stream, false))
		;
	while ((period = sound_guest_free(stream))) {
		for (uint32_t i = 0; i < DRIFT_PERIOD_FRAMES; i++)
			((uint32_t *)period->data)[i] = ++rig->guest_next[AUDIO_PLAYBACK];
		sound_guest_send(stream, stream->period_bytes);
	}
}

static void drift_guest_records(struct drift_rig *rig, struct sound_drift *drift)
{
	struct sound_guest_stream *stream = &rig->streams[AUDIO_CAPTURE];
	struct sound_guest_period *period;

	while ((period = sound_guest_done(stream, false))) {
		const uint32_t *frames = (const uint32_t *)period->data;
		uint32_t before = rig->guest_next[AUDIO_CAPTURE];

		for (uint32_t i = 0; i < DRIFT_PERIOD_FRAMES; i++)
			if (frames[i] == rig->guest_next[AUDIO_CAPTURE] + 1)
				rig->guest_next[AUDIO_CAPTURE]++;
		if (rig->guest_next[AUDIO_CAPTURE] != before + DRIFT_PERIOD_FRAMES) {
			drift->underruns++;
			rig->guest_next[AUDIO_CAPTURE] = frames[DRIFT_PERIOD_FRAMES - 1];
		}
	}
	while (sound_guest_free(stream))
		sound_guest_send(stream, stream->period_bytes);
}

/* The sound server's callback: a quantum each way. */
static void drift_client(struct drift_rig *rig, struct sound_drift *drift)
{
	uint32_t frames[DRIFT_QUANTUM];
	uint32_t *next = &rig->client_next[AUDIO_PLAYBACK];
	uint32_t count = sound_peer_read(rig->peers[AUDIO_PLAYBACK], frames, DRIFT_QUANTUM,
					 drift_time_ns);

	drift->underruns += count < DRIFT_QUANTUM;
	for (uint32_t i = 0; i < count; i++)
		if (frames[i] != ++*next)
			fake_fail("frame %u is %u", *next, frames[i]);
	for (uint32_t i = 0; i < DRIFT_QUANTUM; i++)
		frames[i] = ++rig->client_next[AUDIO_CAPTURE];
	count = sound_peer_write(rig->peers[AUDIO_CAPTURE], frames, DRIFT_QUANTUM, drift_time_ns);
	drift->overruns += DRIFT_QUANTUM - count;
	doorbell_eventfd_ring(rig->doorbell);
}

void sound_drift_run(struct sound_drift *drift)
{
	struct drift_rig rig = { 0 };
	uint64_t callbacks = (uint64_t)drift->minutes * 60 * SOUND_BENCH_RATE / DRIFT_QUANTUM;
	double quantum_ns = 1e9 * DRIFT_QUANTUM / SOUND_BENCH_RATE / (1 + drift->ppm * 1e-6);
	uint64_t start_ns = drift_time_ns;

	drift_init(&rig);
	drift_guest_plays(&rig);
	drift_guest_records(&rig, drift);
	fake_guest_run(rig.guest);
	for (uint64_t i = 1; i <= callbacks; i++) {
		drift_time_ns = start_ns + (uint64_t)(quantum_ns * (double)i);
		drift_client(&rig, drift);
		fake_guest_run(rig.guest);
		drift_guest_plays(&rig);
		drift_guest_records(&rig, drift);
		fake_guest_run(rig.guest);
	}
	drift->frames = callbacks * DRIFT_QUANTUM;
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		drift->overruns += sound_capture_dropped(rig.backend, (enum audio_direction)i);
	drift_finish(&rig);
}
