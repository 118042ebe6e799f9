/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kvmfr_cursor.h"

#include <string.h>

#define CURSOR_BLACK 0xff000000u
#define CURSOR_WHITE 0xffffffffu
/* No premultiplied pixel has this value. */
#define CURSOR_INVERTS 0x00ffffffu

uint32_t kvmfr_cursor_rows(const struct kvmfr20_cursor *header, uint64_t bytes)
{
	bool monochrome = header->type == KVMFR20_CURSOR_MONOCHROME;
	uint32_t rows = monochrome ? header->height / 2 : header->height;
	uint64_t row_bytes = monochrome ? (header->width + UINT64_C(7)) / 8 :
					  UINT64_C(4) * header->width;

	if (header->type > KVMFR20_CURSOR_MASKED || !header->width || !rows ||
	    header->width > KVMFR20_CURSOR_MAX_EXTENT || rows > KVMFR20_CURSOR_MAX_EXTENT ||
	    header->pitch < row_bytes || header->pitch > KVMFR_CURSOR_MAX_PITCH ||
	    (uint64_t)header->pitch * header->height > bytes)
		return 0;
	return rows;
}

static void cursor_convert_monochrome(uint32_t *pixels, const struct kvmfr20_cursor *header,
				      const uint8_t *shape, uint32_t rows)
{
	static const uint32_t looks[4] = { CURSOR_BLACK, CURSOR_WHITE, 0, CURSOR_INVERTS };
	const uint8_t *plane = shape + (uint64_t)rows * header->pitch;

	for (uint32_t y = 0; y < rows; y++) {
		for (uint32_t x = 0; x < header->width; x++) {
			uint64_t at = (uint64_t)y * header->pitch + x / 8;
			uint32_t and_bit = shape[at] >> (7 - x % 8) & 1;
			uint32_t xor_bit = plane[at] >> (7 - x % 8) & 1;

			*pixels++ = looks[and_bit * 2 + xor_bit];
		}
	}
}

static void cursor_convert_colour(uint32_t *pixels, const struct kvmfr20_cursor *header,
				  const uint8_t *shape, uint32_t rows)
{
	for (uint32_t y = 0; y < rows; y++)
		memcpy(pixels + (uint64_t)y * header->width, shape + (uint64_t)y * header->pitch,
		       header->width * 4u);
}

/* Alpha 0: opaque; else the colour is XORed into the picture. */
static void cursor_unmask(uint32_t *pixels, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t colour = pixels[i] & 0xffffff;

		if (!(pixels[i] >> 24))
			pixels[i] = CURSOR_BLACK | colour;
		else
			pixels[i] = colour ? CURSOR_INVERTS : 0;
	}
}

static bool cursor_touches_inverted(const uint32_t *pixels, uint32_t width, uint32_t rows,
				    uint32_t x, uint32_t y)
{
	uint32_t right = x + 1 < width ? x + 1 : x, bottom = y + 1 < rows ? y + 1 : y;

	for (uint32_t j = y ? y - 1 : 0; j <= bottom; j++)
		for (uint32_t i = x ? x - 1 : 0; i <= right; i++)
			if (pixels[(uint64_t)j * width + i] == CURSOR_INVERTS)
				return true;
	return false;
}

/* A cursor of the desktop cannot invert what is below it; this is seen on everything. */
static void cursor_rim_inverted(uint32_t *pixels, uint32_t width, uint32_t rows)
{
	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t x = 0; x < width; x++)
			if (!pixels[(uint64_t)y * width + x] &&
			    cursor_touches_inverted(pixels, width, rows, x, y))
				pixels[(uint64_t)y * width + x] = CURSOR_WHITE;
	for (uint32_t i = 0; i < width * rows; i++)
		if (pixels[i] == CURSOR_INVERTS)
			pixels[i] = CURSOR_BLACK;
}

void kvmfr_cursor_convert(uint32_t *pixels, const struct kvmfr20_cursor *header,
			  const uint8_t *shape)
{
	uint32_t rows = header->height;

	if (header->type == KVMFR20_CURSOR_MONOCHROME) {
		rows /= 2;
		cursor_convert_monochrome(pixels, header, shape, rows);
	} else {
		cursor_convert_colour(pixels, header, shape, rows);
	}
	if (header->type == KVMFR20_CURSOR_COLOUR)
		return;
	if (header->type == KVMFR20_CURSOR_MASKED)
		cursor_unmask(pixels, header->width * rows);
	cursor_rim_inverted(pixels, header->width, rows);
}
