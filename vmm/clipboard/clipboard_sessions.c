/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/clipboard_sessions.h"

#include "clipboard/clipboard.h"

#include <base/clipboard_channel.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SESSION_DESKTOP_BYTES 64

_Static_assert((int)CLIPBOARD_TEXT == CLIPBOARD_WIRE_TEXT &&
	       (int)CLIPBOARD_PNG == CLIPBOARD_WIRE_PNG &&
	       (int)CLIPBOARD_TYPE_COUNT == CLIPBOARD_WIRE_TYPE_COUNT &&
	       CLIPBOARD_MAX_BYTES == CLIPBOARD_WIRE_MAX_BYTES, "the wire says what the hub means");

struct clipboard_session {
	struct clipboard_party party;
	struct clipboard_session *next;
	struct clipboard_sessions *sessions;
	struct clipboard_channel *channel;      /* NULL: has ended */
	char desktop[SESSION_DESKTOP_BYTES + 1];
	uint32_t types;                         /* what it has copied itself */
	bool active;                            /* the one of its desktop */
	bool told;                              /* of an owner, since it is active */
};

struct clipboard_sessions {
	struct loop *loop;
	struct clipboard *clipboard;
	struct clipboard_session *first;        /* the oldest first */
};

static struct clipboard_session *session_from(struct clipboard_party *party)
{
	return (struct clipboard_session *)party;
}

/* --- from the hub to the client ---------------------------------------------------------- */

static void session_on_hub_grabbed(struct clipboard_party *party, uint32_t types)
{
	struct clipboard_session *session = session_from(party);

	session->told = true;
	session->types = 0;
	clipboard_channel_grab(session->channel, types);
}

static void session_on_hub_released(struct clipboard_party *party)
{
	clipboard_channel_release(session_from(party)->channel);
}

static void session_on_hub_wanted(struct clipboard_party *party, enum clipboard_type type)
{
	clipboard_channel_request(session_from(party)->channel, (enum clipboard_wire_type)type);
}

static void session_on_hub_answered(struct clipboard_party *party, enum clipboard_type type,
				    const void *bytes, size_t count)
{
	clipboard_channel_answer(session_from(party)->channel, (enum clipboard_wire_type)type,
				 bytes, count);
}

static const struct clipboard_party_ops session_party_ops = {
	.grabbed = session_on_hub_grabbed,
	.released = session_on_hub_released,
	.wanted = session_on_hub_wanted,
	.answered = session_on_hub_answered,
};

/* --- who takes part ---------------------------------------------------------------------- */

static bool session_has_rival(const struct clipboard_session *session)
{
	for (const struct clipboard_session *other = session->sessions->first; other;
	     other = other->next) {
		if (other->active && session->desktop[0] &&
		    !strcmp(other->desktop, session->desktop))
			return true;
	}
	return false;
}

/* Takes part from now on, when no other of its desktop does. */
static int session_activate(struct clipboard_session *session)
{
	int result;

	if (session->active || !session->channel || session_has_rival(session))
		return 0;
	session->told = false;
	session->active = true;
	result = clipboard_join(session->sessions->clipboard, &session->party);
	session->active = !result;
	/* What its desktop has while nobody else has anything; else it was told just now. */
	if (session->active && !session->told && session->types)
		clipboard_grab(&session->party, session->types);
	return result;
}

static void session_end(struct clipboard_session *session)
{
	if (!session->channel)
		return;
	clipboard_leave(&session->party);
	clipboard_channel_destroy(session->channel);
	session->channel = NULL;
	session->active = false;
	for (struct clipboard_session *next = session->sessions->first; next; next = next->next) {
		if (session_activate(next))
			log_warn("clipboard: no place for %s", next->party.name);
	}
}

/* --- from the client to the hub ---------------------------------------------------------- */

static void session_on_grabbed(void *data, uint32_t types)
{
	struct clipboard_session *session = data;

	session->types = types;
	if (session->active)
		clipboard_grab(&session->party, types);
}

static void session_on_released(void *data)
{
	struct clipboard_session *session = data;

	session->types = 0;
	if (session->active)
		clipboard_release(&session->party);
}

static void session_on_wanted(void *data, enum clipboard_wire_type type)
{
	struct clipboard_session *session = data;

	if (session->active)
		clipboard_request(&session->party, (enum clipboard_type)type);
	else
		clipboard_channel_answer(session->channel, type, NULL, 0);
}

static void session_on_answered(void *data, enum clipboard_wire_type type, const void *bytes,
				size_t count)
{
	struct clipboard_session *session = data;

	if (session->active)
		clipboard_answer(&session->party, (enum clipboard_type)type, bytes, count);
}

static void session_on_ended(void *data)
{
	session_end(data);
}

static const struct clipboard_channel_ops session_channel_ops = {
	.grabbed = session_on_grabbed,
	.released = session_on_released,
	.wanted = session_on_wanted,
	.answered = session_on_answered,
	.ended = session_on_ended,
};

/* --- set-up ------------------------------------------------------------------------------ */

struct clipboard_sessions *clipboard_sessions_create(struct loop *loop, struct clipboard *clipboard)
{
	struct clipboard_sessions *sessions = calloc(1, sizeof(*sessions));

	if (sessions)
		*sessions = (struct clipboard_sessions){ .loop = loop, .clipboard = clipboard };
	return sessions;
}

void clipboard_sessions_destroy(struct clipboard_sessions *sessions)
{
	if (!sessions)
		return;
	while (sessions->first)
		clipboard_session_close(sessions->first);
	free(sessions);
}

static void session_link(struct clipboard_session *session)
{
	struct clipboard_session **link = &session->sessions->first;

	while (*link)
		link = &(*link)->next;
	*link = session;
}

struct clipboard_session *clipboard_sessions_open(struct clipboard_sessions *sessions,
						  const char *desktop, int *peer_fd)
{
	struct clipboard_session *session = calloc(1, sizeof(*session));
	struct clipboard_channel_config config = { .loop = sessions->loop, .data = session,
						   .ops = &session_channel_ops,
						   .name = "a client" };
	int pair[2], error;

	if (!session)
		return NULL;
	*session = (struct clipboard_session){ .sessions = sessions };
	session->party = (struct clipboard_party){ .ops = &session_party_ops, .name = config.name };
	strncpy(session->desktop, desktop, sizeof(session->desktop) - 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		goto fail;
	config.fd = pair[0];
	session->channel = clipboard_channel_create(&config);
	if (!session->channel) {
		error = errno;
		close(pair[0]);
		close(pair[1]);
		errno = error;
		goto fail;
	}
	session_link(session);
	error = session_activate(session);
	if (error) {
		clipboard_session_close(session);
		close(pair[1]);
		errno = -error;
		return NULL;
	}
	*peer_fd = pair[1];
	return session;

fail:
	error = errno;
	free(session);
	errno = error;
	return NULL;
}

bool clipboard_session_has_ended(const struct clipboard_session *session)
{
	return !session->channel;
}

void clipboard_session_close(struct clipboard_session *session)
{
	struct clipboard_session **link;

	if (!session)
		return;
	session_end(session);
	link = &session->sessions->first;
	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	free(session);
}
