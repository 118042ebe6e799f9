/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RING_DUMP_H
#define RING_DUMP_H

#include <stdint.h>

struct segment;

/* Everything there is to say about a segment, once. Changes nothing in it. */
void ring_dump_print(const struct segment *segment);
/* One line a second until the segment is laid out anew or shut down. */
void ring_dump_follow(const struct segment *segment);

/* Both sound sections. */
void ring_dump_sound(const struct segment *segment, uint64_t now_ns);
/* What the client's sound server ever asked for in this generation. */
uint64_t ring_dump_sound_clock(const struct segment *segment, uint32_t index);

#endif
