/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cursor.h"

#include "cursor_image.h"
#include "source.h"

#include <base/log.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_MAX_HOST_EXTENT 512

void cursor_init(struct cursor *cursor, SDL_Renderer *renderer)
{
	*cursor = (struct cursor){ .renderer = renderer };
}

static void cursor_drop_host(struct cursor *cursor)
{
	if (!cursor->host)
		return;
	/* SDL falls back to the default cursor when the one in use goes. */
	SDL_FreeCursor(cursor->host);
	cursor->host = NULL;
}

void cursor_reset(struct cursor *cursor)
{
	cursor_drop_host(cursor);
	if (cursor->texture)
		SDL_DestroyTexture(cursor->texture);
	free(cursor->pixels);
	cursor_init(cursor, cursor->renderer);
}

void cursor_finish(struct cursor *cursor)
{
	cursor_reset(cursor);
}

static int cursor_make_texture(struct cursor *cursor)
{
	size_t count = (size_t)cursor->width * (size_t)cursor->height;
	uint32_t *straight = malloc(count * 4);

	if (!straight)
		return -ENOMEM;
	if (cursor->texture)
		SDL_DestroyTexture(cursor->texture);
	cursor->texture = SDL_CreateTexture(cursor->renderer, SDL_PIXELFORMAT_ARGB8888,
					    SDL_TEXTUREACCESS_STATIC, cursor->width,
					    cursor->height);
	cursor_image_straighten(straight, cursor->pixels, count);
	if (cursor->texture) {
		SDL_UpdateTexture(cursor->texture, NULL, straight, cursor->width * 4);
		SDL_SetTextureBlendMode(cursor->texture, SDL_BLENDMODE_BLEND);
	}
	free(straight);
	return cursor->texture ? 0 : -ENOMEM;
}

static int cursor_set_image(struct cursor *cursor, const struct cursor_image *image)
{
	size_t count = (size_t)image->width * image->height;
	uint32_t *pixels;

	cursor_drop_host(cursor);
	cursor->width = cursor->height = 0;
	if (count == 0)
		return 0;
	pixels = realloc(cursor->pixels, count * 4);
	if (!pixels)
		return -ENOMEM;
	cursor->pixels = pixels;
	cursor_image_convert(pixels, image->pixels, count, image->fourcc);
	cursor->width = (int)image->width;
	cursor->height = (int)image->height;
	cursor->hot_x = (int)image->hot_x;
	cursor->hot_y = (int)image->hot_y;
	return cursor_make_texture(cursor);
}

int cursor_update(struct cursor *cursor, struct client_source *source, uint32_t scanout)
{
	struct cursor_state state;
	int result = source->ops->video->cursor(source, scanout, &state);

	if (result <= 0)
		return result;
	cursor->x = state.x;
	cursor->y = state.y;
	cursor->visible = state.visible;
	if (state.image_changed)
		result = cursor_set_image(cursor, &state.image);
	return result < 0 ? result : 1;
}

void cursor_draw(const struct cursor *cursor, const struct layout *layout)
{
	double scale = layout_scale(layout);
	SDL_Rect picture = { layout->x, layout->y, layout->width, layout->height };
	SDL_FRect to = {
		.x = (float)(layout->x + (cursor->x - cursor->hot_x) * scale),
		.y = (float)(layout->y + (cursor->y - cursor->hot_y) * scale),
		.w = (float)(cursor->width * scale),
		.h = (float)(cursor->height * scale),
	};

	if (!cursor->visible || !cursor->texture || cursor->width == 0)
		return;
	SDL_SetTextureScaleMode(cursor->texture, layout_is_exact(layout) ? SDL_ScaleModeNearest :
									    SDL_ScaleModeLinear);
	SDL_RenderSetClipRect(cursor->renderer, &picture);
	SDL_RenderCopyF(cursor->renderer, cursor->texture, NULL, &to);
	SDL_RenderSetClipRect(cursor->renderer, NULL);
}

static int cursor_scaled(int extent, double scale)
{
	long result = lrint(extent * scale);

	if (result < 1)
		return 1;
	return result > CURSOR_MAX_HOST_EXTENT ? CURSOR_MAX_HOST_EXTENT : (int)result;
}

static int cursor_scaled_hot(int hot, double scale, int extent)
{
	int result = (int)(hot * scale);

	return result < extent ? result : extent - 1;
}

/* X takes premultiplied pixels as they are; SDL's other drivers premultiply on their own. */
static SDL_Cursor *cursor_make_host(const struct cursor *cursor, uint32_t *pixels, double scale)
{
	int width = cursor->host_width, height = cursor->host_height;
	const char *driver = SDL_GetCurrentVideoDriver();
	SDL_Surface *surface;
	SDL_Cursor *host;

	cursor_image_scale(pixels, width, height, cursor->pixels, cursor->width, cursor->height);
	if (!driver || strcmp(driver, "x11"))
		cursor_image_straighten(pixels, pixels, (size_t)width * (size_t)height);
	surface = SDL_CreateRGBSurfaceWithFormatFrom(pixels, width, height, 32, width * 4,
						     SDL_PIXELFORMAT_ARGB8888);
	if (!surface)
		return NULL;
	host = SDL_CreateColorCursor(surface, cursor_scaled_hot(cursor->hot_x, scale, width),
				     cursor_scaled_hot(cursor->hot_y, scale, height));
	SDL_FreeSurface(surface);
	return host;
}

/* The host's cursor is measured in points. */
static void cursor_ready_host(struct cursor *cursor, const struct layout *layout)
{
	double scale = layout_scale(layout) * layout->window_width /
		       (layout->output_width ? layout->output_width : 1);
	int width = cursor_scaled(cursor->width, scale);
	int height = cursor_scaled(cursor->height, scale);
	uint32_t *pixels;

	if (cursor->host && cursor->host_width == width && cursor->host_height == height)
		return;
	cursor_drop_host(cursor);
	pixels = malloc((size_t)width * (size_t)height * 4);
	if (!pixels)
		return;
	cursor->host_width = width;
	cursor->host_height = height;
	cursor->host = cursor_make_host(cursor, pixels, scale);
	if (!cursor->host)
		log_debug("no host cursor: %s", SDL_GetError());
	free(pixels);
}

void cursor_show_host(struct cursor *cursor, enum cursor_look look, const struct layout *layout)
{
	/* A guest that never showed a cursor has none of its own: a console, or an early boot. */
	if (look == CURSOR_ARROW || cursor->width == 0) {
		SDL_SetCursor(SDL_GetDefaultCursor());
		SDL_ShowCursor(SDL_ENABLE);
		return;
	}
	if (cursor->visible)
		cursor_ready_host(cursor, layout);
	if (cursor->visible && cursor->host)
		SDL_SetCursor(cursor->host);
	SDL_ShowCursor(cursor->visible ? SDL_ENABLE : SDL_DISABLE);
}
