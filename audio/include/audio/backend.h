/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a sound device's samples go and come from, and whose clock it runs on.
 *
 * One backend serves one device: at most one stream each way. Every function runs on the audio loop,
 * which is the device's own; so does notify. The backend is the clock: the device never looks at the
 * time. It moves samples only when the backend has room for them (or has them), and calls a period
 * complete when its samples are moved.
 *
 *   open -> start -> (room, write | read)... -> stop -> start ... -> close
 *
 * Between start and stop nothing here locks, allocates, logs or touches a file.
 */
#ifndef AUDIO_BACKEND_H
#define AUDIO_BACKEND_H

#include <audio/format.h>
#include <stdint.h>

struct audio_backend;
struct loop;

struct audio_backend_ops {
	/* Takes valid params only. 0 or -errno. A stream that is open is not opened again. */
	int (*open)(struct audio_backend *backend, enum audio_direction direction,
		    const struct audio_params *params);
	/* Stops first. Harmless when it is not open. open may follow at once: with the same params what
	 * is still being played goes on, other params may cut it short. */
	void (*close)(struct audio_backend *backend, enum audio_direction direction);
	/* notify comes from now on, the first time soon, never from inside start itself. 0 or -errno. */
	int (*start)(struct audio_backend *backend, enum audio_direction direction);
	/* notify does not come any more, room is 0. Playback: what was written is still played, by the
	 * backend alone, which may take a second for it; start may follow at once and goes on behind
	 * it. Capture: samples not yet read are dropped. */
	void (*stop)(struct audio_backend *backend, enum audio_direction direction);
	/* Frames that write takes now (playback) or read gives now (capture); 0 when not started. */
	uint32_t (*room)(struct audio_backend *backend, enum audio_direction direction);
	/* Takes whole frames, at most room of them; the number taken. */
	uint32_t (*write)(struct audio_backend *backend, const void *frames, uint32_t count);
	/* Gives whole frames, at most room of them; the number given. */
	uint32_t (*read)(struct audio_backend *backend, void *frames, uint32_t count);
	/* Frames between the one last written and the speaker (playback), or between the microphone and
	 * the one next read (capture). */
	uint32_t (*delay)(struct audio_backend *backend, enum audio_direction direction);
	/* Closes both; what is still being played is cut short. The device is gone; the audio loop is
	 * not running or this is its thread. */
	void (*destroy)(struct audio_backend *backend);
};

struct audio_listener {
	/* room may have grown: move what can be moved. Comes at least once per period while room is
	 * not 0, from the audio loop only. NULL: nobody listens. */
	void (*notify)(void *data, enum audio_direction direction);
	void *data;
};

struct audio_backend {
	const struct audio_backend_ops *ops;
	struct loop *loop;                      /* the audio loop */
	struct audio_listener listener;         /* set by the device while it is idle */
};

static inline void audio_backend_notify(const struct audio_backend *backend,
					enum audio_direction direction)
{
	if (backend->listener.notify)
		backend->listener.notify(backend->listener.data, direction);
}

/* Plays into nowhere and records silence, at the rate of CLOCK_MONOTONIC. NULL with errno. */
struct audio_backend *audio_null_create(struct loop *audio_loop);
/* The same, and writes what is played into a WAVE file (RIFF; WAVE_FORMAT_EXTENSIBLE where the format
 * needs it), by a thread of its own. A stream with other params than the first one begins
 * FILE-2.wav and so on. The file is whole and readable after destroy; a crash leaves one that says
 * the length it had a second before. NULL with errno. */
struct audio_backend *audio_wav_create(struct loop *audio_loop, const char *path);
/* capture/include/capture/sound.h: the one that joins the clients. */

#endif
