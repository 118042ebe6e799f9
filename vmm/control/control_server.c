/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/control_server.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_MAX_SESSIONS 32

struct control_session {
	struct control_session *next;
	struct control_server *server;
	int fd;
	struct loop_fd *source;
	void *mark;
};

struct control_server {
	struct control_server_config config;
	struct loop_fd *source;
	struct control_session *sessions;
	unsigned int session_count;
};

void control_session_set_mark(struct control_session *session, void *mark)
{
	session->mark = mark;
}

void *control_session_mark(const struct control_session *session)
{
	return session->mark;
}

static void control_session_end(struct control_session *session)
{
	struct control_server *server = session->server;
	struct control_session **link = &server->sessions;

	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	server->session_count--;
	if (session->mark && server->config.session_ended)
		server->config.session_ended(server->config.data, session);
	loop_fd_remove(session->source);
	close(session->fd);
	free(session);
}

static const struct control_command *control_find(const struct control_server *server,
						  const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	const struct control_command *command = server->config.commands;

	while (name && command->name && strcmp(command->name, name))
		command++;
	return name && command->name ? command : NULL;
}

/* Runs one request. The reply always says whether it worked. */
static void control_run(struct control_session *session, const char *text, size_t bytes,
			json_t *reply, struct packet *out)
{
	struct control_server *server = session->server;
	const struct control_command *command;
	const char *error = NULL;
	json_error_t json_error;
	int result = -EINVAL;
	json_t *request = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &json_error);

	command = request ? control_find(server, request) : NULL;
	if (!request)
		error = "not a JSON object";
	else if (!command)
		error = "unknown command";
	else
		result = command->run(server->config.data, session, request, reply, out, &error);
	json_object_set_new(reply, "ok", json_boolean(result == 0));
	if (result) {
		json_object_set_new(reply, "error", json_string(error ? error : strerror(-result)));
		packet_close_fds(out); /* a refusal carries none, however far the command came */
	}
	json_decref(request);
}

static int control_reply(struct control_session *session, const json_t *reply, struct packet *out)
{
	size_t bytes = json_dumpb(reply, out->data, PACKET_MAX_BYTES, JSON_COMPACT);

	if (bytes == 0 || bytes > PACKET_MAX_BYTES)
		return -EMSGSIZE;
	out->bytes = bytes;
	return packet_send(session->fd, out);
}

static void control_session_on_packet(void *data, uint32_t events)
{
	struct control_session *session = data;
	struct packet in, out = { 0 };
	json_t *reply;
	int result = packet_receive(session->fd, &in);

	if (result == -EAGAIN)
		return;
	if (result) {
		control_session_end(session);
		return;
	}
	packet_close_fds(&in); /* no command takes any */
	reply = json_object();
	control_run(session, in.data, in.bytes, reply, &out);
	result = control_reply(session, reply, &out);
	packet_close_fds(&out);
	json_decref(reply);
	if (result) {
		log_peer_bug("control: cannot reply: %s; session ended", strerror(-result));
		control_session_end(session);
	}
}

static void control_server_on_connect(void *data, uint32_t events)
{
	struct control_server *server = data;
	struct control_session *session;
	int fd = accept4(server->config.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	session = server->session_count < CONTROL_MAX_SESSIONS ? calloc(1, sizeof(*session)) : NULL;
	if (!session) {
		log_peer_bug("control: more than %d sessions: one was refused",
			     CONTROL_MAX_SESSIONS);
		close(fd);
		return;
	}
	*session = (struct control_session){ .server = server, .fd = fd };
	session->source = loop_fd_add(server->config.loop, fd, EPOLLIN, control_session_on_packet,
				      session);
	if (!session->source) {
		close(fd);
		free(session);
		return;
	}
	session->next = server->sessions;
	server->sessions = session;
	server->session_count++;
}

struct control_server *control_server_create(const struct control_server_config *config)
{
	struct control_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->config = *config;
	server->source = loop_fd_add(config->loop, config->listen_fd, EPOLLIN,
				     control_server_on_connect, server);
	if (!server->source) {
		free(server);
		return NULL;
	}
	return server;
}

void control_server_destroy(struct control_server *server)
{
	if (!server)
		return;
	while (server->sessions)
		control_session_end(server->sessions);
	loop_fd_remove(server->source);
	close(server->config.listen_fd);
	free(server);
}
