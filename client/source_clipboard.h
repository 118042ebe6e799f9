/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For sources whose other side's clipboard comes as a channel: most of source_clipboard_ops. Main
 * thread only. */
#ifndef CLIENT_SOURCE_CLIPBOARD_H
#define CLIENT_SOURCE_CLIPBOARD_H

#include "source.h"

/* Joins at the channel's fd and sets it to -1: it is the channel's. 0; -ENOTCONN: there is none, or
 * it is joined already; -errno. name is the other end's, for the log. */
int source_clipboard_join(struct client_source *source, struct loop *loop,
			  const struct clipboard_channel_ops *ops, void *data, int *fd,
			  const char *name);
void source_clipboard_leave(struct client_source *source);
void source_clipboard_grab(struct client_source *source, uint32_t types);
void source_clipboard_release(struct client_source *source);
void source_clipboard_request(struct client_source *source, enum clipboard_wire_type type);
void source_clipboard_answer(struct client_source *source, enum clipboard_wire_type type,
			     const void *bytes, size_t count);

#define SOURCE_CLIPBOARD_OPS \
	.leave = source_clipboard_leave, .grab = source_clipboard_grab, \
	.release = source_clipboard_release, .request = source_clipboard_request, \
	.answer = source_clipboard_answer

#endif
