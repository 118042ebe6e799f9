/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libspice-server takes for the agent in the guest is the clipboard's party for SPICE clients:
 * they speak vdagent with us, whatever the guest has. The interface is on the "spice" loop, the
 * party on main's.
 */
#ifndef VMM_SPICE_SPICE_AGENT_H
#define VMM_SPICE_SPICE_AGENT_H

#include "clipboard/vdagent_peer.h"

#include <spice.h>

struct spice_agent;

struct spice_agent_config {
	struct loop *main_loop;
	struct clipboard *clipboard;    /* NULL: none is offered */
	/* On main: what a client's window is to the guest's screens. NULL: that is not offered. */
	vdagent_monitors_func *monitors;
	void *data;
};

/* From main. NULL with errno. */
struct spice_agent *spice_agent_create(const struct spice_agent_config *config);
/* From main, when it is in no server. NULL is ignored. */
void spice_agent_destroy(struct spice_agent *agent);

/* On the server's loop. 0 or -errno; detach in both cases. */
int spice_agent_attach(struct spice_agent *agent, SpiceServer *server, struct loop *loop);
/* As attach, before the server goes. Harmless when it is in none. */
void spice_agent_detach(struct spice_agent *agent);

#endif
