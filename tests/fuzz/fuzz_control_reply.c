/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM, or whoever sits at its socket, may answer to "attach". */
#include "fuzz.h"

#include <control_reply.h>
#include <errno.h>
#include <string.h>

static void check_text(const char *text, size_t bytes)
{
	size_t length = strnlen(text, bytes);

	if (length == 0 || length == bytes)
		abort();
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_reply reply;
	int result = control_reply_parse((const char *)data, size, &reply);

	if (result == 0)
		check_text(reply.name, sizeof(reply.name));
	else if (result == -ECONNREFUSED)
		check_text(reply.error, sizeof(reply.error));
	else if (result != -EPROTO)
		abort();
	result = control_reply_parse_clipboard((const char *)data, size, &reply);
	if (result == -ECONNREFUSED)
		check_text(reply.error, sizeof(reply.error));
	else if (result && result != -EPROTO)
		abort();
	return 0;
}
