/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cursors are small: always ARGB8888, so that clients need to know one format. */
#include "capture_private.h"

#include <display/pixel_layout.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <ivshmem/abi.h>

static void cursor_convert(uint32_t *pixels, uint32_t count, const struct pixel_layout *layout)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t pixel = pixels[i];
		uint32_t alpha = layout->has_alpha ? pixel >> layout->alpha & 0xff : 0xff;

		pixels[i] = alpha << 24 | (pixel >> layout->red & 0xff) << 16 |
			    (pixel >> layout->green & 0xff) << 8 | (pixel >> layout->blue & 0xff);
	}
}

int cursor_pixels_read(struct display_buffer *buffer, uint32_t *to)
{
	const struct pixel_layout *layout = pixel_layout_find(buffer->fourcc);
	const struct rect all = { .width = buffer->width, .height = buffer->height };
	struct display_pixels pixels;
	int error;

	if (!layout || buffer->width > CURSOR_MAX_EXTENT || buffer->height > CURSOR_MAX_EXTENT)
		return -EINVAL;
	error = display_buffer_begin_read(buffer, &pixels);
	if (error)
		return error;
	display_pixels_copy(&pixels, &all, to, (size_t)buffer->width * 4);
	display_buffer_end_read(buffer);
	if (buffer->fourcc != DRM_FORMAT_ARGB8888)
		cursor_convert(to, buffer->width * buffer->height, layout);
	return 0;
}
