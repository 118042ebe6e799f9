/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One WAVE file being written: RIFF, samples as they come but for three things that WAVE has in
 * another way: channels stand in the order of the mask's bits (FL FR FC LFE BL BR SL SR), 24 bits are
 * the high ones of their 4 bytes, and lengths have 32 bits. One thread at a time.
 */
#ifndef AUDIO_WAV_FILE_H
#define AUDIO_WAV_FILE_H

#include <audio/format.h>
#include <stdbool.h>
#include <stdint.h>

#define WAV_MAX_HEADER_BYTES 80u

struct wav_file {
	int fd;                                 /* -1: closed */
	struct audio_params params;
	uint32_t frame_bytes, header_bytes;
	uint32_t max_data_bytes;                /* whole frames; the next file begins there */
	uint32_t data_bytes;
	uint32_t mask;                          /* dwChannelMask */
	uint8_t from[AUDIO_MAX_CHANNELS];       /* channel n of the file is channel from[n] */
	bool reordered;
};

/* Creates or empties the file and describes it. max_data_bytes: 0: what RIFF can have. 0 or -errno,
 * then it is closed and knows the params all the same. */
int wav_file_create(struct wav_file *file, const char *path, const struct audio_params *params,
		    uint32_t max_data_bytes);
/* Other params than before: only while there are no samples in it. 0 or -errno. */
int wav_file_describe(struct wav_file *file, const struct audio_params *params,
		      uint32_t max_data_bytes);
/* Frames that go into this file still. */
uint32_t wav_file_room(const struct wav_file *file);
/* Frames, at most the room, are brought into WAVE's order in their place and written. 0 or -errno. */
int wav_file_append(struct wav_file *file, void *frames, uint32_t count);
/* Writes the lengths so far into the header. 0 or -errno. */
int wav_file_update(struct wav_file *file);
/* Updates and closes; a closed one is left alone. 0 or -errno. */
int wav_file_close(struct wav_file *file);

/* What a file of these params begins with. Its bytes, at most WAV_MAX_HEADER_BYTES. */
uint32_t wav_header(const struct wav_file *file, uint8_t header[WAV_MAX_HEADER_BYTES]);

#endif
