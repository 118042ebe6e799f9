/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of held keys and buttons, by evdev code. */
#ifndef INPUT_STATE_H
#define INPUT_STATE_H

#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdint.h>

#define INPUT_STATE_WORDS (KEY_CNT / 64)

struct input_state {
	uint64_t words[INPUT_STATE_WORDS];
};

/* Codes past KEY_MAX are never held. */
bool input_state_has(const struct input_state *state, uint16_t code);
/* True when that changed something. */
bool input_state_set(struct input_state *state, uint16_t code, bool down);
/* The lowest code that is in the set but not in other; -1: none. other may be NULL. */
int input_state_first(const struct input_state *state, const struct input_state *other);

#endif
