/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound of a guest without a guest: the VMM's real backend, and a device that plays a tone of
 * 440 Hz and writes what the microphone says into a file. It has a loop of its own. Main thread. */
#ifndef FAKE_SOUND_H
#define FAKE_SOUND_H

#include <capture/sound.h>

struct audio_tap;
struct fake_sound;

/* config->audio_loop is not used. NULL: it does not work. */
struct fake_sound *fake_sound_create(const struct sound_capture_config *config);
/* What is between the device and the backend. */
struct audio_tap *fake_sound_tap(struct fake_sound *sound);
void fake_sound_destroy(struct fake_sound *sound);
/* "play RATE CHANNELS FORMAT PERIOD", "silence", "record FILE", "deaf": prints what came of it. */
void fake_sound_command(struct fake_sound *sound, const char *line);

#endif
