/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's party at the clipboard: a spice-vdagent, of Linux or Windows, at the other end of the
 * virtio-serial port com.redhat.spice.0. We do what a SPICE client does with it; it also sets the
 * guest's screens to the sizes of our windows.
 */
#ifndef VMM_CLIPBOARD_GUEST_AGENT_H
#define VMM_CLIPBOARD_GUEST_AGENT_H

#include "clipboard/vdagent_peer.h"

struct guest_agent;
struct virtio_serial_port;
struct virtio_serial_port_config;

/* From main. clipboard NULL: screens only. NULL with errno. */
struct guest_agent *guest_agent_create(struct loop *main_loop, struct clipboard *clipboard);
/* From main, after the port was detached. NULL is ignored. */
void guest_agent_destroy(struct guest_agent *agent);

/* What its port is to be. */
struct virtio_serial_port_config guest_agent_port_config(struct guest_agent *agent);
/* On the port's loop or while it does not run: the port that was made so. 0 or -errno. */
int guest_agent_attach(struct guest_agent *agent, struct virtio_serial_port *port,
		       struct loop *port_loop);
/* As attach, before the port goes. Harmless when none is attached. */
void guest_agent_detach(struct guest_agent *agent);

/* While no port is attached: what the screens are before anybody wants another size. */
void guest_agent_init_monitors(struct guest_agent *agent, const struct vdagent_monitor *monitors,
			       uint32_t count);
/* Any thread. From the first call on every agent that comes is told all sizes. */
void guest_agent_set_monitor(struct guest_agent *agent, uint32_t index, uint32_t width,
			     uint32_t height);

#endif
