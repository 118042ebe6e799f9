/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SPICE client shows: DISPLAY with plain bitmaps only, as Looking Glass B7's has it, and
 * CURSOR. It reads only when it is told to. Whatever it does not understand fails the test.
 */
#ifndef TESTS_UNIT_SPICE_VIEWER_H
#define TESTS_UNIT_SPICE_VIEWER_H

#include <stdbool.h>
#include <stdint.h>

struct spice_viewer_channel {
	int fd;
	uint32_t window, unacknowledged;        /* messages */
	uint8_t *bytes;                         /* the newest message */
	uint32_t size, room;
};

struct spice_viewer {
	struct spice_viewer_channel display, cursor;
	uint32_t width, height;         /* of the primary surface; 0: none */
	uint32_t *pixels;               /* XRGB8888, the fourth byte 0 */
	uint32_t surfaces, draws;       /* that came */
	uint64_t drawn_pixels;
	/* The cursor. */
	uint32_t shapes;                /* that came */
	bool visible;
	int32_t x, y;
	uint32_t cursor_width, cursor_height, hot_x, hot_y;
	uint32_t *cursor_pixels;        /* NULL: none */
};

/* Both channels of a screen, within a session of spice_client's. */
void spice_viewer_open(struct spice_viewer *viewer, const char *path, uint32_t session,
		       uint8_t screen);
/* CURSOR may not be wanted: its channel is -1 then. */
void spice_viewer_open_display(struct spice_viewer *viewer, const char *path, uint32_t session,
			       uint8_t screen);
void spice_viewer_close(struct spice_viewer *viewer);
/* Takes what comes within timeout_ms; true: something came. */
bool spice_viewer_step(struct spice_viewer *viewer, int timeout_ms);

#endif
