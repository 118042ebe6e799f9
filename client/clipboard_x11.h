/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of clipboard_x11.c: reading what a program has copied, and giving to programs that
 * paste. ICCCM 2.0, section 2.
 *
 * Everything is by events and by replies that are looked for, never waited for: another program may
 * be slow, stopped or gone at any moment, and each transfer has a time by which it must go on.
 */
#ifndef CLIENT_CLIPBOARD_X11_H
#define CLIENT_CLIPBOARD_X11_H

#include "clipboard.h"

#include <stdbool.h>
#include <xcb/xcb.h>

/* How long another program may do nothing. */
#define X11_PATIENCE_NS UINT64_C(5000000000)
/* What types there are is asked after every copy: nobody waits for it. */
#define X11_TARGETS_PATIENCE_NS UINT64_C(60000000000)
/* In pieces of this size properties are read and, when larger, written (INCR). */
#define X11_PIECE_BYTES (256u << 10)
#define X11_MAX_TARGETS 256
#define X11_MAX_REQUESTS 16
#define X11_MAX_PARTS 16
#define X11_MAX_TRANSFERS 8
#define X11_OLD_WINDOWS 32

enum x11_atom {
	X11_CLIPBOARD,
	X11_TARGETS,
	X11_MULTIPLE,
	X11_TIMESTAMP,
	X11_ATOM_PAIR,
	X11_INCR,
	X11_UTF8_STRING,
	X11_TEXT_UTF8,
	X11_PNG,
	X11_PROPERTY,           /* where we have things put on windows of ours */
	X11_ATOM_COUNT,
};

/* --- clipboard_x11_read.c ---------------------------------------------------------------- */

enum x11_read_index {
	X11_READ_TEXT = CLIPBOARD_WIRE_TEXT,
	X11_READ_PNG = CLIPBOARD_WIRE_PNG,
	X11_READ_TARGETS,
	X11_READ_COUNT,
};

struct x11_read {
	/* Of its own: nothing that is meant for an earlier read is taken for this. 0: idle */
	xcb_window_t window;
	unsigned int sequence;  /* of the property's request; 0: none on its way */
	bool incremental;
	bool next_is_there;     /* while the piece before it is read */
	uint32_t offset;        /* of the next piece of the property, in units of 4 bytes */
	uint8_t *bytes;
	size_t count, size;
	uint64_t deadline_ns;
};

/* --- clipboard_x11_give.c ---------------------------------------------------------------- */

struct x11_part {
	xcb_atom_t target, property;    /* property 0: refused */
	bool waits;                     /* for the bytes */
};

/* A program's request; with MULTIPLE several in one. */
struct x11_request {
	bool used, multiple;
	xcb_selection_request_event_t event;
	unsigned int sequence;          /* of the list of a MULTIPLE; 0: not on its way */
	struct x11_part parts[X11_MAX_PARTS];
	unsigned int part_count;
};

struct x11_bytes {
	unsigned int users;
	size_t count;
	uint8_t data[];
};

/* Bytes that go piece by piece. */
struct x11_transfer {
	xcb_window_t window;            /* 0: idle */
	xcb_atom_t property, type;
	struct x11_bytes *bytes;
	size_t done;
	bool last;                      /* the end was said */
	uint64_t deadline_ns;
};

struct clipboard_x11 {
	struct client_clipboard base;
	xcb_connection_t *connection;
	struct loop_fd *source;
	struct loop_timer *timer;
	xcb_window_t root, window;
	uint8_t fixes_event;            /* the first of XFIXES */
	xcb_atom_t atoms[X11_ATOM_COUNT];
	bool working;
	/* Our own selection. */
	uint32_t wanted_types;          /* to own it with, as soon as we know the time */
	bool claim_waits;               /* until its owner has said what it has */
	uint32_t types;                 /* we own it with these; 0: we do not */
	xcb_timestamp_t since;
	/* Somebody else's. */
	xcb_timestamp_t changed;
	xcb_atom_t text_target;         /* how its owner calls text; 0: has none */
	struct x11_read reads[X11_READ_COUNT];
	xcb_window_t old_windows[X11_OLD_WINDOWS];      /* of reads that are over */
	unsigned int next_old_window;
	struct x11_request requests[X11_MAX_REQUESTS];
	struct x11_transfer transfers[X11_MAX_TRANSFERS];
};

/* Replaces a read of the same index that goes on. */
void x11_read_start(struct clipboard_x11 *x11, enum x11_read_index index);
/* Without a word to the listener. */
void x11_read_drop(struct clipboard_x11 *x11, enum x11_read_index index);
void x11_read_on_selection(struct clipboard_x11 *x11,
			   const xcb_selection_notify_event_t *event);
void x11_read_on_property(struct clipboard_x11 *x11, const xcb_property_notify_event_t *event);
/* Takes replies that have come. True: there was one. */
bool x11_read_poll(struct clipboard_x11 *x11);
void x11_read_expire(struct clipboard_x11 *x11, uint64_t now_ns);

void x11_give_on_request(struct clipboard_x11 *x11, const xcb_selection_request_event_t *event);
void x11_give_on_property(struct clipboard_x11 *x11, const xcb_property_notify_event_t *event);
void x11_give_on_destroy(struct clipboard_x11 *x11, xcb_window_t window);
bool x11_give_poll(struct clipboard_x11 *x11);
void x11_give_answer(struct clipboard_x11 *x11, enum clipboard_wire_type type, const void *bytes,
		     size_t count);
void x11_give_expire(struct clipboard_x11 *x11, uint64_t now_ns);
void x11_give_drop_all(struct clipboard_x11 *x11);

/* clipboard_x11.c: the owner's targets have come, or none. */
void x11_on_targets(struct clipboard_x11 *x11, const xcb_atom_t *targets, size_t count);

#endif
