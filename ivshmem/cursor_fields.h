/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a cursor section between its lock and its pixels, to be copied in one piece. */
#ifndef CURSOR_FIELDS_H
#define CURSOR_FIELDS_H

#include <ivshmem/abi.h>

struct cursor_fields {
	int32_t x, y;
	uint32_t visible;
	uint32_t hot_x, hot_y;
	uint32_t width, height;
	uint32_t fourcc;
	uint64_t image_serial;
};

#define CURSOR_FIELDS_PIN(member)                                                                  \
	_Static_assert(offsetof(struct cursor_fields, member) ==                                   \
			       offsetof(struct cursor_section, member) -                           \
				       offsetof(struct cursor_section, x),                         \
		       "cursor_fields." #member)

CURSOR_FIELDS_PIN(visible);
CURSOR_FIELDS_PIN(hot_x);
CURSOR_FIELDS_PIN(width);
CURSOR_FIELDS_PIN(fourcc);
CURSOR_FIELDS_PIN(image_serial);

#endif
