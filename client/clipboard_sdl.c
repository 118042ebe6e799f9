/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clipboard as SDL has it everywhere: text, which cannot be offered without having it. */
#include "clipboard.h"

#include <SDL.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct clipboard_sdl {
	struct client_clipboard base;
	char *own;      /* what we have set; NULL: nothing of ours is there */
};

static struct clipboard_sdl *clipboard_sdl_from(struct client_clipboard *base)
{
	return (struct clipboard_sdl *)base;
}

static void clipboard_sdl_forget(struct clipboard_sdl *clipboard)
{
	free(clipboard->own);
	clipboard->own = NULL;
}

static void clipboard_sdl_grab(struct client_clipboard *base, uint32_t types)
{
	if (types & CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT))
		base->listener.wanted(base->listener.data, CLIPBOARD_WIRE_TEXT);
}

static void clipboard_sdl_release(struct client_clipboard *base)
{
	struct clipboard_sdl *clipboard = clipboard_sdl_from(base);

	if (clipboard->own)
		SDL_SetClipboardText("");
	clipboard_sdl_forget(clipboard);
}

static void clipboard_sdl_request(struct client_clipboard *base, enum clipboard_wire_type type)
{
	char *text = type == CLIPBOARD_WIRE_TEXT ? SDL_GetClipboardText() : NULL;
	size_t count = text ? strlen(text) : 0;

	base->listener.answered(base->listener.data, type, count ? text : NULL, count);
	SDL_free(text);
}

static void clipboard_sdl_answer(struct client_clipboard *base, enum clipboard_wire_type type,
				 const void *bytes, size_t count)
{
	struct clipboard_sdl *clipboard = clipboard_sdl_from(base);

	if (type != CLIPBOARD_WIRE_TEXT || count == 0)
		return;
	clipboard_sdl_forget(clipboard);
	clipboard->own = strndup(bytes, count);
	if (clipboard->own && SDL_SetClipboardText(clipboard->own))
		log_warn("clipboard: %s", SDL_GetError());
}

/* Also told of what we have set ourselves. */
static void clipboard_sdl_updated(struct client_clipboard *base)
{
	struct clipboard_sdl *clipboard = clipboard_sdl_from(base);
	char *text = SDL_GetClipboardText();
	bool own = text && clipboard->own && !strcmp(text, clipboard->own);
	bool empty = !text || !*text;

	SDL_free(text);
	if (own)
		return;
	clipboard_sdl_forget(clipboard);
	if (empty)
		base->listener.released(base->listener.data);
	else
		base->listener.grabbed(base->listener.data,
				       CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT));
}

static void clipboard_sdl_destroy(struct client_clipboard *base)
{
	struct clipboard_sdl *clipboard = clipboard_sdl_from(base);

	clipboard_sdl_forget(clipboard);
	free(clipboard);
}

static const struct client_clipboard_ops clipboard_sdl_ops = {
	.grab = clipboard_sdl_grab,
	.release = clipboard_sdl_release,
	.request = clipboard_sdl_request,
	.answer = clipboard_sdl_answer,
	.updated = clipboard_sdl_updated,
	.destroy = clipboard_sdl_destroy,
};

struct client_clipboard *clipboard_sdl_create(const struct client_clipboard_listener *listener)
{
	struct clipboard_sdl *clipboard = calloc(1, sizeof(*clipboard));

	if (!clipboard)
		return NULL;
	clipboard->base = (struct client_clipboard){ .ops = &clipboard_sdl_ops,
						     .listener = *listener };
	/* What was copied before. */
	clipboard_sdl_updated(&clipboard->base);
	return &clipboard->base;
}
