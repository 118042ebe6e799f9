/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream format word (3.7.1). */
#include "hda_private.h"

#define HDA_FORMAT_NOT_PCM (1u << 15)
#define HDA_FORMAT_BASE_44100 (1u << 14)
#define HDA_FORMAT_MULTIPLE(format) ((format) >> 11 & 7)
#define HDA_FORMAT_DIVISOR(format) (((format) >> 8 & 7) + 1)
#define HDA_FORMAT_BITS(format) ((format) >> 4 & 7)
#define HDA_FORMAT_CHANNELS(format) (((format) & 0xf) + 1)
#define HDA_FORMAT_MAX_MULTIPLE 3u
#define HDA_MAX_CHANNELS 2u

/* 20 and 24 bits stand at the top of their 32: played as 32 bits they are right as they are. */
static const enum audio_format hda_format_of_bits[8] = {
	[1] = AUDIO_FORMAT_S16,
	[2] = AUDIO_FORMAT_S32,
	[3] = AUDIO_FORMAT_S32,
	[4] = AUDIO_FORMAT_S32,
};

bool hda_format_decode(uint32_t format, struct audio_params *params)
{
	uint32_t base = format & HDA_FORMAT_BASE_44100 ? 44100 : 48000;

	*params = (struct audio_params){
		.format = hda_format_of_bits[HDA_FORMAT_BITS(format)],
		.rate = base * (HDA_FORMAT_MULTIPLE(format) + 1) / HDA_FORMAT_DIVISOR(format),
		.channels = HDA_FORMAT_CHANNELS(format),
		.period_frames = 1,
	};
	audio_positions_default(params->positions, params->channels);
	return !(format & HDA_FORMAT_NOT_PCM) &&
	       HDA_FORMAT_MULTIPLE(format) <= HDA_FORMAT_MAX_MULTIPLE &&
	       params->channels <= HDA_MAX_CHANNELS && audio_params_valid(params);
}
