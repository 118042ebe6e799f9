/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input_guest.h"

#include <endian.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>
#include <stdio.h>
#include <string.h>

void input_guest_init(struct input_guest *input, struct loop *loop, enum virtio_input_kind kind,
		      enum fake_loop mode)
{
	memset(input, 0, sizeof(*input));
	input->device = virtio_input_create(loop, kind, "test");
	input->guest = fake_guest_create(input->device, mode);
	input->events = fake_guest_queue(input->guest, 0);
}

void input_guest_finish(struct input_guest *input)
{
	fake_guest_destroy(input->guest);
}

void input_guest_start(struct input_guest *input)
{
	if (fake_guest_start(input->guest, FAKE_ALL_FEATURES) < 0)
		fake_fail("the input device does not start");
}

void input_guest_give(struct input_guest *input, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t gpa;
		int head = fake_queue_add_writable(input->events,
						   sizeof(struct virtio_input_event), &gpa);

		if (head < 0)
			fake_fail("the event queue is full");
		input->gpas[head] = gpa;
	}
	fake_queue_kick(input->events);
}

void input_guest_open(struct input_guest *input, struct loop *loop, enum virtio_input_kind kind)
{
	input_guest_init(input, loop, kind, FAKE_LOOP_DISPATCHED);
	input_guest_start(input);
	input_guest_give(input, 64);
}

static const char *input_guest_type_name(uint16_t type)
{
	return type == EV_KEY ? "key" : type == EV_ABS ? "abs" : type == EV_REL ? "rel" : "?";
}

void input_guest_take(struct input_guest *input, const struct fake_used *used)
{
	size_t length = strlen(input->text);
	struct virtio_input_event event;
	uint16_t type;

	if (used->bytes != sizeof(event))
		fake_fail("an event of %u bytes", used->bytes);
	fake_memory_read(fake_guest_memory(input->guest), input->gpas[used->head], &event,
			 sizeof(event));
	type = le16toh(event.type);
	if (type == EV_SYN && event.code == SYN_REPORT && event.value == 0)
		snprintf(input->text + length, sizeof(input->text) - length, "; ");
	else
		snprintf(input->text + length, sizeof(input->text) - length, "%s%s %u %d",
			 length && input->text[length - 1] != ' ' ? ", " : "",
			 input_guest_type_name(type), le16toh(event.code),
			 (int)le32toh(event.value));
}

const char *input_guest_text(struct input_guest *input, bool refill)
{
	struct fake_used used;

	input->text[0] = '\0';
	fake_guest_run(input->guest);
	while (fake_queue_get_used(input->events, &used)) {
		input_guest_take(input, &used);
		if (refill)
			input_guest_give(input, 1);
		fake_guest_run(input->guest);
	}
	return input->text;
}
