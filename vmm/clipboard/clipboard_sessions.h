/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clients that take part in a VM's clipboard through its control socket, each over a channel of
 * its own (base/clipboard_channel.h). On the clipboard's loop.
 */
#ifndef VMM_CLIPBOARD_SESSIONS_H
#define VMM_CLIPBOARD_SESSIONS_H

#include <stdbool.h>

struct clipboard;
struct clipboard_session;
struct clipboard_sessions;
struct loop;

/* NULL with errno. */
struct clipboard_sessions *clipboard_sessions_create(struct loop *loop,
						     struct clipboard *clipboard);
/* Ends every session; before the clipboard goes. NULL is ignored. */
void clipboard_sessions_destroy(struct clipboard_sessions *sessions);

/*
 * A new channel; peer_fd is the client's end, which the caller closes. Of several with the same
 * desktop (up to 64 bytes count; "": one of its own) only the first takes part, the next one when
 * that has ended: they look at one and the same clipboard there and would chase each other. NULL
 * with errno.
 */
struct clipboard_session *clipboard_sessions_open(struct clipboard_sessions *sessions,
						  const char *desktop, int *peer_fd);
/* Its channel has ended: it may be closed and another opened. */
bool clipboard_session_has_ended(const struct clipboard_session *session);
/* NULL is ignored. */
void clipboard_session_close(struct clipboard_session *session);

#endif
