/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grab.h"

#include <base/log.h>

void grab_init(struct grab *grab, bool relative, bool by_click)
{
	*grab = (struct grab){ .wanted = relative, .relative = relative, .by_click = by_click };
}

static void grab_capture(struct grab *grab, bool captured)
{
	if (grab->captured == captured)
		return;
	if (SDL_SetRelativeMouseMode(captured ? SDL_TRUE : SDL_FALSE)) {
		log_warn("the pointer cannot be captured: %s", SDL_GetError());
		return;
	}
	grab->captured = captured;
}

void grab_take(struct grab *grab, SDL_Window *window)
{
	if (grab->keyboard != window) {
		if (grab->keyboard)
			SDL_SetWindowKeyboardGrab(grab->keyboard, SDL_FALSE);
		SDL_SetWindowKeyboardGrab(window, SDL_TRUE);
		grab->keyboard = window;
	}
	grab_capture(grab, grab->relative);
}

void grab_release(struct grab *grab)
{
	grab_capture(grab, false);
	if (grab->keyboard)
		SDL_SetWindowKeyboardGrab(grab->keyboard, SDL_FALSE);
	grab->keyboard = NULL;
}

bool grab_toggle(struct grab *grab, SDL_Window *window)
{
	if (grab->keyboard)
		grab_release(grab);
	else
		grab_take(grab, window);
	return grab->keyboard != NULL;
}

bool grab_click(struct grab *grab, SDL_Window *window)
{
	bool captures = grab->relative && !grab->captured;

	if (captures || grab->by_click)
		grab_take(grab, window);
	return captures;
}

void grab_set_relative(struct grab *grab, bool relative, SDL_Window *window)
{
	grab->wanted = relative;
	grab->relative = relative || grab->only;
	if (grab->relative)
		grab_take(grab, window);
	else
		grab_capture(grab, false);
}

void grab_set_only_relative(struct grab *grab, bool only)
{
	grab->only = only;
	grab->relative = grab->wanted || only;
	if (!grab->relative)
		grab_capture(grab, false);
}
