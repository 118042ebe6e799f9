/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/control_client.h"

#include <base/packet.h>
#include <base/runtime_dir.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_TIMEOUT_S 10

int control_open(const char *vm_name, struct option_error *error)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct timeval timeout = { .tv_sec = CONTROL_TIMEOUT_S };
	int fd, result;

	result = runtime_dir_file(path, sizeof(path), vm_name, "control.sock");
	if (result == -EINVAL)
		return option_error_set(error, "'%s' is not a VM's name", vm_name);
	fd = result ? result : packet_connect(path);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return option_error_set(error, "no VM named '%s' is running: see 'vitrine list'",
					vm_name);
	if (fd < 0)
		return option_error_set(error, "%s: %s", path, strerror(-fd));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static int control_exchange(int socket, const json_t *request, struct packet *packet)
{
	int result;

	packet->fd_count = 0;
	packet->bytes = json_dumpb(request, packet->data, PACKET_MAX_BYTES, JSON_COMPACT);
	if (packet->bytes > PACKET_MAX_BYTES)
		return -EMSGSIZE;
	result = packet_send(socket, packet);
	return result ? result : packet_receive(socket, packet);
}

json_t *control_request(const char *vm_name, const json_t *request, int *fd_out,
			struct option_error *error)
{
	struct packet packet;
	json_error_t json_error;
	json_t *reply;
	int socket = control_open(vm_name, error), result;
	const char *text;

	if (socket < 0)
		return NULL;
	result = control_exchange(socket, request, &packet);
	close(socket);
	if (result) {
		option_error_set(error, "%s: no answer: %s", vm_name,
				 result == -EAGAIN ? "it hangs" : strerror(-result));
		return NULL;
	}
	reply = json_loadb(packet.data, packet.bytes, 0, &json_error);
	if (reply && json_is_true(json_object_get(reply, "ok"))) {
		if (fd_out)
			*fd_out = packet.fd_count ? packet.fds[0] : -1;
		for (int i = fd_out ? 1 : 0; i < packet.fd_count; i++)
			close(packet.fds[i]);
		return reply;
	}
	text = json_string_value(json_object_get(reply, "error"));
	option_error_set(error, "%s: %.300s", vm_name, text ? text : "an answer that makes no sense");
	packet_close_fds(&packet);
	json_decref(reply);
	return NULL;
}

int control_wait_end(int connection, int timeout_s)
{
	struct pollfd end = { .fd = connection, .events = 0 };
	int ready;

	do {
		ready = poll(&end, 1, timeout_s * 1000);
	} while (ready < 0 && errno == EINTR);
	return ready > 0 ? 0 : -ETIMEDOUT;
}

void control_close(int connection)
{
	close(connection);
}
