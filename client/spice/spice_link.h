/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SPICE server after another at the same address: connects, authenticates, asks whose it is,
 * connects again when it has gone. All on the thread that runs GLib's default context.
 */
#ifndef CLIENT_SPICE_SPICE_LINK_H
#define CLIENT_SPICE_SPICE_LINK_H

#include <base/uuid.h>
#include <spice_address.h>

struct input_record;
struct spice_link;

struct spice_link_config {
	struct spice_address address;
	char password[SPICE_PASSWORD_BYTES];    /* "": none */
};

struct spice_link_listener {
	/* enum source_input_state; only between start and the end of stop. */
	void (*state)(void *data, unsigned int state);
	/* The clipboard that was opened is shared now; told once for each. */
	void (*clipboard)(void *data);
	/* Stop has come to its end. */
	void (*stopped)(void *data);
	void *data;
};

/* The config outlives it. NULL: no memory. */
struct spice_link *spice_link_create(const struct spice_link_config *config,
				     const struct spice_link_listener *listener);
/* Stopped before, or never started. Runs the context until the library has let go of all, for a
 * second at most. */
void spice_link_destroy(struct spice_link *link);
void spice_link_start(struct spice_link *link, const struct uuid *uuid);
/* Releases what is held; says when that is on its way, after half a second in any case. */
void spice_link_stop(struct spice_link *link);
void spice_link_push(struct spice_link *link, const struct input_record *record);
/* After start; the fd is a clipboard channel's end (base/clipboard_channel.h), the link's from now on,
 * and open until stop or until another takes its place. */
void spice_link_open_clipboard(struct spice_link *link, int fd);

#endif
