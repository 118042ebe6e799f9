/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <audio/format.h>

#include <string.h>

uint32_t audio_format_bytes(enum audio_format format)
{
	switch (format) {
	case AUDIO_FORMAT_S16:
		return 2;
	case AUDIO_FORMAT_S24:
	case AUDIO_FORMAT_S32:
	case AUDIO_FORMAT_FLOAT:
		return 4;
	}
	return 0;
}

bool audio_params_valid(const struct audio_params *params)
{
	return audio_format_bytes(params->format) && params->rate >= AUDIO_MIN_RATE &&
	       params->rate <= AUDIO_MAX_RATE && params->channels >= 1 &&
	       params->channels <= AUDIO_MAX_CHANNELS && params->period_frames >= 1;
}

uint32_t audio_frame_bytes(const struct audio_params *params)
{
	return audio_params_valid(params) ? audio_format_bytes(params->format) * params->channels : 0;
}

void audio_positions_default(uint8_t positions[AUDIO_MAX_CHANNELS], uint32_t channels)
{
	static const uint8_t all[AUDIO_MAX_CHANNELS] = {
		AUDIO_POSITION_FL, AUDIO_POSITION_FR, AUDIO_POSITION_RL, AUDIO_POSITION_RR,
		AUDIO_POSITION_FC, AUDIO_POSITION_LFE, AUDIO_POSITION_SL, AUDIO_POSITION_SR,
	};

	memset(positions, AUDIO_POSITION_NONE, AUDIO_MAX_CHANNELS);
	if (channels == 1)
		positions[0] = AUDIO_POSITION_MONO;
	else
		memcpy(positions, all, channels < AUDIO_MAX_CHANNELS ? channels : AUDIO_MAX_CHANNELS);
}
