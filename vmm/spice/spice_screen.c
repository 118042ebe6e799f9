/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_screen.h"

#include "spice/spice_commands.h"
#include "spice/spice_device.h"
#include "spice/spice_relay.h"

#include <base/log.h>
#include <base/loop.h>
#include <capture/pixels.h>
#include <capture/source_display.h>
#include <errno.h>
#include <ivshmem/abi.h>
#include <stdlib.h>
#include <string.h>

enum screen_primary {
	SCREEN_PRIMARY_NONE,
	SCREEN_PRIMARY_COMES,           /* the SPICE thread is at it */
	SCREEN_PRIMARY_ON,
	SCREEN_PRIMARY_GOES,
};

struct spice_screen {
	struct spice_screen_config config;
	struct spice_commands *commands;
	struct spice_device *device;

	bool stopped;
	bool waits;                     /* for the guest's first picture, to be shown to clients */

	/* What the guest shows; while somebody looks. */
	unsigned int clients;
	struct display_buffer *buffer;  /* NULL: nothing */
	struct rect shown;              /* the part of it */
	struct rect refused;            /* no memory for it: told once */

	/* What clients see. */
	enum screen_primary state;
	bool probed;                    /* the last drawing before it goes is on its way */
	uint32_t width, height;
	uint32_t *primary;              /* the worker's while it is on */
	uint32_t *pixels;               /* the newest picture; NULL: none of this size yet */
	struct damage owed;             /* what has changed since the last command */
	bool unsettled;                 /* pixels may be ahead of the frame, or behind */

	bool cursor_owed, image_owed, has_image;
	struct spice_cursor cursor;
	uint32_t image[CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT];
	uint32_t row[VIDEO_MAX_EXTENT];
};

/* ---- the guest's picture ---- */

static void screen_drop_buffer(struct spice_screen *screen)
{
	display_buffer_unref(screen->buffer);
	screen->buffer = NULL;
}

/* Into screen->pixels. 0 or -errno. */
static int screen_copy(struct spice_screen *screen, const struct damage *damage)
{
	struct video_damage copied = { .count = damage->count };
	struct frame_format format;
	struct display_pixels pixels;
	int error = frame_format_xrgb(screen->buffer->fourcc, &format);

	if (error) {
		log_guest_bug("unknown pixel format 0x%08x", screen->buffer->fourcc);
		return error;
	}
	error = display_buffer_begin_read(screen->buffer, &pixels);
	if (error)
		return error;
	for (uint32_t i = 0; i < damage->count; i++)
		copied.rects[i] = (struct video_rect){
			.x = damage->rects[i].x, .y = damage->rects[i].y,
			.width = damage->rects[i].width, .height = damage->rects[i].height,
		};
	frame_copy(&pixels, &screen->shown, &copied, &format, (uint8_t *)screen->pixels,
		   screen->width * 4, screen->row);
	display_buffer_end_read(screen->buffer);
	return 0;
}

/* The picture that clients see is of the size of the guest's. */
static bool screen_fits(const struct spice_screen *screen)
{
	return screen->clients && screen->buffer && screen->pixels &&
	       screen->shown.width == screen->width && screen->shown.height == screen->height;
}

static void screen_take_picture(struct spice_screen *screen, const struct source_news *news)
{
	struct damage damage = news->damage;
	int error;

	screen_drop_buffer(screen);
	screen->buffer = display_buffer_ref(news->frame ? news->frame->buffer : news->kept);
	screen->shown = news->frame ? news->frame->source : news->kept_source;
	if (!screen_fits(screen)) {
		screen->unsettled = true;
		return;
	}
	if (screen->unsettled || !news->frame)
		damage_set_full(&damage, screen->width, screen->height);
	damage_clip(&damage, screen->width, screen->height);
	error = screen_copy(screen, &damage);
	if (!error)
		damage_merge(&screen->owed, &damage);
	screen->unsettled = error || !news->frame;
}

/* ---- the guest's cursor ---- */

/* Guests' colours are multiplied with alpha, SPICE's are not. */
static void screen_divide_alpha(uint32_t *pixels, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t alpha = pixels[i] >> 24, out = alpha << 24;

		for (uint32_t shift = 0; shift < 24 && alpha; shift += 8) {
			uint32_t colour = ((pixels[i] >> shift & 0xff) * 255 + alpha / 2) / alpha;

			out |= (colour > 255 ? 255 : colour) << shift;
		}
		pixels[i] = out;
	}
}

static void screen_take_image(struct spice_screen *screen, const struct display_cursor *cursor)
{
	int error;

	screen->has_image = false;
	if (!cursor->buffer)
		return;
	error = cursor_pixels_read(cursor->buffer, screen->image);
	if (error) {
		log_guest_bug("cursor of %u x %u pixels, format 0x%08x, is not shown",
			      cursor->buffer->width, cursor->buffer->height,
			      cursor->buffer->fourcc);
		return;
	}
	screen->cursor.width = cursor->buffer->width;
	screen->cursor.height = cursor->buffer->height;
	screen->cursor.hot_x = cursor->hot_x < cursor->buffer->width ? cursor->hot_x : 0;
	screen->cursor.hot_y = cursor->hot_y < cursor->buffer->height ? cursor->hot_y : 0;
	screen_divide_alpha(screen->image, screen->cursor.width * screen->cursor.height);
	screen->has_image = true;
	screen->image_owed = true;
}

static void screen_take_cursor(struct spice_screen *screen, const struct source_news *news)
{
	if (news->cursor_image_changed)
		screen_take_image(screen, &news->cursor);
	screen->cursor.visible = news->cursor.buffer && screen->has_image;
	screen->cursor.x = news->cursor.x;
	screen->cursor.y = news->cursor.y;
	screen->cursor_owed = true;
}

static void screen_take(struct spice_screen *screen)
{
	struct source_news news;

	if (!source_display_take(screen->config.source, screen->config.index, &news))
		return;
	if (news.went_off)
		screen_drop_buffer(screen);
	if (news.cursor_changed)
		screen_take_cursor(screen, &news);
	if (news.frame || news.kept)
		screen_take_picture(screen, &news);
	/* The guest waits for its flush until here. */
	display_frame_unref(news.frame);
	display_buffer_unref(news.kept);
	display_buffer_unref(news.cursor.buffer);
}

/* ---- the primary surface ---- */

static void screen_came(void *data)
{
	struct spice_screen *screen = data;

	screen->state = SCREEN_PRIMARY_ON;
	/* The server has forgotten it. */
	screen->cursor_owed = true;
	screen->image_owed = screen->has_image;
	spice_screen_step(screen);
}

static void screen_free_pixels(struct spice_screen *screen)
{
	free(screen->primary);
	free(screen->pixels);
	screen->primary = screen->pixels = NULL;
	screen->owed.count = 0;
	spice_commands_trim(screen->commands);
}

static void screen_gone(void *data)
{
	struct spice_screen *screen = data;

	screen->state = SCREEN_PRIMARY_NONE;
	screen->probed = false;
	spice_relay_hold(screen->config.relay, false);
	screen_free_pixels(screen);
	spice_screen_step(screen);
}

/* 0 or -errno. */
static int screen_make_pixels(struct spice_screen *screen)
{
	struct damage all;
	int error;

	if (screen->shown.width > VIDEO_MAX_EXTENT || screen->shown.height > VIDEO_MAX_EXTENT)
		return -EINVAL;
	screen->width = screen->shown.width;
	screen->height = screen->shown.height;
	screen->primary = malloc((size_t)screen->width * screen->height * 4);
	screen->pixels = malloc((size_t)screen->width * screen->height * 4);
	if (!screen->primary || !screen->pixels)
		return -ENOMEM;
	damage_set_full(&all, screen->width, screen->height);
	error = screen_copy(screen, &all);
	if (!error)
		memcpy(screen->primary, screen->pixels,
		       (size_t)screen->width * screen->height * 4);
	screen->unsettled = true;
	return error;
}

static void screen_make_primary(struct spice_screen *screen)
{
	int error = screen_make_pixels(screen);

	if (!error) {
		screen->refused = (struct rect){ 0 };
		screen->state = SCREEN_PRIMARY_COMES;
		spice_device_come(screen->device, screen->primary, screen->width, screen->height);
		return;
	}
	if (memcmp(&screen->refused, &screen->shown, sizeof(screen->shown)))
		log_error("screen %u of %u x %u pixels is not shown: %s", screen->config.index,
			  screen->shown.width, screen->shown.height, strerror(-error));
	screen->refused = screen->shown;
	screen_free_pixels(screen);
	screen_drop_buffer(screen);
}

/*
 * The worker would wait for a client that does not take what is meant for it. So a last drawing
 * goes the whole way first: when it is back there is nothing to wait for.
 */
static bool screen_is_drained(struct spice_screen *screen)
{
	static const struct damage probe = { .count = 1, .rects = { { .width = 1, .height = 1 } } };

	if (!screen->clients)
		return true;
	if (!screen->probed) {
		if (spice_commands_draw(screen->commands, screen->pixels, screen->width, &probe))
			return false;
		screen->probed = true;
		spice_device_wake(screen->device);
	}
	return spice_commands_drained(screen->commands);
}

static void screen_drop_primary(struct spice_screen *screen)
{
	if (!screen_is_drained(screen) || !spice_relay_is_settled(screen->config.relay))
		return;
	spice_relay_hold(screen->config.relay, true);
	screen->state = SCREEN_PRIMARY_GOES;
	spice_device_go(screen->device);
}

/* ---- to the clients ---- */

static void screen_draw(struct spice_screen *screen)
{
	struct damage *owed = &screen->owed;
	int result;

	if (damage_empty(owed))
		return;
	if (damage_pixels(owed) > (uint64_t)screen->width * screen->height)
		damage_set_full(owed, screen->width, screen->height);
	result = spice_commands_draw(screen->commands, screen->pixels, screen->width, owed);
	if (result == -ENOMEM)
		log_error("screen %u: no memory for a change of the picture", screen->config.index);
	if (result)
		return;
	owed->count = 0;
	spice_device_wake(screen->device);
}

/* A position of its own after the image: the server keeps that of an image for nobody who comes
 * later. */
static void screen_send_cursor(struct spice_screen *screen)
{
	while (screen->cursor_owed) {
		bool image = screen->cursor.visible && screen->image_owed;

		screen->cursor.pixels = image ? screen->image : NULL;
		if (spice_commands_cursor(screen->commands, &screen->cursor))
			return;
		if (image)
			screen->image_owed = false;
		else
			screen->cursor_owed = false;
		spice_device_wake(screen->device);
	}
}

static void screen_fall_asleep(struct spice_screen *screen)
{
	source_display_sleep(screen->config.source, screen->config.index, screen->buffer,
			     &screen->shown);
	screen->buffer = NULL;
}

static void screen_show_first(struct spice_screen *screen)
{
	if (!screen->buffer)
		return;
	screen->waits = false;
	screen_fall_asleep(screen);
	spice_device_show(screen->device);
}

void spice_screen_step(struct spice_screen *screen)
{
	if (screen->stopped)
		return;
	screen_take(screen);
	if (screen->waits) {
		screen_show_first(screen);
		return;
	}
	if (screen->state == SCREEN_PRIMARY_NONE && screen->clients && screen->buffer)
		screen_make_primary(screen);
	if (screen->state != SCREEN_PRIMARY_ON)
		return;
	if (!screen_fits(screen)) {
		screen_drop_primary(screen);
		return;
	}
	screen->probed = false;
	screen_draw(screen);
	screen_send_cursor(screen);
}

void spice_screen_client_came(struct spice_screen *screen)
{
	if (screen->clients++ == 0)
		source_display_wake(screen->config.source, screen->config.index);
	spice_screen_step(screen);
}

void spice_screen_client_went(struct spice_screen *screen)
{
	if (--screen->clients)
		return;
	screen_fall_asleep(screen);
	spice_screen_step(screen);
}

/* ---- create and destroy ---- */

struct spice_screen *spice_screen_create(const struct spice_screen_config *config)
{
	struct spice_screen *screen = calloc(1, sizeof(*screen));
	struct spice_device_config device = {
		.index = config->index,
		.loop = config->loop,
		.came = screen_came,
		.gone = screen_gone,
		.data = screen,
	};

	if (!screen)
		return NULL;
	screen->config = *config;
	screen->commands = spice_commands_create(config->wake_fd);
	device.commands = screen->commands;
	screen->device = spice_device_create(&device);
	if (screen->commands && screen->device)
		return screen;
	spice_screen_destroy(screen);
	return NULL;
}

void spice_screen_stop(struct spice_screen *screen)
{
	screen->stopped = true;
}

void spice_screen_destroy(struct spice_screen *screen)
{
	if (!screen)
		return;
	screen_drop_buffer(screen);
	if (screen->commands)
		screen_free_pixels(screen);
	spice_device_destroy(screen->device);
	spice_commands_destroy(screen->commands);
	free(screen);
}

static void screen_wait(void *data)
{
	struct spice_screen *screen = data;

	screen->waits = true;
	source_display_wake(screen->config.source, screen->config.index);
}

int spice_screen_open(struct spice_screen *screen, SpiceServer *server, struct loop *spice_loop)
{
	/* libspice-server has absolute positions for a single screen only. */
	bool first = screen->config.index == 0;
	int result = spice_device_open(screen->device, server, spice_loop, first);

	if (result || first)
		return result;
	return loop_post(screen->config.loop, screen_wait, screen);
}

void spice_screen_close(struct spice_screen *screen)
{
	spice_device_close(screen->device);
}
