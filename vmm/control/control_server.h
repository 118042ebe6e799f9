/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a running VM: one JSON object per packet, one reply each. Main loop only.
 *
 * A peer may send anything: what is not a known command gets {"ok":false,"error":…}, and a peer that
 * does not read its replies is dropped. The protocol is written down in docs/control-socket.md.
 */
#ifndef VMM_CONTROL_SERVER_H
#define VMM_CONTROL_SERVER_H

#include <base/packet.h>
#include <jansson.h>

struct control_server;
struct control_session;
struct loop;

struct control_command {
	const char *name;
	/* Fills in the reply; fds put into reply_fds are sent along and then closed. 0 or -errno; on an
	 * error they are closed unsent, and the reply says error text, or strerror when *error stays
	 * NULL. */
	int (*run)(void *data, struct control_session *session, const json_t *request,
		   json_t *reply, struct packet *reply_fds, const char **error);
};

struct control_server_config {
	struct loop *loop;
	int listen_fd;                          /* taken over */
	const struct control_command *commands; /* ends with a NULL name; const for life */
	void *data;
	/* The peer of a session that was marked is gone. */
	void (*session_ended)(void *data, struct control_session *session);
};

struct control_server *control_server_create(const struct control_server_config *config);
/* Ends every session. */
void control_server_destroy(struct control_server *server);

/* What a command keeps with a session; session_ended is called only for a mark that is not NULL. */
void control_session_set_mark(struct control_session *session, void *mark);
void *control_session_mark(const struct control_session *session);

#endif
