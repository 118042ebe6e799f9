/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has the keyboard and the pointer: the host's desktop or the guest alone. A keyboard grab
 * sends Alt+Tab and the like to the guest; a capture locks the pointer in and sends how it moves.
 * Main thread.
 */
#ifndef CLIENT_GRAB_H
#define CLIENT_GRAB_H

#include <SDL.h>
#include <stdbool.h>

struct grab {
	SDL_Window *keyboard;           /* the window that has it; NULL: none */
	bool wanted, only;              /* a relative pointer: by the user, by the source */
	bool relative;                  /* either: a click captures it */
	bool captured;
	bool by_click;                  /* a click takes the keyboard */
};

void grab_init(struct grab *grab, bool relative, bool by_click);
void grab_take(struct grab *grab, SDL_Window *window);
void grab_release(struct grab *grab);
/* The grab key. True: it is taken now. */
bool grab_toggle(struct grab *grab, SDL_Window *window);
/* A button went down in the picture. True: that click only captured the pointer. */
bool grab_click(struct grab *grab, SDL_Window *window);
void grab_set_relative(struct grab *grab, bool relative, SDL_Window *window);
/* The source takes nothing else, or does again. Captures nothing by itself. */
void grab_set_only_relative(struct grab *grab, bool only);

#endif
