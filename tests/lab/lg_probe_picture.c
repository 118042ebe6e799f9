/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lg_probe.h"

#include <base/png.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <ivshmem/kvmfr20.h>
#include <stdlib.h>
#include <string.h>

/* Colours are multiplied with their alpha already. */
static uint32_t picture_blend(uint32_t over, uint32_t under)
{
	uint32_t alpha = over >> 24, result = 0;

	for (uint32_t shift = 0; shift < 24; shift += 8) {
		uint32_t sum = (over >> shift & 0xff) +
			       ((under >> shift & 0xff) * (255 - alpha) + 127) / 255;

		result |= (sum > 255 ? 255 : sum) << shift;
	}
	return result;
}

static void picture_draw_cursor(const struct lg_client_state *state, uint32_t *pixels)
{
	for (uint32_t row = 0; row < state->cursor_height; row++) {
		for (uint32_t column = 0; column < state->cursor_width; column++) {
			int64_t x = (int64_t)state->cursor_x + column;
			int64_t y = (int64_t)state->cursor_y + row;
			uint32_t *under;

			if (x < 0 || x >= state->width || y < 0 || y >= state->height)
				continue;
			under = pixels + (size_t)y * state->stride + (size_t)x;
			*under = picture_blend(
				state->cursor[row * (state->cursor_pitch / 4) + column], *under);
		}
	}
}

/* What is on the client's screen, to be freed. NULL with errno (ENODATA, ENOMEM). */
static uint32_t *picture_draw(const struct lg_client_state *state, bool cursor)
{
	size_t bytes = (size_t)state->stride * 4 * state->height;
	uint32_t *pixels;

	if (!state->pixels || (cursor && state->cursor_type != KVMFR20_CURSOR_COLOUR) ||
	    (cursor && state->type != KVMFR20_BGRA)) {
		errno = ENODATA;
		return NULL;
	}
	pixels = malloc(bytes);
	if (!pixels)
		return NULL;
	memcpy(pixels, state->pixels, bytes);
	if (cursor && state->cursor_visible)
		picture_draw_cursor(state, pixels);
	return pixels;
}

int lg_probe_save(const struct lg_client_state *state, const char *path, bool cursor)
{
	struct png_picture picture = {
		.width = state->width, .height = state->height,
		.stride_bytes = state->stride * 4,
		.fourcc = state->type == KVMFR20_RGBA ? DRM_FORMAT_XBGR8888 : DRM_FORMAT_XRGB8888,
	};
	uint32_t *pixels = picture_draw(state, cursor);
	int result;

	if (!pixels)
		return -errno;
	picture.pixels = pixels;
	result = png_write(path, &picture);
	free(pixels);
	return result;
}

uint64_t lg_probe_fingerprint(const struct lg_client_state *state, bool cursor)
{
	uint64_t sum = (uint64_t)state->width << 32 | state->height;
	uint32_t *pixels = picture_draw(state, cursor);

	if (!pixels)
		return 0;
	for (uint32_t y = 0; y < state->height; y++) {
		const uint32_t *row = pixels + (size_t)y * state->stride;

		for (uint32_t x = 0; x < state->width; x++)
			sum = (sum ^ (row[x] & 0xffffff)) * UINT64_C(0x100000001b3);
	}
	free(pixels);
	return sum;
}
