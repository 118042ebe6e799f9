/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A display consumer for tests: remembers what it was told and may hold on to frames. */
#ifndef TESTS_DISPLAY_RECORDER_H
#define TESTS_DISPLAY_RECORDER_H

#include <display/surface.h>

#define RECORDER_MAX_HELD 64

struct display_recorder {
	struct display_consumer consumer;
	unsigned int added[DISPLAY_MAX_SURFACES], removed[DISPLAY_MAX_SURFACES];
	unsigned int frames[DISPLAY_MAX_SURFACES];
	unsigned int cursors, cursor_images;
	uint32_t last_index;            /* surface of the last frame */
	struct rect source;             /* of the last frame */
	struct damage damage;           /* of the last frame */
	uint64_t flush_ns;              /* of the last frame */
	uint32_t *pixels;               /* copy of the last frame's source, width * height */
	struct display_cursor cursor;   /* last told; its buffer is borrowed */
	uint32_t cursor_pixels[64 * 64];
	bool hold;                      /* keep a reference of every frame until _release */
	unsigned int held_count;
	struct display_frame *held[RECORDER_MAX_HELD];
};

void display_recorder_init(struct display_recorder *recorder);
void display_recorder_finish(struct display_recorder *recorder);
/* Drops every held frame. */
void display_recorder_release(struct display_recorder *recorder);
/* A pixel of the last frame. */
uint32_t display_recorder_pixel(const struct display_recorder *recorder, uint32_t x, uint32_t y);

#endif
