/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_link.h"

#include "spice_clipboard.h"
#include "spice_hand.h"

#include <base/log.h>
#include <glib.h>
#include <source.h>
#include <spice-client.h>
#include <stdlib.h>
#include <string.h>

#define LINK_ANSWER_MS 10000            /* for all up to the INPUTS channel */
#define LINK_RETRY_MS 1000
/* One that ends so soon is not asked for again as fast: two clients would throw each other out,
 * and a wrong password stays wrong. */
#define LINK_SHORT_S 10
#define LINK_MAX_RETRY_MS 30000
#define LINK_FLUSH_MS 500
#define LINK_LET_GO_MS 1000

/* What was said last, so that it is said once. */
enum link_told {
	LINK_TOLD_NOTHING,
	LINK_TOLD_READY,
	LINK_TOLD_NOBODY,
	LINK_TOLD_GONE,
	LINK_TOLD_SILENT,
	LINK_TOLD_PASSWORD,
	LINK_TOLD_PROTOCOL,
};

/* Outlives a stop that did not wait for it. */
struct link_flush {
	struct spice_link *link;        /* NULL: nobody waits */
};

struct spice_link {
	const struct spice_link_config *config;
	struct spice_link_listener listener;
	struct uuid uuid;               /* zero: any VM */
	bool running;
	SpiceSession *session;          /* NULL: none now */
	SpiceMainChannel *main;         /* of the session */
	SpiceInputsChannel *inputs;
	struct spice_hand hand;
	struct spice_clipboard clipboard;
	bool opened;                    /* main is */
	bool ready;                     /* and so are inputs */
	int64_t ready_us;               /* since when */
	guint retry_ms;                  /* the next wait */
	guint timer;                    /* of the next try, or of an answer; 0: none */
	unsigned int sessions;          /* that the library has not let go of */
	enum link_told told;
	struct link_flush *flush;
	guint flush_timer;
};

static const char *link_server(const struct spice_link *link, char text[320])
{
	const struct spice_address *address = &link->config->address;

	if (address->path[0])
		snprintf(text, 320, "%s", address->path);
	else
		snprintf(text, 320, "%s:%s", address->host, address->port);
	return text;
}

static void link_tell(struct spice_link *link, enum link_told told, const char *detail)
{
	char text[320];
	const char *server = link_server(link, text);

	/* That nobody is there goes without saying once it has gone. */
	if (told == link->told || (told == LINK_TOLD_NOBODY && link->told == LINK_TOLD_GONE))
		return;
	link->told = told;
	if (told == LINK_TOLD_READY)
		log_info("keyboard and mouse go to the SPICE server %s", server);
	else if (told == LINK_TOLD_NOBODY)
		log_warn("no keyboard and mouse: SPICE server %s: %s; trying on", server, detail);
	else if (told == LINK_TOLD_GONE)
		log_warn("no keyboard and mouse: the SPICE server %s is gone; trying on", server);
	else if (told == LINK_TOLD_SILENT)
		log_warn("no keyboard and mouse: the SPICE server %s %s; trying on", server,
			 detail);
	else if (told == LINK_TOLD_PASSWORD)
		log_error("no keyboard and mouse: the SPICE server %s wants %s password: give it "
			  "with --spice-password-file", server,
			  link->config->password[0] ? "another" : "a");
	else
		log_error("no keyboard and mouse: the SPICE server %s does not speak plain SPICE",
			  server);
}

static void link_set_state(struct spice_link *link, unsigned int state)
{
	if (link->running)
		link->listener.state(link->listener.data, state);
}

static unsigned int link_lamps(const struct spice_link *link)
{
	static const struct { int lock; unsigned int state; } lamps[] = {
		{ SPICE_INPUTS_SCROLL_LOCK, SOURCE_INPUT_SCROLL_LOCK },
		{ SPICE_INPUTS_NUM_LOCK, SOURCE_INPUT_NUM_LOCK },
		{ SPICE_INPUTS_CAPS_LOCK, SOURCE_INPUT_CAPS_LOCK },
	};
	unsigned int state = 0;
	int locks;

	g_object_get(link->inputs, "key-modifiers", &locks, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(lamps); i++)
		state |= locks & lamps[i].lock ? lamps[i].state : 0;
	return state;
}

static void link_show_state(struct spice_link *link)
{
	if (!link->ready)
		link_set_state(link, SOURCE_INPUT_AWAY);
	else
		link_set_state(link, link_lamps(link) |
			       (link->hand.absolute ? 0 : SOURCE_INPUT_RELATIVE));
}

static void link_cancel(guint *timer)
{
	if (*timer)
		g_source_remove(*timer);
	*timer = 0;
}

/* --- sessions ---------------------------------------------------------------------------- */

static void link_connect(struct spice_link *link);

static void link_session_gone(gpointer data, GObject *session)
{
	struct spice_link *link = data;

	link->sessions--;
}

/* Nothing is heard of the session after this. */
static void link_close(struct spice_link *link)
{
	SpiceSession *session = link->session;

	link_cancel(&link->timer);
	if (!session)
		return;
	g_signal_handlers_disconnect_by_data(session, link);
	spice_clipboard_finish(&link->clipboard);
	if (link->main)
		g_signal_handlers_disconnect_by_data(link->main, link);
	if (link->inputs)
		g_signal_handlers_disconnect_by_data(link->inputs, link);
	g_clear_object(&link->main);
	g_clear_object(&link->inputs);
	spice_hand_finish(&link->hand);
	link->session = NULL;
	link->opened = link->ready = false;
	spice_session_disconnect(session);
	g_object_unref(session);
}

static gboolean link_on_retry(gpointer data)
{
	struct spice_link *link = data;

	link->timer = 0;
	link_connect(link);
	return G_SOURCE_REMOVE;
}

static void link_retry(struct spice_link *link, bool slower)
{
	bool lived = link->ready &&
		     g_get_monotonic_time() - link->ready_us >= LINK_SHORT_S * G_USEC_PER_SEC;
	bool was_ready = link->ready;

	link_close(link);
	link_show_state(link);
	if (lived || !(slower || was_ready))
		link->retry_ms = LINK_RETRY_MS;
	link->timer = g_timeout_add(link->retry_ms, link_on_retry, link);
	if (slower || was_ready)
		link->retry_ms = MIN(2 * link->retry_ms, LINK_MAX_RETRY_MS);
}

static gboolean link_on_no_answer(gpointer data)
{
	struct spice_link *link = data;

	link->timer = 0;
	link_tell(link, LINK_TOLD_SILENT, link->opened ? "offers none" : "does not answer");
	link_retry(link, true);
	return G_SOURCE_REMOVE;
}

/* True: this is not the picture's VM. It is not asked again in this session of the picture: every
 * connection would throw out whoever uses that VM. */
static bool link_refuse(struct spice_link *link)
{
	char ours[UUID_TEXT_BYTES], theirs_text[UUID_TEXT_BYTES], text[320];
	struct uuid theirs = { { 0 } };
	gpointer bytes = NULL;

	g_object_get(link->session, "uuid", &bytes, NULL);
	if (bytes)
		memcpy(theirs.bytes, bytes, sizeof(theirs.bytes));
	if (uuid_is_zero(&theirs) || uuid_is_zero(&link->uuid) ||
	    !memcmp(&theirs, &link->uuid, sizeof(theirs)))
		return false;
	uuid_format(&link->uuid, ours);
	uuid_format(&theirs, theirs_text);
	log_error("no keyboard and mouse: the picture is of VM %s, but the SPICE server %s is of "
		  "VM %s", ours, link_server(link, text), theirs_text);
	link_close(link);
	link_set_state(link, SOURCE_INPUT_REFUSED);
	return true;
}

static void link_on_ready(struct spice_link *link)
{
	link_cancel(&link->timer);
	link->ready = true;
	link->ready_us = g_get_monotonic_time();
	spice_hand_ready(&link->hand, link->inputs);
	spice_clipboard_trust(&link->clipboard);
	link_tell(link, LINK_TOLD_READY, NULL);
	link_show_state(link);
}

static void link_failed(struct spice_link *link, SpiceChannel *channel, SpiceChannelEvent event)
{
	const GError *error = spice_channel_get_error(channel);

	if (event == SPICE_CHANNEL_ERROR_AUTH)
		link_tell(link, LINK_TOLD_PASSWORD, NULL);
	else if (event == SPICE_CHANNEL_ERROR_CONNECT)
		link_tell(link, LINK_TOLD_NOBODY, error ? error->message : "not there");
	else if (event == SPICE_CHANNEL_ERROR_TLS || event == SPICE_CHANNEL_ERROR_LINK)
		link_tell(link, LINK_TOLD_PROTOCOL, NULL);
	else
		link_tell(link, LINK_TOLD_GONE, NULL);
	link_retry(link, event == SPICE_CHANNEL_ERROR_AUTH || event == SPICE_CHANNEL_ERROR_TLS ||
			 event == SPICE_CHANNEL_ERROR_LINK);
}

static void link_on_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
	struct spice_link *link = data;

	if (event == SPICE_CHANNEL_OPENED && SPICE_IS_INPUTS_CHANNEL(channel))
		link_on_ready(link);
	else if (event == SPICE_CHANNEL_OPENED)
		link->opened = true;
	else if (event != SPICE_CHANNEL_SWITCHING)
		link_failed(link, channel, event);
}

static void link_on_mouse(SpiceMainChannel *main, gpointer data)
{
	struct spice_link *link = data;

	spice_hand_mode_changed(&link->hand);
	link_show_state(link);
}

static void link_on_lamps(SpiceInputsChannel *inputs, gpointer data)
{
	link_show_state(data);
}

/* Also called for channels of no use here: those are never connected. */
static void link_on_channel(SpiceSession *session, SpiceChannel *channel, gpointer data)
{
	struct spice_link *link = data;

	if (SPICE_IS_MAIN_CHANNEL(channel) && !link->main) {
		link->main = g_object_ref(SPICE_MAIN_CHANNEL(channel));
		spice_hand_begin(&link->hand, link->main);
		spice_clipboard_begin(&link->clipboard, link->main);
		g_signal_connect(channel, "main-mouse-update", G_CALLBACK(link_on_mouse), link);
	} else if (SPICE_IS_INPUTS_CHANNEL(channel) && !link->inputs) {
		if (link_refuse(link))
			return;
		link->inputs = g_object_ref(SPICE_INPUTS_CHANNEL(channel));
		g_signal_connect(channel, "inputs-modifiers", G_CALLBACK(link_on_lamps), link);
		spice_channel_connect(channel);
	} else {
		return;
	}
	g_signal_connect(channel, "channel-event", G_CALLBACK(link_on_event), link);
}

static void link_connect(struct spice_link *link)
{
	const struct spice_address *address = &link->config->address;
	SpiceSession *session = spice_session_new();

	link->session = session;
	link->sessions++;
	g_object_weak_ref(G_OBJECT(session), link_session_gone, link);
	g_object_set(session, "enable-audio", FALSE, "enable-usbredir", FALSE,
		     "enable-smartcard", FALSE, NULL);
	if (address->path[0])
		g_object_set(session, "unix-path", address->path, NULL);
	else
		g_object_set(session, "host", address->host, "port", address->port, NULL);
	if (link->config->password[0])
		g_object_set(session, "password", link->config->password, NULL);
	g_signal_connect(session, "channel-new", G_CALLBACK(link_on_channel), link);
	link->timer = g_timeout_add(LINK_ANSWER_MS, link_on_no_answer, link);
	if (!spice_session_connect(session)) {
		link_tell(link, LINK_TOLD_NOBODY, "cannot connect");
		link_retry(link, true);
	}
}

/* --- the door ---------------------------------------------------------------------------- */

void spice_link_start(struct spice_link *link, const struct uuid *uuid)
{
	link->uuid = *uuid;
	link->running = true;
	link->retry_ms = LINK_RETRY_MS;
	link->told = LINK_TOLD_NOTHING;
	link_connect(link);
}

void spice_link_push(struct spice_link *link, const struct input_record *record)
{
	if (!link->ready)
		return;
	if (spice_hand_push(&link->hand, record))
		link_show_state(link);
}

void spice_link_open_clipboard(struct spice_link *link, int fd)
{
	int result = spice_clipboard_open(&link->clipboard, fd);

	if (result)
		log_error("no clipboard: %s", strerror(-result));
}

static void link_stopped(struct spice_link *link)
{
	link_cancel(&link->flush_timer);
	if (link->flush)
		link->flush->link = NULL;
	link->flush = NULL;
	spice_clipboard_close(&link->clipboard);
	link_close(link);
	link->listener.stopped(link->listener.data);
}

static gboolean link_on_flush_timeout(gpointer data)
{
	struct spice_link *link = data;

	link->flush_timer = 0;
	link_stopped(link);
	return G_SOURCE_REMOVE;
}

static void link_on_flushed(GObject *channel, GAsyncResult *result, gpointer data)
{
	struct link_flush *flush = data;

	spice_channel_flush_finish(SPICE_CHANNEL(channel), result, NULL);
	if (flush->link)
		link_stopped(flush->link);
	free(flush);
}

void spice_link_stop(struct spice_link *link)
{
	link->running = false;
	link->flush = link->ready ? calloc(1, sizeof(*link->flush)) : NULL;
	if (!link->flush) {
		link_stopped(link);
		return;
	}
	link->flush->link = link;
	spice_hand_release(&link->hand);
	link->flush_timer = g_timeout_add(LINK_FLUSH_MS, link_on_flush_timeout, link);
	spice_channel_flush_async(SPICE_CHANNEL(link->inputs), NULL, link_on_flushed,
				  link->flush);
}

/* What the library says is mostly about what a server sent; it must not fill our log. */
static void link_on_log(const gchar *domain, GLogLevelFlags level, const gchar *text,
			gpointer data)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
		log_peer_bug("%s", text);
	else
		log_debug("%s", text);
}

struct spice_link *spice_link_create(const struct spice_link_config *config,
				     const struct spice_link_listener *listener)
{
	struct spice_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->config = config;
	link->listener = *listener;
	link->clipboard.shared = listener->clipboard;
	link->clipboard.data = listener->data;
	g_log_set_default_handler(link_on_log, NULL);
	return link;
}

static gboolean link_on_let_go(gpointer data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

void spice_link_destroy(struct spice_link *link)
{
	bool late = false;
	guint timer;

	if (!link)
		return;
	timer = g_timeout_add(LINK_LET_GO_MS, link_on_let_go, &late);
	while (link->sessions && !late)
		g_main_context_iteration(NULL, TRUE);
	/* The library may still come back to what it has not let go of. */
	if (late) {
		log_debug("the SPICE library has not let go of %u sessions", link->sessions);
		return;
	}
	g_source_remove(timer);
	free(link);
}
