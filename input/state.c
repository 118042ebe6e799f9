/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state.h"

_Static_assert(KEY_CNT % 64 == 0, "whole words");

bool input_state_has(const struct input_state *state, uint16_t code)
{
	return code < KEY_CNT && state->words[code / 64] >> (code % 64) & 1;
}

bool input_state_set(struct input_state *state, uint16_t code, bool down)
{
	if (code >= KEY_CNT || input_state_has(state, code) == down)
		return false;
	state->words[code / 64] ^= (uint64_t)1 << (code % 64);
	return true;
}

int input_state_first(const struct input_state *state, const struct input_state *other)
{
	for (int i = 0; i < INPUT_STATE_WORDS; i++) {
		uint64_t word = state->words[i] & (other ? ~other->words[i] : UINT64_MAX);

		if (word)
			return i * 64 + __builtin_ctzll(word);
	}
	return -1;
}
