/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source tells the router. Codes are those of evdev (linux/input-event-codes.h). A plain,
 * checked value: whoever makes one from outside bytes has checked every field.
 */
#ifndef INPUT_EVENT_H
#define INPUT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* Absolute positions run from 0 to this over a scanout. */
#define INPUT_POSITION_MAX 65535
/* A notch of a wheel; high-resolution wheels send parts of it. */
#define INPUT_WHEEL_NOTCH 120

enum router_event_type {
	ROUTER_EVENT_KEY,           /* code KEY_*, down */
	ROUTER_EVENT_BUTTON,        /* code BTN_*, down */
	ROUTER_EVENT_POINTER_ABS,   /* scanout; x, y: 0..INPUT_POSITION_MAX */
	ROUTER_EVENT_POINTER_REL,   /* x, y: movement in pixels, right and down are positive */
	ROUTER_EVENT_WHEEL,         /* x, y: 1/120 of a notch, right and up are positive */
	ROUTER_EVENT_RELEASE_ALL,   /* every held key and button goes up */
};

/* leds: bit LED_* of linux/input-event-codes.h. */
typedef void input_leds_func(void *data, uint32_t leds);

struct router_event {
	enum router_event_type type;
	uint16_t scanout;
	uint16_t code;
	bool down;
	int32_t x, y;
};

#endif
