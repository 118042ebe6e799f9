/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input records as what a SPICE server takes: scan codes, buttons, notches of the wheel, motion or
 * positions as its mouse mode wants them. Remembers what is pressed. The thread of the context.
 */
#ifndef CLIENT_SPICE_SPICE_HAND_H
#define CLIENT_SPICE_SPICE_HAND_H

#include <ivshmem/abi.h>
#include <linux/input-event-codes.h>
#include <spice-client.h>
#include <stdbool.h>

struct spice_hand {
	SpiceMainChannel *main;         /* the link's */
	SpiceInputsChannel *inputs;     /* NULL: nothing is taken yet */
	uint8_t held[(KEY_CNT + 7) / 8];
	uint32_t buttons;               /* SPICE_MOUSE_BUTTON_MASK_* */
	int32_t wheel;                  /* of a notch, in 1/120 */
	int mode, wanted;               /* SPICE_MOUSE_MODE_* */
	int64_t wanted_us;              /* when it was asked for last */
	bool absolute;                  /* positions are taken, or would be when asked for */
	bool has_position;              /* for when the mode is the right one */
	int32_t x, y;
};

/* A new session; inputs come with ready. */
void spice_hand_begin(struct spice_hand *hand, SpiceMainChannel *main);
void spice_hand_ready(struct spice_hand *hand, SpiceInputsChannel *inputs);
/* The session has ended: nothing is held any more. */
void spice_hand_finish(struct spice_hand *hand);
/* Main says that the server has changed the mouse mode. */
void spice_hand_mode_changed(struct spice_hand *hand);
/* x and y of INPUT_POINTER_ABS are pixels. True: absolute has changed. */
bool spice_hand_push(struct spice_hand *hand, const struct input_record *record);
void spice_hand_release(struct spice_hand *hand);

#endif
