/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_agent.h"

#include "clipboard/vdagent_pipe.h"

#include <base/log.h>
#include <errno.h>
#include <spice/macros.h>
#include <stdbool.h>
#include <stdlib.h>

struct spice_agent {
	struct vdagent_pipe *pipe;
	struct vdagent_peer *peer;      /* main's */

	/* The server's loop. */
	SpiceServer *server;
	SpiceCharDeviceInstance device;
	bool added;                     /* the server has the device */
	uint64_t session;
};

static struct spice_agent *agent_from(SpiceCharDeviceInstance *device)
{
	return SPICE_CONTAINEROF(device, struct spice_agent, device);
}

/* ---- called by the library ---- */

static int agent_write(SpiceCharDeviceInstance *device, const uint8_t *bytes, int count)
{
	struct spice_agent *agent = agent_from(device);

	if (count <= 0)
		return 0;
	return (int)vdagent_pipe_write(agent->pipe, VDAGENT_PIPE_PORT, agent->session, bytes,
				       (size_t)count);
}

static int agent_read(SpiceCharDeviceInstance *device, uint8_t *bytes, int count)
{
	struct spice_agent *agent = agent_from(device);

	if (count <= 0)
		return 0;
	return (int)vdagent_pipe_read(agent->pipe, VDAGENT_PIPE_PORT, agent->session, bytes,
				      (size_t)count);
}

/* One session for as long as the library reads without a break: it counts the bytes of every
 * message, also of those for a client that has gone. 0 when it has thrown us out. */
static void agent_state(SpiceCharDeviceInstance *device, int connected)
{
	struct spice_agent *agent = agent_from(device);

	if (connected) {
		vdagent_pipe_open(agent->pipe);
		agent->session = vdagent_pipe_session(agent->pipe);
	} else {
		vdagent_pipe_close(agent->pipe);
		agent->session = 0;
		agent->added = false;
	}
}

static const SpiceCharDeviceInterface agent_interface = {
	.base = { SPICE_INTERFACE_CHAR_DEVICE, "vdagent", SPICE_INTERFACE_CHAR_DEVICE_MAJOR,
		  SPICE_INTERFACE_CHAR_DEVICE_MINOR },
	.state = agent_state,
	.write = agent_write,
	.read = agent_read,
	/* Else it would look every 100 ms whether there is room. */
	.flags = SPICE_CHAR_DEVICE_NOTIFY_WRITABLE,
};

/* ---- the server's loop ---- */

static int agent_add(struct spice_agent *agent)
{
	agent->device.base.sif = &agent_interface.base;
	agent->device.subtype = "vdagent";
	agent->added = !spice_server_add_interface(agent->server, &agent->device.base);
	return agent->added ? 0 : -EIO;
}

static void agent_remove(struct spice_agent *agent)
{
	if (agent->added && spice_server_remove_interface(&agent->device.base))
		log_error("cannot take the agent out of the SPICE server");
	agent->added = false;
}

static void agent_on_pipe(void *data)
{
	struct spice_agent *agent = data;

	/* Another agent, for the library and the client. */
	if (vdagent_pipe_is_hung_up(agent->pipe)) {
		agent_remove(agent);
		if (agent_add(agent))
			log_error("cannot put the agent into the SPICE server again");
	}
	/* Writes what waits, and reads. */
	if (agent->session)
		spice_server_char_device_wakeup(&agent->device);
}

int spice_agent_attach(struct spice_agent *agent, SpiceServer *server, struct loop *loop)
{
	int result = vdagent_pipe_attach(agent->pipe, VDAGENT_PIPE_PORT, loop, agent_on_pipe,
					 agent);

	if (result)
		return result;
	agent->server = server;
	return agent_add(agent);
}

void spice_agent_detach(struct spice_agent *agent)
{
	agent_remove(agent);
	vdagent_pipe_detach(agent->pipe, VDAGENT_PIPE_PORT);
	agent->server = NULL;
}

/* ---- set-up ---- */

struct spice_agent *spice_agent_create(const struct spice_agent_config *config)
{
	struct vdagent_peer_config peer = {
		.role = VDAGENT_WITH_CLIENT,
		.name = "a SPICE client",
		.loop = config->main_loop,
		.clipboard = config->clipboard,
		.monitors = config->monitors,
		.data = config->data,
	};
	struct spice_agent *agent = calloc(1, sizeof(*agent));
	int error;

	if (!agent)
		return NULL;
	agent->pipe = vdagent_pipe_create();
	if (agent->pipe) {
		peer.pipe = agent->pipe;
		agent->peer = vdagent_peer_create(&peer);
	}
	if (agent->peer)
		return agent;
	error = errno;
	spice_agent_destroy(agent);
	errno = error;
	return NULL;
}

void spice_agent_destroy(struct spice_agent *agent)
{
	if (!agent)
		return;
	vdagent_peer_destroy(agent->peer);
	vdagent_pipe_destroy(agent->pipe);
	free(agent);
}
