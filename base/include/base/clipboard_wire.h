/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes over a clipboard channel between a VM and a client of it: docs/control-socket.md,
 * "The clipboard channel". Any thread.
 */
#ifndef BASE_CLIPBOARD_WIRE_H
#define BASE_CLIPBOARD_WIRE_H

#include <base/packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is longer is not to be had. */
#define CLIPBOARD_WIRE_MAX_BYTES ((size_t)32 << 20)

enum clipboard_wire_type {
	CLIPBOARD_WIRE_TEXT,            /* UTF-8, lines end with LF, no NUL at the end */
	CLIPBOARD_WIRE_PNG,
	CLIPBOARD_WIRE_TYPE_COUNT,
};

#define CLIPBOARD_WIRE_BIT(type) (1u << (type))

enum clipboard_wire_kind {
	CLIPBOARD_WIRE_GRAB,            /* types, seen */
	CLIPBOARD_WIRE_RELEASE,         /* seen */
	CLIPBOARD_WIRE_REQUEST,         /* type */
	CLIPBOARD_WIRE_DATA,            /* type, and one fd or none */
};

struct clipboard_wire {
	enum clipboard_wire_kind kind;
	uint32_t types;                 /* CLIPBOARD_WIRE_BIT; of a grab those we know */
	enum clipboard_wire_type type;
	bool has_seen;
	uint32_t seen;                  /* how many grabs its sender had received by then */
};

/* "text" or "png", in messages and for the log. */
const char *clipboard_wire_type_name(enum clipboard_wire_type type);

/* 0; -EPROTO: not a message of ours. */
int clipboard_wire_parse(const char *text, size_t bytes, struct clipboard_wire *message);
/* Sets the packet's data; its fds are left alone. */
void clipboard_wire_format(const struct clipboard_wire *message, struct packet *packet);

/* A memfd with these bytes that nobody can change any more. fd or -errno. */
int clipboard_wire_memory_create(const void *bytes, size_t count);
/*
 * A copy of what a memfd from outside holds; the caller frees it. Whatever the fd is, this neither
 * blocks nor reads more than the limit. 0; -EPROTO: not a sealed memfd, or empty; -EFBIG: longer
 * than CLIPBOARD_WIRE_MAX_BYTES; -ENOMEM; -EIO: it could not be read.
 */
int clipboard_wire_memory_read(int fd, void **bytes, size_t *count);

#endif
