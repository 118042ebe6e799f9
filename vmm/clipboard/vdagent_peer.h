/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The party that speaks vdagent with one other: as a SPICE client does with the agent in the
 * guest, or as an agent does with a SPICE client. What is said about the clipboard is the same
 * both ways; there is one clipboard, text and PNG, by demand, and the agents' further selections
 * are left alone.
 *
 * On main's loop; the other side's bytes come through a pipe. They are outside input: unknown
 * messages and types are ignored, and a stream that is none is hung up on. While the other side
 * does not read, what it says is not read either, and of what there is to tell it only the last
 * state is kept.
 */
#ifndef VMM_CLIPBOARD_VDAGENT_PEER_H
#define VMM_CLIPBOARD_VDAGENT_PEER_H

#include <stdint.h>

struct clipboard;
struct loop;
struct vdagent_peer;
struct vdagent_pipe;

#define VDAGENT_MAX_MONITORS 16

struct vdagent_monitor {
	uint32_t width, height;         /* pixels; 0 x 0: off */
};

/* What a SPICE client wants the guest's screens to be, by their numbers: any values. */
typedef void vdagent_monitors_func(void *data, const struct vdagent_monitor *monitors,
				   uint32_t count);

enum vdagent_role {
	VDAGENT_WITH_GUEST,     /* the other side is the agent, from a session's first byte on */
	VDAGENT_WITH_CLIENT,    /* libspice-server, which says when one client ends */
};

struct vdagent_peer_config {
	enum vdagent_role role;
	const char *name;               /* for the log; stays the caller's */
	struct loop *loop;
	struct clipboard *clipboard;    /* NULL: monitors only */
	struct vdagent_pipe *pipe;      /* its main's end */
	vdagent_monitors_func *monitors;        /* with a client; NULL: it is not offered */
	void *data;
};

/* The config's objects outlive it. NULL with errno. */
struct vdagent_peer *vdagent_peer_create(const struct vdagent_peer_config *config);
/* NULL is ignored. */
void vdagent_peer_destroy(struct vdagent_peer *peer);

/* With the guest: what its screens shall be. It is told as soon as it listens, and again when
 * another agent comes. count is at most VDAGENT_MAX_MONITORS. */
void vdagent_peer_set_monitors(struct vdagent_peer *peer, const struct vdagent_monitor *monitors,
			       uint32_t count);

#endif
