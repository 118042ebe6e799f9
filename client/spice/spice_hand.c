/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_hand.h"

#include <base/log.h>
#include <base/scan_codes.h>
#include <string.h>

#define HAND_NOTCH 120
#define HAND_MAX_NOTCHES 16
/* A server that was asked for positions and goes on taking motion only does not offer them. */
#define HAND_MODE_US (1000 * 1000)
#define HAND_DISPLAY 0

void spice_hand_begin(struct spice_hand *hand, SpiceMainChannel *main)
{
	*hand = (struct spice_hand){
		.main = main, .mode = SPICE_MOUSE_MODE_SERVER,
		/* The library asks for it by itself as soon as the server offers it. */
		.wanted = SPICE_MOUSE_MODE_CLIENT,
	};
}

void spice_hand_ready(struct spice_hand *hand, SpiceInputsChannel *inputs)
{
	hand->inputs = inputs;
}

void spice_hand_finish(struct spice_hand *hand)
{
	*hand = (struct spice_hand){ 0 };
}

/* --- keys and buttons -------------------------------------------------------------------- */

static bool hand_hold(struct spice_hand *hand, uint32_t code, bool down)
{
	uint8_t bit = (uint8_t)(1 << code % 8);

	if (!!(hand->held[code / 8] & bit) == down)
		return false;
	hand->held[code / 8] ^= bit;
	return true;
}

static void hand_key(struct spice_hand *hand, uint32_t key, bool down)
{
	uint16_t code = scan_code_of_key(key);

	if (!code) {
		log_debug("SPICE has no scan code for key %u", key);
		return;
	}
	if (!hand_hold(hand, key, down))
		return;
	if (down)
		spice_inputs_channel_key_press(hand->inputs, code);
	else
		spice_inputs_channel_key_release(hand->inputs, code);
}

static void hand_button(struct spice_hand *hand, uint32_t code, bool down)
{
	static const struct {
		uint16_t code;
		uint8_t button;
		uint8_t mask;
	} known[] = {
		{ BTN_LEFT, SPICE_MOUSE_BUTTON_LEFT, SPICE_MOUSE_BUTTON_MASK_LEFT },
		{ BTN_MIDDLE, SPICE_MOUSE_BUTTON_MIDDLE, SPICE_MOUSE_BUTTON_MASK_MIDDLE },
		{ BTN_RIGHT, SPICE_MOUSE_BUTTON_RIGHT, SPICE_MOUSE_BUTTON_MASK_RIGHT },
		{ BTN_SIDE, SPICE_MOUSE_BUTTON_SIDE, SPICE_MOUSE_BUTTON_MASK_SIDE },
		{ BTN_EXTRA, SPICE_MOUSE_BUTTON_EXTRA, SPICE_MOUSE_BUTTON_MASK_EXTRA },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].code != code || !hand_hold(hand, code, down))
			continue;
		hand->buttons ^= known[i].mask;
		if (down)
			spice_inputs_channel_button_press(hand->inputs, known[i].button,
							  (gint)hand->buttons);
		else
			spice_inputs_channel_button_release(hand->inputs, known[i].button,
							    (gint)hand->buttons);
		return;
	}
}

void spice_hand_release(struct spice_hand *hand)
{
	if (!hand->inputs)
		return;
	for (uint32_t code = 0; code < KEY_CNT; code++) {
		if (!(hand->held[code / 8] >> code % 8 & 1))
			continue;
		if (code >= BTN_MISC && code < KEY_OK)
			hand_button(hand, code, false);
		else
			hand_key(hand, code, false);
	}
	hand->wheel = 0;
}

/* --- the pointer ------------------------------------------------------------------------- */

static void hand_notch(struct spice_hand *hand, int button)
{
	spice_inputs_channel_button_press(hand->inputs, button, (gint)hand->buttons);
	spice_inputs_channel_button_release(hand->inputs, button, (gint)hand->buttons);
}

/* There is no wheel to the side. */
static void hand_wheel(struct spice_hand *hand, int32_t units)
{
	int64_t all = (int64_t)hand->wheel + units;
	int64_t notches = all / HAND_NOTCH;

	hand->wheel = (int32_t)(all % HAND_NOTCH);
	notches = CLAMP(notches, -HAND_MAX_NOTCHES, HAND_MAX_NOTCHES);
	for (; notches > 0; notches--)
		hand_notch(hand, SPICE_MOUSE_BUTTON_UP);
	for (; notches < 0; notches++)
		hand_notch(hand, SPICE_MOUSE_BUTTON_DOWN);
}

/* Whether the mode is that one now; asks for it once. */
static bool hand_has_mode(struct spice_hand *hand, int mode)
{
	if (hand->mode == mode)
		return true;
	if (hand->wanted != mode) {
		hand->wanted = mode;
		hand->wanted_us = g_get_monotonic_time();
		spice_main_channel_request_mouse_mode(hand->main, mode);
	}
	return false;
}

static void hand_motion(struct spice_hand *hand, const struct input_record *record)
{
	hand->has_position = false;
	if (hand_has_mode(hand, SPICE_MOUSE_MODE_SERVER))
		spice_inputs_channel_motion(hand->inputs, record->x, record->y,
					    (gint)hand->buttons);
}

static void hand_send_position(struct spice_hand *hand)
{
	hand->has_position = false;
	spice_inputs_channel_position(hand->inputs, hand->x, hand->y, HAND_DISPLAY,
				      (gint)hand->buttons);
}

static void hand_position(struct spice_hand *hand, const struct input_record *record)
{
	hand->x = record->x;
	hand->y = record->y;
	hand->has_position = true;
	if (hand_has_mode(hand, SPICE_MOUSE_MODE_CLIENT))
		hand_send_position(hand);
	else if (g_get_monotonic_time() - hand->wanted_us > HAND_MODE_US)
		hand->absolute = false;
}

void spice_hand_mode_changed(struct spice_hand *hand)
{
	int mode;

	g_object_get(hand->main, "mouse-mode", &mode, NULL);
	hand->mode = mode;
	if (mode == SPICE_MOUSE_MODE_CLIENT)
		hand->absolute = true;
	else if (hand->wanted == SPICE_MOUSE_MODE_CLIENT)
		hand->absolute = false;
	if (mode == SPICE_MOUSE_MODE_CLIENT && hand->has_position && hand->inputs)
		hand_send_position(hand);
}

bool spice_hand_push(struct spice_hand *hand, const struct input_record *record)
{
	bool was_absolute = hand->absolute;

	switch (record->type) {
	case INPUT_KEY:
		hand_key(hand, record->code, record->value);
		break;
	case INPUT_BUTTON:
		hand_button(hand, record->code, record->value);
		break;
	case INPUT_POINTER_ABS:
		hand_position(hand, record);
		break;
	case INPUT_POINTER_REL:
		hand_motion(hand, record);
		break;
	case INPUT_WHEEL:
		hand_wheel(hand, record->y);
		break;
	case INPUT_RELEASE_ALL:
		spice_hand_release(hand);
		break;
	default:
		break;
	}
	return hand->absolute != was_absolute;
}
