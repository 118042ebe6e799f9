/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sound device with a fake guest in front and, behind, a backend that keeps what is played,
 * records a known pattern, and has as much room as the test gives it.
 */
#ifndef TESTS_AUDIO_RIG_H
#define TESTS_AUDIO_RIG_H

#include <audio/backend.h>
#include <audio/virtio_snd.h>
#include <fake/guest.h>
#include <linux/virtio_snd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIO_RIG_MAX_BYTES (4u << 20)

struct audio_rig_stream {
	bool open, started;
	struct audio_params params;     /* of the last open */
	uint32_t frame_bytes;
	uint32_t room;                  /* what the test gave and nobody took */
	uint32_t delay;                 /* what delay answers */
	uint32_t take_at_most;          /* of one write or read; 0: all of it */
	unsigned int opens, closes, starts, stops;
	int open_error, start_error;    /* what these answer, when not 0 */
	uint64_t frames;                /* moved since the rig was made */
};

/* What a device does to its backend against the rules ends the test with a line. */
struct audio_rig {
	struct loop *loop;
	struct audio_backend backend;
	struct audio_rig_stream streams[AUDIO_DIRECTIONS];
	uint8_t *played;                /* the bytes that were written, in order */
	size_t played_bytes;
	uint64_t recorded_bytes;        /* given by read so far */
	struct fake_guest *guest;
	struct fake_queue *control, *event, *tx, *rx;
	bool done[AUDIO_DIRECTIONS][VIRTQUEUE_MAX_SIZE];   /* by head */
	uint32_t written[AUDIO_DIRECTIONS][VIRTQUEUE_MAX_SIZE];
};

/* A message in the tx or rx queue. */
struct audio_rig_message {
	enum audio_direction direction;
	uint16_t head;
	uint64_t data_gpa, status_gpa;
	uint32_t bytes;
};

/* setup and teardown for cmocka: queues started with every feature. */
int audio_rig_setup(void **state);
int audio_rig_teardown(void **state);
struct audio_rig *audio_rig_create(void);
void audio_rig_destroy(struct audio_rig *rig);
void audio_rig_start(struct audio_rig *rig, uint64_t features);
/* The backend alone; its loop stays the caller's. */
void audio_rig_init_backend(struct audio_rig *rig, struct loop *loop);
void audio_rig_finish_backend(struct audio_rig *rig);

/* A request of any bytes; its status, or 0 when there was no answer. */
uint32_t audio_rig_request(struct audio_rig *rig, const void *request, size_t bytes);
/* PREPARE, START, STOP, RELEASE: the status. */
uint32_t audio_rig_command(struct audio_rig *rig, uint32_t code, uint32_t stream);
/* A request to change before it is sent: S16, 48 kHz, 2 channels, periods of 480 frames. */
struct virtio_snd_pcm_set_params audio_rig_params(uint32_t stream);
/* SET_PARAMS as given, PREPARE; and START. Anything but OK ends the test. */
void audio_rig_prepare(struct audio_rig *rig, const struct virtio_snd_pcm_set_params *params);
void audio_rig_run(struct audio_rig *rig, const struct virtio_snd_pcm_set_params *params);

/* The device may move that many frames more: it is told so. */
void audio_rig_give(struct audio_rig *rig, enum audio_direction direction, uint32_t frames);
/* Byte n of what is recorded; as good for what is played. */
uint8_t audio_rig_pattern(uint64_t n);

/* Puts a message with a copy of data, or room for bytes, into its queue and kicks. */
struct audio_rig_message audio_rig_play(struct audio_rig *rig, const void *data, uint32_t bytes);
struct audio_rig_message audio_rig_record(struct audio_rig *rig, uint32_t bytes);
/* The same with another stream number, and without a kick when !kick. */
struct audio_rig_message audio_rig_send(struct audio_rig *rig, enum audio_direction direction,
					uint32_t stream, const void *data, uint32_t bytes,
					bool kick);
/* True when it was given back; the status, NULL: not wanted. */
bool audio_rig_done(struct audio_rig *rig, const struct audio_rig_message *message,
		    struct virtio_snd_pcm_status *status);
/* 0 while it is pending, else the VIRTIO_SND_S_*. */
uint32_t audio_rig_status(struct audio_rig *rig, const struct audio_rig_message *message);

#endif
