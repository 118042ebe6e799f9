/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_TILE 16
/* One tile in 200 may change, and at least a clock's worth of them. */
#define SETTLE_TINY_PART 200
#define SETTLE_TINY_TILES 12
/* One tile in 100 must differ from the first pixel's colour. */
#define SETTLE_CONTENT_PART 100
/* With less than one in 4, more is likely to come: a panel before its wallpaper, a text console
 * before the desktop. Such a picture must stand still for longer. */
#define SETTLE_SPARSE_PART 4
#define SETTLE_SPARSE_PATIENCE 8

void settle_init(struct settle *settle, uint64_t quiet_ns)
{
	*settle = (struct settle){ .quiet_ns = quiet_ns, .uniform = true };
}

void settle_finish(struct settle *settle)
{
	free(settle->base);
	settle->base = NULL;
}

struct settle_tile {
	int x, y, width, height;
};

static struct settle_tile settle_tile_at(const struct settle *settle, int x, int y)
{
	int right = settle->width - x, below = settle->height - y;

	return (struct settle_tile){ x, y, right < SETTLE_TILE ? right : SETTLE_TILE,
				     below < SETTLE_TILE ? below : SETTLE_TILE };
}

/* The X of XRGB8888 may be anything. */
static bool settle_same(uint32_t a, uint32_t b)
{
	return ((a ^ b) & 0xffffff) == 0;
}

static bool settle_tile_differs(const struct settle *settle, const struct settle_tile *tile,
				const uint32_t *pixels, size_t pitch_pixels)
{
	for (int y = tile->y; y < tile->y + tile->height; y++) {
		const uint32_t *old = settle->base + (size_t)y * (size_t)settle->width + tile->x;
		const uint32_t *new = pixels + (size_t)y * pitch_pixels + tile->x;

		for (int x = 0; x < tile->width; x++) {
			if (!settle_same(old[x], new[x]))
				return true;
		}
	}
	return false;
}

static bool settle_tile_has_content(const struct settle_tile *tile, const uint32_t *pixels,
				    size_t pitch_pixels)
{
	for (int y = tile->y; y < tile->y + tile->height; y++) {
		const uint32_t *row = pixels + (size_t)y * pitch_pixels + tile->x;

		for (int x = 0; x < tile->width; x++) {
			if (!settle_same(row[x], pixels[0]))
				return true;
		}
	}
	return false;
}

static void settle_count(const struct settle *settle, const uint32_t *pixels, size_t pitch_pixels,
			 int *changed, int *content, int *tiles)
{
	*changed = *content = *tiles = 0;
	for (int y = 0; y < settle->height; y += SETTLE_TILE) {
		for (int x = 0; x < settle->width; x += SETTLE_TILE) {
			struct settle_tile tile = settle_tile_at(settle, x, y);

			(*tiles)++;
			*changed += settle_tile_differs(settle, &tile, pixels, pitch_pixels);
			*content += settle_tile_has_content(&tile, pixels, pitch_pixels);
		}
	}
}

static int settle_take_size(struct settle *settle, int width, int height)
{
	uint32_t *base;

	if (settle->base && settle->width == width && settle->height == height)
		return 0;
	base = calloc((size_t)width * (size_t)height, sizeof(*base));
	if (!base)
		return -ENOMEM;
	free(settle->base);
	settle->base = base;
	settle->width = width;
	settle->height = height;
	settle->since_ns = 0;
	return 0;
}

int settle_feed(struct settle *settle, const uint32_t *pixels, int width, int height,
		size_t pitch_pixels, uint64_t now_ns)
{
	int changed, content, tiles;
	int tiny;

	if (settle_take_size(settle, width, height))
		return -ENOMEM;
	settle_count(settle, pixels, pitch_pixels, &changed, &content, &tiles);
	settle->uniform = content * SETTLE_CONTENT_PART < tiles;
	settle->sparse = content * SETTLE_SPARSE_PART < tiles;
	tiny = tiles / SETTLE_TINY_PART;
	if (tiny < SETTLE_TINY_TILES)
		tiny = SETTLE_TINY_TILES < tiles / 8 ? SETTLE_TINY_TILES : tiles / 8;
	if (settle->since_ns && changed <= tiny)
		return 0;
	settle->since_ns = now_ns;
	for (int y = 0; y < height; y++)
		memcpy(settle->base + (size_t)y * (size_t)width, pixels + (size_t)y * pitch_pixels,
		       (size_t)width * sizeof(*pixels));
	return 0;
}

bool settle_is_done(const struct settle *settle, uint64_t now_ns)
{
	uint64_t quiet_ns = settle->quiet_ns * (settle->sparse ? SETTLE_SPARSE_PATIENCE : 1);

	return settle->since_ns && !settle->uniform && now_ns - settle->since_ns >= quiet_ns;
}

const char *settle_reason(const struct settle *settle)
{
	if (!settle->since_ns)
		return "there was no picture";
	if (settle->uniform)
		return "the picture is of one colour";
	return "the picture kept changing";
}
