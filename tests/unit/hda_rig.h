/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HD Audio controller over fake guest RAM, driven as a guest's driver drives it, and a backend
 * that keeps what is played and has as much room as the test says. Everything on the test's thread.
 */
#ifndef TESTS_HDA_RIG_H
#define TESTS_HDA_RIG_H

#include <audio/backend.h>
#include <audio/hda.h>
#include <fake/memory.h>
#include <stddef.h>

#define HDA_RIG_PLAYED_BYTES (1u << 20)

/* A call that breaks the contract of audio/backend.h aborts. */
struct hda_backend {
	struct audio_backend base;
	struct audio_params params[AUDIO_DIRECTIONS];
	uint32_t frame_bytes[AUDIO_DIRECTIONS];
	bool open[AUDIO_DIRECTIONS];
	bool started[AUDIO_DIRECTIONS];
	uint32_t room[AUDIO_DIRECTIONS];
	uint32_t delay;                         /* of playback, as the test sets it */
	unsigned int opens, closes, starts, stops;
	int open_error, start_error;            /* what open and start answer */
	uint32_t take_at_most;                  /* by one write; 0: all */
	uint8_t played[HDA_RIG_PLAYED_BYTES];   /* what is over is counted, not kept */
	size_t played_bytes;
	uint32_t recorded;                      /* bytes given: byte n is hda_backend_sample(n) */
};

struct hda_rig {
	struct loop *loop;
	struct fake_memory *memory;
	struct hda_backend backend;
	struct hda *hda;
	bool irq;
	unsigned int irq_raised;
	uint64_t corb, rirb;
	uint32_t rirb_read;
};

void hda_backend_init(struct hda_backend *backend, struct loop *loop);
uint8_t hda_backend_sample(uint32_t position);
/* That many frames of room more, then notify until nothing moves any more. */
void hda_backend_step(struct hda_backend *backend, enum audio_direction direction, uint32_t frames);

void hda_rig_init(struct hda_rig *rig);
void hda_rig_finish(struct hda_rig *rig);

uint32_t hda_rig_read(struct hda_rig *rig, uint32_t offset, unsigned int bytes);
void hda_rig_write(struct hda_rig *rig, uint32_t offset, unsigned int bytes, uint32_t value);
/* Controller reset, bus master on; the rings of 256 entries set up and running. */
void hda_rig_start(struct hda_rig *rig);
/* Commands for codec 0; through the rings, or through the immediate registers. */
uint32_t hda_rig_command(struct hda_rig *rig, uint32_t node, uint32_t verb_and_payload);
uint32_t hda_rig_immediate(struct hda_rig *rig, uint32_t node, uint32_t verb_and_payload);

/* A stream descriptor. pieces: lengths of the buffers, 0 ends; all have IOC whose bit is set. */
struct hda_rig_stream {
	uint32_t index;                 /* 0, 1: input; 2, 3: output */
	uint32_t tag;
	uint32_t format;
	uint64_t list;
	uint64_t buffers[256];
	uint32_t pieces[256];
	uint32_t count;
	uint32_t bytes;
};

/* Resets the descriptor, allocates buffers, writes list and registers, tells the converter. */
void hda_rig_setup(struct hda_rig *rig, struct hda_rig_stream *stream, const uint32_t *pieces,
		   uint32_t interrupts);
uint32_t hda_rig_stream_read(struct hda_rig *rig, const struct hda_rig_stream *stream,
			     uint32_t offset, unsigned int bytes);
void hda_rig_stream_write(struct hda_rig *rig, const struct hda_rig_stream *stream,
			  uint32_t offset, unsigned int bytes, uint32_t value);
/* RUN with all interrupts enabled, or not. */
void hda_rig_run(struct hda_rig *rig, const struct hda_rig_stream *stream, bool run);
/* The guest's bytes [0, bytes) of the cyclic buffer. */
void hda_rig_fill(struct hda_rig *rig, const struct hda_rig_stream *stream, const uint8_t *from);
void hda_rig_drain(struct hda_rig *rig, const struct hda_rig_stream *stream, uint8_t *to);

#endif
