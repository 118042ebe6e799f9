/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports on their way to the event queue: one buffer per event, a SYN at the end, a whole report
 * or nothing.
 */
#include <base/log.h>
#include <endian.h>
#include <input/event.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "virtio_input_private.h"

/* Further moves cannot be told apart by anyone, and sums must not overflow. */
#define VIRTIO_INPUT_MAX_SUM (1 << 20)

struct virtio_input_events {
	struct virtio_input_event events[VIRTIO_INPUT_REPORT_EVENTS];
	unsigned int count;
};

static void virtio_input_events_add(struct virtio_input_events *events, uint16_t type,
				    uint16_t code, int32_t value)
{
	events->events[events->count++] = (struct virtio_input_event){
		.type = htole16(type),
		.code = htole16(code),
		.value = htole32((uint32_t)value),
	};
}

/* --- encoding ---------------------------------------------------------------------------- */

static void virtio_input_encode_pair(struct virtio_input_events *events, uint16_t type,
				     uint16_t code_x, uint16_t code_y,
				     const struct virtio_input_report *report)
{
	if (type == EV_ABS || report->x)
		virtio_input_events_add(events, type, code_x, report->x);
	if (type == EV_ABS || report->y)
		virtio_input_events_add(events, type, code_y, report->y);
}

/* Every part of a notch at once for those who know of them, whole notches for the others. */
static void virtio_input_encode_wheel(struct virtio_input_events *events, uint16_t code_fine,
				      uint16_t code, int32_t moved, int32_t *rest)
{
	int32_t sum = *rest + moved;
	int32_t notches = sum / INPUT_WHEEL_NOTCH;

	if (!moved)
		return;
	virtio_input_events_add(events, EV_REL, code_fine, moved);
	if (notches)
		virtio_input_events_add(events, EV_REL, code, notches);
	*rest = sum - notches * INPUT_WHEEL_NOTCH;
}

/* The wheels' rests go forward to *rest_x and *rest_y: the report may not be sent yet. */
static void virtio_input_encode(const struct virtio_input_report *report,
				struct virtio_input_events *events, int32_t *rest_x,
				int32_t *rest_y)
{
	events->count = 0;
	switch (report->type) {
	case VIRTIO_INPUT_REPORT_KEY:
		virtio_input_events_add(events, EV_KEY, report->code, report->down);
		break;
	case VIRTIO_INPUT_REPORT_ABS:
		virtio_input_encode_pair(events, EV_ABS, ABS_X, ABS_Y, report);
		break;
	case VIRTIO_INPUT_REPORT_REL:
		virtio_input_encode_pair(events, EV_REL, REL_X, REL_Y, report);
		break;
	case VIRTIO_INPUT_REPORT_WHEEL:
		virtio_input_encode_wheel(events, REL_HWHEEL_HI_RES, REL_HWHEEL, report->x, rest_x);
		virtio_input_encode_wheel(events, REL_WHEEL_HI_RES, REL_WHEEL, report->y, rest_y);
		break;
	}
	virtio_input_events_add(events, EV_SYN, SYN_REPORT, 0);
}

/* --- sending ----------------------------------------------------------------------------- */

/* Takes a buffer for every event, or none. */
static bool virtio_input_take(struct virtio_input *input, struct chain **chains,
			      unsigned int count)
{
	struct virtqueue *queue = input->queues[VIRTIO_INPUT_QUEUE_EVENT];

	for (unsigned int taken = 0; taken < count; taken++) {
		chains[taken] = virtqueue_pop(queue);
		if (!chains[taken]) {
			while (taken)
				virtqueue_unpop(queue, chains[--taken]);
			return false;
		}
		if (chain_writable(chains[taken]) < sizeof(struct virtio_input_event)) {
			log_guest_bug("%s: an event buffer that is too short", input->name);
			virtqueue_break(queue);
			return false;
		}
	}
	return true;
}

static bool virtio_input_send(struct virtio_input *input,
			      const struct virtio_input_report *report)
{
	struct virtqueue *queue = input->queues[VIRTIO_INPUT_QUEUE_EVENT];
	int32_t rest_x = input->wheel_rest_x, rest_y = input->wheel_rest_y;
	struct chain *chains[VIRTIO_INPUT_REPORT_EVENTS];
	struct virtio_input_events events;

	virtio_input_encode(report, &events, &rest_x, &rest_y);
	if (!virtio_input_take(input, chains, events.count))
		return false;
	for (unsigned int i = 0; i < events.count; i++) {
		chain_write(chains[i], &events.events[i], sizeof(events.events[i]));
		virtqueue_push(queue, chains[i]);
	}
	input->wheel_rest_x = rest_x;
	input->wheel_rest_y = rest_y;
	if (report->type == VIRTIO_INPUT_REPORT_KEY)
		input_state_set(&input->reported, report->code, report->down);
	return true;
}

/* Tells the next difference between what is held and what the guest believes: releases first. */
static bool virtio_input_send_difference(struct virtio_input *input)
{
	struct virtio_input_report report = { .type = VIRTIO_INPUT_REPORT_KEY };
	int code = input_state_first(&input->reported, &input->wanted);

	report.down = code < 0;
	if (report.down)
		code = input_state_first(&input->wanted, &input->reported);
	if (code < 0) {
		input->resync = false;
		return true;
	}
	report.code = (uint16_t)code;
	return virtio_input_send(input, &report);
}

static bool virtio_input_send_oldest(struct virtio_input *input)
{
	if (!virtio_input_send(input, &input->backlog[input->first]))
		return false;
	input->first = (input->first + 1) % VIRTIO_INPUT_BACKLOG;
	input->count--;
	return true;
}

void virtio_input_flush(struct virtio_input *input)
{
	struct virtqueue *queue = input->queues[VIRTIO_INPUT_QUEUE_EVENT];
	bool sent = queue;

	while (sent && (input->resync || input->count))
		sent = input->resync ? virtio_input_send_difference(input)
				     : virtio_input_send_oldest(input);
	if (queue)
		virtqueue_notify(queue);
}

void virtio_input_forget(struct virtio_input *input)
{
	input->first = input->count = 0;
	input->wheel_rest_x = input->wheel_rest_y = 0;
	memset(&input->reported, 0, sizeof(input->reported));
	input->resync = false;
}

/* --- the backlog ------------------------------------------------------------------------- */

static struct virtio_input_report *virtio_input_waiting(struct virtio_input *input,
							unsigned int index)
{
	return &input->backlog[(input->first + index) % VIRTIO_INPUT_BACKLOG];
}

static int32_t virtio_input_sum(int32_t a, int32_t b)
{
	int64_t sum = (int64_t)a + b;

	if (sum > VIRTIO_INPUT_MAX_SUM)
		return VIRTIO_INPUT_MAX_SUM;
	return sum < -VIRTIO_INPUT_MAX_SUM ? -VIRTIO_INPUT_MAX_SUM : (int32_t)sum;
}

/* Adds a motion to one that waits: positions replace, movements add up. */
static void virtio_input_merge(struct virtio_input_report *waiting,
			       const struct virtio_input_report *report)
{
	bool replace = report->type == VIRTIO_INPUT_REPORT_ABS;

	waiting->x = replace ? report->x : virtio_input_sum(waiting->x, report->x);
	waiting->y = replace ? report->y : virtio_input_sum(waiting->y, report->y);
}

/* The report's motion goes into the newest waiting one; after lost keys into any of its type,
 * because there is no order left to keep. */
static bool virtio_input_coalesce(struct virtio_input *input,
				  const struct virtio_input_report *report)
{
	unsigned int last = input->resync || !input->count ? 0 : input->count - 1;

	if (report->type == VIRTIO_INPUT_REPORT_KEY)
		return false;
	for (unsigned int i = input->count; i-- > last;) {
		struct virtio_input_report *waiting = virtio_input_waiting(input, i);

		if (waiting->type == report->type) {
			virtio_input_merge(waiting, report);
			return true;
		}
	}
	return false;
}

static void virtio_input_append(struct virtio_input *input,
				const struct virtio_input_report *report)
{
	*virtio_input_waiting(input, input->count++) = *report;
}

/* Forgets the keys that wait, in favour of the difference, and packs the motion. */
static void virtio_input_overflow(struct virtio_input *input)
{
	unsigned int count = input->count;

	input->resync = true;
	input->count = 0;
	for (unsigned int i = 0; i < count; i++) {
		/* A copy: what is appended lands at or before where it was. */
		struct virtio_input_report report = *virtio_input_waiting(input, i);

		if (report.type != VIRTIO_INPUT_REPORT_KEY && !virtio_input_coalesce(input, &report))
			virtio_input_append(input, &report);
	}
}

static void virtio_input_submit(struct virtio_input *input,
				const struct virtio_input_report *report)
{
	struct virtqueue *queue = input->queues[VIRTIO_INPUT_QUEUE_EVENT];

	if (!queue || virtqueue_is_broken(queue))
		return;
	if (input->count == VIRTIO_INPUT_BACKLOG)
		virtio_input_overflow(input);
	/* While keys are out of step, the difference will tell this one, too. */
	if (!(input->resync && report->type == VIRTIO_INPUT_REPORT_KEY) &&
	    !virtio_input_coalesce(input, report))
		virtio_input_append(input, report);
	virtio_input_flush(input);
}

/* --- the door ---------------------------------------------------------------------------- */

void virtio_input_key(struct virtio_device *device, uint16_t code, bool down)
{
	struct virtio_input *input = virtio_input_from(device);

	if (code < input->model->first_key || code > input->model->last_key)
		return;
	if (input_state_set(&input->wanted, code, down))
		virtio_input_submit(input, &(struct virtio_input_report){
			.type = VIRTIO_INPUT_REPORT_KEY, .code = code, .down = down });
}

static void virtio_input_motion(struct virtio_device *device, enum virtio_input_report_type type,
				int32_t x, int32_t y)
{
	virtio_input_submit(virtio_input_from(device), &(struct virtio_input_report){
		.type = type, .x = virtio_input_sum(0, x), .y = virtio_input_sum(0, y) });
}

void virtio_input_move_to(struct virtio_device *device, uint16_t x, uint16_t y)
{
	if (virtio_input_from(device)->model->absolute_mask)
		virtio_input_motion(device, VIRTIO_INPUT_REPORT_ABS, x, y);
}

void virtio_input_move_by(struct virtio_device *device, int32_t x, int32_t y)
{
	if ((x || y) && virtio_input_from(device)->model->relative_mask >> REL_X & 1)
		virtio_input_motion(device, VIRTIO_INPUT_REPORT_REL, x, y);
}

void virtio_input_wheel(struct virtio_device *device, int32_t x, int32_t y)
{
	if ((x || y) && virtio_input_from(device)->model->relative_mask >> REL_WHEEL & 1)
		virtio_input_motion(device, VIRTIO_INPUT_REPORT_WHEEL, x, y);
}
