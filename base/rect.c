/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/rect.h>

bool rect_inside(const struct rect *rect, uint32_t width, uint32_t height)
{
	return rect->width && rect->height && rect->width <= width && rect->height <= height &&
	       rect->x <= width - rect->width && rect->y <= height - rect->height;
}

bool rect_clip(struct rect *rect, uint32_t width, uint32_t height)
{
	if (rect->x >= width || rect->y >= height || !rect->width || !rect->height)
		return false;
	if (rect->width > width - rect->x)
		rect->width = width - rect->x;
	if (rect->height > height - rect->y)
		rect->height = height - rect->y;
	return true;
}

struct rect rect_join(const struct rect *a, const struct rect *b)
{
	uint32_t left = a->x < b->x ? a->x : b->x;
	uint32_t top = a->y < b->y ? a->y : b->y;
	uint32_t right_a = a->x + a->width, right_b = b->x + b->width;
	uint32_t bottom_a = a->y + a->height, bottom_b = b->y + b->height;
	uint32_t right = right_a > right_b ? right_a : right_b;
	uint32_t bottom = bottom_a > bottom_b ? bottom_a : bottom_b;

	return (struct rect){ left, top, right - left, bottom - top };
}

static uint64_t rect_pixels(const struct rect *rect)
{
	return (uint64_t)rect->width * rect->height;
}

/* How many pixels too many the join of both would cover. Negative when they overlap much. */
static int64_t rect_join_waste(const struct rect *a, const struct rect *b)
{
	struct rect joined = rect_join(a, b);

	return (int64_t)(rect_pixels(&joined) - rect_pixels(a) - rect_pixels(b));
}

void damage_set_full(struct damage *damage, uint32_t width, uint32_t height)
{
	damage->count = 1;
	damage->rects[0] = (struct rect){ 0, 0, width, height };
}

static void damage_drop(struct damage *damage, uint32_t index)
{
	damage->rects[index] = damage->rects[--damage->count];
}

/* Joins the two rectangles that waste least, to make room for one more. */
static void damage_join_cheapest(struct damage *damage)
{
	uint32_t best_a = 0, best_b = 1;
	int64_t best = INT64_MAX;

	for (uint32_t a = 0; a < damage->count; a++) {
		for (uint32_t b = a + 1; b < damage->count; b++) {
			int64_t waste = rect_join_waste(&damage->rects[a], &damage->rects[b]);

			if (waste < best) {
				best = waste;
				best_a = a;
				best_b = b;
			}
		}
	}
	damage->rects[best_a] = rect_join(&damage->rects[best_a], &damage->rects[best_b]);
	damage_drop(damage, best_b);
}

void damage_add(struct damage *damage, const struct rect *rect)
{
	struct rect grown = *rect;

	if (!rect->width || !rect->height)
		return;
	/* Swallow every rectangle whose join costs nothing; a join may make the next one free. */
	for (uint32_t i = 0; i < damage->count;) {
		if (rect_join_waste(&damage->rects[i], &grown) <= 0) {
			grown = rect_join(&damage->rects[i], &grown);
			damage_drop(damage, i);
			i = 0;
		} else {
			i++;
		}
	}
	if (damage->count == DAMAGE_MAX_RECTS)
		damage_join_cheapest(damage);
	damage->rects[damage->count++] = grown;
}

void damage_merge(struct damage *damage, const struct damage *other)
{
	for (uint32_t i = 0; i < other->count; i++)
		damage_add(damage, &other->rects[i]);
}

void damage_clip(struct damage *damage, uint32_t width, uint32_t height)
{
	for (uint32_t i = 0; i < damage->count;) {
		if (rect_clip(&damage->rects[i], width, height))
			i++;
		else
			damage_drop(damage, i);
	}
}

uint64_t damage_pixels(const struct damage *damage)
{
	uint64_t pixels = 0;

	for (uint32_t i = 0; i < damage->count; i++)
		pixels += rect_pixels(&damage->rects[i]);
	return pixels;
}
