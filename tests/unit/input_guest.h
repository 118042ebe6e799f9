/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's evdev view of one virtio input device: its event queue is kept filled, what comes is
 * collected as text, "key 30 1; abs 5 6; " with one "; " per SYN, to be compared with strings.
 */
#ifndef TESTS_UNIT_INPUT_GUEST_H
#define TESTS_UNIT_INPUT_GUEST_H

#include <base/loop.h>
#include <fake/guest.h>
#include <input/virtio_input.h>

#define INPUT_GUEST_TEXT_BYTES 8192

struct input_guest {
	struct fake_guest *guest;
	struct virtio_device *device;
	struct fake_queue *events;
	char text[INPUT_GUEST_TEXT_BYTES];
	uint64_t gpas[64];              /* by head: where its event is written */
};

void input_guest_init(struct input_guest *input, struct loop *loop, enum virtio_input_kind kind,
		      enum fake_loop mode);
void input_guest_finish(struct input_guest *input);
/* Starts the queues without event buffers. */
void input_guest_start(struct input_guest *input);
/* Gives count buffers to the event queue and kicks. */
void input_guest_give(struct input_guest *input, unsigned int count);
/* Init with FAKE_LOOP_DISPATCHED, start, give 64 buffers. */
void input_guest_open(struct input_guest *input, struct loop *loop, enum virtio_input_kind kind);
/* Lets the device work; what came since the last call as text. Used buffers are given back when
 * refill. FAKE_LOOP_DISPATCHED only. */
const char *input_guest_text(struct input_guest *input, bool refill);
/* Adds one used event to the text. */
void input_guest_take(struct input_guest *input, const struct fake_used *used);

#endif
