/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests and benches: the sound backend with another clock, and a look inside. */
#ifndef SOUND_PRIVATE_H
#define SOUND_PRIVATE_H

#include "sound_clock.h"

#include <audio/backend.h>
#include <capture/sound.h>

/* now_ns: instead of CLOCK_MONOTONIC; timers stay real. */
struct audio_backend *sound_capture_create_clocked(const struct sound_capture_config *config,
						   uint64_t (*now_ns)(void));
enum sound_clock_source sound_capture_source(const struct audio_backend *backend,
					     enum audio_direction direction);
/* Frames that did not reach the client, or the guest, since the backend was made: of our own clock,
 * and oldest ones of a microphone's ring that was too full. */
uint64_t sound_capture_dropped(const struct audio_backend *backend, enum audio_direction direction);

#endif
