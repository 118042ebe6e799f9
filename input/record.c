/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record.h"

#include <input/source_ring.h>
#include <linux/input-event-codes.h>

/* No hand moves a pointer or a wheel further between two records. */
#define INPUT_MAX_MOVE 65536

static bool input_record_in(int32_t value, int32_t min, int32_t max)
{
	return value >= min && value <= max;
}

/* Keys end where the buttons begin, and go on behind them. */
static bool input_record_is_key(uint32_t code)
{
	return (code > KEY_RESERVED && code < BTN_MISC) || (code >= KEY_OK && code <= KEY_MAX);
}

static bool input_record_is_button(uint32_t code)
{
	return code >= BTN_MOUSE && code <= BTN_TASK;
}

static bool input_record_switch(const struct input_record *record, bool code_valid,
				enum router_event_type type, struct router_event *event)
{
	if (!code_valid || !input_record_in(record->value, 0, 1))
		return false;
	event->type = type;
	event->code = (uint16_t)record->code;
	event->down = record->value;
	return true;
}

static bool input_record_motion(const struct input_record *record, int32_t min, int32_t max,
				enum router_event_type type, struct router_event *event)
{
	if (!input_record_in(record->x, min, max) || !input_record_in(record->y, min, max))
		return false;
	event->type = type;
	event->x = record->x;
	event->y = record->y;
	return true;
}

bool input_record_to_event(const struct input_record *record, struct router_event *event)
{
	*event = (struct router_event){ .scanout = record->scanout };
	if (record->scanout >= SEGMENT_MAX_SCANOUTS)
		return false;
	switch (record->type) {
	case INPUT_KEY:
		return input_record_switch(record, input_record_is_key(record->code),
					   ROUTER_EVENT_KEY, event);
	case INPUT_BUTTON:
		return input_record_switch(record, input_record_is_button(record->code),
					   ROUTER_EVENT_BUTTON, event);
	case INPUT_POINTER_ABS:
		return input_record_motion(record, 0, INPUT_POSITION_MAX, ROUTER_EVENT_POINTER_ABS,
					   event);
	case INPUT_POINTER_REL:
		return input_record_motion(record, -INPUT_MAX_MOVE, INPUT_MAX_MOVE,
					   ROUTER_EVENT_POINTER_REL, event);
	case INPUT_WHEEL:
		return input_record_motion(record, -INPUT_MAX_MOVE, INPUT_MAX_MOVE,
					   ROUTER_EVENT_WHEEL, event);
	case INPUT_RELEASE_ALL:
		event->type = ROUTER_EVENT_RELEASE_ALL;
		return true;
	default:
		return false;
	}
}

bool input_record_is_display_size(const struct input_record *record)
{
	if (record->type != INPUT_DISPLAY_SIZE || record->scanout >= SEGMENT_MAX_SCANOUTS)
		return false;
	if (record->x == 0 && record->y == 0)
		return true;
	return input_record_in(record->x, 1, INPUT_MAX_DISPLAY_EXTENT) &&
	       input_record_in(record->y, 1, INPUT_MAX_DISPLAY_EXTENT);
}
