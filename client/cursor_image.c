/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cursor_image.h"

#include <ivshmem/abi.h>
#include <math.h>
#include <stdbool.h>

static uint32_t cursor_image_at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

void cursor_image_convert(uint32_t *to, const uint32_t *from, size_t count, uint32_t fourcc)
{
	bool swap = fourcc == VIDEO_FOURCC_XBGR8888 || fourcc == VIDEO_FOURCC_ABGR8888;
	bool opaque = fourcc == VIDEO_FOURCC_XRGB8888 || fourcc == VIDEO_FOURCC_XBGR8888;

	for (size_t i = 0; i < count; i++) {
		uint32_t pixel = from[i];
		uint32_t alpha = opaque ? 255 : pixel >> 24;
		uint32_t red = cursor_image_at_most(pixel >> 16 & 255, alpha);
		uint32_t green = cursor_image_at_most(pixel >> 8 & 255, alpha);
		uint32_t blue = cursor_image_at_most(pixel & 255, alpha);

		if (swap)
			to[i] = alpha << 24 | blue << 16 | green << 8 | red;
		else
			to[i] = alpha << 24 | red << 16 | green << 8 | blue;
	}
}

void cursor_image_straighten(uint32_t *to, const uint32_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t alpha = from[i] >> 24;
		uint32_t pixel = alpha << 24;

		for (unsigned int shift = 0; alpha && shift < 24; shift += 8) {
			uint32_t value = ((from[i] >> shift & 255) * 255 + alpha / 2) / alpha;

			pixel |= cursor_image_at_most(value, 255) << shift;
		}
		to[i] = pixel;
	}
}

/* The part of [pixel, pixel + 1) inside of [start, end). */
static float cursor_image_overlap(int pixel, float start, float end)
{
	float left = start > (float)pixel ? start : (float)pixel;
	float right = end < (float)(pixel + 1) ? end : (float)(pixel + 1);

	return right > left ? right - left : 0;
}

static uint32_t cursor_image_average(const uint32_t *from, int width, int height, float x0,
				     float x1, float y0, float y1)
{
	float sum[4] = { 0 }, weight = 0;
	uint32_t pixel = 0;

	for (int y = (int)y0; y < height && (float)y < y1; y++) {
		for (int x = (int)x0; x < width && (float)x < x1; x++) {
			float part = cursor_image_overlap(x, x0, x1) *
				     cursor_image_overlap(y, y0, y1);

			for (int c = 0; c < 4; c++)
				sum[c] += part * (float)(from[y * width + x] >> (8 * c) & 255);
			weight += part;
		}
	}
	for (int c = 0; c < 4 && weight > 0; c++)
		pixel |= (uint32_t)lrintf(sum[c] / weight) << (8 * c);
	return pixel;
}

void cursor_image_scale(uint32_t *to, int to_width, int to_height, const uint32_t *from, int width,
			int height)
{
	float step_x = (float)width / (float)to_width, step_y = (float)height / (float)to_height;

	for (int y = 0; y < to_height; y++) {
		for (int x = 0; x < to_width; x++)
			to[y * to_width + x] = cursor_image_average(
				from, width, height, (float)x * step_x, (float)(x + 1) * step_x,
				(float)y * step_y, (float)(y + 1) * step_y);
	}
}
