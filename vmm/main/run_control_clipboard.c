/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run.h"
#include "main/run_session.h"

#include "clipboard/clipboard_sessions.h"

#include <errno.h>
#include <stdlib.h>

struct run_session *run_session_get(struct control_session *session)
{
	struct run_session *mark = control_session_mark(session);

	if (mark)
		return mark;
	mark = malloc(sizeof(*mark));
	if (mark) {
		*mark = (struct run_session){ .doorbell = -1 };
		control_session_set_mark(session, mark);
	}
	return mark;
}

int run_control_clipboard(void *data, struct control_session *session, const json_t *request,
			  json_t *reply, struct packet *fds, const char **error)
{
	struct run *run = data;
	const char *desktop = json_string_value(json_object_get(request, "desktop"));
	struct run_session *mark;

	if (!run->clipboard_sessions) {
		*error = "this VM shares no clipboard (it runs with --clipboard off)";
		return -ENOTSUP;
	}
	mark = run_session_get(session);
	if (!mark)
		return -ENOMEM;
	if (mark->clipboard && !clipboard_session_has_ended(mark->clipboard)) {
		*error = "this session has a clipboard channel already";
		return -EBUSY;
	}
	clipboard_session_close(mark->clipboard);
	mark->clipboard = clipboard_sessions_open(run->clipboard_sessions, desktop ? desktop : "",
						  &fds->fds[0]);
	if (!mark->clipboard)
		return -errno;
	fds->fd_count = 1;
	return 0;
}
