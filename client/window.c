/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

#include "source.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>

#define WINDOW_CAPITAL_HEIGHT 9.0f      /* of panel text, in points */
#define WINDOW_MESSAGE_RATIO 1.6f       /* a message's text against the overlay's */
#define WINDOW_OVERLAY_MARGIN 12

static SDL_Renderer *window_make_renderer(SDL_Window *sdl, const struct window_config *config)
{
	Uint32 flags = config->vsync ? SDL_RENDERER_PRESENTVSYNC : 0;
	SDL_Renderer *renderer;

	if (config->renderer)
		SDL_SetHint(SDL_HINT_RENDER_DRIVER, config->renderer);
	renderer = SDL_CreateRenderer(sdl, -1, flags);
	if (renderer)
		return renderer;
	log_warn("no accelerated renderer (%s): drawing in software", SDL_GetError());
	return SDL_CreateRenderer(sdl, -1, SDL_RENDERER_SOFTWARE);
}

static int window_open(struct window *window, const struct window_config *config)
{
	Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
	SDL_RendererInfo info;

	if (config->fullscreen)
		flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
	window->sdl = SDL_CreateWindow("Vitrine", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
				       config->width, config->height, flags);
	if (!window->sdl)
		return -EIO;
	window->id = SDL_GetWindowID(window->sdl);
	window->renderer = window_make_renderer(window->sdl, config);
	if (!window->renderer)
		return -EIO;
	if (!SDL_GetRendererInfo(window->renderer, &info))
		log_debug("window of scanout %u: renderer %s", window->scanout, info.name);
	return 0;
}

/* SDL counts in points; sizes here are pixels. */
static int window_points(int pixels, int points_extent, int pixels_extent)
{
	if (pixels_extent <= 0)
		return pixels;
	return (int)((int64_t)pixels * points_extent / pixels_extent);
}

static void window_measure(struct window *window)
{
	struct layout *layout = &window->layout;

	SDL_GetWindowSize(window->sdl, &layout->window_width, &layout->window_height);
	if (SDL_GetRendererOutputSize(window->renderer, &layout->output_width,
				      &layout->output_height)) {
		layout->output_width = layout->window_width;
		layout->output_height = layout->window_height;
	}
	layout_place(layout, window->scale);
}

/* SDL made the window in points; on a high-DPI screen that is too many pixels. */
static void window_correct_size(struct window *window, const struct window_config *config)
{
	const struct layout *layout = &window->layout;

	if (layout->output_width == layout->window_width || config->fullscreen)
		return;
	SDL_SetWindowSize(window->sdl,
			  window_points(config->width, layout->window_width, layout->output_width),
			  window_points(config->height, layout->window_height,
					layout->output_height));
	window_measure(window);
}

struct window *window_create(const struct window_config *config)
{
	struct window *window = calloc(1, sizeof(*window));
	uint64_t now_ns = clock_now_ns();

	if (!window)
		return NULL;
	window->scanout = config->scanout;
	window->scale = config->scale;
	window->fullscreen = config->fullscreen;
	window->dirty = true;
	if (window_open(window, config)) {
		log_error("no window: %s", SDL_GetError());
		window_destroy(window);
		return NULL;
	}
	video_init(&window->video, window->renderer);
	cursor_init(&window->cursor, window->renderer);
	text_init(&window->text, window->renderer);
	window_measure(window);
	window_correct_size(window, config);
	window->resize.enabled = config->resize;
	resize_own(&window->resize, config->width, config->height, now_ns);
	resize_own(&window->resize, window->layout.output_width, window->layout.output_height,
		   now_ns);
	resize_window(&window->resize, window->layout.output_width, window->layout.output_height,
		      now_ns);
	if (config->user_sized || config->fullscreen)
		resize_ask(&window->resize, window->layout.output_width,
			   window->layout.output_height, now_ns);
	return window;
}

void window_destroy(struct window *window)
{
	if (!window)
		return;
	if (window->renderer) {
		video_finish(&window->video);
		cursor_finish(&window->cursor);
		text_finish(&window->text);
		SDL_DestroyRenderer(window->renderer);
	}
	if (window->sdl)
		SDL_DestroyWindow(window->sdl);
	free(window);
}

/* As large as the screen allows, with the guest's aspect. Pixels in, points out. */
static void window_limit_to_screen(const struct window *window, int *width, int *height)
{
	const struct layout *layout = &window->layout;
	int display = SDL_GetWindowDisplayIndex(window->sdl);
	SDL_Rect usable;

	*width = window_points(*width, layout->window_width, layout->output_width);
	*height = window_points(*height, layout->window_height, layout->output_height);
	if (display < 0 || SDL_GetDisplayUsableBounds(display, &usable) || usable.w <= 0 ||
	    usable.h <= 0)
		return;
	if (*width > usable.w) {
		*height = (int)((int64_t)*height * usable.w / *width);
		*width = usable.w;
	}
	if (*height > usable.h) {
		*width = (int)((int64_t)*width * usable.h / *height);
		*height = usable.h;
	}
}

static void window_follow_guest(struct window *window)
{
	const struct layout *layout = &window->layout;
	int width = layout->guest_width, height = layout->guest_height;
	uint64_t now_ns = clock_now_ns();

	if (!resize_follows_guest(&window->resize) || window->fullscreen || width <= 0 ||
	    height <= 0)
		return;
	window_limit_to_screen(window, &width, &height);
	if (width == layout->window_width && height == layout->window_height)
		return;
	resize_own(&window->resize, width * layout->output_width / layout->window_width,
		   height * layout->output_height / layout->window_height, now_ns);
	SDL_SetWindowSize(window->sdl, width, height);
	window_resized(window);
}

static int window_update_video(struct window *window, struct client_source *source, bool *again)
{
	int result = video_update(&window->video, source, window->scanout);

	if (result == -EAGAIN)
		*again = true;
	if (result == -EPROTO)
		return result;
	if (result <= 0)
		return 0;
	window->dirty = window->new_picture = true;
	if (window->video.width != window->layout.guest_width ||
	    window->video.height != window->layout.guest_height) {
		window->layout.guest_width = window->video.width;
		window->layout.guest_height = window->video.height;
		layout_place(&window->layout, window->scale);
		window_follow_guest(window);
	}
	return 0;
}

int window_update(struct window *window, struct client_source *source, bool *again)
{
	int result = window_update_video(window, source, again);

	if (result)
		return result;
	result = cursor_update(&window->cursor, source, window->scanout);
	if (result == -EAGAIN)
		*again = true;
	if (result == 1)
		window->dirty = true;
	return result == -EPROTO ? result : 0;
}

void window_forget_source(struct window *window)
{
	cursor_reset(&window->cursor);
	window->stats = (struct stats){ 0 };
	window->video.skipped = 0;
	window->off_since_ns = 0;
	resize_forget_guest(&window->resize, clock_now_ns());
	window->dirty = true;
}

void window_resized(struct window *window)
{
	window_measure(window);
	resize_window(&window->resize, window->layout.output_width, window->layout.output_height,
		      clock_now_ns());
	window->dirty = true;
}

void window_set_fullscreen(struct window *window, bool fullscreen)
{
	if (SDL_SetWindowFullscreen(window->sdl, fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0)) {
		log_warn("no full screen: %s", SDL_GetError());
		return;
	}
	window->fullscreen = fullscreen;
	window_resized(window);
}

void window_take_guest_size(struct window *window)
{
	if (window->fullscreen)
		window_set_fullscreen(window, false);
	window->resize.user_sized = false;
	window->resize.due_ns = 0;
	window_follow_guest(window);
}

bool window_is_visible(const struct window *window)
{
	return !(SDL_GetWindowFlags(window->sdl) & (SDL_WINDOW_HIDDEN | SDL_WINDOW_MINIMIZED));
}

static float window_capital_height(const struct window *window)
{
	const struct layout *layout = &window->layout;

	if (layout->window_width <= 0)
		return WINDOW_CAPITAL_HEIGHT;
	return WINDOW_CAPITAL_HEIGHT * (float)layout->output_width / (float)layout->window_width;
}

static void window_draw_message(struct window *window, const char *message)
{
	const struct layout *layout = &window->layout;
	int width, height;

	SDL_SetRenderDrawBlendMode(window->renderer, SDL_BLENDMODE_BLEND);
	SDL_SetRenderDrawColor(window->renderer, 0, 0, 0, 150);
	SDL_RenderFillRect(window->renderer, NULL);
	if (text_set_size(&window->text, window_capital_height(window) * WINDOW_MESSAGE_RATIO))
		return;
	text_panel_size(&window->text, message, &width, &height);
	text_draw_panel(&window->text, (layout->output_width - width) / 2,
			(layout->output_height - height) / 2, message);
}

static void window_draw_picture(struct window *window, bool cursor)
{
	const struct layout *layout = &window->layout;
	const SDL_Rect to = { layout->x, layout->y, layout->width, layout->height };
	bool whole = layout->guest_width > 0 && layout->width % layout->guest_width == 0;

	if (!window->video.texture)
		return;
	SDL_SetTextureScaleMode(window->video.texture,
				whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
	SDL_RenderCopy(window->renderer, window->video.texture, NULL, &to);
	if (cursor)
		cursor_draw(&window->cursor, layout);
}

void window_draw(struct window *window, const struct window_decor *decor)
{
	SDL_SetRenderDrawBlendMode(window->renderer, SDL_BLENDMODE_NONE);
	SDL_SetRenderDrawColor(window->renderer, 0, 0, 0, 255);
	SDL_RenderClear(window->renderer);
	window_draw_picture(window, decor->cursor);
	if (decor->message)
		window_draw_message(window, decor->message);
	if (decor->overlay && !text_set_size(&window->text, window_capital_height(window)))
		text_draw_panel(&window->text, WINDOW_OVERLAY_MARGIN, WINDOW_OVERLAY_MARGIN,
				decor->overlay);
}

SDL_Surface *window_read(struct window *window, bool picture_only)
{
	const struct layout *layout = &window->layout;
	SDL_Rect screen = { 0, 0, layout->output_width, layout->output_height };
	SDL_Rect area = { layout->x, layout->y, layout->width, layout->height };
	SDL_Surface *surface;

	if (!picture_only)
		area = screen;
	if (!SDL_IntersectRect(&area, &screen, &area))
		return NULL;
	surface = SDL_CreateRGBSurfaceWithFormat(0, area.w, area.h, 32, SDL_PIXELFORMAT_RGB888);
	if (!surface)
		return NULL;
	if (SDL_RenderReadPixels(window->renderer, &area, SDL_PIXELFORMAT_RGB888, surface->pixels,
				 surface->pitch)) {
		log_error("cannot read the window: %s", SDL_GetError());
		SDL_FreeSurface(surface);
		return NULL;
	}
	return surface;
}

void window_present(struct window *window, bool same_clock)
{
	SDL_RenderPresent(window->renderer);
	window->dirty = false;
	if (window->new_picture)
		stats_shown(&window->stats, clock_now_ns(),
			    same_clock ? window->video.guest_flush_ns : 0, window->video.skipped);
	window->new_picture = false;
}
