/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENT_FIRST_WIDTH 1280
#define CLIENT_FIRST_HEIGHT 720
/* How long a second monitor may be off, as between two modes, before its window goes. */
#define CLIENT_OFF_NS UINT64_C(1500000000)
#define CLIENT_TEXT_BYTES 256
#define CLIENT_LAMPS_BYTES 40

/* Windows that are there whatever the guest shows. */
static bool client_wants_always(const struct client *client, uint32_t scanout)
{
	if (client->config->scanout != CONFIG_ALL_SCANOUTS)
		return scanout == client->config->scanout;
	return scanout < client->config->scanouts;
}

static bool client_wants(const struct client *client, uint32_t scanout)
{
	return client->config->scanout == CONFIG_ALL_SCANOUTS ||
	       scanout == client->config->scanout;
}

static enum video_state client_video_state(const struct client *client, uint32_t scanout,
					   uint32_t *width, uint32_t *height)
{
	const struct source_video_ops *video = client->source->ops->video;

	*width = *height = 0;
	if (!client->attached || !video || scanout >= video->scanout_count(client->source))
		return VIDEO_OFF;
	return video->state(client->source, scanout, width, height);
}

/* A size to start with that nobody needs to be afraid of. */
static bool client_size_is_sane(uint32_t width, uint32_t height)
{
	return width >= 64 && height >= 64 && width <= 16384 && height <= 16384;
}

static void client_create_window(struct client *client, uint32_t scanout, uint32_t width,
				 uint32_t height)
{
	const struct client_config *config = client->config;
	bool sane = client_size_is_sane(width, height);
	struct window_config window = {
		.scanout = scanout,
		.width = sane ? (int)width : CLIENT_FIRST_WIDTH,
		.height = sane ? (int)height : CLIENT_FIRST_HEIGHT,
		/* A further monitor that was asked for is plugged by telling its size. */
		.user_sized = scanout > 0 && client_wants_always(client, scanout),
		.resize = !config->no_resize,
		.fullscreen = config->fullscreen,
		.vsync = config->vsync,
		.scale = (enum scale_mode)config->scale,
		.renderer = config->renderer,
	};

	if (config->width) {
		window.width = (int)config->width;
		window.height = (int)config->height;
		window.user_sized = true;
	}
	client->windows[scanout] = window_create(&window);
	if (!client->windows[scanout]) {
		client_quit(client, EXIT_FAILURE);
		return;
	}
	/* Keys are sent as keys; an input method would eat them. */
	SDL_StopTextInput();
	if (client->attached && client->source->ops->video)
		client->source->ops->video->forget(client->source, scanout);
	if (config->fullscreen && !config->no_grab)
		grab_take(&client->grab, client->windows[scanout]->sdl);
	client_set_titles(client);
}

void client_destroy_window(struct client *client, uint32_t scanout)
{
	struct window *window = client->windows[scanout];

	if (!window)
		return;
	if (client->grab.keyboard == window->sdl)
		grab_release(&client->grab);
	client->windows[scanout] = NULL;
	window_destroy(window);
}

/* False: the window went. */
static bool client_check_off(struct client *client, struct window *window, bool off)
{
	uint64_t now_ns = clock_now_ns();

	if (!off) {
		window->dirty |= window->off_since_ns != 0;
		window->off_since_ns = 0;
		return true;
	}
	if (window->off_since_ns == 0) {
		window->off_since_ns = now_ns;
		window->dirty = true;
	}
	if (client_wants_always(client, window->scanout) ||
	    now_ns - window->off_since_ns < CLIENT_OFF_NS)
		return true;
	client_destroy_window(client, window->scanout);
	return false;
}

static int client_update_scanout(struct client *client, uint32_t scanout)
{
	uint32_t width, height;
	enum video_state state = client_video_state(client, scanout, &width, &height);

	if (state == VIDEO_OFF && client->attached)
		client->window_closed[scanout] &= client_wants_always(client, scanout);
	if (!client->windows[scanout] && !client->window_closed[scanout] &&
	    client_wants(client, scanout) &&
	    (state == VIDEO_ON || client_wants_always(client, scanout)))
		client_create_window(client, scanout, width, height);
	if (!client->windows[scanout] || !client->attached || client->quit)
		return 0;
	if (!client_check_off(client, client->windows[scanout], state != VIDEO_ON))
		return 0;
	if (!client->source->ops->video ||
	    scanout >= client->source->ops->video->scanout_count(client->source))
		return 0;
	return window_update(client->windows[scanout], client->source, &client->again);
}

void client_update_windows(struct client *client)
{
	int result = 0;

	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS && !result && !client->quit; i++)
		result = client_update_scanout(client, i);
	client_show_cursor(client);
	if (result == -EPROTO && client->attached) {
		log_peer_bug("the segment holds nonsense: detaching");
		client_notice(client, SOURCE_LOST);
	}
}

void client_send_sizes(struct client *client, uint64_t now_ns)
{
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		struct window *window = client->windows[i];
		int width, height;

		if (!window || !client->attached || client->quit)
			continue;
		if (resize_due(&window->resize, now_ns, &width, &height) &&
		    input_display_size(&client->input, i, width, height) == -EPERM)
			client->input_denied = true;
	}
}

/* NULL: the picture speaks for itself. */
static const char *client_message(const struct client *client, const struct window *window,
				  char text[CLIENT_TEXT_BYTES])
{
	uint32_t width, height;
	enum video_state state;

	if (!client->attached)
		return "Waiting for the VM …";
	state = client_video_state(client, window->scanout, &width, &height);
	if (state == VIDEO_TOO_LARGE) {
		snprintf(text, CLIENT_TEXT_BYTES, "The guest's mode %u×%u is too large to be shown",
			 width, height);
		return text;
	}
	if (client->source->ops->state(client->source) == SEGMENT_PAUSED)
		return "Paused";
	if (state == VIDEO_OFF)
		return "The guest's display is off";
	return NULL;
}

/* Those of the guest's keyboard, where the source tells of them. */
static const char *client_lamps(const struct client *client, char text[CLIENT_LAMPS_BYTES])
{
	unsigned int state = client->input_state;

	snprintf(text, CLIENT_LAMPS_BYTES, "%s%s%s",
		 state & SOURCE_INPUT_CAPS_LOCK ? "   Caps Lock" : "",
		 state & SOURCE_INPUT_NUM_LOCK ? "   Num Lock" : "",
		 state & SOURCE_INPUT_SCROLL_LOCK ? "   Scroll Lock" : "");
	return text;
}

static const char *client_overlay(const struct client *client, const struct window *window,
				  char text[CLIENT_TEXT_BYTES])
{
	const struct layout *layout = &window->layout;
	char figures[CLIENT_TEXT_BYTES / 3], sound[CLIENT_TEXT_BYTES / 3];
	char lamps[CLIENT_LAMPS_BYTES];

	if (!client->overlay && client->volume_until_ns) {
		sound_format_volume(&client->sound, text, CLIENT_TEXT_BYTES);
		return text;
	}
	if (!client->overlay)
		return NULL;
	stats_format(&window->stats, figures, sizeof(figures));
	sound_format_figures(&client->sound, sound, sizeof(sound));
	snprintf(text, CLIENT_TEXT_BYTES, "%s\n%d×%d in %d×%d at %.0f %%\n%s%s%s", figures,
		 layout->guest_width, layout->guest_height, layout->output_width,
		 layout->output_height, layout_scale(layout) * 100, sound,
		 client->microphone_shown ? "   microphone on" : "", client_lamps(client, lamps));
	return text;
}

static void client_run_shot(struct client *client, struct window *window,
			    const struct window_decor *decor, uint64_t now_ns)
{
	struct window_decor shown = *decor;
	int result;

	/* The host's cursor is not in the window's pixels: the guest's stands for it. */
	shown.cursor = true;
	result = shot_run(&client->shot, window, &shown, now_ns);
	if (result < 0)
		client_quit(client, EXIT_FAILURE);
	if (result != 1)
		return;
	log_info("saved %s", client->shot.path);
	if (client->config->exit_after_screenshot)
		client_quit(client, EXIT_SUCCESS);
}

static void client_paint_window(struct client *client, struct window *window, uint64_t now_ns)
{
	char message[CLIENT_TEXT_BYTES], overlay[CLIENT_TEXT_BYTES];
	bool same_clock = client->attached && client->source->ops->video &&
			  client->source->ops->video->same_clock(client->source);
	bool main_window = window == client_main_window(client);
	struct window_decor decor = { .message = client_message(client, window, message),
				      .cursor = client->grab.captured };

	if (!decor.message)
		decor.overlay = client_overlay(client, window, overlay);
	if (main_window && client->attached && window->dirty)
		client->shot.stale = true;
	if (main_window && shot_is_due(&client->shot, now_ns) &&
	    (!decor.message || client->shot.requested))
		client_run_shot(client, window, &decor, now_ns);
	if (!window->dirty || !window_is_visible(window))
		return;
	window_draw(window, &decor);
	window_present(window, same_clock);
}

void client_paint(struct client *client, uint64_t now_ns)
{
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS && !client->quit; i++) {
		if (client->windows[i])
			client_paint_window(client, client->windows[i], now_ns);
	}
}

void client_mark_dirty(struct client *client)
{
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		if (client->windows[i])
			client->windows[i]->dirty = true;
	}
	client_set_titles(client);
}

/* Plain ASCII: SDL cannot set other titles under X in the C locale. */
static void client_title_note(const struct client *client, const struct window *window,
			      char note[CLIENT_TEXT_BYTES])
{
	char keys[CHORD_TEXT_BYTES];

	chord_format(&client->config->grab_key, keys);
	note[0] = '\0';
	if (!client->attached)
		snprintf(note, CLIENT_TEXT_BYTES, " - waiting for the VM");
	else if (client->closing == CLIENT_ASKED)
		snprintf(note, CLIENT_TEXT_BYTES,
			 " - asked the guest to shut down; close again to force");
	else if (client->closing == CLIENT_FORCED)
		snprintf(note, CLIENT_TEXT_BYTES, " - forcing the VM off");
	else if (client->input_state & SOURCE_INPUT_REFUSED)
		snprintf(note, CLIENT_TEXT_BYTES,
			 " - view only: keyboard and mouse would go to another VM");
	else if (client->input_state & SOURCE_INPUT_AWAY)
		snprintf(note, CLIENT_TEXT_BYTES,
			 " - view only: waiting for keyboard and mouse");
	else if (client->grab.keyboard == window->sdl)
		snprintf(note, CLIENT_TEXT_BYTES, " - %s releases the keyboard%s", keys,
			 client->grab.captured ? " and pointer" : "");
	else if (client->input_denied)
		snprintf(note, CLIENT_TEXT_BYTES, " - view only: another client has the input");
}

void client_set_titles(struct client *client)
{
	const char *name = client->config->title ? client->config->title : client->config->name;

	if (!client->config->title && client->attached)
		name = client->source->ops->name(client->source);
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		char title[2 * CLIENT_TEXT_BYTES], note[CLIENT_TEXT_BYTES], monitor[32] = "";

		if (!client->windows[i])
			continue;
		client_title_note(client, client->windows[i], note);
		if (i > 0)
			snprintf(monitor, sizeof(monitor), " (monitor %u)", i + 1);
		snprintf(title, sizeof(title), "%s%s%s%s", name ? name : "Vitrine", monitor,
			 client->microphone_shown ? " - microphone on" : "", note);
		SDL_SetWindowTitle(client->windows[i]->sdl, title);
	}
}

struct window *client_find_window(const struct client *client, Uint32 id)
{
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		if (client->windows[i] && client->windows[i]->id == id)
			return client->windows[i];
	}
	return NULL;
}

struct window *client_main_window(const struct client *client)
{
	uint32_t scanout = client->config->scanout;

	return client->windows[scanout == CONFIG_ALL_SCANOUTS ? 0 : scanout];
}
