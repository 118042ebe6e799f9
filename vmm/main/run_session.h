/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run keeps with a session of its control socket: the session's mark. Main thread. */
#ifndef VMM_MAIN_RUN_SESSION_H
#define VMM_MAIN_RUN_SESSION_H

#include "control/control_server.h"

struct clipboard_session;

struct run_session {
	int doorbell;                           /* rung for frames; -1: not attached */
	struct clipboard_session *clipboard;    /* NULL: has none */
};

/* The session's own, made when it is first wanted. NULL: no memory. */
struct run_session *run_session_get(struct control_session *session);

/* The command "clipboard". */
int run_control_clipboard(void *data, struct control_session *session, const json_t *request,
			  json_t *reply, struct packet *fds, const char **error);

#endif
