/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any stream's samples as 16-bit stereo, and back. A stereo frame is two int16_t, left then right.
 * Values are plain; nothing locks or allocates. Samples are the guest's: any bytes will do.
 */
#ifndef AUDIO_STEREO_H
#define AUDIO_STEREO_H

#include <audio/format.h>
#include <stdbool.h>
#include <stdint.h>

/* A gain of 1. */
#define AUDIO_STEREO_UNITY (1 << 15)

struct audio_stereo {
	enum audio_format format;
	uint32_t channels;
	uint32_t frame_bytes;
	bool same;                              /* it is 16-bit stereo: nothing to do */
	int32_t gains[AUDIO_MAX_CHANNELS][2];   /* of a channel in left and right */
};

/* The params are valid. Two channels are left and right whatever they are said to be, unless they
 * are said to be the other way round. */
void audio_stereo_init(struct audio_stereo *stereo, const struct audio_params *params);
/* All channels mixed down, without the low-frequency one; too loud is cut off. */
void audio_stereo_mix(const struct audio_stereo *stereo, const void *frames, int16_t *out,
		      uint32_t count);
/* Left and right to their speakers, the middle to the others. */
void audio_stereo_spread(const struct audio_stereo *stereo, const int16_t *in, void *frames,
			 uint32_t count);

#endif
