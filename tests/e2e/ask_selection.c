/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the owner of CLIPBOARD as ICCCM allows but xclip does not: for several targets at once, with
 * a list that is none, for a time before it was the owner. Prints "NAME COUNT" or "NAME refused".
 *
 *   ask-selection multiple TARGET... | list | early
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcb.h>

#define ASK_MAX 16

static xcb_connection_t *ask_connection;
static xcb_window_t ask_window;

static xcb_atom_t ask_atom(const char *name)
{
	xcb_intern_atom_reply_t *reply = xcb_intern_atom_reply(
		ask_connection,
		xcb_intern_atom(ask_connection, 0, (uint16_t)strlen(name), name), NULL);
	xcb_atom_t atom = reply ? reply->atom : XCB_ATOM_NONE;

	free(reply);
	return atom;
}

static xcb_get_property_reply_t *ask_get(const char *property)
{
	return xcb_get_property_reply(
		ask_connection,
		xcb_get_property(ask_connection, 0, ask_window, ask_atom(property),
				 XCB_GET_PROPERTY_TYPE_ANY, 0, 1 << 20), NULL);
}

/* True: the owner has done it. */
static bool ask_convert(const char *target, const char *property, xcb_timestamp_t time)
{
	xcb_generic_event_t *event;

	xcb_convert_selection(ask_connection, ask_window, ask_atom("CLIPBOARD"), ask_atom(target),
			      ask_atom(property), time);
	xcb_flush(ask_connection);
	while ((event = xcb_wait_for_event(ask_connection))) {
		bool answered = (event->response_type & 0x7f) == XCB_SELECTION_NOTIFY;
		bool done = ((xcb_selection_notify_event_t *)event)->property != XCB_ATOM_NONE;

		free(event);
		if (answered)
			return done;
	}
	return false;
}

static void ask_put(const char *property, uint32_t count, const xcb_atom_t *atoms)
{
	xcb_change_property(ask_connection, XCB_PROP_MODE_REPLACE, ask_window, ask_atom(property),
			    ask_atom("ATOM_PAIR"), 32, count, atoms);
}

static void ask_multiple(int count, char **targets)
{
	xcb_atom_t pairs[2 * ASK_MAX];
	xcb_get_property_reply_t *list, *part;
	const xcb_atom_t *got;

	for (int i = 0; i < count; i++) {
		pairs[2 * i] = ask_atom(targets[i]);
		pairs[2 * i + 1] = ask_atom(targets[i]);
	}
	ask_put("LIST", 2 * (uint32_t)count, pairs);
	if (!ask_convert("MULTIPLE", "LIST", XCB_CURRENT_TIME)) {
		printf("MULTIPLE refused\n");
		return;
	}
	list = ask_get("LIST");
	got = xcb_get_property_value(list);
	for (int i = 0; i < count; i++) {
		if (got[2 * i + 1] == XCB_ATOM_NONE) {
			printf("%s refused\n", targets[i]);
			continue;
		}
		part = ask_get(targets[i]);
		printf("%s %d%s\n", targets[i], xcb_get_property_value_length(part),
		       part->type == ask_atom("INCR") ? " INCR" : "");
		free(part);
	}
	free(list);
}

static void ask_say(const char *name, bool done)
{
	printf("%s %s\n", name, done ? "done" : "refused");
}

int main(int argc, char **argv)
{
	static const xcb_atom_t odd[] = { XCB_ATOM_STRING, XCB_ATOM_STRING, XCB_ATOM_STRING };
	static xcb_atom_t many[4 * ASK_MAX * 4];
	xcb_screen_t *screen;

	ask_connection = xcb_connect(NULL, NULL);
	if (argc < 2 || argc > ASK_MAX || xcb_connection_has_error(ask_connection))
		return 2;
	screen = xcb_setup_roots_iterator(xcb_get_setup(ask_connection)).data;
	ask_window = xcb_generate_id(ask_connection);
	xcb_create_window(ask_connection, 0, ask_window, screen->root, 0, 0, 1, 1, 0,
			  XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, 0, NULL);
	if (!strcmp(argv[1], "multiple")) {
		ask_multiple(argc - 2, argv + 2);
	} else if (!strcmp(argv[1], "list")) {
		ask_say("none", ask_convert("MULTIPLE", "NOT_THERE", XCB_CURRENT_TIME));
		ask_put("ODD", 3, odd);
		ask_say("odd", ask_convert("MULTIPLE", "ODD", XCB_CURRENT_TIME));
		ask_put("MANY", sizeof(many) / sizeof(many[0]), many);
		ask_say("many", ask_convert("MULTIPLE", "MANY", XCB_CURRENT_TIME));
	} else {
		ask_say("early", ask_convert("UTF8_STRING", "EARLY", 1));
	}
	xcb_disconnect(ask_connection);
	return 0;
}
