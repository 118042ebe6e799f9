/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The desktop's clipboard, at the other end of a clipboard channel, and the guest's, whose agent is
 * behind a SPICE server: each hears what the other copies, and bytes cross when somebody pastes. What
 * comes from either is outside input. The thread of GLib's default context.
 */
#ifndef CLIENT_SPICE_SPICE_CLIPBOARD_H
#define CLIENT_SPICE_SPICE_CLIPBOARD_H

#include <glib.h>
#include <spice-client.h>
#include <stdbool.h>
#include <stdint.h>

struct clipboard_channel;
struct loop;

struct spice_clipboard {
	/* The agent is there for the channel, told once for each. */
	void (*shared)(void *data);
	void *data;

	struct loop *loop;                      /* the channel's; the context runs it */
	GSource *source;
	struct clipboard_channel *channel;      /* NULL: none */
	bool told;
	SpiceMainChannel *main;                 /* the link's; NULL: no session */
	bool trusted;                           /* it is the right VM's */
	bool agent;                             /* and has an agent that shares */
	uint32_t ours, theirs;                  /* CLIPBOARD_WIRE_BIT: what each has copied */
	uint32_t ours_wanted, theirs_wanted;    /* and is asked for */
	guint timer;                            /* of the agent's answers; 0: none is due */
};

/* A channel's end, which is taken over in any case; it replaces another. 0 or -errno. */
int spice_clipboard_open(struct spice_clipboard *clipboard, int fd);
/* Harmless when there is none. */
void spice_clipboard_close(struct spice_clipboard *clipboard);

/* A session begins; nothing crosses before it is trusted. */
void spice_clipboard_begin(struct spice_clipboard *clipboard, SpiceMainChannel *main);
void spice_clipboard_trust(struct spice_clipboard *clipboard);
/* It has ended. Harmless when none has begun. */
void spice_clipboard_finish(struct spice_clipboard *clipboard);

#endif
