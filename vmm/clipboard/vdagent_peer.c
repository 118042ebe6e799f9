/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/vdagent_peer.h"

#include "clipboard/vdagent_peer_private.h"
#include "clipboard/vdagent_pipe.h"

#include <base/log.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PEER_READ_BYTES 4096
/* Reads in one go, so that a side that never stops talking leaves main time for others. */
#define PEER_MAX_READS 32

#define CAP(name) (1u << VD_AGENT_CAP_##name)

static uint32_t peer_own_caps(const struct vdagent_peer *peer)
{
	uint32_t caps = CAP(CLIPBOARD_NO_RELEASE_ON_REGRAB);

	if (peer->config.role == VDAGENT_WITH_GUEST) {
		caps |= CAP(MONITORS_CONFIG);
		if (peer->config.clipboard)
			caps |= CAP(CLIPBOARD_BY_DEMAND) | CAP(CLIPBOARD_SELECTION);
		return caps;
	}
	/* No selection: Looking Glass B7 ignores what is copied in a guest that knows of them. */
	caps |= CAP(GUEST_LINEEND_LF);
	if (peer->config.clipboard)
		caps |= CAP(CLIPBOARD_BY_DEMAND) | CAP(CLIPBOARD_GRAB_SERIAL);
	if (peer->config.monitors)
		caps |= CAP(MONITORS_CONFIG) | CAP(SPARSE_MONITORS_CONFIG) | CAP(REPLY);
	return caps;
}

/* ---- out ---- */

void peer_send(struct vdagent_peer *peer, uint32_t type, const void *head, size_t head_bytes,
	       const void *body, size_t body_bytes)
{
	if (vdagent_writer_add(&peer->writer, VDP_CLIENT_PORT, type, head, head_bytes, body,
			       body_bytes))
		log_error("%s: no memory for %zu bytes", peer->config.name, body_bytes);
}

static void peer_send_announce(struct vdagent_peer *peer)
{
	const uint32_t words[2] = { htole32(peer->announce_asks), htole32(peer_own_caps(peer)) };

	peer->announce_due = false;
	peer->announce_asks = false;
	peer_send(peer, VD_AGENT_ANNOUNCE_CAPABILITIES, words, sizeof(words), NULL, 0);
}

static void peer_send_max_clipboard(struct vdagent_peer *peer)
{
	const uint32_t max = htole32((uint32_t)CLIPBOARD_MAX_BYTES);

	if (peer->caps & CAP(MAX_CLIPBOARD) && peer->config.role == VDAGENT_WITH_GUEST)
		peer_send(peer, VD_AGENT_MAX_CLIPBOARD, &max, sizeof(max), NULL, 0);
}

static void peer_send_due(struct vdagent_peer *peer)
{
	if (peer->announce_due)
		peer_send_announce(peer);
	if (peer->monitors_due && peer->caps & CAP(MONITORS_CONFIG))
		peer_send_monitors(peer);
	if (peer->offer_due)
		peer_send_offer(peer);
	if (peer->ask_due)
		peer_send_asks(peer);
}

void peer_flush(struct vdagent_peer *peer)
{
	size_t count, taken;

	if (peer->session && peer->writer.backlog < PEER_BACKLOG_BYTES)
		peer_send_due(peer);
	do {
		const uint8_t *bytes = vdagent_writer_peek(&peer->writer, &count);

		taken = vdagent_pipe_write(peer->config.pipe, VDAGENT_PIPE_MAIN, peer->session,
					   bytes, count);
		vdagent_writer_take(&peer->writer, taken);
	} while (taken);
}

/* ---- what the other side says ---- */

/* It is new, or has forgotten what was said before. What is half sent is sent to its end:
 * libspice-server counts a message's bytes, whoever the client is. */
static void peer_forget(struct vdagent_peer *peer)
{
	clipboard_leave(&peer->party);
	vdagent_writer_cut(&peer->writer);
	peer->caps = 0;
	peer->caps_known = false;
	peer->announce_due = false;
	peer->announce_asks = false;
	peer->offer_due = false;
	peer->offer = 0;
	peer->offered = false;
	peer->grab_serial = 0;
	peer->ask_due = 0;
	peer->asked_count = 0;
	peer->monitors_due = peer->monitor_count > 0;
}

static void peer_join(struct vdagent_peer *peer)
{
	if (!peer->config.clipboard || peer->party.clipboard ||
	    !(peer->caps & CAP(CLIPBOARD_BY_DEMAND)))
		return;
	peer_send_max_clipboard(peer);
	if (clipboard_join(peer->config.clipboard, &peer->party))
		log_error("%s: too many share the clipboard", peer->config.name);
}

static void peer_take_announce(struct vdagent_peer *peer, const struct vdagent_message *message)
{
	uint32_t words[2] = { 0 };

	if (message->size < sizeof(words[0])) {
		peer_bug(peer, "%s: capabilities in %u bytes", peer->config.name, message->size);
		return;
	}
	memcpy(words, message->body, message->size < sizeof(words) ? message->size : sizeof(words));
	/* One that asks has just begun; the first answer to our own question is no beginning. */
	if (words[0]) {
		bool asks = peer->announce_asks;

		if (peer->caps_known)
			peer_forget(peer);
		peer->announce_due = true;
		peer->announce_asks = asks;
	} else if (!peer->caps_known && peer->config.role == VDAGENT_WITH_CLIENT) {
		peer->announce_due = true;
	}
	peer->caps = le32toh(words[1]);
	peer->caps_known = true;
	if (peer->announce_due)
		peer_send_announce(peer);
	peer_join(peer);
}

static void peer_on_message(void *data, const struct vdagent_message *message)
{
	struct vdagent_peer *peer = data;

	if (message->port == VDP_SERVER_PORT) {
		if (message->type == VD_AGENT_CLIENT_DISCONNECTED &&
		    peer->config.role == VDAGENT_WITH_CLIENT) {
			vdagent_reader_drop(&peer->reader, VDP_CLIENT_PORT);
			peer_forget(peer);
		}
		return;
	}
	if (!message->body && message->type != VD_AGENT_CLIPBOARD)
		peer_bug(peer, "%s: message of type %u with %u bytes", peer->config.name,
			 message->type, message->size);
	else if (message->type == VD_AGENT_ANNOUNCE_CAPABILITIES)
		peer_take_announce(peer, message);
	else if (message->type == VD_AGENT_MONITORS_CONFIG)
		peer_take_monitors(peer, message);
	else if (!peer_take_clipboard_message(peer, message))
		log_debug("%s: message of type %u ignored", peer->config.name, message->type);
}

/* ---- in ---- */

static void peer_begin_session(struct vdagent_peer *peer, uint64_t session)
{
	peer_forget(peer);
	vdagent_writer_finish(&peer->writer);
	vdagent_reader_finish(&peer->reader);
	vdagent_reader_init(&peer->reader, peer_on_message, peer);
	peer->session = session;
	if (session && peer->config.role == VDAGENT_WITH_GUEST) {
		peer->announce_due = true;
		peer->announce_asks = true;
	}
}

static void peer_break(struct vdagent_peer *peer)
{
	uint64_t session = peer->session;

	peer_begin_session(peer, 0);
	vdagent_pipe_hang_up(peer->config.pipe, session);
}

/* Reads on while the other side takes what it is told. */
static void peer_read(struct vdagent_peer *peer)
{
	uint8_t bytes[PEER_READ_BYTES];
	unsigned int reads = 0;

	while (peer->writer.backlog < PEER_BACKLOG_BYTES) {
		size_t count;

		if (reads++ == PEER_MAX_READS) {
			vdagent_pipe_wake(peer->config.pipe, VDAGENT_PIPE_MAIN);
			return;
		}
		count = vdagent_pipe_read(peer->config.pipe, VDAGENT_PIPE_MAIN, peer->session,
					  bytes, sizeof(bytes));
		if (!count)
			return;
		if (vdagent_reader_feed(&peer->reader, bytes, count)) {
			peer_bug(peer, "%s: that is no vdagent", peer->config.name);
			peer_break(peer);
			return;
		}
		peer_flush(peer);
	}
}

static void peer_on_wake(void *data)
{
	struct vdagent_peer *peer = data;
	uint64_t session = vdagent_pipe_session(peer->config.pipe);

	/* One that was hung up on stays so until there is another. */
	if (session != peer->last_session) {
		peer->last_session = session;
		peer_begin_session(peer, session);
	}
	peer_flush(peer);
	peer_read(peer);
	peer_flush(peer);
}

/* ---- set-up ---- */

void vdagent_peer_set_monitors(struct vdagent_peer *peer, const struct vdagent_monitor *monitors,
			       uint32_t count)
{
	memcpy(peer->monitors, monitors, count * sizeof(*monitors));
	peer->monitor_count = count;
	peer->monitors_due = true;
	peer_flush(peer);
}

struct vdagent_peer *vdagent_peer_create(const struct vdagent_peer_config *config)
{
	struct vdagent_peer *peer = calloc(1, sizeof(*peer));
	int result;

	if (!peer)
		return NULL;
	peer->config = *config;
	peer->party.ops = &peer_party_ops;
	peer->party.name = config->name;
	vdagent_reader_init(&peer->reader, peer_on_message, peer);
	result = vdagent_pipe_attach(config->pipe, VDAGENT_PIPE_MAIN, config->loop, peer_on_wake,
				     peer);
	if (result) {
		free(peer);
		errno = -result;
		return NULL;
	}
	/* A session may have begun already. */
	vdagent_pipe_wake(config->pipe, VDAGENT_PIPE_MAIN);
	return peer;
}

void vdagent_peer_destroy(struct vdagent_peer *peer)
{
	if (!peer)
		return;
	vdagent_pipe_detach(peer->config.pipe, VDAGENT_PIPE_MAIN);
	clipboard_leave(&peer->party);
	vdagent_reader_finish(&peer->reader);
	vdagent_writer_finish(&peer->writer);
	free(peer);
}
