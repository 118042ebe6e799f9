/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_pattern.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define TEST_PATTERN_LINE 0xffffffu

static const uint32_t test_pattern_bars[] = {
	0xebebeb, 0xebeb10, 0x10ebeb, 0x10eb10, 0xeb10eb, 0xeb1010, 0x1010eb, 0x101010,
};

#define TEST_PATTERN_BARS (sizeof(test_pattern_bars) / sizeof(test_pattern_bars[0]))

/* Bars above, a grey ramp below them, then a dark gradient with fine lines to judge sharpness. */
static uint32_t test_pattern_background(int x, int y, int width, int height)
{
	int bar = (int)((int64_t)x * (int)TEST_PATTERN_BARS / width);
	uint32_t grey = (uint32_t)((int64_t)x * 256 / width);
	uint32_t depth;

	if (y < height * 55 / 100)
		return test_pattern_bars[bar];
	if (y < height * 65 / 100)
		return grey << 16 | grey << 8 | grey;
	if (y >= height * 90 / 100 && x < width / 4)
		return (x + y) & 1 ? TEST_PATTERN_LINE : 0;
	if (y >= height * 90 / 100 && x >= width * 3 / 4)
		return x & 1 ? TEST_PATTERN_LINE : 0;
	depth = (uint32_t)((int64_t)(y - height * 65 / 100) * 60 / (height - height * 65 / 100));
	return 0x203050 + (depth << 8 | depth);
}

static void test_pattern_circle(uint32_t *pixels, int width, int height)
{
	double radius = (width < height ? width : height) * 0.45;

	for (int step = 0; step < 8192; step++) {
		double angle = step * (2 * M_PI / 8192);
		int x = (int)(width / 2.0 + radius * cos(angle));
		int y = (int)(height / 2.0 + radius * sin(angle));

		if (x >= 0 && y >= 0 && x < width && y < height)
			pixels[y * width + x] = TEST_PATTERN_LINE;
	}
}

void test_pattern_draw(uint32_t *pixels, int width, int height)
{
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			bool edge = x == 0 || y == 0 || x == width - 1 || y == height - 1;

			pixels[y * width + x] = edge ? TEST_PATTERN_LINE :
				test_pattern_background(x, y, width, height);
		}
	}
	test_pattern_circle(pixels, width, height);
}

/* There and back again. */
static uint32_t test_pattern_bounce(uint64_t way, int range)
{
	uint64_t at;

	if (range <= 0)
		return 0;
	at = way % (2 * (uint64_t)range);
	return (uint32_t)(at < (uint64_t)range ? at : 2 * (uint64_t)range - at);
}

struct video_rect test_pattern_box(uint64_t tick, int width, int height)
{
	int side = width < height ? width : height;
	uint32_t box = (uint32_t)(side < TEST_PATTERN_BOX ? side : TEST_PATTERN_BOX);

	return (struct video_rect){
		.x = test_pattern_bounce(tick * 5, width - (int)box),
		.y = (uint32_t)(height * 7 / 10) - box / 2 < (uint32_t)height - box ?
			(uint32_t)(height * 7 / 10) - box / 2 : 0,
		.width = box,
		.height = box,
	};
}

void test_pattern_fill(uint32_t *pixels, int width, const struct video_rect *rect, uint32_t colour)
{
	for (uint32_t y = rect->y; y < rect->y + rect->height; y++) {
		for (uint32_t x = rect->x; x < rect->x + rect->width; x++)
			pixels[y * (uint32_t)width + x] = colour;
	}
}

void test_pattern_restore(uint32_t *to, const uint32_t *from, int width,
			  const struct video_rect *rect)
{
	for (uint32_t y = rect->y; y < rect->y + rect->height; y++) {
		size_t start = (size_t)y * (size_t)width + rect->x;

		memcpy(to + start, from + start, rect->width * 4u);
	}
}

/* Negative inside of the arrow, in pixels from its edge. */
static double test_pattern_arrow(double x, double y)
{
	double edge = fmax(-x, (x - y) * M_SQRT1_2);

	return fmax(edge, (y - 20 + x * 0.45) * 0.9);
}

static double test_pattern_clamp(double value)
{
	return value < 0 ? 0 : value > 1 ? 1 : value;
}

void test_pattern_cursor(uint32_t pixels[TEST_PATTERN_CURSOR * TEST_PATTERN_CURSOR])
{
	for (int y = 0; y < TEST_PATTERN_CURSOR; y++) {
		for (int x = 0; x < TEST_PATTERN_CURSOR; x++) {
			double distance = test_pattern_arrow(x + 0.5, y + 0.5);
			uint32_t alpha = (uint32_t)(test_pattern_clamp(0.5 - distance) * 255);
			double white = test_pattern_clamp(-1.2 - distance);
			uint32_t level = (uint32_t)(alpha * white);

			pixels[y * TEST_PATTERN_CURSOR + x] =
				alpha << 24 | level << 16 | level << 8 | level;
		}
	}
}
