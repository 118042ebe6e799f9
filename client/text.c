/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include "font.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define TEXT_ATLAS_COLUMNS 16
#define TEXT_ATLAS_ROWS ((FONT_GLYPHS + TEXT_ATLAS_COLUMNS - 1) / TEXT_ATLAS_COLUMNS)

void text_init(struct text *text, SDL_Renderer *renderer)
{
	*text = (struct text){ .renderer = renderer };
}

void text_finish(struct text *text)
{
	if (text->atlas)
		SDL_DestroyTexture(text->atlas);
	text_init(text, text->renderer);
}

static void text_draw_atlas(const struct text *text, uint32_t *pixels, uint8_t *cell)
{
	int stride = text->cell_width * TEXT_ATLAS_COLUMNS;

	for (int glyph = 0; glyph < FONT_GLYPHS; glyph++) {
		int left = glyph % TEXT_ATLAS_COLUMNS * text->cell_width;
		int top = glyph / TEXT_ATLAS_COLUMNS * text->cell_height;

		font_draw_cell(glyph, text->capital_height, cell, (size_t)text->cell_width);
		for (int y = 0; y < text->cell_height; y++) {
			for (int x = 0; x < text->cell_width; x++)
				pixels[(top + y) * stride + left + x] =
					(uint32_t)cell[y * text->cell_width + x] << 24 | 0xffffff;
		}
	}
}

static SDL_Texture *text_make_atlas(const struct text *text)
{
	int width = text->cell_width * TEXT_ATLAS_COLUMNS;
	int height = text->cell_height * TEXT_ATLAS_ROWS;
	uint32_t *pixels = calloc((size_t)width * (size_t)height, 4);
	uint8_t *cell = malloc((size_t)text->cell_width * (size_t)text->cell_height);
	SDL_Texture *atlas = NULL;

	if (pixels && cell)
		atlas = SDL_CreateTexture(text->renderer, SDL_PIXELFORMAT_ARGB8888,
					  SDL_TEXTUREACCESS_STATIC, width, height);
	if (atlas) {
		text_draw_atlas(text, pixels, cell);
		SDL_UpdateTexture(atlas, NULL, pixels, width * 4);
		SDL_SetTextureBlendMode(atlas, SDL_BLENDMODE_BLEND);
	}
	free(cell);
	free(pixels);
	return atlas;
}

int text_set_size(struct text *text, float capital_height)
{
	if (text->atlas && text->capital_height == capital_height)
		return 0;
	text_finish(text);
	text->capital_height = capital_height;
	font_cell(capital_height, &text->cell_width, &text->cell_height);
	text->atlas = text_make_atlas(text);
	return text->atlas ? 0 : -ENOMEM;
}

void text_panel_size(const struct text *text, const char *lines, int *width, int *height)
{
	int column = 0, columns = 0, rows = 1;

	while (*lines) {
		if (*lines == '\n') {
			rows++;
			column = 0;
			lines++;
			continue;
		}
		font_next_glyph(&lines);
		column++;
		if (column > columns)
			columns = column;
	}
	*width = columns * text->cell_width + 2 * text->cell_width;
	*height = rows * text->cell_height + text->cell_height;
}

/* Two rectangles less one pixel at each corner: a hint of round corners. */
static void text_draw_box(const struct text *text, int x, int y, int width, int height)
{
	int corner = text->cell_width / 4 + 1;
	const SDL_Rect parts[] = {
		{ x + corner, y, width - 2 * corner, corner },
		{ x, y + corner, width, height - 2 * corner },
		{ x + corner, y + height - corner, width - 2 * corner, corner },
	};

	SDL_SetRenderDrawBlendMode(text->renderer, SDL_BLENDMODE_BLEND);
	SDL_SetRenderDrawColor(text->renderer, 16, 20, 28, 205);
	SDL_RenderFillRects(text->renderer, parts, 3);
}

void text_draw_panel(const struct text *text, int x, int y, const char *lines)
{
	int width, height;
	SDL_Rect to;

	text_panel_size(text, lines, &width, &height);
	text_draw_box(text, x, y, width, height);
	SDL_SetTextureColorMod(text->atlas, 236, 239, 244);
	to = (SDL_Rect){ x + text->cell_width, y + text->cell_height / 2, text->cell_width,
			 text->cell_height };
	while (*lines) {
		SDL_Rect from = { 0, 0, text->cell_width, text->cell_height };
		int glyph;

		if (*lines == '\n') {
			to.x = x + text->cell_width;
			to.y += text->cell_height;
			lines++;
			continue;
		}
		glyph = font_next_glyph(&lines);
		from.x = glyph % TEXT_ATLAS_COLUMNS * text->cell_width;
		from.y = glyph / TEXT_ATLAS_COLUMNS * text->cell_height;
		SDL_RenderCopy(text->renderer, text->atlas, &from, &to);
		to.x += text->cell_width;
	}
}
