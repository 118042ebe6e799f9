/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The volume, applied to samples. A change is a ramp of a few milliseconds, so that it does not
 * click; at full volume the samples are left alone, bit for bit.
 */
#ifndef CLIENT_SOUND_GAIN_H
#define CLIENT_SOUND_GAIN_H

#include <ivshmem/sound.h>
#include <stdint.h>

#define SOUND_GAIN_RAMP_MS 8u

struct sound_gain {
	_Atomic float target;           /* set by the main thread */
	float current;                  /* the rest is the callback's */
	float from, to;
	uint32_t ramp_frames, ramp_left;
};

/* As mixers have it: half the percents sound about half as loud. 0 is silence, 100 is 1. */
float sound_gain_from_percent(uint32_t percent);

/* While no callback runs: the target counts at once. */
void sound_gain_init(struct sound_gain *gain, float target, uint32_t rate);
/* Any thread. */
void sound_gain_set(struct sound_gain *gain, float target);
/* Real-time. */
void sound_gain_apply(struct sound_gain *gain, const struct sound_description *description,
		      void *frames, uint32_t count);

#endif
