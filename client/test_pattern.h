/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture to judge colours, sharpness, aspect and motion by. Plain functions, any thread. */
#ifndef CLIENT_TEST_PATTERN_H
#define CLIENT_TEST_PATTERN_H

#include <ivshmem/abi.h>
#include <stdint.h>

#define TEST_PATTERN_BOX 64
#define TEST_PATTERN_CURSOR 32

/* All that does not move. XRGB8888, rows width pixels apart. */
void test_pattern_draw(uint32_t *pixels, int width, int height);
/* Where the moving box is at a tick. */
struct video_rect test_pattern_box(uint64_t tick, int width, int height);
void test_pattern_fill(uint32_t *pixels, int width, const struct video_rect *rect, uint32_t colour);
/* Copies one rectangle between pictures of the same size. */
void test_pattern_restore(uint32_t *to, const uint32_t *from, int width,
			  const struct video_rect *rect);
/* An arrow with a soft edge, premultiplied ARGB8888, hotspot at 0, 0. */
void test_pattern_cursor(uint32_t pixels[TEST_PATTERN_CURSOR * TEST_PATTERN_CURSOR]);

#endif
