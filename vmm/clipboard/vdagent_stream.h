/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vdagents and SPICE clients say to each other, as bytes: chunks (VDIChunkHeader: port, size)
 * with the pieces of messages (VDAgentMessage: protocol, type, opaque, size, body). Structures and
 * numbers are spice-protocol's <spice/vd_agent.h>; all is little endian.
 *
 * No thread of its own; a reader and a writer belong to whoever made them.
 */
#ifndef VMM_CLIPBOARD_VDAGENT_STREAM_H
#define VMM_CLIPBOARD_VDAGENT_STREAM_H

#include "clipboard/clipboard.h"

#include <stdbool.h>
#include <stdint.h>
#include <spice/vd_agent.h>

/* The longest body of VD_AGENT_CLIPBOARD that is read: a selection and a type before the bytes,
 * and a CR in each line of a text. That of other messages: a list of all monitors is shorter. */
#define VDAGENT_CLIPBOARD_BYTES (2 * CLIPBOARD_MAX_BYTES + 8)
#define VDAGENT_SMALL_BYTES ((size_t)4096)

/* ---- reading ---- */

struct vdagent_message {
	uint32_t port;                  /* VDP_CLIENT_PORT or VDP_SERVER_PORT */
	uint32_t type;                  /* VD_AGENT_*, or any other number */
	uint32_t size;
	const uint8_t *body;            /* size bytes; NULL when they are more than is read */
};

/* The message is lent for the call. Of the reader's functions only vdagent_reader_drop, for the
 * other port, may be called in it. */
typedef void vdagent_message_func(void *data, const struct vdagent_message *message);

/* A message that is being read. */
struct vdagent_assembly {
	uint8_t header[sizeof(VDAgentMessage)];
	size_t header_bytes;
	uint32_t size, done;            /* of the body */
	bool skipped;
	uint8_t *body;                  /* room for capacity bytes, of which done are filled */
	size_t capacity;
};

struct vdagent_reader {
	vdagent_message_func *func;
	void *data;
	uint8_t header[sizeof(VDIChunkHeader)];
	size_t header_bytes;
	uint32_t port, left;            /* of the chunk, once its header is there */
	struct vdagent_assembly assemblies[VDP_END_PORT];
};

void vdagent_reader_init(struct vdagent_reader *reader, vdagent_message_func *func, void *data);
/* Frees what is begun; init makes it new. */
void vdagent_reader_finish(struct vdagent_reader *reader);
/* Pieces in any size. -EPROTO: no such stream, -ENOMEM; nothing that follows makes sense then. */
int vdagent_reader_feed(struct vdagent_reader *reader, const uint8_t *bytes, size_t count);
/* Forgets the begun message of one port; chunks go on. */
void vdagent_reader_drop(struct vdagent_reader *reader, uint32_t port);
/* Memory that waits for the rest of messages. */
size_t vdagent_reader_bytes(const struct vdagent_reader *reader);

/* ---- writing ---- */

struct vdagent_block;

struct vdagent_writer {
	struct vdagent_block *first, *last;
	size_t backlog;                 /* bytes that wait */
};

/* All zero is an empty writer. */
void vdagent_writer_finish(struct vdagent_writer *writer);
/* Head and body together are the message's body; either may be NULL, 0. Each message begins a
 * chunk, and no chunk has more than VD_AGENT_MAX_DATA_SIZE bytes. 0 or -ENOMEM, and nothing is
 * added. */
int vdagent_writer_add(struct vdagent_writer *writer, uint32_t port, uint32_t type,
		       const void *head, size_t head_bytes, const void *body, size_t body_bytes);
/* The next bytes, at least one of them unless backlog is 0. */
const uint8_t *vdagent_writer_peek(const struct vdagent_writer *writer, size_t *count);
/* At most as many as peek has shown are gone. */
void vdagent_writer_take(struct vdagent_writer *writer, size_t count);
/* Drops all messages but one of which bytes have been taken: the other side counts on its rest. */
void vdagent_writer_cut(struct vdagent_writer *writer);

#endif
