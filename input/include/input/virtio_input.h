/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard, tablet and mouse as virtio input devices (virtio 1.2, 5.8). All on the device's loop.
 *
 * Each call below is one report: all of it reaches the guest's event queue, or none of it yet. What
 * does not fit waits in a bounded backlog, in which motion adds up; when that overflows, the keys
 * in it are forgotten and the guest is told the difference between what is held and what it
 * believes is held: a tap may be lost, a release never.
 */
#ifndef INPUT_VIRTIO_INPUT_H
#define INPUT_VIRTIO_INPUT_H

#include <input/event.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct virtio_device;

enum virtio_input_kind {
	VIRTIO_INPUT_KEYBOARD,     /* keys and LEDs */
	VIRTIO_INPUT_TABLET,       /* absolute positions, buttons, wheels */
	VIRTIO_INPUT_MOUSE,        /* movement, buttons, wheels */
};

/* name: for logs, and the serial the guest sees. Destroyed by its ops. NULL with errno. */
struct virtio_device *virtio_input_create(struct loop *loop, enum virtio_input_kind kind,
					  const char *name);

/* A key or button; codes the kind does not have, and what changes nothing, are dropped. */
void virtio_input_key(struct virtio_device *device, uint16_t code, bool down);
/* Tablet only: 0..INPUT_POSITION_MAX. */
void virtio_input_move_to(struct virtio_device *device, uint16_t x, uint16_t y);
/* Mouse only. */
void virtio_input_move_by(struct virtio_device *device, int32_t x, int32_t y);
/* Tablet and mouse: 1/120 of a notch, right and up are positive. */
void virtio_input_wheel(struct virtio_device *device, int32_t x, int32_t y);

/* The LEDs the guest has lit: bit LED_* of linux/input-event-codes.h. */
uint32_t virtio_input_leds(const struct virtio_device *device);
/* func is told whenever they have changed; NULL: nobody is, as at first. */
void virtio_input_watch_leds(struct virtio_device *device, input_leds_func *func, void *data);

#endif
