/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damage.h"

static uint64_t damage_rect_pixels(const struct video_rect *rect)
{
	return (uint64_t)rect->width * rect->height;
}

static bool damage_rect_covers(const struct video_rect *outer, const struct video_rect *inner)
{
	return inner->x >= outer->x && inner->y >= outer->y &&
	       inner->x + inner->width <= outer->x + outer->width &&
	       inner->y + inner->height <= outer->y + outer->height;
}

static struct video_rect damage_rect_join(const struct video_rect *a, const struct video_rect *b)
{
	uint32_t left = a->x < b->x ? a->x : b->x;
	uint32_t top = a->y < b->y ? a->y : b->y;
	uint32_t right_a = a->x + a->width, right_b = b->x + b->width;
	uint32_t bottom_a = a->y + a->height, bottom_b = b->y + b->height;

	return (struct video_rect){
		.x = left,
		.y = top,
		.width = (right_a > right_b ? right_a : right_b) - left,
		.height = (bottom_a > bottom_b ? bottom_a : bottom_b) - top,
	};
}

void video_damage_set_full(struct video_damage *damage, uint32_t width, uint32_t height)
{
	damage->count = 1;
	damage->rects[0] = (struct video_rect){ .width = width, .height = height };
}

static void damage_remove(struct video_damage *damage, uint32_t index)
{
	damage->rects[index] = damage->rects[--damage->count];
}

/* Pixels that a join covers and its two parts do not; negative when they overlap. */
static int64_t damage_join_waste(const struct video_rect *a, const struct video_rect *b)
{
	struct video_rect joined = damage_rect_join(a, b);

	return (int64_t)damage_rect_pixels(&joined) - (int64_t)damage_rect_pixels(a) -
	       (int64_t)damage_rect_pixels(b);
}

/* Takes out the rectangle that is cheapest to join with this one; the join. */
static struct video_rect damage_join_cheapest(struct video_damage *damage,
					      const struct video_rect *rect)
{
	struct video_rect joined;
	uint32_t best = 0;
	int64_t best_waste = INT64_MAX;

	for (uint32_t i = 0; i < damage->count; i++) {
		int64_t waste = damage_join_waste(&damage->rects[i], rect);

		if (waste < best_waste) {
			best_waste = waste;
			best = i;
		}
	}
	joined = damage_rect_join(&damage->rects[best], rect);
	damage_remove(damage, best);
	return joined;
}

void video_damage_add(struct video_damage *damage, const struct video_rect *rect)
{
	struct video_rect added = *rect;

	if (!added.width || !added.height)
		return;
	for (;;) {
		for (uint32_t i = 0; i < damage->count;) {
			if (damage_rect_covers(&damage->rects[i], &added))
				return;
			if (damage_rect_covers(&added, &damage->rects[i]))
				damage_remove(damage, i);
			else
				i++;
		}
		if (damage->count < VIDEO_MAX_RECTS)
			break;
		added = damage_join_cheapest(damage, &added);
	}
	damage->rects[damage->count++] = added;
}

void video_damage_merge(struct video_damage *damage, const struct video_damage *other)
{
	for (uint32_t i = 0; i < other->count; i++)
		video_damage_add(damage, &other->rects[i]);
}

void video_damage_merge_clipped(struct video_damage *damage, const struct video_damage *other,
				uint32_t width, uint32_t height)
{
	uint32_t count = other->count < VIDEO_MAX_RECTS ? other->count : VIDEO_MAX_RECTS;

	for (uint32_t i = 0; i < count; i++) {
		struct video_rect rect = other->rects[i];

		if (rect.x >= width || rect.y >= height)
			continue;
		if (rect.width > width - rect.x)
			rect.width = width - rect.x;
		if (rect.height > height - rect.y)
			rect.height = height - rect.y;
		video_damage_add(damage, &rect);
	}
}

uint64_t video_damage_pixels(const struct video_damage *damage)
{
	uint64_t pixels = 0;

	for (uint32_t i = 0; i < damage->count; i++)
		pixels += damage_rect_pixels(&damage->rects[i]);
	return pixels;
}

bool video_damage_is_full(const struct video_damage *damage, uint32_t width, uint32_t height)
{
	return damage->count == 1 && !damage->rects[0].x && !damage->rects[0].y &&
	       damage->rects[0].width == width && damage->rects[0].height == height;
}
