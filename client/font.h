/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small stroke font, drawn at any size with smooth edges: no font files, no library. Fixed width.
 * Plain functions, any thread.
 */
#ifndef CLIENT_FONT_H
#define CLIENT_FONT_H

#include <stddef.h>
#include <stdint.h>

#define FONT_GLYPHS 98

/* The next character of UTF-8 text as a glyph index 0..FONT_GLYPHS-1, and *text moved behind it.
 * What the font does not have becomes '?'. Call while **text is not 0. */
int font_next_glyph(const char **text);

/* The size of a cell for capitals of this height in pixels. */
void font_cell(float capital_height, int *width, int *height);
/* Draws one cell as coverage 0..255 into rows stride bytes apart. */
void font_draw_cell(int glyph, float capital_height, uint8_t *coverage, size_t stride);

#endif
