/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small pictures with alpha: formats, premultiplication, scaling. Plain functions, any thread. */
#ifndef CLIENT_CURSOR_IMAGE_H
#define CLIENT_CURSOR_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* From any fourcc of the segment to premultiplied ARGB8888; X formats are opaque. A colour above
 * its alpha, which premultiplied pixels cannot have, is cut down to it. */
void cursor_image_convert(uint32_t *to, const uint32_t *from, size_t count, uint32_t fourcc);
/* Premultiplied to straight alpha. to may be from. */
void cursor_image_straighten(uint32_t *to, const uint32_t *from, size_t count);
/* Premultiplied in, premultiplied out; every output pixel averages what it covers. */
void cursor_image_scale(uint32_t *to, int to_width, int to_height, const uint32_t *from, int width,
			int height);

#endif
