/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of changed rectangles in the segment's own format. May cover more than asked, never less. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

void video_damage_set_full(struct video_damage *damage, uint32_t width, uint32_t height);
/* Adds a rectangle; what lies inside another is dropped; joins the pair that wastes least when
 * there is no room. Rectangles must lie inside a 2^31 square. */
void video_damage_add(struct video_damage *damage, const struct video_rect *rect);
void video_damage_merge(struct video_damage *damage, const struct video_damage *other);
/* Adds what of other lies inside width x height; other may be nonsense of any kind. */
void video_damage_merge_clipped(struct video_damage *damage, const struct video_damage *other,
				uint32_t width, uint32_t height);
/* Pixels covered; overlaps count twice. */
uint64_t video_damage_pixels(const struct video_damage *damage);
bool video_damage_is_full(const struct video_damage *damage, uint32_t width, uint32_t height);

#endif
