/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stereo.h"

#include <string.h>

/* -3 dB: what comes out of two speakers instead of one, or from behind. */
#define STEREO_LESS 23170
#define STEREO_SCALE 2147483648.0

enum stereo_side { STEREO_NOWHERE, STEREO_LEFT, STEREO_RIGHT, STEREO_MIDDLE };

static enum stereo_side stereo_side(uint8_t position, uint32_t index)
{
	switch (position) {
	case AUDIO_POSITION_FL:
	case AUDIO_POSITION_RL:
	case AUDIO_POSITION_SL:
		return STEREO_LEFT;
	case AUDIO_POSITION_FR:
	case AUDIO_POSITION_RR:
	case AUDIO_POSITION_SR:
		return STEREO_RIGHT;
	case AUDIO_POSITION_MONO:
	case AUDIO_POSITION_FC:
		return STEREO_MIDDLE;
	case AUDIO_POSITION_LFE:
		return STEREO_NOWHERE;
	}
	return index % 2 ? STEREO_RIGHT : STEREO_LEFT;
}

static bool stereo_is_front(uint8_t position)
{
	return position == AUDIO_POSITION_FL || position == AUDIO_POSITION_FR;
}

static void stereo_set(struct audio_stereo *stereo, uint32_t channel, enum stereo_side side,
		       int32_t gain)
{
	if (side == STEREO_LEFT || side == STEREO_MIDDLE)
		stereo->gains[channel][0] = gain;
	if (side == STEREO_RIGHT || side == STEREO_MIDDLE)
		stereo->gains[channel][1] = gain;
}

void audio_stereo_init(struct audio_stereo *stereo, const struct audio_params *params)
{
	const uint8_t *positions = params->positions;
	bool swapped = params->channels == 2 && positions[0] == AUDIO_POSITION_FR &&
		       positions[1] == AUDIO_POSITION_FL;

	*stereo = (struct audio_stereo){
		.format = params->format,
		.channels = params->channels,
		.frame_bytes = audio_frame_bytes(params),
		.same = params->format == AUDIO_FORMAT_S16 && params->channels == 2 && !swapped,
	};
	if (params->channels == 1) {
		stereo_set(stereo, 0, STEREO_MIDDLE, AUDIO_STEREO_UNITY);
		return;
	}
	for (uint32_t i = 0; i < params->channels; i++) {
		if (params->channels == 2)
			stereo_set(stereo, i, (i == 0) != swapped ? STEREO_LEFT : STEREO_RIGHT,
				   AUDIO_STEREO_UNITY);
		else
			stereo_set(stereo, i, stereo_side(positions[i], i),
				   stereo_is_front(positions[i]) ? AUDIO_STEREO_UNITY
								 : STEREO_LESS);
	}
}

static int32_t stereo_from_float(float sample)
{
	if (sample >= 1.0f)
		return INT32_MAX;
	if (sample <= -1.0f)
		return INT32_MIN;
	/* Not a number is silence. */
	return sample == sample ? (int32_t)(sample * STEREO_SCALE) : 0;
}

/* With 32 bits. */
static int32_t stereo_load(enum audio_format format, const uint8_t *at)
{
	int16_t s16;
	uint32_t bits;
	float single;

	if (format == AUDIO_FORMAT_S16) {
		memcpy(&s16, at, sizeof(s16));
		return (int32_t)((uint32_t)(uint16_t)s16 << 16);
	}
	if (format == AUDIO_FORMAT_FLOAT) {
		memcpy(&single, at, sizeof(single));
		return stereo_from_float(single);
	}
	memcpy(&bits, at, sizeof(bits));
	return (int32_t)(format == AUDIO_FORMAT_S24 ? bits << 8 : bits);
}

/* Of a sum of samples of 32 bits times gains. */
static int16_t stereo_round(int64_t sum)
{
	sum = (sum + ((int64_t)AUDIO_STEREO_UNITY << 15)) >> 31;
	return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

void audio_stereo_mix(const struct audio_stereo *stereo, const void *frames, int16_t *out,
		      uint32_t count)
{
	uint32_t bytes = stereo->frame_bytes / stereo->channels;
	const uint8_t *at = frames;

	if (stereo->same) {
		memcpy(out, frames, (size_t)count * stereo->frame_bytes);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		int64_t left = 0, right = 0;

		for (uint32_t channel = 0; channel < stereo->channels; channel++) {
			int64_t sample = stereo_load(stereo->format, at);

			left += sample * stereo->gains[channel][0];
			right += sample * stereo->gains[channel][1];
			at += bytes;
		}
		*out++ = stereo_round(left);
		*out++ = stereo_round(right);
	}
}

static void stereo_store(enum audio_format format, uint8_t *at, int16_t sample)
{
	float single = (float)sample / 32768.0f;
	int32_t wide = format == AUDIO_FORMAT_S24 ? sample * (1 << 8) : sample * (1 << 16);

	if (format == AUDIO_FORMAT_S16)
		memcpy(at, &sample, sizeof(sample));
	else if (format == AUDIO_FORMAT_FLOAT)
		memcpy(at, &single, sizeof(single));
	else
		memcpy(at, &wide, sizeof(wide));
}

static int16_t stereo_pick(const int32_t gains[2], const int16_t frame[2])
{
	if (gains[0] && gains[1])
		return (int16_t)((frame[0] + frame[1]) / 2);
	return (int16_t)(gains[0] ? frame[0] : gains[1] ? frame[1] : 0);
}

void audio_stereo_spread(const struct audio_stereo *stereo, const int16_t *in, void *frames,
			 uint32_t count)
{
	uint32_t bytes = stereo->frame_bytes / stereo->channels;
	uint8_t *at = frames;

	if (stereo->same) {
		memcpy(frames, in, (size_t)count * stereo->frame_bytes);
		return;
	}
	for (uint32_t i = 0; i < count; i++, in += 2) {
		for (uint32_t channel = 0; channel < stereo->channels; channel++) {
			stereo_store(stereo->format, at, stereo_pick(stereo->gains[channel], in));
			at += bytes;
		}
	}
}
