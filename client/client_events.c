/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <stdlib.h>

enum client_key {
	CLIENT_KEY_GRAB,
	CLIENT_KEY_FULLSCREEN,
	CLIENT_KEY_POINTER,
	CLIENT_KEY_GUEST_SIZE,
	CLIENT_KEY_OVERLAY,
	CLIENT_KEY_LOUDER,
	CLIENT_KEY_SOFTER,
	CLIENT_KEY_MUTE,
	CLIENT_KEY_COUNT,
};

static const struct chord client_chords[CLIENT_KEY_COUNT] = {
	[CLIENT_KEY_FULLSCREEN] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_F },
	[CLIENT_KEY_POINTER] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_M },
	[CLIENT_KEY_GUEST_SIZE] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_1 },
	[CLIENT_KEY_OVERLAY] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_O },
	/* Not the arrows: window managers switch desktops with them. */
	[CLIENT_KEY_LOUDER] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_PAGEUP },
	[CLIENT_KEY_SOFTER] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_PAGEDOWN },
	[CLIENT_KEY_MUTE] = { .control = true, .alt = true, .scancode = SDL_SCANCODE_S },
};

static enum client_key client_find_chord(const struct client *client, const SDL_Keysym *key)
{
	if (chord_matches(&client->config->grab_key, key))
		return CLIENT_KEY_GRAB;
	for (int i = CLIENT_KEY_GRAB + 1; i < CLIENT_KEY_COUNT; i++) {
		if (chord_matches(&client_chords[i], key))
			return (enum client_key)i;
	}
	return CLIENT_KEY_COUNT;
}

/* The pointer was captured just now, there: where only its motion is taken, that is where it goes
 * on from. */
static void client_enter(struct client *client, struct window *window, bool was_captured, int x,
			 int y)
{
	if (client->grab.captured && !was_captured && client->input_state & SOURCE_INPUT_RELATIVE)
		input_pointer(&client->input, window->scanout, &window->layout, x, y);
}

static void client_do_fullscreen(struct client *client, struct window *window)
{
	window_set_fullscreen(window, !window->fullscreen);
	if (window->fullscreen && client->grab.by_click)
		grab_take(&client->grab, window->sdl);
}

static void client_do_key(struct client *client, struct window *window, enum client_key key)
{
	bool was_captured = client->grab.captured;
	int x, y;

	SDL_GetMouseState(&x, &y);
	switch (key) {
	case CLIENT_KEY_GRAB:
		/* Whatever was held with the grab key must not stay down in the guest. */
		input_release_all(&client->input);
		grab_toggle(&client->grab, window->sdl);
		break;
	case CLIENT_KEY_FULLSCREEN:
		client_do_fullscreen(client, window);
		break;
	case CLIENT_KEY_POINTER:
		grab_set_relative(&client->grab, !client->grab.relative, window->sdl);
		break;
	case CLIENT_KEY_GUEST_SIZE:
		window_take_guest_size(window);
		break;
	case CLIENT_KEY_OVERLAY:
		client->overlay = !client->overlay;
		break;
	case CLIENT_KEY_LOUDER:
		client_sound_key(client, 1);
		break;
	case CLIENT_KEY_SOFTER:
		client_sound_key(client, -1);
		break;
	case CLIENT_KEY_MUTE:
		client_sound_key(client, 0);
		break;
	default:
		break;
	}
	client_enter(client, window, was_captured, x, y);
	client_mark_dirty(client);
	client_show_cursor(client);
}

static void client_handle_key(struct client *client, const SDL_KeyboardEvent *event)
{
	struct window *window = client_find_window(client, event->windowID);
	bool down = event->type == SDL_KEYDOWN;
	enum client_key key;

	if (!window)
		return;
	key = down ? client_find_chord(client, &event->keysym) : CLIENT_KEY_COUNT;
	if (event->repeat && key != CLIENT_KEY_LOUDER && key != CLIENT_KEY_SOFTER)
		return;
	if (key != CLIENT_KEY_COUNT)
		client_do_key(client, window, key);
	else
		input_key(&client->input, event->keysym.scancode, down);
}

static void client_handle_motion(struct client *client, const SDL_MouseMotionEvent *event)
{
	struct window *window = client_find_window(client, event->windowID);

	if (!window || event->which == SDL_TOUCH_MOUSEID)
		return;
	if (client->grab.captured)
		input_pointer_relative(&client->input, event->xrel, event->yrel);
	else if (!client->grab.relative)
		input_pointer(&client->input, window->scanout, &window->layout, event->x, event->y);
	client_show_cursor(client);
}

/* True: this press is the guest's. */
static bool client_press(struct client *client, struct window *window,
			 const SDL_MouseButtonEvent *event)
{
	int x, y;
	bool was_grabbed = client->grab.keyboard == window->sdl;
	bool was_captured = client->grab.captured;
	bool only_captures;

	if (!client->grab.captured &&
	    !layout_guest_pixel(&window->layout, event->x, event->y, &x, &y))
		return false;
	if (!client_takes_input(client))
		return false;
	only_captures = grab_click(&client->grab, window->sdl);
	client_enter(client, window, was_captured, event->x, event->y);
	if (was_grabbed != (client->grab.keyboard == window->sdl) || only_captures) {
		client_set_titles(client);
		client_show_cursor(client);
		window->dirty = true;
	}
	return !only_captures;
}

static void client_handle_button(struct client *client, const SDL_MouseButtonEvent *event)
{
	struct window *window = client_find_window(client, event->windowID);
	bool down = event->state == SDL_PRESSED;

	if (!window || (down && !client_press(client, window, event)))
		return;
	/* The click is where the hand was, whatever motion was still on its way. */
	if (!client->grab.relative)
		input_pointer(&client->input, window->scanout, &window->layout, event->x, event->y);
	input_button(&client->input, window->scanout, event->button, down);
}

static void client_handle_wheel(struct client *client, const SDL_MouseWheelEvent *event)
{
	struct window *window = client_find_window(client, event->windowID);

	if (window)
		input_wheel(&client->input, window->scanout, event);
}

static void client_focus_lost(struct client *client)
{
	input_release_all(&client->input);
	grab_release(&client->grab);
	client_mark_dirty(client);
}

static void client_handle_window(struct client *client, const SDL_WindowEvent *event)
{
	struct window *window = client_find_window(client, event->windowID);

	if (!window)
		return;
	switch (event->event) {
	case SDL_WINDOWEVENT_SIZE_CHANGED:
	case SDL_WINDOWEVENT_DISPLAY_CHANGED:
		window_resized(window);
		break;
	case SDL_WINDOWEVENT_EXPOSED:
	case SDL_WINDOWEVENT_SHOWN:
	case SDL_WINDOWEVENT_RESTORED:
		window->dirty = true;
		break;
	case SDL_WINDOWEVENT_ENTER:
		client_show_cursor(client);
		break;
	case SDL_WINDOWEVENT_FOCUS_LOST:
		client_focus_lost(client);
		break;
	case SDL_WINDOWEVENT_CLOSE:
		client_close_window(client, window);
		break;
	default:
		break;
	}
}

/* Textures may be gone with the graphics device: upload all of the picture again. */
static void client_handle_render_reset(struct client *client)
{
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		struct window *window = client->windows[i];

		if (!window)
			continue;
		video_finish(&window->video);
		text_finish(&window->text);
		cursor_reset(&window->cursor);
		if (client->attached && client->source->ops->video)
			client->source->ops->video->forget(client->source, i);
	}
	client_notice(client, SOURCE_CHANGED);
}

void client_handle_event(struct client *client, const SDL_Event *event)
{
	switch (event->type) {
	case SDL_QUIT:
		client_quit(client, EXIT_SUCCESS);
		break;
	case SDL_WINDOWEVENT:
		client_handle_window(client, &event->window);
		break;
	case SDL_KEYDOWN:
	case SDL_KEYUP:
		client_handle_key(client, &event->key);
		break;
	case SDL_MOUSEMOTION:
		client_handle_motion(client, &event->motion);
		break;
	case SDL_MOUSEBUTTONDOWN:
	case SDL_MOUSEBUTTONUP:
		client_handle_button(client, &event->button);
		break;
	case SDL_MOUSEWHEEL:
		client_handle_wheel(client, &event->wheel);
		break;
	case SDL_CLIPBOARDUPDATE:
		client_clipboard_updated(client);
		break;
	case SDL_RENDER_TARGETS_RESET:
	case SDL_RENDER_DEVICE_RESET:
		client_handle_render_reset(client);
		break;
	default:
		break;
	}
}

void client_show_cursor(struct client *client)
{
	SDL_Window *under = SDL_GetMouseFocus();
	struct window *window = under ? client_find_window(client, SDL_GetWindowID(under)) : NULL;
	int point_x, point_y, x, y;
	bool inside;

	if (!window || client->grab.captured)
		return;
	SDL_GetMouseState(&point_x, &point_y);
	inside = layout_guest_pixel(&window->layout, point_x, point_y, &x, &y);
	cursor_show_host(&window->cursor,
			 client->attached && inside && !client->grab.relative ? CURSOR_GUEST :
									       CURSOR_ARROW,
			 &window->layout);
}
