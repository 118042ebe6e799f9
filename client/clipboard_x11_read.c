/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_x11.h"

#include <base/clock.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcbext.h>

#define READ_MAX_PROPERTY_BYTES (X11_MAX_TARGETS * sizeof(xcb_atom_t))

static size_t x11_read_limit(enum x11_read_index index)
{
	return index == X11_READ_TARGETS ? READ_MAX_PROPERTY_BYTES : CLIPBOARD_WIRE_MAX_BYTES;
}

static xcb_atom_t x11_read_target(const struct clipboard_x11 *x11, enum x11_read_index index)
{
	switch (index) {
	case X11_READ_TEXT:
		return x11->text_target;
	case X11_READ_PNG:
		return x11->atoms[X11_PNG];
	default:
		return x11->atoms[X11_TARGETS];
	}
}

/*
 * The owner may still write to it, and there are programs that end when the window is gone then: it
 * stays until some more reads are over.
 */
static void x11_read_retire(struct clipboard_x11 *x11, xcb_window_t window)
{
	xcb_window_t *place = &x11->old_windows[x11->next_old_window++ % X11_OLD_WINDOWS];

	if (*place)
		xcb_destroy_window(x11->connection, *place);
	*place = window;
}

void x11_read_drop(struct clipboard_x11 *x11, enum x11_read_index index)
{
	struct x11_read *read = &x11->reads[index];

	if (!read->window)
		return;
	if (read->sequence)
		xcb_discard_reply(x11->connection, read->sequence);
	x11_read_retire(x11, read->window);
	free(read->bytes);
	*read = (struct x11_read){ 0 };
}

/* Tells whoever wanted it; good: the bytes are all there. */
static void x11_read_finish(struct clipboard_x11 *x11, enum x11_read_index index, bool good)
{
	const struct client_clipboard_listener *listener = &x11->base.listener;
	struct x11_read *read = &x11->reads[index];
	size_t count = good ? read->count : 0;
	uint8_t *bytes = read->bytes;

	read->bytes = NULL;
	x11_read_drop(x11, index);
	if (index == X11_READ_TARGETS)
		x11_on_targets(x11, (const xcb_atom_t *)bytes, count / sizeof(xcb_atom_t));
	else
		listener->answered(listener->data, (enum clipboard_wire_type)index,
				   count ? bytes : NULL, count);
	free(bytes);
}

void x11_read_start(struct clipboard_x11 *x11, enum x11_read_index index)
{
	const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
	struct x11_read *read = &x11->reads[index];

	x11_read_drop(x11, index);
	read->window = xcb_generate_id(x11->connection);
	read->deadline_ns = clock_now_ns() + (index == X11_READ_TARGETS ? X11_TARGETS_PATIENCE_NS :
							X11_PATIENCE_NS);
	xcb_create_window(x11->connection, 0, read->window, x11->root, -1, -1, 1, 1, 0,
			  XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK,
			  &events);
	xcb_convert_selection(x11->connection, read->window, x11->atoms[X11_CLIPBOARD],
			      x11_read_target(x11, index), x11->atoms[X11_PROPERTY], x11->changed);
}

/* A piece at a time: a reply is taken in whole. The last one deletes the property. */
static void x11_read_get(struct clipboard_x11 *x11, struct x11_read *read)
{
	xcb_get_property_cookie_t cookie =
		xcb_get_property(x11->connection, 1, read->window, x11->atoms[X11_PROPERTY],
				 XCB_GET_PROPERTY_TYPE_ANY, read->offset, X11_PIECE_BYTES / 4);

	read->sequence = cookie.sequence;
	read->deadline_ns = clock_now_ns() + X11_PATIENCE_NS;
}

static int x11_read_find(const struct clipboard_x11 *x11, xcb_window_t window)
{
	for (int i = 0; i < X11_READ_COUNT; i++) {
		if (window && x11->reads[i].window == window)
			return i;
	}
	return -1;
}

void x11_read_on_selection(struct clipboard_x11 *x11, const xcb_selection_notify_event_t *event)
{
	int index = x11_read_find(x11, event->requestor);

	if (index < 0 || x11->reads[index].sequence || x11->reads[index].incremental)
		return;
	if (event->property == XCB_ATOM_NONE)
		x11_read_finish(x11, (enum x11_read_index)index, false);
	else
		x11_read_get(x11, &x11->reads[index]);
}

void x11_read_on_property(struct clipboard_x11 *x11, const xcb_property_notify_event_t *event)
{
	int index = x11_read_find(x11, event->window);
	struct x11_read *read;

	if (index < 0 || event->atom != x11->atoms[X11_PROPERTY] ||
	    event->state != XCB_PROPERTY_NEW_VALUE)
		return;
	read = &x11->reads[index];
	/* Events overtake replies: the first of them may be seen before we know of INCR. */
	if (read->sequence)
		read->next_is_there = true;
	else if (read->incremental)
		x11_read_get(x11, read);
}

static bool x11_read_append(struct x11_read *read, const void *bytes, size_t count, size_t limit)
{
	size_t size = read->size ? read->size : 4096;
	uint8_t *grown;

	if (count > limit - read->count)
		return false;
	while (size < read->count + count)
		size *= 2;
	if (size != read->size) {
		grown = realloc(read->bytes, size);
		if (!grown)
			return false;
		read->bytes = grown;
		read->size = size;
	}
	if (count > 0)
		memcpy(read->bytes + read->count, bytes, count);
	read->count += count;
	return true;
}

/* The property was read to its end. */
static void x11_read_on_end(struct clipboard_x11 *x11, enum x11_read_index index, bool empty)
{
	struct x11_read *read = &x11->reads[index];

	if (!read->incremental || empty) {
		x11_read_finish(x11, index, true);
		return;
	}
	read->offset = 0;
	if (read->next_is_there) {
		read->next_is_there = false;
		x11_read_get(x11, read);
	}
}

static void x11_read_on_reply(struct clipboard_x11 *x11, enum x11_read_index index,
			      const xcb_get_property_reply_t *reply)
{
	struct x11_read *read = &x11->reads[index];
	size_t count = (size_t)xcb_get_property_value_length(reply);
	uint8_t format = index == X11_READ_TARGETS ? 32 : 8;

	if (reply->type == x11->atoms[X11_INCR] && !read->incremental) {
		read->incremental = true;
		x11_read_on_end(x11, index, false);
		return;
	}
	if (count > 0 && (reply->format != format ||
			  !x11_read_append(read, xcb_get_property_value(reply), count,
					   x11_read_limit(index)))) {
		x11_read_finish(x11, index, false);
		return;
	}
	if (reply->bytes_after == 0) {
		x11_read_on_end(x11, index, read->offset == 0 && count == 0);
	} else if (count == 0 || count % 4) {
		x11_read_finish(x11, index, false);
	} else {
		read->offset += (uint32_t)(count / 4);
		x11_read_get(x11, read);
	}
}

bool x11_read_poll(struct clipboard_x11 *x11)
{
	bool any = false;

	for (int i = 0; i < X11_READ_COUNT; i++) {
		struct x11_read *read = &x11->reads[i];
		xcb_generic_error_t *error = NULL;
		void *reply = NULL;

		if (!read->sequence ||
		    !xcb_poll_for_reply(x11->connection, read->sequence, &reply, &error))
			continue;
		any = true;
		read->sequence = 0;
		if (reply)
			x11_read_on_reply(x11, (enum x11_read_index)i, reply);
		else
			x11_read_finish(x11, (enum x11_read_index)i, false);
		free(reply);
		free(error);
	}
	return any;
}

void x11_read_expire(struct clipboard_x11 *x11, uint64_t now_ns)
{
	for (int i = 0; i < X11_READ_COUNT; i++) {
		if (x11->reads[i].window && now_ns >= x11->reads[i].deadline_ns)
			x11_read_finish(x11, (enum x11_read_index)i, false);
	}
}
