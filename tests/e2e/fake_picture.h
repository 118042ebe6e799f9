/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture in which every pixel says where it is: red x / 4, green y / 4, blue the rests. */
#ifndef FAKE_PICTURE_H
#define FAKE_PICTURE_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct fake_picture {
	uint32_t width, height;
	uint32_t *pixels;
};

static inline uint32_t fake_picture_colour(uint32_t x, uint32_t y)
{
	return (x / 4 & 255) << 16 | (y / 4 & 255) << 8 | (x & 3) << 6 | (y & 3) << 4;
}

static inline void fake_picture_draw(struct fake_picture *picture, uint32_t width, uint32_t height)
{
	uint32_t *pixels = realloc(picture->pixels, (size_t)width * height * 4);

	if (!pixels)
		abort();
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++)
			pixels[y * width + x] = fake_picture_colour(x, y);
	}
	*picture = (struct fake_picture){ width, height, pixels };
}

/* False: not inside of the picture. */
static inline bool fake_picture_fill(struct fake_picture *picture, const struct video_rect *rect,
				     uint32_t colour)
{
	if (rect->width > picture->width || rect->x > picture->width - rect->width ||
	    rect->height > picture->height || rect->y > picture->height - rect->height)
		return false;
	for (uint32_t y = rect->y; y < rect->y + rect->height; y++) {
		for (uint32_t x = rect->x; x < rect->x + rect->width; x++)
			picture->pixels[y * picture->width + x] = colour;
	}
	return true;
}

#endif
