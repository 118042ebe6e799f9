/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The capture bridge: what the display shows goes into the segment's slots and cursor sections.
 *
 * It is a consumer of the display, which it never holds up: the newest commit of each surface
 * waits in a mailbox, the damage of those it overtook is kept, and their references are dropped.
 * A thread of its own copies the damage, publishes, and rings the clients' doorbells; it also
 * beats the segment's heart once a second.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <ivshmem/segment.h>
#include <stdint.h>

struct capture;
struct display;

#define CAPTURE_MAX_DOORBELLS 32

/* Starts at once, with what the display shows now. Both must outlive it; surfaces beyond the
 * segment's scanouts are not shown. From main. NULL with errno. */
struct capture *capture_create(struct display *display, struct segment *segment);
/* Stops the thread and drops all references; the segment keeps the last picture. From main. */
void capture_destroy(struct capture *capture);

/* Any thread. The eventfd rings from now on for every frame, cursor, size and state change, and
 * once at once; it stays the caller's until removed. 0 or -ENOSPC. */
int capture_add_doorbell(struct capture *capture, int eventfd);
/* Any thread. When it returns, the eventfd is not touched any more. */
void capture_remove_doorbell(struct capture *capture, int eventfd);

/* Any thread. Tells every client. */
void capture_set_state(struct capture *capture, enum segment_state state);

/* Any thread. Something of the segment that is not the capture's has changed: every client looks. */
void capture_ring_doorbells(struct capture *capture);

/* For benches, tests and status. Any thread. */
struct capture_stats {
	uint64_t frames_committed;      /* by the display */
	uint64_t frames_published;
	uint64_t bytes_copied;
};

void capture_read_stats(const struct capture *capture, struct capture_stats *stats);

#endif
