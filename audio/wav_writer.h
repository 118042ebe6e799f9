/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that writes WAVE files, and the ring that it gets samples from. One thread pushes (the
 * audio loop); it never waits, neither for the disk nor for anything else.
 */
#ifndef AUDIO_WAV_WRITER_H
#define AUDIO_WAV_WRITER_H

#include <audio/format.h>
#include <stdint.h>

struct wav_writer;

/* 1.3 s of the most a stream can have. A power of two. */
#define WAV_RING_BYTES (8u << 20)

/* Creates or empties the file. max_data_bytes of each: 0: what RIFF can have. NULL with errno. */
struct wav_writer *wav_writer_create(const char *path, uint32_t max_data_bytes);
/* Writes what is left in the ring, completes the file, and ends the thread. */
void wav_writer_destroy(struct wav_writer *writer);
/* Frames of these params follow. What does not fit into the ring is dropped and counted. No lock, no
 * allocation, no log, no file. */
void wav_writer_push(struct wav_writer *writer, const struct audio_params *params,
		     const void *frames, uint32_t count);
/* Frames that were dropped so far. Any thread. */
uint64_t wav_writer_dropped(const struct wav_writer *writer);

#endif
