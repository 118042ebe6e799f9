/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a ring source finds its VM, and how it learns that there is news: over the control socket
 * with doorbells, or in a file by polling. Everything here runs on the reader loop.
 */
#ifndef CLIENT_RING_SEARCH_H
#define CLIENT_RING_SEARCH_H

#include "source.h"

#include <stdbool.h>

struct ring_search;
struct segment;

struct ring_search_ops {
	/* Looks for the VM until stop; sets segment and bells, then gives SOURCE_ATTACHED. */
	void (*start)(struct ring_search *search);
	/* Closes all but the segment, which may be in use: it is whoever stopped the search's. */
	void (*stop)(struct ring_search *search);
	/* While attached: asks for the VM's clipboard, as one that looks at the desktop's; sets
	 * clipboard and gives SOURCE_CLIPBOARD when it has one. NULL: there is no way. */
	void (*ask_clipboard)(struct ring_search *search);
	/* After stop. */
	void (*destroy)(struct ring_search *search);
};

#define RING_SEARCH_DESKTOP_BYTES 256

struct ring_search {
	const struct ring_search_ops *ops;
	struct client_source *source;
	bool patient;
	/* Set before SOURCE_ATTACHED, then still until stop. */
	struct segment *segment;
	int input_bell, sound_bell;     /* -1: none */
	/* The main thread's, set before ask_clipboard. */
	char desktop[RING_SEARCH_DESKTOP_BYTES];
	/* Set before SOURCE_CLIPBOARD; the main thread takes it, or stop closes it. -1: none */
	int clipboard;
};

/* NULL with errno. */
struct ring_search *ring_search_socket_create(struct client_source *source, const char *path);
struct ring_search *ring_search_file_create(struct client_source *source, const char *path);

/* The end of an impatient search: the reason for the user. */
void ring_search_fail(struct ring_search *search, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
