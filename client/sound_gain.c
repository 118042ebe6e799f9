/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound_gain.h"

#include "sound_format.h"

#include <stdatomic.h>

float sound_gain_from_percent(uint32_t percent)
{
	float share = (float)percent / 100.0f;

	return percent >= 100 ? 1.0f : share * share * share;
}

void sound_gain_init(struct sound_gain *gain, float target, uint32_t rate)
{
	atomic_store(&gain->target, target);
	gain->current = gain->from = gain->to = target;
	gain->ramp_frames = rate * SOUND_GAIN_RAMP_MS / 1000u + 1u;
	gain->ramp_left = 0;
}

void sound_gain_set(struct sound_gain *gain, float target)
{
	/* Nothing but the number itself is handed over. */
	atomic_store_explicit(&gain->target, target, memory_order_relaxed);
}

/* The factor of the next frame. */
static float sound_gain_step(struct sound_gain *gain)
{
	if (gain->ramp_left == 0)
		return gain->to;
	gain->ramp_left--;
	gain->current = gain->ramp_left == 0 ? gain->to :
			gain->to + (gain->from - gain->to) * (float)gain->ramp_left /
			(float)gain->ramp_frames;
	return gain->current;
}

/* Rounds; a factor of at most 1 cannot overflow. */
static int32_t sound_gain_scale(int32_t sample, float factor)
{
	double scaled = (double)sample * (double)factor;

	return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static void sound_gain_frame(void *samples, enum sound_format format, uint32_t channels,
			     float factor)
{
	for (uint32_t i = 0; i < channels; i++) {
		if (format == SOUND_FORMAT_S16) {
			int16_t *sample = (int16_t *)samples + i;

			*sample = (int16_t)sound_gain_scale(*sample, factor);
		} else if (format == SOUND_FORMAT_FLOAT) {
			((float *)samples)[i] *= factor;
		} else {
			int32_t *sample = (int32_t *)samples + i;
			int32_t value = format == SOUND_FORMAT_S24 ? sound_format_s24(*sample) :
								     *sample;

			*sample = sound_gain_scale(value, factor);
		}
	}
}

void sound_gain_apply(struct sound_gain *gain, const struct sound_description *description,
		      void *frames, uint32_t count)
{
	float target = atomic_load_explicit(&gain->target, memory_order_relaxed);
	uint8_t *at = frames;

	if (target != gain->to) {
		gain->from = gain->current;
		gain->to = target;
		gain->ramp_left = gain->ramp_frames;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (gain->ramp_left == 0 && gain->to == 1.0f)
			return;
		sound_gain_frame(at, description->format, description->channels,
				 sound_gain_step(gain));
		at += description->frame_bytes;
	}
}
