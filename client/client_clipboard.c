/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client's session has to do with the clipboard, and the loop that it lives on. */
#include "client.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Then the user's events have their turn. */
#define CLIENT_LOOP_ROUNDS 32

/* --- the main thread's loop -------------------------------------------------------------- */

/* On the reader loop: SDL waits on the main thread, and for its own events only. */
static void client_loop_due(void *data, uint32_t events)
{
	client_notice(data, CLIENT_NOTICE_LOOP);
}

struct loop_watch {
	struct client *client;
	struct loop *reader;
};

static void client_loop_watch(void *data)
{
	struct loop_watch *watch = data;

	/* Edge-triggered: one notice, after which the main thread goes on until nothing is due. */
	watch->client->loop_watch = loop_fd_add(watch->reader, loop_poll_fd(watch->client->loop),
						EPOLLIN | EPOLLET, client_loop_due, watch->client);
}

static void client_loop_unwatch(void *data)
{
	struct client *client = data;

	loop_fd_remove(client->loop_watch);
	client->loop_watch = NULL;
}

void client_loop_run(struct client *client)
{
	for (int i = 0; i < CLIENT_LOOP_ROUNDS; i++) {
		if (loop_dispatch(client->loop, 0) <= 0)
			return;
	}
	client_notice(client, CLIENT_NOTICE_LOOP);
}

/* --- the clipboard ----------------------------------------------------------------------- */

static bool client_clipboard_is_wanted(const struct client *client)
{
	const struct client_config *config = client->config;

	/* A look at the VM shares nothing. */
	return config->clipboard && (!config->screenshot || !config->exit_after_screenshot);
}

static struct client_clipboard *client_clipboard_find(struct client *client)
{
	const char *driver = SDL_GetCurrentVideoDriver();
	struct client_clipboard_listener listener = clipboard_bridge_listener(&client->clipboard);
	struct client_clipboard *desktop = NULL;

	if (!driver)
		return NULL;
	if (!strcmp(driver, "x11"))
		desktop = clipboard_x11_create(client->loop, &listener);
	else if (!strcmp(driver, "wayland"))
		desktop = clipboard_wayland_create(client->loop, &listener);
	else
		errno = ENOTSUP;
	if (desktop)
		return desktop;
	log_info("clipboard: text only (%s: %s)", driver, strerror(errno));
	return clipboard_sdl_create(&listener);
}

void client_clipboard_init(struct client *client, struct loop *reader)
{
	struct loop_watch watch = { client, reader };

	if (!client_clipboard_is_wanted(client))
		return;
	client->loop = loop_create("main");
	if (client->loop)
		loop_call(reader, client_loop_watch, &watch);
	if (!client->loop_watch || clipboard_bridge_init(&client->clipboard, client->loop)) {
		log_error("no clipboard: %s", strerror(errno));
		client_clipboard_finish(client);
		return;
	}
	clipboard_bridge_set_desktop(&client->clipboard, client_clipboard_find(client));
}

void client_clipboard_finish(struct client *client)
{
	if (!client->loop)
		return;
	clipboard_bridge_finish(&client->clipboard);
	if (client->loop_watch)
		loop_call(client->source->loop, client_loop_unwatch, client);
	loop_destroy(client->loop);
	client->loop = NULL;
}

/*
 * Clients that see one and the same clipboard. With a Wayland compositor that has an X server in
 * it the two are one, so that what SDL uses of them does not matter.
 */
static const char *client_clipboard_desktop(void)
{
	const char *name = getenv("WAYLAND_DISPLAY");

	if (!name || !*name)
		name = getenv("DISPLAY");
	return name ? name : "";
}

void client_clipboard_open(struct client *client)
{
	const struct source_clipboard_ops *ops = client->source->ops->clipboard;
	int result;

	if (!client->loop || !client->clipboard.desktop || !ops)
		return;
	result = ops->open(client->source, client_clipboard_desktop());
	if (result && result != -ENOTSUP)
		log_error("clipboard: %s", strerror(-result));
}

void client_clipboard_join(struct client *client)
{
	int result;

	if (!client->attached || !client->loop)
		return;
	result = clipboard_bridge_join(&client->clipboard, client->source);
	/* -ENOTCONN: the notice is of a session that has ended. */
	if (result && result != -ENOTCONN)
		log_error("clipboard: %s", strerror(-result));
	else if (!result)
		log_info("the clipboard is shared with the guest");
}

void client_clipboard_leave(struct client *client)
{
	if (client->loop)
		clipboard_bridge_leave(&client->clipboard);
}

void client_clipboard_updated(struct client *client)
{
	struct client_clipboard *desktop = client->loop ? client->clipboard.desktop : NULL;

	if (desktop && desktop->ops->updated)
		desktop->ops->updated(desktop);
}
