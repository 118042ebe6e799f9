/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's pixels, copied and where need be converted. Any thread. */
#ifndef CAPTURE_PIXELS_H
#define CAPTURE_PIXELS_H

#include <display/buffer.h>
#include <stdint.h>

struct pixel_layout;
struct rect;
struct video_damage;

/* How the guest's pixels become ours. */
struct frame_format {
	uint32_t fourcc;                        /* of the copy */
	const struct pixel_layout *convert;     /* NULL: bytes pass through */
};

/* The formats of the segment pass through, others become XRGB8888. 0 or -EINVAL: unknown. */
int frame_format_find(uint32_t fourcc, struct frame_format *format);
/* Always XRGB8888; what is in the fourth byte of formats with alpha is not said. 0 or -EINVAL. */
int frame_format_xrgb(uint32_t fourcc, struct frame_format *format);
/* Copies the damage of the shown part; row: room for one row of it. Bytes copied. */
uint64_t frame_copy(const struct display_pixels *pixels, const struct rect *source,
		    const struct video_damage *damage, const struct frame_format *format,
		    uint8_t *to, uint32_t pitch, uint32_t *row);

/* The image as ARGB8888, rows width apart; room for CURSOR_MAX_EXTENT squared. 0 or -errno (EINVAL:
 * too large, or of an unknown format). */
int cursor_pixels_read(struct display_buffer *buffer, uint32_t *pixels);

#endif
