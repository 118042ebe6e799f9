/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins the desktop's clipboard with the VM's: whoever copied last is heard by the other, and bytes
 * cross when somebody pastes. Main thread only.
 */
#ifndef CLIENT_CLIPBOARD_BRIDGE_H
#define CLIENT_CLIPBOARD_BRIDGE_H

#include "clipboard.h"
#include "source.h"

#include <stdbool.h>

struct clipboard_bridge;

/* A program that pastes what the VM has waits for it no longer than this. */
struct clipboard_wait {
	struct clipboard_bridge *bridge;
	struct loop_timer *timer;
	bool waiting;
};

struct clipboard_bridge {
	struct loop *loop;
	struct client_source *source;           /* joined; NULL: none is */
	struct client_clipboard *desktop;       /* NULL: none */
	uint32_t desktop_types;                 /* what a program has copied */
	uint32_t vm_types;                      /* what the VM has, and the desktop offers */
	uint64_t vm_grabbed_ns;
	uint32_t vm_waits;                      /* types that the VM waits for */
	struct clipboard_wait waits[CLIPBOARD_WIRE_TYPE_COUNT];
};

/* 0 or -errno. */
int clipboard_bridge_init(struct clipboard_bridge *bridge, struct loop *loop);
/* Leaves the source and destroys the desktop's side. */
void clipboard_bridge_finish(struct clipboard_bridge *bridge);

/* For the desktop's side, which is handed over by set_desktop. */
struct client_clipboard_listener clipboard_bridge_listener(struct clipboard_bridge *bridge);
void clipboard_bridge_set_desktop(struct clipboard_bridge *bridge,
				  struct client_clipboard *desktop);

/* Joins a source that has given SOURCE_CLIPBOARD. 0 or -errno. */
int clipboard_bridge_join(struct clipboard_bridge *bridge, struct client_source *source);
/* Harmless when none is joined. */
void clipboard_bridge_leave(struct clipboard_bridge *bridge);

#endif
