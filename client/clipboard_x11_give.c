/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_x11.h"

#include <base/clock.h>
#include <base/log.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcbext.h>

/* --- INCR: piece by piece ---------------------------------------------------------------- */

static void x11_transfer_end(struct clipboard_x11 *x11, struct x11_transfer *transfer)
{
	const uint32_t events = 0;
	xcb_window_t window = transfer->window;

	if (--transfer->bytes->users == 0)
		free(transfer->bytes);
	*transfer = (struct x11_transfer){ 0 };
	for (int i = 0; i < X11_MAX_TRANSFERS; i++) {
		if (x11->transfers[i].window == window)
			return;
	}
	xcb_change_window_attributes(x11->connection, window, XCB_CW_EVENT_MASK, &events);
}

/* False: there are too many. */
static bool x11_transfer_start(struct clipboard_x11 *x11, xcb_window_t window,
			       const struct x11_part *part, struct x11_bytes *bytes)
{
	const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;
	uint32_t least = (uint32_t)bytes->count;
	struct x11_transfer *transfer = NULL;

	for (int i = 0; i < X11_MAX_TRANSFERS && !transfer; i++) {
		if (!x11->transfers[i].window)
			transfer = &x11->transfers[i];
	}
	if (!transfer)
		return false;
	*transfer = (struct x11_transfer){
		.window = window, .property = part->property, .type = part->target, .bytes = bytes,
		.deadline_ns = clock_now_ns() + X11_PATIENCE_NS,
	};
	bytes->users++;
	xcb_change_window_attributes(x11->connection, window, XCB_CW_EVENT_MASK, &events);
	xcb_change_property(x11->connection, XCB_PROP_MODE_REPLACE, window, part->property,
			    x11->atoms[X11_INCR], 32, 1, &least);
	return true;
}

/* The program has taken the last piece: the next, at the end an empty one. */
static void x11_transfer_go_on(struct clipboard_x11 *x11, struct x11_transfer *transfer)
{
	size_t left = transfer->bytes->count - transfer->done;
	uint32_t count = left > X11_PIECE_BYTES ? X11_PIECE_BYTES : (uint32_t)left;

	if (transfer->last) {
		x11_transfer_end(x11, transfer);
		return;
	}
	xcb_change_property(x11->connection, XCB_PROP_MODE_REPLACE, transfer->window,
			    transfer->property, transfer->type, 8, count,
			    transfer->bytes->data + transfer->done);
	transfer->done += count;
	transfer->last = count == 0;
	transfer->deadline_ns = clock_now_ns() + X11_PATIENCE_NS;
}

void x11_give_on_property(struct clipboard_x11 *x11, const xcb_property_notify_event_t *event)
{
	if (event->state != XCB_PROPERTY_DELETE)
		return;
	for (int i = 0; i < X11_MAX_TRANSFERS; i++) {
		struct x11_transfer *transfer = &x11->transfers[i];

		if (transfer->window && transfer->window == event->window &&
		    transfer->property == event->atom)
			x11_transfer_go_on(x11, transfer);
	}
}

void x11_give_on_destroy(struct clipboard_x11 *x11, xcb_window_t window)
{
	for (int i = 0; i < X11_MAX_TRANSFERS; i++) {
		if (x11->transfers[i].window && x11->transfers[i].window == window)
			x11_transfer_end(x11, &x11->transfers[i]);
	}
}

void x11_give_expire(struct clipboard_x11 *x11, uint64_t now_ns)
{
	for (int i = 0; i < X11_MAX_TRANSFERS; i++) {
		if (x11->transfers[i].window && now_ns >= x11->transfers[i].deadline_ns)
			x11_transfer_end(x11, &x11->transfers[i]);
	}
}

void x11_give_drop_all(struct clipboard_x11 *x11)
{
	x11_give_expire(x11, UINT64_MAX);
	for (int i = 0; i < X11_MAX_REQUESTS; i++) {
		if (x11->requests[i].used && x11->requests[i].sequence)
			xcb_discard_reply(x11->connection, x11->requests[i].sequence);
		x11->requests[i].used = false;
	}
}

/* --- requests ---------------------------------------------------------------------------- */

/* property 0: refused. */
static void x11_request_notify(struct clipboard_x11 *x11,
			       const xcb_selection_request_event_t *event, xcb_atom_t property)
{
	/* The protocol sends 32 bytes of whatever event. */
	union {
		xcb_selection_notify_event_t notify;
		char bytes[32];
	} answer = { .bytes = { 0 } };

	answer.notify = (xcb_selection_notify_event_t){
		.response_type = XCB_SELECTION_NOTIFY, .time = event->time,
		.requestor = event->requestor, .selection = event->selection,
		.target = event->target, .property = property,
	};
	xcb_send_event(x11->connection, 0, event->requestor, XCB_EVENT_MASK_NO_EVENT, answer.bytes);
}

/* Says so to the program when no part waits any more. */
static void x11_request_check(struct clipboard_x11 *x11, struct x11_request *request)
{
	xcb_atom_t pairs[X11_MAX_PARTS * 2];

	for (unsigned int i = 0; i < request->part_count; i++) {
		if (request->parts[i].waits)
			return;
		pairs[2 * i] = request->parts[i].target;
		pairs[2 * i + 1] = request->parts[i].property;
	}
	request->used = false;
	if (request->multiple)
		xcb_change_property(x11->connection, XCB_PROP_MODE_REPLACE,
				    request->event.requestor, request->event.property,
				    x11->atoms[X11_ATOM_PAIR], 32, 2 * request->part_count, pairs);
	x11_request_notify(x11, &request->event, request->multiple ? request->event.property :
						 request->parts[0].property);
}

/* The type that a target stands for, when we own that; -1: none. */
static int x11_target_type(const struct clipboard_x11 *x11, xcb_atom_t target)
{
	int type = target == x11->atoms[X11_UTF8_STRING] || target == x11->atoms[X11_TEXT_UTF8] ?
		   CLIPBOARD_WIRE_TEXT : target == x11->atoms[X11_PNG] ? CLIPBOARD_WIRE_PNG : -1;

	return type >= 0 && x11->types & CLIPBOARD_WIRE_BIT(type) ? type : -1;
}

static void x11_part_give_targets(struct clipboard_x11 *x11, xcb_window_t window,
				  const struct x11_part *part)
{
	xcb_atom_t list[X11_ATOM_COUNT];
	uint32_t count = 0;

	list[count++] = x11->atoms[X11_TARGETS];
	list[count++] = x11->atoms[X11_TIMESTAMP];
	list[count++] = x11->atoms[X11_MULTIPLE];
	if (x11->types & CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT)) {
		list[count++] = x11->atoms[X11_UTF8_STRING];
		list[count++] = x11->atoms[X11_TEXT_UTF8];
	}
	if (x11->types & CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG))
		list[count++] = x11->atoms[X11_PNG];
	xcb_change_property(x11->connection, XCB_PROP_MODE_REPLACE, window, part->property,
			    XCB_ATOM_ATOM, 32, count, list);
}

/* What can be said at once; which type is to be asked for, else 0. */
static uint32_t x11_part_start(struct clipboard_x11 *x11, xcb_window_t window,
			       struct x11_part *part)
{
	int type = x11_target_type(x11, part->target);

	if (part->property == XCB_ATOM_NONE)
		return 0;
	if (part->target == x11->atoms[X11_TARGETS]) {
		x11_part_give_targets(x11, window, part);
	} else if (part->target == x11->atoms[X11_TIMESTAMP]) {
		xcb_change_property(x11->connection, XCB_PROP_MODE_REPLACE, window, part->property,
				    XCB_ATOM_INTEGER, 32, 1, &x11->since);
	} else if (type >= 0) {
		part->waits = true;
		return CLIPBOARD_WIRE_BIT(type);
	} else {
		part->property = XCB_ATOM_NONE;
	}
	return 0;
}

static void x11_request_start(struct clipboard_x11 *x11, struct x11_request *request)
{
	const struct client_clipboard_listener *listener = &x11->base.listener;
	uint32_t types = 0;

	for (unsigned int i = 0; i < request->part_count; i++)
		types |= x11_part_start(x11, request->event.requestor, &request->parts[i]);
	x11_request_check(x11, request);
	/* The answer may come from inside, after which the request may be another one. */
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++) {
		if (types & CLIPBOARD_WIRE_BIT(i))
			listener->wanted(listener->data, (enum clipboard_wire_type)i);
	}
}

static void x11_request_get_parts(struct clipboard_x11 *x11, struct x11_request *request)
{
	xcb_get_property_cookie_t cookie =
		xcb_get_property(x11->connection, 0, request->event.requestor,
				 request->event.property, XCB_GET_PROPERTY_TYPE_ANY, 0,
				 2 * X11_MAX_PARTS + 1);

	request->multiple = true;
	request->sequence = cookie.sequence;
}

static bool x11_request_is_ours(const struct clipboard_x11 *x11,
				const xcb_selection_request_event_t *event)
{
	return x11->types && event->selection == x11->atoms[X11_CLIPBOARD] &&
	       (event->time == XCB_CURRENT_TIME || (int32_t)(event->time - x11->since) >= 0);
}

void x11_give_on_request(struct clipboard_x11 *x11, const xcb_selection_request_event_t *event)
{
	struct x11_request *request = NULL;

	for (int i = 0; i < X11_MAX_REQUESTS && !request; i++) {
		if (!x11->requests[i].used)
			request = &x11->requests[i];
	}
	if (!request || !x11_request_is_ours(x11, event)) {
		x11_request_notify(x11, event, XCB_ATOM_NONE);
		return;
	}
	*request = (struct x11_request){ .used = true, .event = *event };
	if (event->target == x11->atoms[X11_MULTIPLE] && event->property) {
		x11_request_get_parts(x11, request);
		return;
	}
	request->part_count = 1;
	request->parts[0].target = event->target;
	/* ICCCM 2.2: programs of old leave it to the owner. */
	request->parts[0].property = event->property ? event->property : event->target;
	x11_request_start(x11, request);
}

static void x11_request_on_parts(struct clipboard_x11 *x11, struct x11_request *request,
				 const xcb_get_property_reply_t *reply)
{
	size_t count = reply && reply->format == 32 ?
		       (size_t)xcb_get_property_value_length(reply) / sizeof(xcb_atom_t) : 0;
	const xcb_atom_t *atoms = count ? xcb_get_property_value(reply) : NULL;

	if (count < 2 || count % 2 || count > 2 * X11_MAX_PARTS || reply->bytes_after) {
		request->used = false;
		x11_request_notify(x11, &request->event, XCB_ATOM_NONE);
		return;
	}
	request->part_count = (unsigned int)count / 2;
	for (unsigned int i = 0; i < request->part_count; i++) {
		request->parts[i].target = atoms[2 * i];
		request->parts[i].property = atoms[2 * i + 1];
	}
	x11_request_start(x11, request);
}

bool x11_give_poll(struct clipboard_x11 *x11)
{
	bool any = false;

	for (int i = 0; i < X11_MAX_REQUESTS; i++) {
		struct x11_request *request = &x11->requests[i];
		xcb_generic_error_t *error = NULL;
		void *reply = NULL;

		if (!request->used || !request->sequence ||
		    !xcb_poll_for_reply(x11->connection, request->sequence, &reply, &error))
			continue;
		any = true;
		request->sequence = 0;
		x11_request_on_parts(x11, request, reply);
		free(reply);
		free(error);
	}
	return any;
}

/* --- answers ----------------------------------------------------------------------------- */

static void x11_part_give(struct clipboard_x11 *x11, xcb_window_t window, struct x11_part *part,
			  struct x11_bytes *bytes)
{
	part->waits = false;
	if (!bytes) {
		part->property = XCB_ATOM_NONE;
	} else if (bytes->count <= X11_PIECE_BYTES) {
		xcb_change_property(x11->connection, XCB_PROP_MODE_REPLACE, window, part->property,
				    part->target, 8, (uint32_t)bytes->count, bytes->data);
	} else if (!x11_transfer_start(x11, window, part, bytes)) {
		log_warn("clipboard: too many programs paste at once: one gets nothing");
		part->property = XCB_ATOM_NONE;
	}
}

static struct x11_bytes *x11_bytes_create(const void *bytes, size_t count)
{
	struct x11_bytes *copy = count ? malloc(sizeof(*copy) + count) : NULL;

	if (!copy)
		return NULL;
	*copy = (struct x11_bytes){ .users = 1, .count = count };
	memcpy(copy->data, bytes, count);
	return copy;
}

static bool x11_part_wants(const struct clipboard_x11 *x11, const struct x11_part *part,
			   enum clipboard_wire_type type)
{
	bool is_png = part->target == x11->atoms[X11_PNG];

	return part->waits && is_png == (type == CLIPBOARD_WIRE_PNG);
}

void x11_give_answer(struct clipboard_x11 *x11, enum clipboard_wire_type type, const void *bytes,
		     size_t count)
{
	struct x11_bytes *copy = x11_bytes_create(bytes, count);

	for (int i = 0; i < X11_MAX_REQUESTS; i++) {
		struct x11_request *request = &x11->requests[i];
		bool any = false;

		for (unsigned int j = 0; request->used && j < request->part_count; j++) {
			if (!x11_part_wants(x11, &request->parts[j], type))
				continue;
			x11_part_give(x11, request->event.requestor, &request->parts[j], copy);
			any = true;
		}
		if (any)
			x11_request_check(x11, request);
	}
	if (copy && --copy->users == 0)
		free(copy);
}
