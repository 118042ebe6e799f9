/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VMM_CLIPBOARD_VDAGENT_PEER_PRIVATE_H
#define VMM_CLIPBOARD_VDAGENT_PEER_PRIVATE_H

#include "clipboard/clipboard.h"
#include "clipboard/vdagent_peer.h"
#include "clipboard/vdagent_stream.h"

#include <stdbool.h>

/* With more than this on its way to the other side it is neither read nor told what can wait. */
#define PEER_BACKLOG_BYTES ((size_t)64 << 10)

struct vdagent_peer {
	struct clipboard_party party;
	struct vdagent_peer_config config;
	uint64_t session;               /* the pipe's; 0: none, or hung up on */
	uint64_t last_session;          /* the last one that was looked at */
	struct vdagent_reader reader;
	struct vdagent_writer writer;

	/* What the other side can do (bits VD_AGENT_CAP_*), once it has said so. */
	uint32_t caps;
	bool caps_known;

	/* What it is still to be told, the last state of each. */
	bool announce_due, announce_asks;
	bool offer_due, monitors_due;
	uint32_t ask_due;               /* CLIPBOARD_BITs */

	uint32_t offer;                 /* types that others offer it; 0: none */
	bool offered;                   /* it has been told of some */
	uint32_t grab_serial;           /* of the next grab, by either side */
	/* What it was asked for and has not answered, oldest first, each type once. */
	enum clipboard_type asked[CLIPBOARD_TYPE_COUNT];
	uint32_t asked_count;

	struct vdagent_monitor monitors[VDAGENT_MAX_MONITORS];
	uint32_t monitor_count;
};

/* ---- vdagent_peer.c ---- */

void peer_send(struct vdagent_peer *peer, uint32_t type, const void *head, size_t head_bytes,
	       const void *body, size_t body_bytes);
/* Sends what is due and fits. */
void peer_flush(struct vdagent_peer *peer);
/* Remarks on what the other side has done. */
#define peer_bug(peer, ...)                                                                        \
	do {                                                                                       \
		if ((peer)->config.role == VDAGENT_WITH_GUEST)                                     \
			log_guest_bug(__VA_ARGS__);                                                \
		else                                                                               \
			log_peer_bug(__VA_ARGS__);                                                 \
	} while (0)

/* ---- vdagent_peer_clipboard.c: the messages about the clipboard ---- */

extern const struct clipboard_party_ops peer_party_ops;

/* True when the message was one. */
bool peer_take_clipboard_message(struct vdagent_peer *peer, const struct vdagent_message *message);
void peer_send_offer(struct vdagent_peer *peer);
void peer_send_asks(struct vdagent_peer *peer);

/* ---- vdagent_peer_monitors.c ---- */

void peer_send_monitors(struct vdagent_peer *peer);
void peer_take_monitors(struct vdagent_peer *peer, const struct vdagent_message *message);

#endif
