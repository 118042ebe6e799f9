/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who follows whom: the window the guest's mode, or the guest the window.
 *
 * The window follows the guest until the user asked for a size (an option, the window's edge, full
 * screen); from then on the guest follows the window. Sizes that the window took because it
 * followed the guest are never sent back, so the two cannot chase each other. Plain values.
 */
#ifndef CLIENT_RESIZE_H
#define CLIENT_RESIZE_H

#include <stdbool.h>
#include <stdint.h>

#define RESIZE_DELAY_NS UINT64_C(150000000)     /* the window's edge is let go */
#define RESIZE_OWN_SIZES 8
#define RESIZE_OWN_NS UINT64_C(2000000000)      /* how late an event of our own may come */

struct resize_own {
	int width, height;
	uint64_t time_ns;
};

struct resize {
	bool enabled;                   /* the guest may be asked to change its mode */
	bool user_sized;
	int width, height;              /* of the window now, pixels */
	int sent_width, sent_height;    /* what the guest was asked for last; 0: nothing */
	uint64_t due_ns;                /* when to ask the guest; 0: no wish */
	struct resize_own own[RESIZE_OWN_SIZES];
	unsigned int own_next;
};

/* True when the window should take the guest's new mode. */
bool resize_follows_guest(const struct resize *resize);
/* The window is about to be given this size by ourselves. */
void resize_own(struct resize *resize, int width, int height, uint64_t now_ns);
/* The window has this size now, whoever did it. */
void resize_window(struct resize *resize, int width, int height, uint64_t now_ns);
/* The user asked for the size the window has: tell the guest without waiting. */
void resize_ask(struct resize *resize, int width, int height, uint64_t now_ns);
/* A new session: the guest there was asked for nothing yet. */
void resize_forget_guest(struct resize *resize, uint64_t now_ns);
/* True when it is time to ask the guest for *width x *height; then it counts as asked. */
bool resize_due(struct resize *resize, uint64_t now_ns, int *width, int *height);

#endif
