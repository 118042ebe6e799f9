/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the VM answers on its control socket. docs/control-socket.md. Any thread. */
#ifndef CLIENT_CONTROL_REPLY_H
#define CLIENT_CONTROL_REPLY_H

#include <stddef.h>

#define CONTROL_NAME_BYTES 64
#define CONTROL_ERROR_BYTES 160

struct control_reply {
	char name[CONTROL_NAME_BYTES];  /* of the VM */
	char error[CONTROL_ERROR_BYTES];        /* one printable line; why not, when refused */
};

/* To "attach". 0: attached; -ECONNREFUSED: the VM says no, error tells why; -EPROTO: no reply. */
int control_reply_parse(const char *text, size_t bytes, struct control_reply *reply);
/* To "clipboard". As above; the reply has no name. */
int control_reply_parse_clipboard(const char *text, size_t bytes, struct control_reply *reply);

#endif
