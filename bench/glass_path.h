/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the looking_glass bench: a screen whose frames carry their number, one of two ways
 * to a reader, and that reader, a process of its own.
 */
#ifndef GLASS_PATH_H
#define GLASS_PATH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GLASS_MAX_FRAMES 20000u

struct segment;

enum glass_way {
	GLASS_WAY_POLLED,               /* Looking Glass: the reader looks every millisecond */
	GLASS_WAY_DOORBELL,             /* the host segment: the reader sleeps until it rings */
	GLASS_WAYS,
};

struct glass_case {
	uint32_t width, height;
	bool full;                      /* damage: the whole picture, else 64 x 64 in its middle */
};

struct glass_rect {
	uint32_t x, y, width, height;
};

struct glass_rect glass_damage(const struct glass_case *what);

/* Shared between the processes. A frame's number stands in the first and the last pixel of its
 * damage; 0 is none. */
struct glass_control {
	_Atomic bool attached, quit;
	_Atomic uint32_t last_taken, torn;
	uint64_t published_ns[GLASS_MAX_FRAMES];
	uint64_t taken_ns[GLASS_MAX_FRAMES];    /* its damage is in the reader's own memory */
};

/* --- glass_reader.c --- */

struct glass_reader_config {
	struct glass_control *control;
	const struct glass_case *what;
	int fd;                         /* of the region or the segment */
	/* GLASS_WAY_DOORBELL: */
	struct segment *segment;        /* the host's; the reader attaches by fd */
	int doorbell;
};

/* Before there are threads. Exits with a line when it cannot. */
pid_t glass_reader_start(enum glass_way way, const struct glass_reader_config *config);

/* --- glass_screen.c --- */

struct glass_screen;

struct glass_screen *glass_screen_create(enum glass_way way, const struct glass_case *what,
					 const struct glass_reader_config *reader);
void glass_screen_destroy(struct glass_screen *screen);
/* Draws the frame with this number and shows it. When that was. */
uint64_t glass_screen_show(struct glass_screen *screen, uint32_t number);

/* What a thread has cost so far. */
struct glass_cost {
	uint64_t cpu_ns, runs;
};

/* The thread that carries frames to readers. */
struct glass_cost glass_screen_cost(const struct glass_screen *screen);
/* A process with one thread. */
struct glass_cost glass_process_cost(pid_t pid);

#endif
