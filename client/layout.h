/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's picture stands in a window, and which guest pixel a mouse position means.
 * Plain arithmetic. Points: SDL's window coordinates; pixels: what the renderer draws. They differ
 * on high-DPI screens.
 */
#ifndef CLIENT_LAYOUT_H
#define CLIENT_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum scale_mode {
	SCALE_FIT,              /* as large as fits, with aspect */
	SCALE_INTEGER,          /* as many whole times as fit, at least as FIT when none does */
	SCALE_NONE,             /* 1:1; what does not fit is cut off */
};

struct layout {
	int window_width, window_height;        /* points */
	int output_width, output_height;        /* pixels */
	int guest_width, guest_height;
	int x, y, width, height;                /* the picture, in pixels of the output */
};

/* guest_width and guest_height may be 0: no picture. */
void layout_place(struct layout *layout, enum scale_mode mode);
/* True when a guest pixel is exactly an output pixel. */
bool layout_is_exact(const struct layout *layout);
/* Output pixels per guest pixel. */
double layout_scale(const struct layout *layout);
/* The guest pixel under a mouse position; the nearest one when outside (and false then). */
bool layout_guest_pixel(const struct layout *layout, int point_x, int point_y, int *guest_x,
			int *guest_y);
/* Pixel 0..extent-1 as a position 0..65535 over the scanout: the pixel's middle, so that any
 * rounding on the other side finds the same pixel. */
int32_t layout_absolute(int pixel, int extent);

#endif
