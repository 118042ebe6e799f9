/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of a backend that has no sound server behind it: a stream runs at its nominal rate of
 * CLOCK_MONOTONIC. Positions are computed from the time since the start, so that nothing drifts
 * however late the timer is; the timer runs only between start and stop.
 *
 * Everything on the audio loop; start, stop and the questions neither lock, allocate nor log.
 */
#ifndef AUDIO_CLOCK_H
#define AUDIO_CLOCK_H

#include <audio/backend.h>
#include <stdbool.h>
#include <stdint.h>

struct loop_timer;

struct audio_clock {
	struct audio_backend *backend;  /* whose listener is notified */
	enum audio_direction direction;
	struct loop_timer *timer;
	struct audio_params params;     /* of the last open */
	uint32_t frame_bytes;           /* 0: not open */
	bool running;
	uint32_t ahead_frames;          /* playback: the sink's buffer; capture: 0 */
	uint64_t start_ns;
	uint64_t lost_frames;           /* time that passed while the guest moved nothing */
	uint64_t moved_frames;
};

/* 0 or -errno. */
int audio_clock_init(struct audio_clock *clock, struct audio_backend *backend,
		     enum audio_direction direction);
void audio_clock_finish(struct audio_clock *clock);

/* As audio_backend_ops' open and close. */
int audio_clock_open(struct audio_clock *clock, const struct audio_params *params);
void audio_clock_close(struct audio_clock *clock);
/* Position 0 is now; notifies soon and then every period, but at least every 10 ms. 0 or -errno. */
int audio_clock_start(struct audio_clock *clock);
void audio_clock_stop(struct audio_clock *clock);

/* Frames the device may move now; 0 while stopped. */
uint32_t audio_clock_room(struct audio_clock *clock);
/* Counts frames as moved, at most the room. The number counted. */
uint32_t audio_clock_move(struct audio_clock *clock, uint32_t frames);
/* The same, and fills them with silence. */
uint32_t audio_clock_read_silence(struct audio_clock *clock, void *frames, uint32_t count);
/* audio_backend_ops.delay of such a stream. */
uint32_t audio_clock_delay(const struct audio_clock *clock);

/* Frames that pass in ns at rate, rounded down; no overflow in any life of a machine. */
uint64_t audio_clock_frames(uint64_t ns, uint32_t rate);

#endif
