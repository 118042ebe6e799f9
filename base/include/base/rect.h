/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rectangles in pixels and damage: a small set of rectangles that covers all that changed.
 * Damage may grow to cover more than what changed, never less. Plain values, any thread.
 */
#ifndef BASE_RECT_H
#define BASE_RECT_H

#include <stdbool.h>
#include <stdint.h>

struct rect {
	uint32_t x, y, width, height;
};

#define DAMAGE_MAX_RECTS 16

struct damage {
	uint32_t count;
	struct rect rects[DAMAGE_MAX_RECTS];
};

/* True when the rectangle is not empty and lies inside width x height. Never overflows. */
bool rect_inside(const struct rect *rect, uint32_t width, uint32_t height);
/* Cuts the rectangle to width x height; false when nothing is left. Never overflows. */
bool rect_clip(struct rect *rect, uint32_t width, uint32_t height);
/* The smallest rectangle that covers both. Both must lie inside a 2^31 square. */
struct rect rect_join(const struct rect *a, const struct rect *b);

static inline void damage_clear(struct damage *damage)
{
	damage->count = 0;
}

static inline bool damage_empty(const struct damage *damage)
{
	return damage->count == 0;
}

/* Makes the damage the whole of width x height. */
void damage_set_full(struct damage *damage, uint32_t width, uint32_t height);
/* Adds one rectangle; empty ones are ignored; joins the pair that wastes least when full. */
void damage_add(struct damage *damage, const struct rect *rect);
/* Adds every rectangle of other. */
void damage_merge(struct damage *damage, const struct damage *other);
/* Cuts every rectangle to width x height and drops the empty ones. */
void damage_clip(struct damage *damage, uint32_t width, uint32_t height);
/* The number of pixels covered; overlaps count twice. */
uint64_t damage_pixels(const struct damage *damage);

#endif
