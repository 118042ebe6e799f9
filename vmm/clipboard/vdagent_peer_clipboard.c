/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/vdagent_peer_private.h"

#include <base/bytes.h>
#include <base/clipboard_text.h>
#include <base/log.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* The first is what clients that know one type only take. */
static const uint32_t wire_types[CLIPBOARD_TYPE_COUNT] = {
	[CLIPBOARD_TEXT] = VD_AGENT_CLIPBOARD_UTF8_TEXT,
	[CLIPBOARD_PNG] = VD_AGENT_CLIPBOARD_IMAGE_PNG,
};

/* The beginning of a body: the selection and a serial, where both sides know them, and types. */
struct wire_head {
	uint32_t words[3 + CLIPBOARD_TYPE_COUNT];
	size_t bytes;
};

static struct vdagent_peer *peer_from(struct clipboard_party *party)
{
	return (struct vdagent_peer *)party;
}

static bool peer_has(const struct vdagent_peer *peer, unsigned int cap)
{
	return peer->caps & 1u << cap;
}

/* With clients we do not announce them. */
static bool peer_has_selections(const struct vdagent_peer *peer)
{
	return peer->config.role == VDAGENT_WITH_GUEST &&
	       peer_has(peer, VD_AGENT_CAP_CLIPBOARD_SELECTION);
}

/* Grabs are numbered, so that both sides know which is the later of two that cross. */
static bool peer_has_serials(const struct vdagent_peer *peer)
{
	return peer->config.role == VDAGENT_WITH_CLIENT &&
	       peer_has(peer, VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL);
}

static bool peer_has_crlf(const struct vdagent_peer *peer)
{
	return peer->config.role == VDAGENT_WITH_GUEST &&
	       peer_has(peer, VD_AGENT_CAP_GUEST_LINEEND_CRLF);
}

/* ---- out ---- */

static void head_add(struct wire_head *head, uint32_t word)
{
	head->words[head->bytes / sizeof(word)] = htole32(word);
	head->bytes += sizeof(word);
}

static struct wire_head peer_head(const struct vdagent_peer *peer)
{
	struct wire_head head = { 0 };

	if (peer_has_selections(peer))
		head_add(&head, VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD);
	return head;
}

static void peer_send_data(struct vdagent_peer *peer, uint32_t wire_type, const void *bytes,
			   size_t count)
{
	struct wire_head head = peer_head(peer);

	head_add(&head, wire_type);
	peer_send(peer, VD_AGENT_CLIPBOARD, head.words, head.bytes, bytes, count);
}

void peer_send_offer(struct vdagent_peer *peer)
{
	struct wire_head head = peer_head(peer);

	peer->offer_due = false;
	if (!peer->offer) {
		if (peer->offered)
			peer_send(peer, VD_AGENT_CLIPBOARD_RELEASE, head.words, head.bytes, NULL,
				  0);
		peer->offered = false;
		return;
	}
	if (peer_has_serials(peer))
		head_add(&head, peer->grab_serial++);
	for (unsigned int type = 0; type < CLIPBOARD_TYPE_COUNT; type++)
		if (peer->offer & CLIPBOARD_BIT(type))
			head_add(&head, wire_types[type]);
	peer->offered = true;
	peer_send(peer, VD_AGENT_CLIPBOARD_GRAB, head.words, head.bytes, NULL, 0);
}

static void peer_forget_asked(struct vdagent_peer *peer, enum clipboard_type type)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < peer->asked_count; i++)
		if (peer->asked[i] != type)
			peer->asked[kept++] = peer->asked[i];
	peer->asked_count = kept;
}

void peer_send_asks(struct vdagent_peer *peer)
{
	for (unsigned int type = 0; type < CLIPBOARD_TYPE_COUNT; type++) {
		struct wire_head head = peer_head(peer);

		if (!(peer->ask_due & CLIPBOARD_BIT(type)))
			continue;
		peer_forget_asked(peer, type);
		peer->asked[peer->asked_count++] = type;
		head_add(&head, wire_types[type]);
		peer_send(peer, VD_AGENT_CLIPBOARD_REQUEST, head.words, head.bytes, NULL, 0);
	}
	peer->ask_due = 0;
}

static void peer_grabbed(struct clipboard_party *party, uint32_t types)
{
	struct vdagent_peer *peer = peer_from(party);

	peer->offer = types;
	peer->offer_due = true;
	peer_flush(peer);
}

static void peer_released(struct clipboard_party *party)
{
	peer_grabbed(party, 0);
}

static void peer_wanted(struct clipboard_party *party, enum clipboard_type type)
{
	struct vdagent_peer *peer = peer_from(party);

	peer->ask_due |= CLIPBOARD_BIT(type);
	peer_flush(peer);
}

static void peer_answered(struct clipboard_party *party, enum clipboard_type type,
			  const void *bytes, size_t count)
{
	struct vdagent_peer *peer = peer_from(party);
	uint8_t *text = NULL;

	if (bytes && type == CLIPBOARD_TEXT && peer_has_crlf(peer)) {
		text = clipboard_text_to_crlf(bytes, count, &count);
		bytes = text;
	}
	peer_send_data(peer, bytes ? wire_types[type] : VD_AGENT_CLIPBOARD_NONE, bytes,
		       bytes ? count : 0);
	free(text);
	peer_flush(peer);
}

const struct clipboard_party_ops peer_party_ops = {
	.grabbed = peer_grabbed,
	.released = peer_released,
	.wanted = peer_wanted,
	.answered = peer_answered,
};

/* ---- in ---- */

static bool body_take(struct byte_reader *body, uint32_t *word)
{
	bool good = byte_reader_get(body, word, sizeof(*word));

	*word = le32toh(*word);
	return good;
}

/* False for a type that the clipboard does not have. */
static bool type_from_wire(uint32_t wire_type, enum clipboard_type *type)
{
	for (unsigned int i = 0; i < CLIPBOARD_TYPE_COUNT; i++) {
		if (wire_types[i] == wire_type) {
			*type = i;
			return true;
		}
	}
	return false;
}

/* False for a grab that ours has overtaken. The client counts as we do, and ignores a grab of ours
 * with another number than its next: of two that cross, its own is the later. */
static bool peer_take_serial(struct vdagent_peer *peer, struct byte_reader *body)
{
	uint32_t serial;

	if (!peer_has_serials(peer))
		return true;
	if (!body_take(body, &serial)) {
		peer_bug(peer, "%s: a grab without its serial", peer->config.name);
		return false;
	}
	/* They wrap. */
	if ((int32_t)(serial + 1 - peer->grab_serial) < 0)
		return false;
	peer->grab_serial = serial + 1;
	return true;
}

static void peer_take_grab(struct vdagent_peer *peer, struct byte_reader *body)
{
	enum clipboard_type type;
	uint32_t wire_type, types = 0;

	if (!peer_take_serial(peer, body))
		return;
	while (body_take(body, &wire_type))
		if (type_from_wire(wire_type, &type))
			types |= CLIPBOARD_BIT(type);
	/* Its own copy takes the place of what it was offered. */
	peer->offer_due = false;
	peer->offer = 0;
	peer->offered = false;
	clipboard_grab(&peer->party, types);
}

static void peer_take_request(struct vdagent_peer *peer, struct byte_reader *body)
{
	enum clipboard_type type;
	uint32_t wire_type;

	if (!body_take(body, &wire_type) || !type_from_wire(wire_type, &type))
		peer_send_data(peer, VD_AGENT_CLIPBOARD_NONE, NULL, 0);
	else
		clipboard_request(&peer->party, type);
}

static void peer_take_text(struct vdagent_peer *peer, const uint8_t *text, size_t count)
{
	uint8_t *lf = NULL;

	count = clipboard_text_length(text, count);
	if (peer_has_crlf(peer)) {
		lf = malloc(count ? count : 1);
		count = lf ? clipboard_text_to_lf(lf, text, count) : 0;
		text = lf;
	}
	clipboard_answer(&peer->party, CLIPBOARD_TEXT, text, count);
	free(lf);
}

/* No type, one that was not asked for, or too much: the oldest question has no answer. */
static void peer_take_nothing(struct vdagent_peer *peer)
{
	enum clipboard_type type;

	if (!peer->asked_count)
		return;
	type = peer->asked[0];
	peer_forget_asked(peer, type);
	clipboard_answer(&peer->party, type, NULL, 0);
}

static bool peer_has_asked(const struct vdagent_peer *peer, enum clipboard_type type)
{
	for (uint32_t i = 0; i < peer->asked_count; i++)
		if (peer->asked[i] == type)
			return true;
	return false;
}

/* Looking Glass B7 names the type that it was offered last, whatever it sends. No text begins as a
 * picture does. */
static enum clipboard_type peer_true_type(const struct vdagent_peer *peer,
					  const struct byte_reader *body, enum clipboard_type named)
{
	static const uint8_t png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

	if (peer->config.role != VDAGENT_WITH_CLIENT)
		return named;
	if (body->left >= sizeof(png) && !memcmp(body->bytes, png, sizeof(png)))
		return CLIPBOARD_PNG;
	return peer->asked_count && !peer_has_asked(peer, named) ? peer->asked[0] : named;
}

static void peer_take_data(struct vdagent_peer *peer, struct byte_reader *body)
{
	enum clipboard_type type;
	uint32_t wire_type;

	if (!body_take(body, &wire_type) || !type_from_wire(wire_type, &type)) {
		peer_take_nothing(peer);
		return;
	}
	type = peer_true_type(peer, body, type);
	peer_forget_asked(peer, type);
	if (type == CLIPBOARD_TEXT)
		peer_take_text(peer, body->bytes, body->left);
	else
		clipboard_answer(&peer->party, type, body->bytes, body->left);
}

/* One without a body was too long to be read. */
static void peer_take_too_long(struct vdagent_peer *peer, const struct vdagent_message *message)
{
	peer_bug(peer, "%s: %u bytes are too much for the clipboard", peer->config.name,
		 message->size);
	peer_take_nothing(peer);
}

bool peer_take_clipboard_message(struct vdagent_peer *peer, const struct vdagent_message *message)
{
	struct byte_reader body = byte_reader_init(message->body, message->size);
	uint32_t selection = VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD;

	if (message->type != VD_AGENT_CLIPBOARD && message->type != VD_AGENT_CLIPBOARD_GRAB &&
	    message->type != VD_AGENT_CLIPBOARD_REQUEST &&
	    message->type != VD_AGENT_CLIPBOARD_RELEASE)
		return false;
	if (!peer->party.clipboard)
		return true;
	if (!message->body) {
		peer_take_too_long(peer, message);
		return true;
	}
	/* One byte and three that are reserved. */
	if (peer_has_selections(peer) && !body_take(&body, &selection)) {
		peer_bug(peer, "%s: no selection", peer->config.name);
		return true;
	}
	if ((selection & 0xff) != VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD)
		return true;
	if (message->type == VD_AGENT_CLIPBOARD_GRAB)
		peer_take_grab(peer, &body);
	else if (message->type == VD_AGENT_CLIPBOARD_REQUEST)
		peer_take_request(peer, &body);
	else if (message->type == VD_AGENT_CLIPBOARD)
		peer_take_data(peer, &body);
	else
		clipboard_release(&peer->party);
	return true;
}
