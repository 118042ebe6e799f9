/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clipboard of an X server (its selection CLIPBOARD), over a connection of our own. What the
 * parts do is said in clipboard_x11.h.
 */
#include "clipboard_x11.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xfixes.h>

/* Then others on the main thread have their turn. */
#define X11_MAX_EVENTS 256

static const char *const x11_atom_names[X11_ATOM_COUNT] = {
	[X11_CLIPBOARD] = "CLIPBOARD",
	[X11_TARGETS] = "TARGETS",
	[X11_MULTIPLE] = "MULTIPLE",
	[X11_TIMESTAMP] = "TIMESTAMP",
	[X11_ATOM_PAIR] = "ATOM_PAIR",
	[X11_INCR] = "INCR",
	[X11_UTF8_STRING] = "UTF8_STRING",
	[X11_TEXT_UTF8] = "text/plain;charset=utf-8",
	[X11_PNG] = "image/png",
	[X11_PROPERTY] = "VITRINE_CLIPBOARD",
};

static struct clipboard_x11 *x11_from(struct client_clipboard *base)
{
	return (struct clipboard_x11 *)base;
}

/* --- who has the selection --------------------------------------------------------------- */

/* The server's time of now is in the event of a property that changes, be it by nothing. */
static void x11_ask_time(struct clipboard_x11 *x11)
{
	xcb_change_property(x11->connection, XCB_PROP_MODE_APPEND, x11->window,
			    x11->atoms[X11_PROPERTY], XCB_ATOM_INTEGER, 8, 0, NULL);
}

void x11_on_targets(struct clipboard_x11 *x11, const xcb_atom_t *targets, size_t count)
{
	const struct client_clipboard_listener *listener = &x11->base.listener;
	bool claim = x11->claim_waits;
	uint32_t types = 0;

	x11->claim_waits = false;
	x11->text_target = XCB_ATOM_NONE;
	for (size_t i = 0; i < count; i++) {
		if (targets[i] == x11->atoms[X11_UTF8_STRING] ||
		    (targets[i] == x11->atoms[X11_TEXT_UTF8] && !x11->text_target))
			x11->text_target = targets[i];
		else if (targets[i] == x11->atoms[X11_PNG])
			types |= CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG);
	}
	if (x11->text_target)
		types |= CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT);
	if (types) {
		x11->wanted_types = 0;
		listener->grabbed(listener->data, types);
		return;
	}
	listener->released(listener->data);
	if (claim)
		x11_ask_time(x11);
}

static void x11_on_owner(struct clipboard_x11 *x11,
			 const xcb_xfixes_selection_notify_event_t *event)
{
	if (event->selection != x11->atoms[X11_CLIPBOARD])
		return;
	if (event->owner == x11->window) {
		x11->types = x11->wanted_types;
		x11->since = event->selection_timestamp;
		return;
	}
	x11->types = 0;
	x11->changed = event->selection_timestamp;
	for (int i = 0; i < X11_READ_COUNT; i++)
		x11_read_drop(x11, (enum x11_read_index)i);
	if (event->owner == XCB_WINDOW_NONE)
		x11_on_targets(x11, NULL, 0);
	else
		x11_read_start(x11, X11_READ_TARGETS);
}

/* While a program is asked what it has copied, that counts: it is not known to the VM yet. */
static void x11_on_time(struct clipboard_x11 *x11, xcb_timestamp_t time)
{
	if (x11->reads[X11_READ_TARGETS].window)
		x11->claim_waits = true;
	else if (x11->wanted_types)
		xcb_set_selection_owner(x11->connection, x11->window, x11->atoms[X11_CLIPBOARD],
					time);
}

/* --- events ------------------------------------------------------------------------------ */

static void x11_on_property(struct clipboard_x11 *x11, const xcb_property_notify_event_t *event)
{
	if (event->window == x11->window) {
		x11_on_time(x11, event->time);
		return;
	}
	x11_read_on_property(x11, event);
	x11_give_on_property(x11, event);
}

static void x11_on_event(struct clipboard_x11 *x11, const xcb_generic_event_t *event)
{
	uint8_t type = event->response_type & 0x7f;

	/* Errors (0) tell of windows that have gone, which the times take care of. */
	if (type == XCB_PROPERTY_NOTIFY)
		x11_on_property(x11, (const xcb_property_notify_event_t *)event);
	else if (type == XCB_SELECTION_NOTIFY)
		x11_read_on_selection(x11, (const xcb_selection_notify_event_t *)event);
	else if (type == XCB_SELECTION_REQUEST)
		x11_give_on_request(x11, (const xcb_selection_request_event_t *)event);
	else if (type == XCB_DESTROY_NOTIFY)
		x11_give_on_destroy(x11, ((const xcb_destroy_notify_event_t *)event)->window);
	else if (type == x11->fixes_event + XCB_XFIXES_SELECTION_NOTIFY)
		x11_on_owner(x11, (const xcb_xfixes_selection_notify_event_t *)event);
}

static void x11_earlier(uint64_t *first_ns, bool active, uint64_t ns)
{
	if (active && ns < *first_ns)
		*first_ns = ns;
}

static void x11_arm_timer(struct clipboard_x11 *x11)
{
	uint64_t first_ns = UINT64_MAX, now_ns = clock_now_ns();

	for (int i = 0; i < X11_READ_COUNT; i++)
		x11_earlier(&first_ns, x11->reads[i].window, x11->reads[i].deadline_ns);
	for (int i = 0; i < X11_MAX_TRANSFERS; i++)
		x11_earlier(&first_ns, x11->transfers[i].window, x11->transfers[i].deadline_ns);
	if (first_ns == UINT64_MAX)
		loop_timer_disarm(x11->timer);
	else
		loop_timer_arm(x11->timer, first_ns > now_ns ? first_ns - now_ns : 1, 0);
}

/* The server is gone, and SDL's windows with it. */
static void x11_lost(struct clipboard_x11 *x11)
{
	const struct client_clipboard_listener *listener = &x11->base.listener;

	if (!x11->source)
		return;
	log_warn("clipboard: the X server is gone");
	loop_fd_remove(x11->source);
	x11->source = NULL;
	loop_timer_disarm(x11->timer);
	x11->types = x11->wanted_types = 0;
	x11_give_drop_all(x11);
	x11_read_expire(x11, UINT64_MAX);
	listener->released(listener->data);
}

/* True: there was something. Replies are looked for after the events that came with them. */
static bool x11_take(struct clipboard_x11 *x11, unsigned int *events)
{
	xcb_generic_event_t *event;
	bool any = false;

	xcb_flush(x11->connection);
	while (*events < X11_MAX_EVENTS && (event = xcb_poll_for_event(x11->connection))) {
		x11_on_event(x11, event);
		free(event);
		any = true;
		(*events)++;
	}
	any |= x11_read_poll(x11);
	any |= x11_give_poll(x11);
	return any;
}

/*
 * Until nothing is to be done: whatever talks to the server may take events from it, of which the
 * descriptor then says nothing. Ends every function that is called from outside.
 */
static void x11_work(struct clipboard_x11 *x11)
{
	unsigned int events = 0;

	if (x11->working || !x11->source)
		return;
	x11->working = true;
	while (events < X11_MAX_EVENTS && x11_take(x11, &events))
		;
	x11->working = false;
	if (xcb_connection_has_error(x11->connection))
		x11_lost(x11);
	else if (events < X11_MAX_EVENTS)
		x11_arm_timer(x11);
	else
		loop_timer_arm(x11->timer, 1, 0);
}

static void x11_readable(void *data, uint32_t events)
{
	x11_work(data);
}

static void x11_on_timer(void *data)
{
	struct clipboard_x11 *x11 = data;
	uint64_t now_ns = clock_now_ns();

	x11_read_expire(x11, now_ns);
	x11_give_expire(x11, now_ns);
	x11_work(x11);
}

/* --- the ops ----------------------------------------------------------------------------- */

static void x11_grab(struct client_clipboard *base, uint32_t types)
{
	struct clipboard_x11 *x11 = x11_from(base);

	if (!x11->source)
		return;
	x11->wanted_types = types;
	x11_ask_time(x11);
	x11_work(x11);
}

static void x11_release(struct client_clipboard *base)
{
	struct clipboard_x11 *x11 = x11_from(base);

	x11->wanted_types = 0;
	if (!x11->types)
		return;
	x11->types = 0;
	xcb_set_selection_owner(x11->connection, XCB_WINDOW_NONE, x11->atoms[X11_CLIPBOARD],
				x11->since);
	x11_work(x11);
}

static void x11_request(struct client_clipboard *base, enum clipboard_wire_type type)
{
	struct clipboard_x11 *x11 = x11_from(base);

	if (!x11->source || (type == CLIPBOARD_WIRE_TEXT && !x11->text_target)) {
		base->listener.answered(base->listener.data, type, NULL, 0);
		return;
	}
	x11_read_start(x11, (enum x11_read_index)type);
	x11_work(x11);
}

static void x11_answer(struct client_clipboard *base, enum clipboard_wire_type type,
		       const void *bytes, size_t count)
{
	struct clipboard_x11 *x11 = x11_from(base);

	x11_give_answer(x11, type, bytes, count);
	x11_work(x11);
}

static void x11_destroy(struct client_clipboard *base)
{
	struct clipboard_x11 *x11 = x11_from(base);

	for (int i = 0; i < X11_READ_COUNT; i++)
		x11_read_drop(x11, (enum x11_read_index)i);
	x11_give_drop_all(x11);
	loop_fd_remove(x11->source);
	loop_timer_destroy(x11->timer);
	xcb_disconnect(x11->connection);
	free(x11);
}

static const struct client_clipboard_ops x11_ops = {
	.grab = x11_grab,
	.release = x11_release,
	.request = x11_request,
	.answer = x11_answer,
	.destroy = x11_destroy,
};

/* --- set-up: replies are waited for, as SDL does at this moment -------------------------- */

static int x11_intern(struct clipboard_x11 *x11)
{
	xcb_intern_atom_cookie_t cookies[X11_ATOM_COUNT];
	int result = 0;

	for (int i = 0; i < X11_ATOM_COUNT; i++)
		cookies[i] = xcb_intern_atom(x11->connection, 0,
					     (uint16_t)strlen(x11_atom_names[i]),
					     x11_atom_names[i]);
	for (int i = 0; i < X11_ATOM_COUNT; i++) {
		xcb_intern_atom_reply_t *reply =
			xcb_intern_atom_reply(x11->connection, cookies[i], NULL);

		if (reply)
			x11->atoms[i] = reply->atom;
		else
			result = -EIO;
		free(reply);
	}
	return result;
}

static int x11_start_fixes(struct clipboard_x11 *x11)
{
	const xcb_query_extension_reply_t *extension =
		xcb_get_extension_data(x11->connection, &xcb_xfixes_id);
	const uint32_t changes = XCB_XFIXES_SELECTION_EVENT_MASK_SET_SELECTION_OWNER |
				 XCB_XFIXES_SELECTION_EVENT_MASK_SELECTION_WINDOW_DESTROY |
				 XCB_XFIXES_SELECTION_EVENT_MASK_SELECTION_CLIENT_CLOSE;
	xcb_xfixes_query_version_reply_t *version;

	if (!extension || !extension->present)
		return -ENOTSUP;
	version = xcb_xfixes_query_version_reply(
		x11->connection, xcb_xfixes_query_version(x11->connection, 1, 0), NULL);
	if (!version)
		return -ENOTSUP;
	free(version);
	x11->fixes_event = extension->first_event;
	xcb_xfixes_select_selection_input(x11->connection, x11->window, x11->atoms[X11_CLIPBOARD],
					  changes);
	return 0;
}

static int x11_start(struct clipboard_x11 *x11, struct loop *loop)
{
	const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
	xcb_screen_t *screen;
	int result;

	if (xcb_connection_has_error(x11->connection))
		return -ECONNREFUSED;
	screen = xcb_setup_roots_iterator(xcb_get_setup(x11->connection)).data;
	x11->root = screen->root;
	x11->window = xcb_generate_id(x11->connection);
	xcb_create_window(x11->connection, 0, x11->window, x11->root, -1, -1, 1, 1, 0,
			  XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK,
			  &events);
	result = x11_intern(x11);
	if (!result)
		result = x11_start_fixes(x11);
	if (result)
		return result;
	x11->timer = loop_timer_create(loop, x11_on_timer, x11);
	if (!x11->timer)
		return -errno;
	x11->source = loop_fd_add(loop, xcb_get_file_descriptor(x11->connection), EPOLLIN,
				  x11_readable, x11);
	return x11->source ? 0 : -errno;
}

struct client_clipboard *clipboard_x11_create(struct loop *loop,
					      const struct client_clipboard_listener *listener)
{
	struct clipboard_x11 *x11 = calloc(1, sizeof(*x11));
	int result;

	if (!x11)
		return NULL;
	x11->base = (struct client_clipboard){ .ops = &x11_ops, .listener = *listener };
	x11->connection = xcb_connect(NULL, NULL);
	result = x11_start(x11, loop);
	if (result) {
		x11_destroy(&x11->base);
		errno = -result;
		return NULL;
	}
	/* What was copied before. */
	x11_read_start(x11, X11_READ_TARGETS);
	x11_work(x11);
	return &x11->base;
}
