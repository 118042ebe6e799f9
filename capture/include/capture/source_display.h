/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A display consumer with a latest-wins mailbox for each surface: for whoever passes frames on.
 * The display's loop fills it and never waits; one thread of the owner's takes.
 */
#ifndef CAPTURE_SOURCE_DISPLAY_H
#define CAPTURE_SOURCE_DISPLAY_H

#include <display/surface.h>
#include <stdbool.h>
#include <stdint.h>

struct source_display;

/* All that happened to one surface since the last take; the references are the taker's. */
struct source_news {
	bool went_off;                  /* before the frame, when both are there */
	struct display_frame *frame;    /* NULL: none */
	struct damage damage;           /* of the frame and of those it overtook */
	/* Without a frame, after a sleep: what is on show. The guest may be drawing in it already
	 * what the next frame will say has changed. */
	struct display_buffer *kept;
	struct rect kept_source;
	bool cursor_changed;
	bool cursor_image_changed;
	struct display_cursor cursor;
};

/* wake_fd: an eventfd that is rung when there is news. From main. NULL with errno. */
struct source_display *source_display_create(struct display *display, uint32_t surface_count,
					     int wake_fd);
/* From main; the taker has stopped. */
void source_display_destroy(struct source_display *source);
/* Any one thread. False: no news. */
bool source_display_take(struct source_display *source, uint32_t index, struct source_news *news);
/*
 * The taker's thread. While a surface sleeps its frames are let go at once and nothing rings; the
 * buffer on show and the cursor are kept, and are news when it wakes. buffer: what the taker has on
 * show, with its reference; NULL: nothing.
 */
void source_display_sleep(struct source_display *source, uint32_t index,
			  struct display_buffer *buffer, const struct rect *shown);
void source_display_wake(struct source_display *source, uint32_t index);
/* Any thread: frames that came, taken or not. */
uint64_t source_display_committed(const struct source_display *source);

#endif
