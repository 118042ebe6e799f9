/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of a clipboard channel (base/clipboard_wire.h), the same code for the VM and its client.
 *
 * Each end says what its side has copied, asks for bytes, and gives them when asked. The other end
 * is outside input: one that breaks the rules, floods, or does not read has its channel ended.
 * Everything, the ops too, on the loop's thread. Nothing here waits.
 */
#ifndef BASE_CLIPBOARD_CHANNEL_H
#define BASE_CLIPBOARD_CHANNEL_H

#include <base/clipboard_wire.h>

struct clipboard_channel;
struct loop;

/* Any of them may destroy the channel. */
struct clipboard_channel_ops {
	/* The other side has these types now, never none. */
	void (*grabbed)(void *data, uint32_t types);
	/* It has nothing any more. */
	void (*released)(void *data);
	/* It wants what we have: clipboard_channel_answer, at once or later. */
	void (*wanted)(void *data, enum clipboard_wire_type type);
	/* To a request, once, unless the channel ends or the other side copies anew before that.
	 * The bytes are lent for the call. NULL, 0: not to be had. */
	void (*answered)(void *data, enum clipboard_wire_type type, const void *bytes,
			 size_t count);
	/* The channel is dead: destroy it. Never from inside a call into it. */
	void (*ended)(void *data);
};

struct clipboard_channel_config {
	struct loop *loop;
	int fd;                         /* SOCK_SEQPACKET; taken over when the channel is made */
	const struct clipboard_channel_ops *ops;
	void *data;
	const char *name;               /* of the other end, for the log; kept */
	/*
	 * Both sides may copy at once, and what they say then crosses. The VM, which others talk
	 * to as well, decides: what reaches it last is so. Its client sets this, and does not hear
	 * what crossed a grab of its own.
	 */
	bool decided_by_other;
};

/* NULL with errno. */
struct clipboard_channel *clipboard_channel_create(const struct clipboard_channel_config *config);
/* NULL is ignored. */
void clipboard_channel_destroy(struct clipboard_channel *channel);

/* Our side has copied these types (not 0), or has nothing any more. Of several in short order the
 * other end may hear the last only. */
void clipboard_channel_grab(struct clipboard_channel *channel, uint32_t types);
void clipboard_channel_release(struct clipboard_channel *channel);
/* Asking again before the answer changes nothing. */
void clipboard_channel_request(struct clipboard_channel *channel, enum clipboard_wire_type type);
/* Ignored when the other end has not asked. NULL, 0: not to be had; so is what is too long. */
void clipboard_channel_answer(struct clipboard_channel *channel, enum clipboard_wire_type type,
			      const void *bytes, size_t count);

#endif
