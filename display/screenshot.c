/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <display/screenshot.h>

#include <base/loop.h>
#include <display/pixel_layout.h>
#include <display/surface.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct screenshot_request {
	struct display *display;
	uint32_t index;
	bool cursor;
	struct display_screenshot *shot;
	int result;
};

/* Copies a part of a buffer into tightly packed memory of its own. */
static int screenshot_copy_buffer(struct display_buffer *buffer, const struct rect *source,
				  uint8_t **copy)
{
	struct display_pixels pixels;
	int ret;

	*copy = calloc(source->height, (size_t)source->width * 4);
	if (!*copy)
		return -ENOMEM;
	ret = display_buffer_begin_read(buffer, &pixels);
	if (ret < 0) {
		free(*copy);
		return ret;
	}
	display_pixels_copy(&pixels, source, *copy, (size_t)source->width * 4);
	display_buffer_end_read(buffer);
	return 0;
}

static uint8_t screenshot_blend_channel(uint32_t over, uint32_t under, uint32_t alpha)
{
	uint32_t sum = over + (under * (255 - alpha) + 127) / 255;

	return (uint8_t)(sum > 255 ? 255 : sum);
}

/* Guests' cursors have colours already multiplied with their alpha. */
static uint32_t screenshot_blend(uint32_t over, const struct pixel_layout *from, uint32_t under,
				 const struct pixel_layout *to)
{
	uint32_t alpha = from->has_alpha ? over >> from->alpha & 0xff : 255;
	uint32_t red = screenshot_blend_channel(over >> from->red & 0xff, under >> to->red & 0xff,
						alpha);
	uint32_t green = screenshot_blend_channel(over >> from->green & 0xff,
						  under >> to->green & 0xff, alpha);
	uint32_t blue = screenshot_blend_channel(over >> from->blue & 0xff,
						 under >> to->blue & 0xff, alpha);

	return (under & 0xffu << to->alpha) | red << to->red | green << to->green |
	       blue << to->blue;
}

static void screenshot_draw_cursor(struct display_screenshot *shot,
				   const struct display_cursor *cursor)
{
	const struct pixel_layout *to = pixel_layout_find(shot->fourcc);
	const struct pixel_layout *from = pixel_layout_find(cursor->buffer->fourcc);
	struct rect all = { 0, 0, cursor->buffer->width, cursor->buffer->height };
	int64_t left = (int64_t)cursor->x - cursor->hot_x;
	int64_t top = (int64_t)cursor->y - cursor->hot_y;
	uint8_t *image;

	if (!to || !from || screenshot_copy_buffer(cursor->buffer, &all, &image) < 0)
		return;
	for (int64_t y = 0; y < all.height; y++) {
		for (int64_t x = 0; x < all.width; x++) {
			uint32_t over, under;
			uint8_t *pixel;

			if (left + x < 0 || left + x >= shot->width || top + y < 0 ||
			    top + y >= shot->height)
				continue;
			pixel = shot->pixels + (size_t)(top + y) * shot->stride_bytes +
				(size_t)(left + x) * 4;
			memcpy(&over, image + (size_t)(y * all.width + x) * 4, 4);
			memcpy(&under, pixel, 4);
			under = screenshot_blend(over, from, under, to);
			memcpy(pixel, &under, 4);
		}
	}
	free(image);
}

/* On the display's loop. */
static void screenshot_run(void *data)
{
	struct screenshot_request *request = data;
	struct display_screenshot *shot = request->shot;
	struct display_surface *surface = display_surface_get(request->display, request->index);
	const struct display_cursor *cursor;
	struct display_buffer *buffer;
	struct rect source;

	if (!surface) {
		request->result = -ENODEV;
		return;
	}
	buffer = display_surface_buffer(surface, &source);
	if (!buffer) {
		request->result = -ENODATA;
		return;
	}
	request->result = screenshot_copy_buffer(buffer, &source, &shot->pixels);
	if (request->result < 0)
		return;
	shot->width = source.width;
	shot->height = source.height;
	shot->stride_bytes = source.width * 4;
	shot->fourcc = buffer->fourcc;
	shot->pixel_bytes = (size_t)shot->stride_bytes * shot->height;
	cursor = display_surface_cursor(surface);
	if (request->cursor && cursor->buffer)
		screenshot_draw_cursor(shot, cursor);
}

int display_screenshot_take(struct display *display, uint32_t index, bool cursor,
			    struct display_screenshot *shot)
{
	struct screenshot_request request = {
		.display = display,
		.index = index,
		.cursor = cursor,
		.shot = shot,
	};
	int ret;

	memset(shot, 0, sizeof(*shot));
	ret = loop_call(display_loop(display), screenshot_run, &request);
	return ret < 0 ? ret : request.result;
}

void display_screenshot_finish(struct display_screenshot *shot)
{
	free(shot->pixels);
	memset(shot, 0, sizeof(*shot));
}
