/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's sound for SPICE clients: the PLAYBACK and RECORD channels of one server, 16-bit
 * stereo at the rate of the guest's stream, uncompressed. Clients are told of a stream while the
 * guest has it running; a short pause is none. What a client does not read is dropped. All on the
 * SPICE thread.
 */
#ifndef VMM_SPICE_SPICE_SOUND_H
#define VMM_SPICE_SPICE_SOUND_H

#include <spice.h>

struct audio_tap;
struct loop;
struct spice_sound;

/* The tap outlives it and has no other listener. NULL with errno. */
struct spice_sound *spice_sound_create(SpiceServer *server, struct loop *loop,
				       struct audio_tap *tap);
/* Before the server is destroyed. NULL is ignored. */
void spice_sound_destroy(struct spice_sound *sound);
/* SPICE_CHANNEL_EVENT_* of a channel of any type. */
void spice_sound_on_channel(struct spice_sound *sound, int event, int channel_type);

#endif
