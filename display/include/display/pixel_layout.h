/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the channels of a 32 bit pixel format stand. Plain values, any thread. */
#ifndef DISPLAY_PIXEL_LAYOUT_H
#define DISPLAY_PIXEL_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* Bit position of each channel's 8 bits in the little-endian word; alpha also for formats that
 * ignore it. */
struct pixel_layout {
	uint32_t fourcc;            /* DRM_FORMAT_* */
	uint32_t fourcc_alpha;      /* the same order of channels with alpha in use */
	uint8_t alpha, red, green, blue;
	bool has_alpha;
};

/* NULL for formats other than the eight orders of 8 bit channels. */
const struct pixel_layout *pixel_layout_find(uint32_t fourcc);

#endif
