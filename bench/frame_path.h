/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the frame_path bench: a guest that draws and flushes, a reader process that checks. */
#ifndef FRAME_PATH_H
#define FRAME_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame_case {
	uint32_t width, height;
	bool full;                      /* damage: the whole picture, else 64 x 64 somewhere */
	bool blob;                      /* guest memory blob, else transfer to a host resource */
};

struct frame_rect {
	uint32_t x, y, width, height;
};

/* --- the pattern: 64-bit words base, base + 1, ... over a rectangle, row by row --- */

void frame_pattern_fill(uint8_t *pixels, size_t pitch, const struct frame_rect *rect,
			uint64_t base);
/* True when every word is as it was filled. */
bool frame_pattern_check(const uint8_t *pixels, size_t pitch, const struct frame_rect *rect,
			 uint64_t base);

/* --- frame_reader.c: the reader process --- */

struct frame_reader;

/* Forks a process that attaches to the segment, sleeps on the doorbell and checks every frame. No
 * other thread may exist yet. Aborts with a line when it cannot. */
struct frame_reader *frame_reader_start(int segment_fd, int doorbell, const struct frame_case *what);
/* Ends the process. */
void frame_reader_stop(struct frame_reader *reader);
/* What the next frame must hold; before its flush. */
void frame_reader_expect(struct frame_reader *reader, const struct frame_rect *rect, uint64_t base);
/* When one frame was published in the segment, and when its pixels had been checked. */
struct frame_times {
	uint64_t published_ns, checked_ns;
};

/* Waits until the frame was checked. CLOCK_MONOTONIC. */
struct frame_times frame_reader_wait(struct frame_reader *reader);

/* --- frame_guest.c: a fake guest in front of a real gpu device --- */

struct display;
struct frame_guest;
struct loop;

/* The loop must have been started. */
struct frame_guest *frame_guest_create(struct loop *loop, struct display *display,
				       const struct frame_case *what);
void frame_guest_destroy(struct frame_guest *guest);
/* Draws the next frame into the guest's memory; what was drawn. */
struct frame_rect frame_guest_draw(struct frame_guest *guest, uint64_t base);
/* The memory the frame was drawn into. */
const uint8_t *frame_guest_pixels(const struct frame_guest *guest);
/* Flushes what was drawn and waits for the device's answer. CLOCK_MONOTONIC just before. */
uint64_t frame_guest_flush(struct frame_guest *guest);

#endif
