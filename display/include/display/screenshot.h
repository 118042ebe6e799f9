/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of what a surface shows now. Any thread: the copy is made on the display's loop, between
 * two of the guest's commands, while the caller waits.
 */
#ifndef DISPLAY_SCREENSHOT_H
#define DISPLAY_SCREENSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct display;

/* The caller's own pixels; rows follow each other without gaps. */
struct display_screenshot {
	uint32_t width, height;
	uint32_t stride_bytes;      /* width * 4 */
	uint32_t fourcc;            /* DRM_FORMAT_*, as the guest has it */
	size_t pixel_bytes;
	uint8_t *pixels;
};

/* 0; -ENODEV no such surface; -ENODATA it is off; -ENOMEM. With cursor: drawn into the picture. */
int display_screenshot_take(struct display *display, uint32_t index, bool cursor,
			    struct display_screenshot *shot);
/* Frees the pixels. */
void display_screenshot_finish(struct display_screenshot *shot);

#endif
