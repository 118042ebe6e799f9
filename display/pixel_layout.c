/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <display/pixel_layout.h>
#include <drm_fourcc.h>
#include <stddef.h>

#define LAYOUT(order, order_alpha, a, r, g, b, in_use)                                             \
	{                                                                                          \
		.fourcc = DRM_FORMAT_##order, .fourcc_alpha = DRM_FORMAT_##order_alpha,            \
		.alpha = a, .red = r, .green = g, .blue = b, .has_alpha = in_use,                  \
	}

static const struct pixel_layout pixel_layouts[] = {
	LAYOUT(XRGB8888, ARGB8888, 24, 16, 8, 0, false),
	LAYOUT(ARGB8888, ARGB8888, 24, 16, 8, 0, true),
	LAYOUT(XBGR8888, ABGR8888, 24, 0, 8, 16, false),
	LAYOUT(ABGR8888, ABGR8888, 24, 0, 8, 16, true),
	LAYOUT(RGBX8888, RGBA8888, 0, 24, 16, 8, false),
	LAYOUT(RGBA8888, RGBA8888, 0, 24, 16, 8, true),
	LAYOUT(BGRX8888, BGRA8888, 0, 8, 16, 24, false),
	LAYOUT(BGRA8888, BGRA8888, 0, 8, 16, 24, true),
};

const struct pixel_layout *pixel_layout_find(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(pixel_layouts) / sizeof(pixel_layouts[0]); i++)
		if (pixel_layouts[i].fourcc == fourcc)
			return &pixel_layouts[i];
	return NULL;
}
