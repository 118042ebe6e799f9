/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/png.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where red, green and blue stand in the four bytes of a pixel. */
struct png_order {
	uint32_t fourcc;
	uint8_t red, green, blue;
};

static const struct png_order png_orders[] = {
	{ DRM_FORMAT_XRGB8888, 2, 1, 0 }, { DRM_FORMAT_ARGB8888, 2, 1, 0 },
	{ DRM_FORMAT_XBGR8888, 0, 1, 2 }, { DRM_FORMAT_ABGR8888, 0, 1, 2 },
	{ DRM_FORMAT_BGRX8888, 1, 2, 3 }, { DRM_FORMAT_BGRA8888, 1, 2, 3 },
	{ DRM_FORMAT_RGBX8888, 3, 2, 1 }, { DRM_FORMAT_RGBA8888, 3, 2, 1 },
};

static const struct png_order *png_order_find(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(png_orders) / sizeof(png_orders[0]); i++)
		if (png_orders[i].fourcc == fourcc)
			return &png_orders[i];
	return NULL;
}

static void png_pack_row(const struct png_order *order, const uint8_t *from, uint8_t *to,
			 uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, from += 4, to += 3) {
		to[0] = from[order->red];
		to[1] = from[order->green];
		to[2] = from[order->blue];
	}
}

static int png_write_stream(FILE *stream, const struct png_picture *picture,
			    const struct png_order *order, uint8_t *row)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;

	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return -ENOMEM;
	}
	if (setjmp(png_jmpbuf(png))) {
		png_destroy_write_struct(&png, &info);
		return -EIO;
	}
	png_init_io(png, stream);
	png_set_IHDR(png, info, picture->width, picture->height, 8, PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	/* Screens have flat colours: filters cost time and gain little. */
	png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
	png_write_info(png, info);
	for (uint32_t y = 0; y < picture->height; y++) {
		png_pack_row(order, (const uint8_t *)picture->pixels +
			     (size_t)y * picture->stride_bytes, row, picture->width);
		png_write_row(png, row);
	}
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	return 0;
}

int png_write(const char *path, const struct png_picture *picture)
{
	const struct png_order *order = png_order_find(picture->fourcc);
	uint8_t *row = malloc((size_t)picture->width * 3 + 1);
	char *temporary = NULL;
	FILE *stream = NULL;
	int result = -ENOMEM;

	if (!order || !picture->width || !picture->height)
		result = -EINVAL;
	else if (row && asprintf(&temporary, "%s.%d.tmp", path, (int)getpid()) >= 0)
		stream = fopen(temporary, "wbe");
	if (temporary && !stream)
		result = -errno;
	if (stream) {
		result = png_write_stream(stream, picture, order, row);
		if (fclose(stream) && !result)
			result = -errno;
		if (!result && rename(temporary, path) < 0)
			result = -errno;
		if (result)
			unlink(temporary);
	}
	free(temporary);
	free(row);
	return result;
}
