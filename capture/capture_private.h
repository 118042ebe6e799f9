/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CAPTURE_PRIVATE_H
#define CAPTURE_PRIVATE_H

#include <capture/capture.h>
#include <capture/pixels.h>
#include <capture/source_display.h>
#include <display/surface.h>
#include <stdatomic.h>
#include <stdbool.h>

struct cursor_writer;
struct slots_writer;

/* --- doorbells.c: any thread --- */

struct doorbells;

struct doorbells *doorbells_create(void);
void doorbells_destroy(struct doorbells *doorbells);
int doorbells_add(struct doorbells *doorbells, int eventfd);
void doorbells_remove(struct doorbells *doorbells, int eventfd);
void doorbells_ring(struct doorbells *doorbells);

/* --- frame.c: pictures of one scanout into its slots; capture loop --- */

struct frame_stats {
	_Atomic uint64_t published;
	_Atomic uint64_t bytes_copied;
};

struct frame_sink;

struct frame_sink *frame_sink_create(struct segment *segment, uint32_t scanout,
				     struct frame_stats *stats);
void frame_sink_destroy(struct frame_sink *sink);
/* True: clients have something new to look at. */
bool frame_sink_show(struct frame_sink *sink, const struct display_frame *frame,
		     const struct damage *damage);
void frame_sink_off(struct frame_sink *sink);

/* --- cursor.c: capture loop --- */

struct cursor_sink;

struct cursor_sink *cursor_sink_create(struct segment *segment, uint32_t scanout);
void cursor_sink_destroy(struct cursor_sink *sink);
void cursor_sink_show(struct cursor_sink *sink, const struct display_cursor *cursor,
		      bool image_changed);

#endif
