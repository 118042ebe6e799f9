/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/clipboard.h"

#include <assert.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <stdlib.h>

#define CLIPBOARD_ALL_TYPES (CLIPBOARD_BIT(CLIPBOARD_TYPE_COUNT) - 1)

enum request_state {
	REQUEST_NONE,
	REQUEST_TO_ASK,         /* the timer is about to fire: nobody is called inside a request */
	REQUEST_ASKED,          /* the timer tells that the owner is late */
};

/* One per type, for all that wait for it. */
struct request {
	struct clipboard *clipboard;
	enum request_state state;
	struct loop_timer *timer;
};

struct clipboard {
	struct clipboard_party *parties[CLIPBOARD_MAX_PARTIES];
	struct clipboard_party *owner;  /* NULL: none */
	uint32_t types;                 /* the owner's */
	uint64_t change;                /* counts grabs and releases */
	struct request requests[CLIPBOARD_TYPE_COUNT];
};

/* ---- telling parties, any of which may do anything to the clipboard when told ---- */

/* Tells all but the one that does it. When one of them changes the owner in turn, that has been
 * told to all on the way, and there is nothing more to tell here. */
static void clipboard_set_owner(struct clipboard *clipboard, struct clipboard_party *owner,
				uint32_t types, struct clipboard_party *mover)
{
	uint64_t change = ++clipboard->change;

	clipboard->owner = owner;
	clipboard->types = types;
	for (size_t i = 0; i < CLIPBOARD_MAX_PARTIES && clipboard->change == change; i++) {
		struct clipboard_party *party = clipboard->parties[i];

		if (!party || party == mover || party->told == change)
			continue;
		party->told = change;
		if (owner)
			party->ops->grabbed(party, clipboard->types);
		else
			party->ops->released(party);
	}
}

static void clipboard_finish_request(struct clipboard *clipboard, enum clipboard_type type,
				     const void *bytes, size_t count)
{
	struct request *request = &clipboard->requests[type];

	request->state = REQUEST_NONE;
	loop_timer_disarm(request->timer);
	/* Whoever asks from now on is not answered with this. */
	for (size_t i = 0; i < CLIPBOARD_MAX_PARTIES; i++) {
		struct clipboard_party *party = clipboard->parties[i];

		if (party && party->waiting & CLIPBOARD_BIT(type)) {
			party->waiting &= ~CLIPBOARD_BIT(type);
			party->due |= CLIPBOARD_BIT(type);
		}
	}
	for (size_t i = 0; i < CLIPBOARD_MAX_PARTIES; i++) {
		struct clipboard_party *party = clipboard->parties[i];

		if (party && party->due & CLIPBOARD_BIT(type)) {
			party->due &= ~CLIPBOARD_BIT(type);
			party->ops->answered(party, type, bytes, count);
		}
	}
}

/* What was asked of an earlier owner, or of an earlier copy. */
static void clipboard_finish_requests(struct clipboard *clipboard)
{
	for (unsigned int type = 0; type < CLIPBOARD_TYPE_COUNT; type++)
		if (clipboard->requests[type].state != REQUEST_NONE)
			clipboard_finish_request(clipboard, type, NULL, 0);
}

/* ---- requests ---- */

static void request_on_timer(void *data)
{
	struct request *request = data;
	struct clipboard *clipboard = request->clipboard;
	enum clipboard_type type = (enum clipboard_type)(request - clipboard->requests);
	bool to_ask = request->state == REQUEST_TO_ASK;

	if (!to_ask)
		log_debug("%s has not answered", clipboard->owner->name);
	if (!to_ask || !clipboard->owner || !(clipboard->types & CLIPBOARD_BIT(type))) {
		clipboard_finish_request(clipboard, type, NULL, 0);
		return;
	}
	request->state = REQUEST_ASKED;
	loop_timer_arm(request->timer, CLIPBOARD_ANSWER_NS, 0);
	clipboard->owner->ops->wanted(clipboard->owner, type);
}

void clipboard_request(struct clipboard_party *party, enum clipboard_type type)
{
	struct request *request;

	if (!party->clipboard || type >= CLIPBOARD_TYPE_COUNT || party->due & CLIPBOARD_BIT(type))
		return;
	request = &party->clipboard->requests[type];
	party->waiting |= CLIPBOARD_BIT(type);
	if (request->state != REQUEST_NONE)
		return;
	request->state = REQUEST_TO_ASK;
	loop_timer_arm(request->timer, 0, 0);
}

void clipboard_answer(struct clipboard_party *party, enum clipboard_type type, const void *bytes,
		      size_t count)
{
	struct clipboard *clipboard = party->clipboard;

	if (!clipboard || party != clipboard->owner || type >= CLIPBOARD_TYPE_COUNT ||
	    clipboard->requests[type].state != REQUEST_ASKED)
		return;
	if (count > CLIPBOARD_MAX_BYTES) {
		log_peer_bug("%s: what it copied is too long", party->name);
		count = 0;
	}
	clipboard_finish_request(clipboard, type, count ? bytes : NULL, bytes ? count : 0);
}

/* ---- ownership ---- */

/* The party may have left the clipboard already. */
static void clipboard_drop_owner(struct clipboard *clipboard, struct clipboard_party *party)
{
	if (party != clipboard->owner)
		return;
	clipboard_finish_requests(clipboard);
	if (party == clipboard->owner)
		clipboard_set_owner(clipboard, NULL, 0, party);
}

void clipboard_release(struct clipboard_party *party)
{
	if (party->clipboard)
		clipboard_drop_owner(party->clipboard, party);
}

void clipboard_grab(struct clipboard_party *party, uint32_t types)
{
	struct clipboard *clipboard = party->clipboard;

	types &= CLIPBOARD_ALL_TYPES;
	if (!types)
		clipboard_release(party);
	if (!clipboard || !types)
		return;
	clipboard_finish_requests(clipboard);
	/* Unless one that was told so has thrown it out. */
	if (party->clipboard == clipboard)
		clipboard_set_owner(clipboard, party, types, party);
}

/* ---- parties ---- */

int clipboard_join(struct clipboard *clipboard, struct clipboard_party *party)
{
	size_t place = 0;

	assert(!party->clipboard);
	while (place < CLIPBOARD_MAX_PARTIES && clipboard->parties[place])
		place++;
	if (place == CLIPBOARD_MAX_PARTIES)
		return -ENOSPC;
	clipboard->parties[place] = party;
	party->clipboard = clipboard;
	party->waiting = 0;
	party->due = 0;
	party->told = clipboard->change;
	if (clipboard->owner)
		party->ops->grabbed(party, clipboard->types);
	return 0;
}

void clipboard_leave(struct clipboard_party *party)
{
	struct clipboard *clipboard = party->clipboard;
	size_t place = 0;

	if (!clipboard)
		return;
	while (clipboard->parties[place] != party)
		place++;
	clipboard->parties[place] = NULL;
	party->clipboard = NULL;
	clipboard_drop_owner(clipboard, party);
}

/* ---- set-up ---- */

struct clipboard *clipboard_create(struct loop *loop)
{
	struct clipboard *clipboard = calloc(1, sizeof(*clipboard));

	if (!clipboard)
		return NULL;
	for (size_t i = 0; i < CLIPBOARD_TYPE_COUNT; i++) {
		struct request *request = &clipboard->requests[i];

		request->clipboard = clipboard;
		request->timer = loop_timer_create(loop, request_on_timer, request);
		if (!request->timer) {
			int error = errno;

			clipboard_destroy(clipboard);
			errno = error;
			return NULL;
		}
	}
	return clipboard;
}

void clipboard_destroy(struct clipboard *clipboard)
{
	if (!clipboard)
		return;
	for (size_t i = 0; i < CLIPBOARD_MAX_PARTIES; i++)
		assert(!clipboard->parties[i]);
	for (size_t i = 0; i < CLIPBOARD_TYPE_COUNT; i++)
		loop_timer_destroy(clipboard->requests[i].timer);
	free(clipboard);
}
