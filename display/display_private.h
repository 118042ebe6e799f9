/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DISPLAY_PRIVATE_H
#define DISPLAY_PRIVATE_H

#include <display/surface.h>

struct display_wishes;

struct display_surface {
	struct display *display;
	uint32_t index;
	struct display_buffer *buffer;  /* NULL: off */
	struct rect source;
	struct display_cursor cursor;
};

struct display {
	struct loop *loop;
	struct display_consumer *consumers;
	struct display_resize_listener *listener;
	struct display_wishes *wishes;
	uint32_t surface_count;
	struct display_surface surfaces[DISPLAY_MAX_SURFACES];
};

/* monitor.c: monitor sizes on their way from any thread to the display's loop. */
struct display_wishes *display_wishes_create(struct display *display);
/* On the display's loop: wishes still on their way are dropped. */
void display_wishes_destroy(struct display_wishes *wishes);

#endif
