/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's sound goes and the microphone's comes from: a sound server.
 *
 * All of an ops table is called on the main thread and does not wait for the server. process is
 * called on the server's thread, in real time: it neither locks, allocates, logs nor waits, and an
 * output must not either around it.
 */
#ifndef CLIENT_SOUND_OUTPUT_H
#define CLIENT_SOUND_OUTPUT_H

#include <ivshmem/sound.h>
#include <stdbool.h>
#include <stdint.h>

struct sound_output;

struct sound_output_stream {
	enum sound_direction direction;
	struct sound_description description;
	uint32_t latency_frames;        /* how many to ask for at once, as far as we are asked */
	const char *name;               /* of the VM; only during start */
	/* Playback: fill frames; microphone: they were heard. delay_ns: between these frames and
	 * the speaker or the microphone. */
	void (*process)(void *data, void *frames, uint32_t count, uint64_t delay_ns);
	void *data;
};

enum sound_output_state {
	SOUND_OUTPUT_GONE,              /* the server or the device is, or they refused */
	SOUND_OUTPUT_WAITING,           /* process has not come yet */
	SOUND_OUTPUT_STREAMING,
};

struct sound_output_listener {
	/* Any thread: a state may have changed. */
	void (*changed)(void *data);
	void *data;
};

struct sound_output_ops {
	const char *name;
	/* Asking again for a server that was not there costs nothing. */
	bool returns;
	/* May get ready by itself; does not look for the server yet. NULL with errno. */
	struct sound_output *(*create)(const struct sound_output_listener *listener);
	/* Stops first. */
	void (*destroy)(struct sound_output *output);
	/* Looks for the server when there is none (any more). At most one stream each way. 0,
	 * -EHOSTDOWN: no server; other -errno. process comes from now on. */
	int (*start)(struct sound_output *output, const struct sound_output_stream *stream);
	/* process does not come any more once this returns. Harmless when not started. */
	void (*stop)(struct sound_output *output, enum sound_direction direction);
	/* Of what was started. */
	enum sound_output_state (*state)(struct sound_output *output,
					 enum sound_direction direction);
};

extern const struct sound_output_ops sound_output_pipewire;
extern const struct sound_output_ops sound_output_sdl;

#endif
