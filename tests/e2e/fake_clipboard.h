/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clipboard of a guest without a guest: the VMM's real hub and sessions, and a guest that
 * copies and pastes files. Main thread. */
#ifndef FAKE_CLIPBOARD_H
#define FAKE_CLIPBOARD_H

struct clipboard;
struct clipboard_session;
struct fake_clipboard;
struct loop;

/* NULL: it does not work. */
struct fake_clipboard *fake_clipboard_create(struct loop *loop);
void fake_clipboard_destroy(struct fake_clipboard *clipboard);
/* For others that join it. */
struct clipboard *fake_clipboard_hub(struct fake_clipboard *clipboard);
/* "copy TYPE FILE [TYPE FILE]", "paste TYPE FILE", "clear", "mute on|off" (answers nothing), "off"
 * (refuses clients). What it hears is printed. */
void fake_clipboard_command(struct fake_clipboard *clipboard, char *line);
/* As the command of the control socket; NULL: refused. */
struct clipboard_session *fake_clipboard_open(struct fake_clipboard *clipboard, const char *desktop,
					      int *fd);
void fake_clipboard_close(struct clipboard_session *session);

#endif
