/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDL's events as input records: which keys and buttons the guest holds, positions, the wheel.
 *
 * Everything that went down here comes up again: by itself, or by input_release_all when the
 * window loses the focus, the grab ends or the session does. Main thread.
 */
#ifndef CLIENT_INPUT_H
#define CLIENT_INPUT_H

#include "layout.h"

#include <SDL.h>
#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdint.h>

struct client_source;

#define INPUT_HELD_WORDS ((KEY_CNT + 63) / 64)

struct input {
	struct client_source *source;           /* NULL: no session, records go nowhere */
	uint64_t held[INPUT_HELD_WORDS];        /* keys and buttons alike, by evdev code */
	float wheel_x, wheel_y;                 /* less than one unit, kept for the next event */
	int32_t last_x, last_y;                 /* the last absolute position sent */
	uint32_t last_scanout;
	bool last_valid;
};

/* A new session (or NULL: none): nothing is held there. */
void input_set_source(struct input *input, struct client_source *source);

/* Autorepeat and keys that evdev does not have are dropped; so is an up without its down. */
void input_key(struct input *input, SDL_Scancode scancode, bool down);
void input_button(struct input *input, uint32_t scanout, int sdl_button, bool down);
/* Where the mouse is, in points of the window; false when outside of the picture. */
bool input_pointer(struct input *input, uint32_t scanout, const struct layout *layout, int point_x,
		   int point_y);
void input_pointer_relative(struct input *input, int dx, int dy);
void input_wheel(struct input *input, uint32_t scanout, const SDL_MouseWheelEvent *wheel);
void input_release_all(struct input *input);
bool input_holds_button(const struct input *input);

/* 0; -errno when it did not reach the VM. */
int input_display_size(struct input *input, uint32_t scanout, int width, int height);
int input_power_button(struct input *input);
int input_force_off(struct input *input);

#endif
