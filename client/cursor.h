/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's cursor in one window. While the pointer is absolute the host draws it: it is where
 * the user's hand is, without a round trip through the guest. In relative capture, and in
 * screenshots, it is drawn into the picture where the guest says it is. Main thread.
 */
#ifndef CLIENT_CURSOR_H
#define CLIENT_CURSOR_H

#include "layout.h"

#include <SDL.h>
#include <stdbool.h>
#include <stdint.h>

struct client_source;

struct cursor {
	SDL_Renderer *renderer;
	SDL_Texture *texture;           /* straight alpha */
	uint32_t *pixels;               /* premultiplied ARGB8888, as guests write it */
	int width, height;              /* 0: the guest never showed one */
	int hot_x, hot_y;
	int x, y;                       /* of the hotspot, in guest pixels */
	bool visible;
	SDL_Cursor *host;               /* of this image at host_width */
	int host_width, host_height;
};

void cursor_init(struct cursor *cursor, SDL_Renderer *renderer);
/* Before the renderer goes. */
void cursor_finish(struct cursor *cursor);
/* 1: changed; 0: not; -EAGAIN: call again soon; -EPROTO: nonsense; -ENOMEM. */
int cursor_update(struct cursor *cursor, struct client_source *source, uint32_t scanout);
/* No guest, no cursor. */
void cursor_reset(struct cursor *cursor);
/* Into the picture, where the guest says it is. */
void cursor_draw(const struct cursor *cursor, const struct layout *layout);

enum cursor_look {
	CURSOR_ARROW,           /* the host's own: outside of the picture, or no guest */
	CURSOR_GUEST,           /* the guest's image, or nothing when it hides it */
};

/* What the host shows under the hand. */
void cursor_show_host(struct cursor *cursor, enum cursor_look look, const struct layout *layout);

#endif
