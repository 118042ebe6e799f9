/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chord.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool chord_modifier(struct chord *chord, const char *name)
{
	if (!strcasecmp(name, "ctrl") || !strcasecmp(name, "control"))
		chord->control = true;
	else if (!strcasecmp(name, "alt"))
		chord->alt = true;
	else if (!strcasecmp(name, "shift"))
		chord->shift = true;
	else if (!strcasecmp(name, "meta") || !strcasecmp(name, "super"))
		chord->meta = true;
	else
		return false;
	return true;
}

/* SDL's own names ("F12", "Right Ctrl", "Pause"), with '-' for the space. */
static SDL_Scancode chord_key(const char *name)
{
	char spaced[CHORD_TEXT_BYTES];
	size_t i;

	for (i = 0; name[i] && i < sizeof(spaced) - 1; i++)
		spaced[i] = name[i] == '-' && name[i + 1] ? ' ' : name[i];
	spaced[i] = '\0';
	return SDL_GetScancodeFromName(spaced);
}

int chord_parse(const char *text, struct chord *chord)
{
	struct chord found = { 0 };
	char copy[CHORD_TEXT_BYTES];
	char *rest = copy, *part;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	while ((part = strsep(&rest, "+"))) {
		if (rest && chord_modifier(&found, part))
			continue;
		if (rest)
			return -EINVAL;
		found.scancode = chord_key(part);
	}
	if (found.scancode == SDL_SCANCODE_UNKNOWN)
		return -EINVAL;
	*chord = found;
	return 0;
}

void chord_format(const struct chord *chord, char text[CHORD_TEXT_BYTES])
{
	SDL_snprintf(text, CHORD_TEXT_BYTES, "%s%s%s%s%s", chord->control ? "Ctrl+" : "",
		     chord->alt ? "Alt+" : "", chord->shift ? "Shift+" : "",
		     chord->meta ? "Super+" : "", SDL_GetScancodeName(chord->scancode));
}

/* Letters follow the layout: on an AZERTY keyboard the Q of a chord is the key that says Q. */
static bool chord_same_key(SDL_Scancode scancode, const SDL_Keysym *key)
{
	bool letter = scancode >= SDL_SCANCODE_A && scancode <= SDL_SCANCODE_Z;

	if (letter && key->sym >= SDLK_a && key->sym <= SDLK_z)
		return key->sym == SDLK_a + (int)(scancode - SDL_SCANCODE_A);
	return key->scancode == scancode;
}

bool chord_matches(const struct chord *chord, const SDL_Keysym *key)
{
	Uint16 mod = key->mod;

	/* A modifier that is the key itself is not asked for as a modifier too. */
	if (chord->scancode >= SDL_SCANCODE_LCTRL && chord->scancode <= SDL_SCANCODE_RGUI)
		return key->scancode == chord->scancode;
	return chord->scancode != SDL_SCANCODE_UNKNOWN && chord_same_key(chord->scancode, key) &&
	       chord->control == !!(mod & KMOD_CTRL) && chord->alt == !!(mod & KMOD_ALT) &&
	       chord->shift == !!(mod & KMOD_SHIFT) && chord->meta == !!(mod & KMOD_GUI);
}
