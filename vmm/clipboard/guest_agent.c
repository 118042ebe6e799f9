/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/guest_agent.h"

#include "clipboard/vdagent_pipe.h"
#include "devices/virtio_serial.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AGENT_PORT_NAME "com.redhat.spice.0"
#define AGENT_STAGED_BYTES 4096

struct guest_agent {
	struct vdagent_pipe *pipe;
	struct vdagent_peer *peer;      /* main's */

	/* The port's loop. */
	struct virtio_serial_port *port;
	uint64_t session;
	bool refused;                   /* input that waits for room in the pipe */
	bool hung_up;                   /* our end is closed until the guest closes its own */
	size_t staged_first, staged_end;
	uint8_t staged[AGENT_STAGED_BYTES];     /* out of the pipe, not yet in the port */

	/* Sizes that are wanted, from any thread to main. */
	int wake_fd;
	struct loop_fd *wake_source;
	pthread_mutex_t mutex;
	struct vdagent_monitor monitors[VDAGENT_MAX_MONITORS];
	uint32_t monitor_count;
};

/* ---- the port's loop ---- */

static void agent_pump(struct guest_agent *agent)
{
	for (;;) {
		size_t count = agent->staged_end - agent->staged_first, taken;

		if (!count) {
			count = vdagent_pipe_read(agent->pipe, VDAGENT_PIPE_PORT, agent->session,
						  agent->staged, sizeof(agent->staged));
			agent->staged_first = 0;
			agent->staged_end = count;
		}
		if (!count)
			return;
		taken = virtio_serial_port_write(agent->port, agent->staged + agent->staged_first,
						 count);
		agent->staged_first += taken;
		if (taken < count)
			return;
	}
}

static void agent_end_session(struct guest_agent *agent)
{
	vdagent_pipe_close(agent->pipe);
	agent->session = 0;
	agent->refused = false;
	agent->staged_first = 0;
	agent->staged_end = 0;
}

static void agent_opened(void *data, bool guest_open)
{
	struct guest_agent *agent = data;

	agent_end_session(agent);
	if (guest_open) {
		vdagent_pipe_open(agent->pipe);
		agent->session = vdagent_pipe_session(agent->pipe);
	} else if (agent->hung_up) {
		agent->hung_up = false;
		virtio_serial_port_set_open(agent->port, true);
	}
}

static size_t agent_input(void *data, const uint8_t *bytes, size_t count)
{
	struct guest_agent *agent = data;
	size_t taken = vdagent_pipe_write(agent->pipe, VDAGENT_PIPE_PORT, agent->session, bytes,
					  count);

	agent->refused = taken < count;
	return taken;
}

static void agent_writable(void *data)
{
	agent_pump(data);
}

static void agent_on_pipe(void *data)
{
	struct guest_agent *agent = data;

	if (vdagent_pipe_is_hung_up(agent->pipe)) {
		agent_end_session(agent);
		agent->hung_up = true;
		virtio_serial_port_set_open(agent->port, false);
		return;
	}
	if (agent->refused) {
		agent->refused = false;
		virtio_serial_port_resume(agent->port);
	}
	agent_pump(agent);
}

struct virtio_serial_port_config guest_agent_port_config(struct guest_agent *agent)
{
	static const struct virtio_serial_port_ops ops = {
		.opened = agent_opened,
		.input = agent_input,
		.writable = agent_writable,
	};

	return (struct virtio_serial_port_config){ .name = AGENT_PORT_NAME, .ops = &ops,
						   .data = agent };
}

int guest_agent_attach(struct guest_agent *agent, struct virtio_serial_port *port,
		       struct loop *port_loop)
{
	int result = vdagent_pipe_attach(agent->pipe, VDAGENT_PIPE_PORT, port_loop, agent_on_pipe,
					 agent);

	if (result)
		return result;
	agent->port = port;
	virtio_serial_port_set_open(port, true);
	return 0;
}

void guest_agent_detach(struct guest_agent *agent)
{
	if (!agent->port)
		return;
	virtio_serial_port_detach(agent->port);
	agent->port = NULL;
	vdagent_pipe_detach(agent->pipe, VDAGENT_PIPE_PORT);
	agent_end_session(agent);
}

/* ---- the sizes of screens ---- */

static void agent_on_sizes(void *data, uint32_t events)
{
	struct guest_agent *agent = data;
	struct vdagent_monitor monitors[VDAGENT_MAX_MONITORS];
	uint32_t count;
	eventfd_t rung;

	eventfd_read(agent->wake_fd, &rung);
	pthread_mutex_lock(&agent->mutex);
	count = agent->monitor_count;
	memcpy(monitors, agent->monitors, sizeof(monitors));
	pthread_mutex_unlock(&agent->mutex);
	vdagent_peer_set_monitors(agent->peer, monitors, count);
}

void guest_agent_init_monitors(struct guest_agent *agent, const struct vdagent_monitor *monitors,
			       uint32_t count)
{
	if (count > VDAGENT_MAX_MONITORS)
		count = VDAGENT_MAX_MONITORS;
	memcpy(agent->monitors, monitors, count * sizeof(*monitors));
	agent->monitor_count = count;
}

void guest_agent_set_monitor(struct guest_agent *agent, uint32_t index, uint32_t width,
			     uint32_t height)
{
	if (index >= VDAGENT_MAX_MONITORS)
		return;
	pthread_mutex_lock(&agent->mutex);
	agent->monitors[index] = (struct vdagent_monitor){ width, height };
	if (agent->monitor_count <= index)
		agent->monitor_count = index + 1;
	pthread_mutex_unlock(&agent->mutex);
	eventfd_write(agent->wake_fd, 1);
}

/* ---- set-up ---- */

static int agent_open(struct guest_agent *agent, struct loop *main_loop,
		      struct clipboard *clipboard)
{
	struct vdagent_peer_config config = {
		.role = VDAGENT_WITH_GUEST,
		.name = "the guest's agent",
		.loop = main_loop,
		.clipboard = clipboard,
	};

	agent->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (agent->wake_fd < 0)
		return -errno;
	agent->wake_source = loop_fd_add(main_loop, agent->wake_fd, EPOLLIN, agent_on_sizes, agent);
	if (!agent->wake_source)
		return -errno;
	agent->pipe = vdagent_pipe_create();
	if (!agent->pipe)
		return -errno;
	config.pipe = agent->pipe;
	agent->peer = vdagent_peer_create(&config);
	return agent->peer ? 0 : -errno;
}

struct guest_agent *guest_agent_create(struct loop *main_loop, struct clipboard *clipboard)
{
	struct guest_agent *agent = calloc(1, sizeof(*agent));
	int result;

	if (!agent)
		return NULL;
	pthread_mutex_init(&agent->mutex, NULL);
	result = agent_open(agent, main_loop, clipboard);
	if (!result)
		return agent;
	guest_agent_destroy(agent);
	errno = -result;
	return NULL;
}

void guest_agent_destroy(struct guest_agent *agent)
{
	if (!agent)
		return;
	vdagent_peer_destroy(agent->peer);
	vdagent_pipe_destroy(agent->pipe);
	loop_fd_remove(agent->wake_source);
	if (agent->wake_fd >= 0)
		close(agent->wake_fd);
	pthread_mutex_destroy(&agent->mutex);
	free(agent);
}
