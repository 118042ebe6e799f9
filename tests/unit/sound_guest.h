/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's driver of one PCM stream of the sound device, over the fake guest: a few period
 * buffers that go round. A stream's functions may be used by one thread each once it is open; trouble
 * aborts.
 */
#ifndef TESTS_SOUND_GUEST_H
#define TESTS_SOUND_GUEST_H

#include <audio/format.h>
#include <fake/guest.h>
#include <stdbool.h>
#include <stdint.h>

#define SOUND_GUEST_MAX_PERIODS 16

struct sound_guest_period {
	uint64_t header_gpa, data_gpa, status_gpa;
	uint8_t *data;                  /* period_bytes of it */
	uint32_t bytes;                 /* as sent */
	int head;                       /* -1: the guest's */
};

struct sound_guest_stream {
	struct fake_guest *guest;
	struct fake_queue *control, *queue;
	enum audio_direction direction;
	uint32_t period_bytes;
	uint32_t period_count;
	uint32_t next_sent, next_done;  /* run freely; they are used in order */
	struct sound_guest_period periods[SOUND_GUEST_MAX_PERIODS];
};

/* SET_PARAMS and PREPARE. format and rate: VIRTIO_SND_PCM_*. */
void sound_guest_open(struct sound_guest_stream *stream, struct fake_guest *guest,
		      enum audio_direction direction, uint8_t format, uint8_t rate,
		      uint8_t channels, uint32_t period_bytes, uint32_t period_count);
/* PREPARE, START, STOP, RELEASE. */
void sound_guest_command(struct sound_guest_stream *stream, uint32_t code);

/* The next period that is the guest's; NULL: all are the device's. */
struct sound_guest_period *sound_guest_free(struct sound_guest_stream *stream);
/* Gives it to the device: so many bytes to play or to record. */
void sound_guest_send(struct sound_guest_stream *stream, uint32_t bytes);
/* Takes the oldest one back; waits for it, when wait. NULL: none has come. Checks its status. */
struct sound_guest_period *sound_guest_done(struct sound_guest_stream *stream, bool wait);

#endif
