/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world behind a network card: user-mode networking, a tap device, a test's recorder.
 *
 * A backend lives on the card's loop. Frames are Ethernet without checksum, copied by who takes
 * them; nobody waits for anybody: what cannot be taken now is dropped.
 */
#ifndef VMM_DEVICES_NET_BACKEND_H
#define VMM_DEVICES_NET_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#define NET_MAC_BYTES 6
#define NET_FRAME_MIN_BYTES 14u
#define NET_FRAME_MAX_BYTES 1518u       /* 1500 bytes, header, VLAN tag */

struct net_backend;

struct net_backend_ops {
	/* A frame from the guest, NET_FRAME_MIN_BYTES to NET_FRAME_MAX_BYTES long. */
	void (*transmit)(struct net_backend *backend, const uint8_t *frame, size_t bytes);
	/* No more frames follow for now. May be NULL. */
	void (*transmit_done)(struct net_backend *backend);
	void (*destroy)(struct net_backend *backend);
};

/* The card's side. */
struct net_sink_ops {
	/* A frame for the guest; dropped when the guest has no room. */
	void (*receive)(void *data, const uint8_t *frame, size_t bytes);
	/* No more frames follow for now: tell the guest. */
	void (*receive_done)(void *data);
};

struct net_backend {
	const struct net_backend_ops *ops;
	const struct net_sink_ops *sink;        /* set by net_backend_attach, NULL before */
	void *sink_data;
};

static inline void net_backend_attach(struct net_backend *backend, const struct net_sink_ops *sink,
				      void *sink_data)
{
	backend->sink = sink;
	backend->sink_data = sink_data;
}

static inline void net_backend_receive(struct net_backend *backend, const uint8_t *frame,
				       size_t bytes)
{
	if (backend->sink)
		backend->sink->receive(backend->sink_data, frame, bytes);
}

static inline void net_backend_receive_done(struct net_backend *backend)
{
	if (backend->sink)
		backend->sink->receive_done(backend->sink_data);
}

#endif
