/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_BEAT_NS UINT64_C(1000000000)

int client_connect(struct client *client, bool patient)
{
	int result = client->source->ops->connect(client->source, patient);

	if (result)
		log_error("cannot look for the VM: %s", strerror(-result));
	return result;
}

static void client_detach(struct client *client);

static void client_attach(struct client *client)
{
	if (client->source->ops->attach(client->source)) {
		client_detach(client);
		return;
	}
	client->attached = client->was_attached = true;
	client->input_denied = false;
	client->next_beat_ns = clock_now_ns() + CLIENT_BEAT_NS;
	input_set_source(&client->input, client->source);
	client_sound_set_source(client, client->source);
	client_clipboard_open(client);
	log_info("attached to '%s'", client->source->ops->name(client->source));
	client_mark_dirty(client);
}

bool client_takes_input(const struct client *client)
{
	return client->attached &&
	       !(client->input_state & (SOURCE_INPUT_AWAY | SOURCE_INPUT_REFUSED));
}

static void client_set_input_state(struct client *client, unsigned int state)
{
	if (state == client->input_state)
		return;
	client->input_state = state;
	grab_set_only_relative(&client->grab, state & SOURCE_INPUT_RELATIVE);
	/* Keys and pointer that go nowhere are the desktop's. */
	if (state & (SOURCE_INPUT_AWAY | SOURCE_INPUT_REFUSED))
		grab_release(&client->grab);
	client_mark_dirty(client);
	client_show_cursor(client);
}

static void client_update_input(struct client *client)
{
	const struct source_input_ops *input = client->source->ops->input;

	client_set_input_state(client, input && input->state ? input->state(client->source) : 0);
}

/* Ends the session and waits for the next one; the windows stay. */
static void client_detach(struct client *client)
{
	input_set_source(&client->input, NULL);
	client_sound_set_source(client, NULL);
	client_clipboard_leave(client);
	grab_release(&client->grab);
	client->source->ops->disconnect(client->source);
	client->attached = client->again = false;
	client_set_input_state(client, 0);
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		if (client->windows[i])
			window_forget_source(client->windows[i]);
	}
	if (client_connect(client, true))
		client_quit(client, EXIT_FAILURE);
	client->closing = CLIENT_OPEN;
	client_set_titles(client);
	client_show_cursor(client);
}

/* The VM went, orderly or not. */
static void client_end_session(struct client *client, bool orderly)
{
	bool expected = orderly || client->closing != CLIENT_OPEN;

	log_info("%s", orderly ? "the VM was shut down" : "the VM is gone");
	if (!expected || client->config->wait) {
		client_detach(client);
		return;
	}
	if (client->shot.waiting)
		log_error("no screenshot: the VM was shut down before the picture settled");
	client_quit(client, client->shot.waiting ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void client_changed(struct client *client)
{
	client->again = false;
	if (!client->attached)
		return;
	if (client->source->ops->state(client->source) == SEGMENT_SHUT_DOWN) {
		client_end_session(client, true);
		return;
	}
	client_update_input(client);
	client_sound_update(client);
	client_update_windows(client);
}

static void client_lost(struct client *client)
{
	if (!client->attached)
		return;
	client_end_session(client,
			   client->source->ops->state(client->source) == SEGMENT_SHUT_DOWN);
}

static void client_interrupted(struct client *client)
{
	if (client->shot.waiting)
		log_error("no screenshot: interrupted");
	client_quit(client, client->shot.waiting ? EXIT_FAILURE : EXIT_SUCCESS);
}

void client_take_notices(struct client *client)
{
	unsigned int notices = atomic_exchange(&client->notices, 0);

	if (client->again)
		notices |= SOURCE_CHANGED;
	if (notices & CLIENT_NOTICE_QUIT)
		client_interrupted(client);
	if (notices & CLIENT_NOTICE_SHOT)
		client->shot.requested = client->shot.path != NULL;
	if (notices & SOURCE_FAILED) {
		log_error("%s", client->source->error);
		client_quit(client, EXIT_FAILURE);
	}
	if (client->quit)
		return;
	if (notices & CLIENT_NOTICE_SOUND)
		client_sound_check(client);
	if (notices & SOURCE_ATTACHED)
		client_attach(client);
	if (notices & SOURCE_CLIPBOARD)
		client_clipboard_join(client);
	if (notices & CLIENT_NOTICE_LOOP)
		client_loop_run(client);
	if (notices & (SOURCE_ATTACHED | SOURCE_CHANGED))
		client_changed(client);
	if (notices & SOURCE_LOST && !client->quit)
		client_lost(client);
}

void client_beat(struct client *client, uint64_t now_ns)
{
	if (!client->attached || client->quit || now_ns < client->next_beat_ns)
		return;
	client->next_beat_ns = now_ns + CLIENT_BEAT_NS;
	if (client->source->ops->beat(client->source, now_ns)) {
		client_end_session(client, false);
		return;
	}
	client_sound_beat(client, now_ns);
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		struct window *window = client->windows[i];

		if (window && stats_roll(&window->stats, now_ns) && client->overlay)
			window->dirty = true;
	}
	client_update_windows(client);
}

static void client_ask_power(struct client *client)
{
	int result;

	if (client->closing == CLIENT_OPEN) {
		result = input_power_button(&client->input);
		client->closing = CLIENT_ASKED;
	} else {
		result = input_force_off(&client->input);
		client->closing = CLIENT_FORCED;
	}
	if (result) {
		log_warn("the VM does not listen (%s): leaving it running", strerror(-result));
		client_quit(client, EXIT_SUCCESS);
	}
	client_set_titles(client);
}

void client_close_window(struct client *client, struct window *window)
{
	if (window != client_main_window(client)) {
		uint32_t scanout = window->scanout;

		input_display_size(&client->input, scanout, 0, 0);
		client->window_closed[scanout] = true;
		client_destroy_window(client, scanout);
		return;
	}
	if (!client->attached || client->config->close == CONFIG_CLOSE_DETACH ||
	    client->closing == CLIENT_FORCED)
		client_quit(client, EXIT_SUCCESS);
	else
		client_ask_power(client);
}
