/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's sound: follows what the source says of its streams and has a sound server play and
 * record while they run. A guest that is silent costs nothing.
 *
 * Main thread, but for the callbacks that it hands to the outputs.
 */
#ifndef CLIENT_SOUND_H
#define CLIENT_SOUND_H

#include "sound_gain.h"
#include "sound_output.h"
#include "source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOUND_MAX_BACKENDS 2
#define SOUND_VOLUME_STEP 5u

struct sound_config {
	/* In the order of liking; none: no sound. */
	const struct sound_output_ops *backends[SOUND_MAX_BACKENDS];
	bool playback, microphone;      /* wanted at all */
	uint32_t volume;                /* percent */
	bool muted;
	struct sound_output_listener listener;  /* sound_check is wanted */
};

struct sound_backend {
	const struct sound_output_ops *ops;
	struct sound_output *output;    /* NULL: not used yet */
	bool worked;
	uint64_t failed_ns;             /* when it last did; 0: it did not */
};

/* One direction. */
struct sound_lane {
	struct sound *sound;
	enum sound_direction direction;
	bool wanted;
	bool present;                   /* wanted, and the source has it */
	bool known;                     /* description is what the source said last */
	bool owned;                     /* we are the client that plays (records) */
	bool told;                      /* that there is trouble with the server */
	struct sound_description description;
	struct sound_backend *backend;  /* NULL: not running */
	uint64_t started_ns;
	uint64_t retry_ns;              /* 0: no other try is due */
	/* Also the callback's, between start and stop of the output. */
	struct client_source *source;
	struct sound_description playing;
	struct sound_gain gain;
	uint32_t announced_frames;      /* the quantum that the VMM filled the ring for */
	bool begun;                     /* the callback has come */
	_Atomic uint32_t quantum_frames;
	_Atomic uint64_t delay_ns;
};

struct sound {
	struct client_source *source;   /* NULL: no session */
	struct sound_backend backends[SOUND_MAX_BACKENDS];
	struct sound_lane lanes[2];
	struct sound_output_listener listener;
	uint32_t volume;
	bool muted;
};

void sound_init(struct sound *sound, const struct sound_config *config);
void sound_finish(struct sound *sound);

/* A session begins: we take the sound. NULL: it ends; no callback uses the source any more. */
void sound_set_source(struct sound *sound, struct client_source *source);
/* After SOURCE_CHANGED. 0; -EAGAIN: look again soon; -EPROTO: nonsense: disconnect. */
int sound_update(struct sound *sound, uint64_t now_ns);
/* Once a second while there is a session. */
void sound_beat(struct sound *sound, uint64_t now_ns);
/* After the listener's changed. */
void sound_check(struct sound *sound, uint64_t now_ns);

/* In steps; unmutes. */
void sound_change_volume(struct sound *sound, int steps);
void sound_toggle_mute(struct sound *sound);

/* The guest hears the microphone right now. */
bool sound_microphone_is_on(const struct sound *sound);
/* "Volume 80 %" or "Muted". */
void sound_format_volume(const struct sound *sound, char *text, size_t bytes);
/* One line of figures for the overlay. */
void sound_format_figures(const struct sound *sound, char *text, size_t bytes);

#endif
