/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source_clipboard.h"

#include <errno.h>

int source_clipboard_join(struct client_source *source, struct loop *loop,
			  const struct clipboard_channel_ops *ops, void *data, int *fd,
			  const char *name)
{
	const struct clipboard_channel_config config = {
		.loop = loop, .fd = *fd, .ops = ops, .data = data, .name = name,
		.decided_by_other = true,
	};

	if (*fd < 0 || source->clipboard)
		return -ENOTCONN;
	source->clipboard = clipboard_channel_create(&config);
	if (!source->clipboard)
		return -errno;
	*fd = -1;
	return 0;
}

void source_clipboard_leave(struct client_source *source)
{
	clipboard_channel_destroy(source->clipboard);
	source->clipboard = NULL;
}

void source_clipboard_grab(struct client_source *source, uint32_t types)
{
	clipboard_channel_grab(source->clipboard, types);
}

void source_clipboard_release(struct client_source *source)
{
	clipboard_channel_release(source->clipboard);
}

void source_clipboard_request(struct client_source *source, enum clipboard_wire_type type)
{
	clipboard_channel_request(source->clipboard, type);
}

void source_clipboard_answer(struct client_source *source, enum clipboard_wire_type type,
			     const void *bytes, size_t count)
{
	clipboard_channel_answer(source->clipboard, type, bytes, count);
}
