/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound_format.h"

#include <SDL.h>
#include <spa/param/audio/raw.h>
#include <string.h>

/* virtio 1.2, 5.14.6.5.1: the numbers of VIRTIO_SND_CHMAP_*. */
enum position {
	POSITION_NONE, POSITION_NA, POSITION_MONO, POSITION_FL, POSITION_FR, POSITION_RL,
	POSITION_RR, POSITION_FC, POSITION_LFE, POSITION_SL, POSITION_SR, POSITION_RC,
	POSITION_FLC, POSITION_FRC, POSITION_RLC, POSITION_RRC, POSITION_FLW, POSITION_FRW,
	POSITION_FLH, POSITION_FCH, POSITION_FRH, POSITION_TC, POSITION_TFL, POSITION_TFR,
	POSITION_TFC, POSITION_TRL, POSITION_TRR, POSITION_TRC, POSITION_TFLC, POSITION_TFRC,
	POSITION_TSL, POSITION_TSR, POSITION_LLFE, POSITION_RLFE, POSITION_BC, POSITION_BLC,
	POSITION_BRC, POSITION_COUNT,
};

static const uint32_t position_spa[POSITION_COUNT] = {
	[POSITION_MONO] = SPA_AUDIO_CHANNEL_MONO, [POSITION_FL] = SPA_AUDIO_CHANNEL_FL,
	[POSITION_FR] = SPA_AUDIO_CHANNEL_FR, [POSITION_RL] = SPA_AUDIO_CHANNEL_RL,
	[POSITION_RR] = SPA_AUDIO_CHANNEL_RR, [POSITION_FC] = SPA_AUDIO_CHANNEL_FC,
	[POSITION_LFE] = SPA_AUDIO_CHANNEL_LFE, [POSITION_SL] = SPA_AUDIO_CHANNEL_SL,
	[POSITION_SR] = SPA_AUDIO_CHANNEL_SR, [POSITION_RC] = SPA_AUDIO_CHANNEL_RC,
	[POSITION_FLC] = SPA_AUDIO_CHANNEL_FLC, [POSITION_FRC] = SPA_AUDIO_CHANNEL_FRC,
	[POSITION_RLC] = SPA_AUDIO_CHANNEL_RLC, [POSITION_RRC] = SPA_AUDIO_CHANNEL_RRC,
	[POSITION_FLW] = SPA_AUDIO_CHANNEL_FLW, [POSITION_FRW] = SPA_AUDIO_CHANNEL_FRW,
	[POSITION_FLH] = SPA_AUDIO_CHANNEL_FLH, [POSITION_FCH] = SPA_AUDIO_CHANNEL_FCH,
	[POSITION_FRH] = SPA_AUDIO_CHANNEL_FRH, [POSITION_TC] = SPA_AUDIO_CHANNEL_TC,
	[POSITION_TFL] = SPA_AUDIO_CHANNEL_TFL, [POSITION_TFR] = SPA_AUDIO_CHANNEL_TFR,
	[POSITION_TFC] = SPA_AUDIO_CHANNEL_TFC, [POSITION_TRL] = SPA_AUDIO_CHANNEL_TRL,
	[POSITION_TRR] = SPA_AUDIO_CHANNEL_TRR, [POSITION_TRC] = SPA_AUDIO_CHANNEL_TRC,
	[POSITION_TFLC] = SPA_AUDIO_CHANNEL_TFLC, [POSITION_TFRC] = SPA_AUDIO_CHANNEL_TFRC,
	[POSITION_TSL] = SPA_AUDIO_CHANNEL_TSL, [POSITION_TSR] = SPA_AUDIO_CHANNEL_TSR,
	[POSITION_LLFE] = SPA_AUDIO_CHANNEL_LLFE, [POSITION_RLFE] = SPA_AUDIO_CHANNEL_RLFE,
	[POSITION_BC] = SPA_AUDIO_CHANNEL_BC, [POSITION_BLC] = SPA_AUDIO_CHANNEL_BLC,
	[POSITION_BRC] = SPA_AUDIO_CHANNEL_BRC,
};

/* As ALSA orders them; so does audio/format.h for guests that say nothing. */
static const uint8_t position_usual[SOUND_MAX_CHANNELS] = {
	POSITION_FL, POSITION_FR, POSITION_RL, POSITION_RR,
	POSITION_FC, POSITION_LFE, POSITION_SL, POSITION_SR,
};

/* SDL 2's orders (SDL_audio.h), for 3 channels and more. */
static const uint8_t position_sdl[SOUND_MAX_CHANNELS + 1][SOUND_MAX_CHANNELS] = {
	[3] = { POSITION_FL, POSITION_FR, POSITION_LFE },
	[4] = { POSITION_FL, POSITION_FR, POSITION_RL, POSITION_RR },
	[5] = { POSITION_FL, POSITION_FR, POSITION_LFE, POSITION_RL, POSITION_RR },
	[6] = { POSITION_FL, POSITION_FR, POSITION_FC, POSITION_LFE, POSITION_RL, POSITION_RR },
	[7] = { POSITION_FL, POSITION_FR, POSITION_FC, POSITION_LFE, POSITION_RC, POSITION_SL,
		POSITION_SR },
	[8] = { POSITION_FL, POSITION_FR, POSITION_FC, POSITION_LFE, POSITION_RL, POSITION_RR,
		POSITION_SL, POSITION_SR },
};

uint32_t sound_format_spa(enum sound_format format)
{
	switch (format) {
	case SOUND_FORMAT_S16:
		return SPA_AUDIO_FORMAT_S16_LE;
	case SOUND_FORMAT_S24:
		return SPA_AUDIO_FORMAT_S24_32_LE;
	case SOUND_FORMAT_S32:
		return SPA_AUDIO_FORMAT_S32_LE;
	case SOUND_FORMAT_FLOAT:
		return SPA_AUDIO_FORMAT_F32_LE;
	}
	return SPA_AUDIO_FORMAT_UNKNOWN;
}

uint16_t sound_format_sdl(enum sound_format format)
{
	switch (format) {
	case SOUND_FORMAT_S16:
		return AUDIO_S16LSB;
	case SOUND_FORMAT_S24:
	case SOUND_FORMAT_S32:
		return AUDIO_S32LSB;
	case SOUND_FORMAT_FLOAT:
		return AUDIO_F32LSB;
	}
	return 0;
}

/* Each speaker known, and once. */
static bool position_is_usable(const struct sound_description *description)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < description->channels; i++) {
		uint8_t position = description->positions[i];
		uint64_t bit;

		if (position >= POSITION_COUNT || !position_spa[position])
			return false;
		bit = UINT64_C(1) << position;
		if (seen & bit)
			return false;
		seen |= bit;
	}
	return true;
}

static void position_list(const struct sound_description *description,
			  uint8_t positions[SOUND_MAX_CHANNELS])
{
	memset(positions, POSITION_NONE, SOUND_MAX_CHANNELS);
	if (position_is_usable(description))
		memcpy(positions, description->positions, description->channels);
	else if (description->channels == 1)
		positions[0] = POSITION_MONO;
	else
		memcpy(positions, position_usual, description->channels);
}

void sound_format_spa_positions(const struct sound_description *description,
				uint32_t positions[SOUND_MAX_CHANNELS])
{
	uint8_t list[SOUND_MAX_CHANNELS];

	position_list(description, list);
	for (uint32_t i = 0; i < SOUND_MAX_CHANNELS; i++)
		positions[i] = position_spa[list[i]];
}

bool sound_format_sdl_order(const struct sound_description *description,
			    uint8_t order[SOUND_MAX_CHANNELS])
{
	uint8_t list[SOUND_MAX_CHANNELS];
	uint32_t channels = description->channels;
	bool other = false;

	position_list(description, list);
	for (uint32_t i = 0; i < SOUND_MAX_CHANNELS; i++)
		order[i] = (uint8_t)i;
	if (channels < 3)
		return false;
	for (uint32_t i = 0; i < channels; i++) {
		uint8_t position = position_sdl[channels][i];
		uint8_t *found = memchr(list, position, channels);

		/* The last two of 5.1 may be the sides. */
		if (!found && channels == 6 && position == POSITION_RL)
			found = memchr(list, POSITION_SL, channels);
		if (!found && channels == 6 && position == POSITION_RR)
			found = memchr(list, POSITION_SR, channels);
		/* A layout that SDL does not have: play the channels in the order they are in. */
		if (!found) {
			for (uint32_t k = 0; k < channels; k++)
				order[k] = (uint8_t)k;
			return false;
		}
		order[i] = (uint8_t)(found - list);
		other |= order[i] != i;
	}
	return other;
}

static void sound_format_swap(void *frame, uint32_t bytes, uint32_t channels,
			      const uint8_t order[SOUND_MAX_CHANNELS], bool back)
{
	uint8_t copy[SOUND_MAX_CHANNELS * sizeof(uint32_t)];
	uint8_t *at = frame;

	memcpy(copy, at, (size_t)bytes * channels);
	for (uint32_t i = 0; i < channels; i++) {
		uint32_t from = back ? i : order[i], to = back ? order[i] : i;

		memcpy(at + to * bytes, copy + from * bytes, bytes);
	}
}

static bool sound_format_order_is_plain(const uint8_t order[SOUND_MAX_CHANNELS])
{
	for (uint32_t i = 0; i < SOUND_MAX_CHANNELS; i++) {
		if (order[i] != i)
			return false;
	}
	return true;
}

static void sound_format_reorder(const struct sound_description *description,
				 const uint8_t order[SOUND_MAX_CHANNELS], void *frames,
				 uint32_t count, bool back)
{
	uint32_t channels = description->channels;

	if (sound_format_order_is_plain(order))
		return;
	for (uint32_t i = 0; i < count; i++)
		sound_format_swap((uint8_t *)frames + (size_t)i * description->frame_bytes,
				  description->frame_bytes / channels, channels, order, back);
}

void sound_format_to_sdl(const struct sound_description *description,
			 const uint8_t order[SOUND_MAX_CHANNELS], void *frames, uint32_t count)
{
	uint32_t *samples = frames;

	sound_format_reorder(description, order, frames, count, false);
	if (description->format != SOUND_FORMAT_S24)
		return;
	for (uint32_t i = 0; i < count * description->channels; i++)
		samples[i] <<= 8;
}

void sound_format_from_sdl(const struct sound_description *description,
			   const uint8_t order[SOUND_MAX_CHANNELS], void *frames, uint32_t count)
{
	int32_t *samples = frames;

	sound_format_reorder(description, order, frames, count, true);
	if (description->format != SOUND_FORMAT_S24)
		return;
	for (uint32_t i = 0; i < count * description->channels; i++)
		samples[i] >>= 8;
}
