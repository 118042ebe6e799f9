/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose clock a stream runs on: the client's while it moves, else our own. It is told the time and
 * what the ring looks like, and keeps only numbers: no system call, nothing that can wait.
 */
#ifndef SOUND_CLOCK_H
#define SOUND_CLOCK_H

#include <audio/format.h>
#include <ivshmem/sound.h>
#include <stdbool.h>
#include <stdint.h>

enum sound_clock_source {
	SOUND_CLOCK_WAITING,    /* for a client that should begin soon; the ring is used */
	SOUND_CLOCK_CLIENT,     /* it moves; the ring is used */
	SOUND_CLOCK_OWN,        /* nobody moves: dropped, or silence, at the nominal rate */
};

struct sound_clock_config {
	enum audio_direction direction;
	uint32_t rate;
	uint32_t period_frames;
	uint64_t poll_ns;       /* how often the ring is looked at; 0: when the doorbell rings */
};

/* One look at the section. */
struct sound_clock_view {
	struct sound_client_view client;
	uint32_t fill;          /* frames in the ring */
	bool moved;             /* samples went into or out of the ring since the last look */
};

struct sound_clock {
	struct sound_clock_config config;
	enum sound_clock_source source;
	uint64_t deadline_ns;   /* WAITING, CLIENT: when to give up */
	bool overslept;         /* it was given more time because we stood still as well */
	uint64_t patient_ns;    /* from then on a new owner is waited for again */
	struct sound_clock_view last;
	uint32_t quantum_frames; /* the largest of the last second */
	uint64_t quantum_until_ns;
	uint32_t target_frames; /* to be kept in the ring (playback) */
	uint64_t own_since_ns;  /* OWN: the time at which own_frames was 0 */
	int64_t own_frames;     /* moved by our own clock since then */
};

/* The stream starts now. */
void sound_clock_start(struct sound_clock *clock, const struct sound_clock_config *config,
		       const struct sound_clock_view *view, uint64_t now_ns);
void sound_clock_look(struct sound_clock *clock, const struct sound_clock_view *view,
		      uint64_t now_ns);
/* OWN: frames whose time has come; moved takes them off. */
uint32_t sound_clock_own_room(struct sound_clock *clock, uint64_t now_ns);
void sound_clock_own_moved(struct sound_clock *clock, uint32_t frames);
/* How long until the next look at the latest; the doorbell may ask for one before. */
uint64_t sound_clock_next_ns(const struct sound_clock *clock, uint64_t now_ns);
/* Above this a microphone's ring has fallen too far behind. */
uint32_t sound_clock_most_frames(const struct sound_clock *clock);

#endif
