/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_clipboard.h"

#include <base/clipboard_channel.h>
#include <base/clipboard_text.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <glib-unix.h>
#include <spice/vd_agent.h>
#include <stdlib.h>
#include <unistd.h>

/* As long as the VMM's own clipboard waits. */
#define ANSWER_MS 5000
#define SELECTION VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD

static const uint32_t agent_types[CLIPBOARD_WIRE_TYPE_COUNT] = {
	[CLIPBOARD_WIRE_TEXT] = VD_AGENT_CLIPBOARD_UTF8_TEXT,
	[CLIPBOARD_WIRE_PNG] = VD_AGENT_CLIPBOARD_IMAGE_PNG,
};

/* CLIPBOARD_WIRE_TYPE_COUNT: none of ours. */
static enum clipboard_wire_type type_of_agent(uint32_t agent_type)
{
	int type = 0;

	while (type < CLIPBOARD_WIRE_TYPE_COUNT && agent_types[type] != agent_type)
		type++;
	return (enum clipboard_wire_type)type;
}

static bool agent_has_crlf(const struct spice_clipboard *clipboard)
{
	return spice_main_channel_agent_test_capability(clipboard->main,
							VD_AGENT_CAP_GUEST_LINEEND_CRLF);
}

/* --- to the guest ------------------------------------------------------------------------ */

static void tell_agent_grab(struct spice_clipboard *clipboard)
{
	guint32 types[CLIPBOARD_WIRE_TYPE_COUNT];
	int count = 0;

	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		if (clipboard->ours & CLIPBOARD_WIRE_BIT(i))
			types[count++] = agent_types[i];
	spice_main_channel_clipboard_selection_grab(clipboard->main, SELECTION, types, count);
}

/* NULL, 0: not to be had. */
static void answer_agent(struct spice_clipboard *clipboard, enum clipboard_wire_type type,
			 const void *bytes, size_t count)
{
	uint8_t *text = NULL;

	if (!(clipboard->ours_wanted & CLIPBOARD_WIRE_BIT(type)))
		return;
	clipboard->ours_wanted &= ~CLIPBOARD_WIRE_BIT(type);
	if (bytes && type == CLIPBOARD_WIRE_TEXT && agent_has_crlf(clipboard)) {
		text = clipboard_text_to_crlf(bytes, count, &count);
		bytes = text;
	}
	spice_main_channel_clipboard_selection_notify(
		clipboard->main, SELECTION, bytes ? agent_types[type] : VD_AGENT_CLIPBOARD_NONE,
		bytes, bytes ? count : 0);
	free(text);
}

static void answer_agent_with_nothing(struct spice_clipboard *clipboard)
{
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		answer_agent(clipboard, (enum clipboard_wire_type)i, NULL, 0);
}

/* What the desktop had is not to be had any more. */
static void drop_ours(struct spice_clipboard *clipboard)
{
	answer_agent_with_nothing(clipboard);
	if (clipboard->agent && clipboard->ours)
		spice_main_channel_clipboard_selection_release(clipboard->main, SELECTION);
	clipboard->ours = 0;
}

/* --- to the desktop ---------------------------------------------------------------------- */

static void clipboard_stop_waiting(struct spice_clipboard *clipboard)
{
	if (clipboard->timer)
		g_source_remove(clipboard->timer);
	clipboard->timer = 0;
}

static void answer_desktop(struct spice_clipboard *clipboard, enum clipboard_wire_type type,
			   const void *bytes, size_t count)
{
	if (!(clipboard->theirs_wanted & CLIPBOARD_WIRE_BIT(type)))
		return;
	clipboard->theirs_wanted &= ~CLIPBOARD_WIRE_BIT(type);
	if (!clipboard->theirs_wanted)
		clipboard_stop_waiting(clipboard);
	clipboard_channel_answer(clipboard->channel, type, bytes, count);
}

static void answer_desktop_with_nothing(struct spice_clipboard *clipboard)
{
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		answer_desktop(clipboard, (enum clipboard_wire_type)i, NULL, 0);
}

/* The agent may be asked once more afterwards. */
static gboolean on_no_answer(gpointer self)
{
	struct spice_clipboard *clipboard = self;

	clipboard->timer = 0;
	answer_desktop_with_nothing(clipboard);
	return G_SOURCE_REMOVE;
}

/* What the guest had is not to be had any more. */
static void drop_theirs(struct spice_clipboard *clipboard)
{
	answer_desktop_with_nothing(clipboard);
	if (clipboard->agent && clipboard->channel && clipboard->theirs)
		clipboard_channel_release(clipboard->channel);
	clipboard->theirs = 0;
}

/* --- what the desktop says --------------------------------------------------------------- */

static void on_desktop_grabbed(void *data, uint32_t types)
{
	struct spice_clipboard *clipboard = data;

	answer_desktop_with_nothing(clipboard);
	clipboard->theirs = 0;
	answer_agent_with_nothing(clipboard);
	clipboard->ours = types;
	if (clipboard->agent)
		tell_agent_grab(clipboard);
}

static void on_desktop_released(void *data)
{
	drop_ours(data);
}

static void on_desktop_wanted(void *data, enum clipboard_wire_type type)
{
	struct spice_clipboard *clipboard = data;
	uint32_t bit = CLIPBOARD_WIRE_BIT(type);
	bool asked = clipboard->theirs_wanted & bit;

	clipboard->theirs_wanted |= bit;
	if (!clipboard->agent || !(clipboard->theirs & bit)) {
		answer_desktop(clipboard, type, NULL, 0);
		return;
	}
	if (asked)
		return;
	spice_main_channel_clipboard_selection_request(clipboard->main, SELECTION,
						       agent_types[type]);
	clipboard_stop_waiting(clipboard);
	clipboard->timer = g_timeout_add(ANSWER_MS, on_no_answer, clipboard);
}

static void on_desktop_answered(void *data, enum clipboard_wire_type type, const void *bytes,
				size_t count)
{
	answer_agent(data, type, bytes, count);
}

static void on_desktop_ended(void *data)
{
	struct spice_clipboard *clipboard = data;

	clipboard_channel_destroy(clipboard->channel);
	clipboard->channel = NULL;
	clipboard->theirs_wanted = 0;
	clipboard_stop_waiting(clipboard);
	drop_ours(clipboard);
}

static const struct clipboard_channel_ops desktop_ops = {
	.grabbed = on_desktop_grabbed,
	.released = on_desktop_released,
	.wanted = on_desktop_wanted,
	.answered = on_desktop_answered,
	.ended = on_desktop_ended,
};

/* --- what the guest says ----------------------------------------------------------------- */

static gboolean on_guest_grab(SpiceMainChannel *main, guint selection, gpointer data, guint count,
			      gpointer self)
{
	struct spice_clipboard *clipboard = self;
	const guint32 *types = data;
	uint32_t theirs = 0;

	if (selection != SELECTION)
		return FALSE;
	for (guint i = 0; i < count; i++) {
		enum clipboard_wire_type type = type_of_agent(types[i]);

		if (type < CLIPBOARD_WIRE_TYPE_COUNT)
			theirs |= CLIPBOARD_WIRE_BIT(type);
	}
	/* Which of both counts is settled when the agent has come. */
	if (!clipboard->agent) {
		clipboard->theirs = theirs;
		return TRUE;
	}
	/* Whatever it is, what the desktop had is not the newest any more. */
	clipboard->ours = clipboard->ours_wanted = 0;
	if (!theirs)
		drop_theirs(clipboard);
	answer_desktop_with_nothing(clipboard);
	clipboard->theirs = theirs;
	if (theirs && clipboard->channel)
		clipboard_channel_grab(clipboard->channel, theirs);
	return TRUE;
}

static void on_guest_release(SpiceMainChannel *main, guint selection, gpointer self)
{
	if (selection == SELECTION)
		drop_theirs(self);
}

static gboolean on_guest_request(SpiceMainChannel *main, guint selection, guint agent_type,
				 gpointer self)
{
	struct spice_clipboard *clipboard = self;
	enum clipboard_wire_type type = type_of_agent(agent_type);
	bool known = type < CLIPBOARD_WIRE_TYPE_COUNT;

	if (selection != SELECTION)
		return FALSE;
	if (!known || !clipboard->agent || !(clipboard->ours & CLIPBOARD_WIRE_BIT(type))) {
		spice_main_channel_clipboard_selection_notify(main, SELECTION,
							      VD_AGENT_CLIPBOARD_NONE, NULL, 0);
		return TRUE;
	}
	clipboard->ours_wanted |= CLIPBOARD_WIRE_BIT(type);
	clipboard_channel_request(clipboard->channel, type);
	return TRUE;
}

static void on_guest_data(SpiceMainChannel *main, guint selection, guint agent_type, gpointer data,
			  guint size, gpointer self)
{
	struct spice_clipboard *clipboard = self;
	enum clipboard_wire_type type = type_of_agent(agent_type);
	uint8_t *text = NULL;
	size_t count = size;

	if (selection != SELECTION)
		return;
	/* So it says that it has nothing, and not of which type. */
	if (type == CLIPBOARD_WIRE_TYPE_COUNT || !count) {
		answer_desktop_with_nothing(clipboard);
		return;
	}
	if (type == CLIPBOARD_WIRE_TEXT && agent_has_crlf(clipboard)) {
		text = malloc(count);
		count = text ? clipboard_text_to_lf(text, data, count) : 0;
		data = text;
	}
	answer_desktop(clipboard, type, data, count);
	free(text);
}

static void clipboard_agent_comes(struct spice_clipboard *clipboard)
{
	clipboard->agent = true;
	/* What is copied here counts, as in other viewers. */
	if (clipboard->ours) {
		clipboard->theirs = 0;
		tell_agent_grab(clipboard);
	}
	if (!clipboard->channel)
		return;
	if (clipboard->theirs)
		clipboard_channel_grab(clipboard->channel, clipboard->theirs);
	if (!clipboard->told)
		clipboard->shared(clipboard->data);
	clipboard->told = true;
}

static void clipboard_agent_goes(struct spice_clipboard *clipboard)
{
	drop_theirs(clipboard);
	clipboard->agent = false;
	clipboard->ours_wanted = 0;
}

static void on_agent(SpiceMainChannel *main, gpointer self)
{
	struct spice_clipboard *clipboard = self;
	gboolean connected = FALSE;
	bool agent;

	g_object_get(main, "agent-connected", &connected, NULL);
	agent = connected && clipboard->trusted &&
		spice_main_channel_agent_test_capability(main,
							 VD_AGENT_CAP_CLIPBOARD_BY_DEMAND);
	if (agent && !clipboard->agent)
		clipboard_agent_comes(clipboard);
	else if (!agent && clipboard->agent)
		clipboard_agent_goes(clipboard);
}

/* --- sessions ---------------------------------------------------------------------------- */

void spice_clipboard_begin(struct spice_clipboard *clipboard, SpiceMainChannel *main)
{
	clipboard->main = main;
	clipboard->trusted = false;
	g_signal_connect(main, "main-agent-update", G_CALLBACK(on_agent), clipboard);
	g_signal_connect(main, "main-clipboard-selection-grab", G_CALLBACK(on_guest_grab),
			 clipboard);
	g_signal_connect(main, "main-clipboard-selection-release", G_CALLBACK(on_guest_release),
			 clipboard);
	g_signal_connect(main, "main-clipboard-selection-request", G_CALLBACK(on_guest_request),
			 clipboard);
	g_signal_connect(main, "main-clipboard-selection", G_CALLBACK(on_guest_data), clipboard);
}

void spice_clipboard_trust(struct spice_clipboard *clipboard)
{
	clipboard->trusted = true;
	on_agent(clipboard->main, clipboard);
}

void spice_clipboard_finish(struct spice_clipboard *clipboard)
{
	if (!clipboard->main)
		return;
	g_signal_handlers_disconnect_by_data(clipboard->main, clipboard);
	clipboard_agent_goes(clipboard);
	clipboard->theirs = 0;
	clipboard->main = NULL;
}

/* --- the channel ------------------------------------------------------------------------- */

static gboolean on_loop(gint fd, GIOCondition condition, gpointer self)
{
	struct spice_clipboard *clipboard = self;

	loop_dispatch(clipboard->loop, 0);
	return G_SOURCE_CONTINUE;
}

static int clipboard_open_loop(struct spice_clipboard *clipboard)
{
	clipboard->loop = loop_create("spice clipboard");
	if (!clipboard->loop)
		return -errno;
	clipboard->source = g_unix_fd_source_new(loop_poll_fd(clipboard->loop), G_IO_IN);
	g_source_set_callback(clipboard->source, G_SOURCE_FUNC(on_loop), clipboard, NULL);
	g_source_attach(clipboard->source, NULL);
	return 0;
}

int spice_clipboard_open(struct spice_clipboard *clipboard, int fd)
{
	struct clipboard_channel_config config = {
		.fd = fd, .ops = &desktop_ops, .data = clipboard, .name = "the desktop",
	};
	int result;

	spice_clipboard_close(clipboard);
	result = clipboard_open_loop(clipboard);
	if (!result) {
		config.loop = clipboard->loop;
		clipboard->channel = clipboard_channel_create(&config);
		result = clipboard->channel ? 0 : -errno;
	}
	if (result) {
		close(fd);
		spice_clipboard_close(clipboard);
		return result;
	}
	clipboard->told = false;
	if (clipboard->agent)
		clipboard_agent_comes(clipboard);
	return 0;
}

void spice_clipboard_close(struct spice_clipboard *clipboard)
{
	if (!clipboard->loop)
		return;
	on_desktop_ended(clipboard);
	if (clipboard->source) {
		g_source_destroy(clipboard->source);
		g_source_unref(clipboard->source);
	}
	clipboard->source = NULL;
	loop_destroy(clipboard->loop);
	clipboard->loop = NULL;
}
