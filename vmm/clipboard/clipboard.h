/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One clipboard for all that have one: the guest (its vdagent), SPICE clients, our own clients.
 *
 * Each of them is a party. The party that copied last owns the clipboard and has said which types it
 * can give; bytes move only when another party asks for them. Everything here and every ops call
 * happens on the clipboard's loop, which is main's. What parties say is outside input: a grab
 * without types is a release, what only the owner may say is ignored from others, an answer that
 * nobody waits for is dropped, and one that is too long is as none.
 */
#ifndef VMM_CLIPBOARD_CLIPBOARD_H
#define VMM_CLIPBOARD_CLIPBOARD_H

#include <stddef.h>
#include <stdint.h>

#define CLIPBOARD_MAX_BYTES ((size_t)32 << 20)
#define CLIPBOARD_MAX_PARTIES 64
/* An owner that has not answered by then has answered "nothing". */
#define CLIPBOARD_ANSWER_NS UINT64_C(5000000000)

struct clipboard;
struct clipboard_party;
struct loop;

enum clipboard_type {
	CLIPBOARD_TEXT,         /* UTF-8, lines end with LF, no NUL at the end */
	CLIPBOARD_PNG,
	CLIPBOARD_TYPE_COUNT,
};

#define CLIPBOARD_BIT(type) (1u << (type))

struct clipboard_party_ops {
	/* Another party owns the clipboard now and has these types (CLIPBOARD_BIT). */
	void (*grabbed)(struct clipboard_party *party, uint32_t types);
	/* Nobody owns it any more; what an earlier grab offered is not to be had. */
	void (*released)(struct clipboard_party *party);
	/* To the owner: somebody asks. It answers once, at once or later, by clipboard_answer. */
	void (*wanted)(struct clipboard_party *party, enum clipboard_type type);
	/* To one that asked, once per request, never from inside clipboard_request itself; the bytes
	 * are lent for the call. NULL, 0: it cannot be had. */
	void (*answered)(struct clipboard_party *party, enum clipboard_type type, const void *bytes,
			 size_t count);
};

struct clipboard_party {
	const struct clipboard_party_ops *ops;
	const char *name;               /* for the log */
	/* The clipboard's own. */
	struct clipboard *clipboard;
	uint32_t waiting;               /* types it has asked for */
	uint32_t due;                   /* those it is about to be answered */
	uint64_t told;                  /* the last change of owner it has heard of */
};

/* NULL with errno. */
struct clipboard *clipboard_create(struct loop *loop);
/* Every party has left. */
void clipboard_destroy(struct clipboard *clipboard);

/* Told at once by grabbed when there is an owner. 0 or -ENOSPC. */
int clipboard_join(struct clipboard *clipboard, struct clipboard_party *party);
/* Releases what it owns, and forgets what it asked for. Harmless when it has not joined. */
void clipboard_leave(struct clipboard_party *party);

/* It has copied something. Others learn of it, also when it owned the clipboard already. */
void clipboard_grab(struct clipboard_party *party, uint32_t types);
void clipboard_release(struct clipboard_party *party);
/* Asks the owner; answered follows in any case, with nothing when the owner changes meanwhile.
 * Asking again before that changes nothing. */
void clipboard_request(struct clipboard_party *party, enum clipboard_type type);
void clipboard_answer(struct clipboard_party *party, enum clipboard_type type, const void *bytes,
		      size_t count);

#endif
