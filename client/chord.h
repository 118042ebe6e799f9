/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A key with modifiers that the client keeps for itself, such as ctrl+alt+g. Plain values. */
#ifndef CLIENT_CHORD_H
#define CLIENT_CHORD_H

#include <SDL.h>
#include <stdbool.h>

#define CHORD_TEXT_BYTES 48

struct chord {
	bool control, alt, shift, meta;
	SDL_Scancode scancode;          /* SDL_SCANCODE_UNKNOWN: no chord */
};

/* "ctrl+alt+g", "right-ctrl", "shift+f12": modifiers and the name of one key. 0 or -EINVAL. */
int chord_parse(const char *text, struct chord *chord);
/* As it is shown: "Ctrl+Alt+G". */
void chord_format(const struct chord *chord, char text[CHORD_TEXT_BYTES]);
/* A letter is also found by what the host's layout says is on the key. */
bool chord_matches(const struct chord *chord, const SDL_Keysym *key);

#endif
