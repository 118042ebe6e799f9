/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the picture settled? Compares samples of it, in tiles: tiny changes, such as a clock or a
 * blinking cursor, do not count; neither does a picture of one colour; a picture with little in
 * it must stand still for 8 times as long. Plain values.
 */
#ifndef CLIENT_SETTLE_H
#define CLIENT_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settle {
	uint64_t quiet_ns;              /* how long it must stand still */
	uint64_t since_ns;              /* of the last change that counted; 0: no picture yet */
	uint32_t *base;                 /* the picture since then, XRGB8888 */
	int width, height;
	bool uniform;                   /* the newest sample has nothing in it */
	bool sparse;                    /* it has little in it */
};

void settle_init(struct settle *settle, uint64_t quiet_ns);
void settle_finish(struct settle *settle);
/* A sample of the picture: XRGB8888, rows pitch_pixels apart. 0 or -ENOMEM. */
int settle_feed(struct settle *settle, const uint32_t *pixels, int width, int height,
		size_t pitch_pixels, uint64_t now_ns);
bool settle_is_done(const struct settle *settle, uint64_t now_ns);
/* Why it is not done yet, for people. */
const char *settle_reason(const struct settle *settle);

#endif
