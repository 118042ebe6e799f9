/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOUND_PATH_H
#define SOUND_PATH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Stereo of 16 bits: a frame is one 32-bit word, and frame n of a stream is n + 1. */
#define SOUND_BENCH_RATE 48000u
#define SOUND_BENCH_FRAME_BYTES 4u
#define SOUND_BENCH_MAX_PERIODS 100000u
#define SOUND_BENCH_MAX_CALLBACKS 400000u

/* Shared between the two processes. Arrays are read when the client has ended. */
struct sound_client_control {
	_Atomic bool quit;
	uint32_t period_frames;
	uint32_t quantum_frames;
	uint64_t read_ns[SOUND_BENCH_MAX_PERIODS];      /* when a period's first frame was read */
	uint64_t refill_ns[SOUND_BENCH_MAX_CALLBACKS];  /* doorbell to last write after it */
	uint32_t refill_count;
	uint64_t missed_frames;
	uint64_t missed_on_time;        /* of those, in callbacks that were not late */
	uint64_t late_callbacks;        /* the timer had fired again: our own fault */
	uint64_t skipped_frames;        /* gone while we stood still for too long */
	uint64_t cpu_ns, wall_ns;                       /* while the stream ran */
};

/* Forks a client that plays what comes at the pace of a timer; it waits for the stream. Before
 * there are threads. */
pid_t sound_client_start(struct sound_client_control *control, int segment_fd, int doorbell);
/* After control->quit. */
void sound_client_wait(pid_t pid);

/* One side's clock is off by so much, all in simulated time. */
struct sound_drift {
	int ppm;
	uint32_t minutes;
	uint64_t underruns;     /* callbacks that did not get all; messages with a gap */
	uint64_t overruns;      /* frames dropped on the way */
	uint64_t frames;        /* each way */
};

void sound_drift_run(struct sound_drift *drift);

#endif
