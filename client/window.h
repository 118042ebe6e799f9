/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One window on one scanout of the guest: picture, cursor, panels. Main thread. */
#ifndef CLIENT_WINDOW_H
#define CLIENT_WINDOW_H

#include "cursor.h"
#include "layout.h"
#include "resize.h"
#include "stats.h"
#include "text.h"
#include "video.h"

#include <SDL.h>
#include <stdbool.h>
#include <stdint.h>

struct client_source;

struct window_config {
	uint32_t scanout;
	int width, height;              /* pixels */
	bool user_sized;                /* that is the user's wish, not the guest's mode */
	bool resize;                    /* the guest may be asked to follow */
	bool fullscreen, vsync;
	enum scale_mode scale;
	const char *renderer;           /* NULL: any */
};

struct window {
	uint32_t scanout;
	Uint32 id;                      /* SDL's */
	SDL_Window *sdl;
	SDL_Renderer *renderer;
	struct video video;
	struct cursor cursor;
	struct text text;
	struct stats stats;
	struct layout layout;
	struct resize resize;
	enum scale_mode scale;
	bool fullscreen;
	bool dirty;                     /* what is on the screen is not what should be */
	bool new_picture;               /* since the last present */
	uint64_t off_since_ns;          /* the scanout shows nothing since then; 0: it does */
};

/* What is drawn besides the picture. */
struct window_decor {
	const char *message;            /* in the middle, on a dimmed picture; NULL: none */
	const char *overlay;            /* figures in the corner; NULL: none */
	bool cursor;                    /* draw the guest's cursor into the picture */
};

/* NULL when SDL cannot (logged). */
struct window *window_create(const struct window_config *config);
void window_destroy(struct window *window);

/* Takes over what is new in the source. 0, or -EPROTO: the source talks nonsense. *again: the
 * source was busy, call again soon. */
int window_update(struct window *window, struct client_source *source, bool *again);
/* The session ended: the last picture stays, the cursor goes. */
void window_forget_source(struct window *window);
/* SDL says the window has another size, or stands on another screen. */
void window_resized(struct window *window);
void window_set_fullscreen(struct window *window, bool fullscreen);
/* The window takes the guest's size and follows it again. */
void window_take_guest_size(struct window *window);
/* False while minimized or hidden. */
bool window_is_visible(const struct window *window);

/* Draws into the back buffer. */
void window_draw(struct window *window, const struct window_decor *decor);
/* Reads what was drawn, as XRGB8888; the caller frees the surface. picture_only: without the border
 * around the picture. NULL when it cannot (logged). */
SDL_Surface *window_read(struct window *window, bool picture_only);
/* Shows what was drawn and counts it. same_clock: the guest's time stamps compare. */
void window_present(struct window *window, bool same_clock);

#endif
