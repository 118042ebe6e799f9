/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures as PNG files. Any thread. */
#ifndef BASE_PNG_H
#define BASE_PNG_H

#include <stdint.h>

struct png_picture {
	uint32_t width, height;
	uint32_t stride_bytes;
	uint32_t fourcc;        /* DRM_FORMAT_* with 32 bits per pixel; alpha is left out */
	const void *pixels;     /* stride_bytes * height */
};

/* Writes the picture under a temporary name and renames it: a reader never sees half a file.
 * 0, -EINVAL (format), or -errno. */
int png_write(const char *path, const struct png_picture *picture);

#endif
