/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vdagent_other.h"

#include <base/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void other_note(struct vdagent_other *other, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void other_note(struct vdagent_other *other, const char *format, ...)
{
	size_t used = strlen(other->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(other->text + used, sizeof(other->text) - used, format, arguments);
	va_end(arguments);
}

static void other_note_words(struct vdagent_other *other, const char *name, const uint8_t *body,
			     size_t count)
{
	other_note(other, "%s", name);
	for (size_t i = 0; i + 4 <= count; i += 4)
		other_note(other, " %u", le32_load(body + i));
	other_note(other, count % 4 ? " and more; " : "; ");
}

/* Long data is told by its length. */
static void other_note_data(struct vdagent_other *other, const uint8_t *body, size_t count)
{
	if (count < 4) {
		other_note(other, "data?; ");
		return;
	}
	other->body_bytes = count - 4;
	other->body = realloc(other->body, count);
	memcpy(other->body, body + 4, count - 4);
	if (count - 4 <= 64)
		other_note(other, "data %u '%.*s'; ", le32_load(body), (int)(count - 4), body + 4);
	else
		other_note(other, "data %u (%zu); ", le32_load(body), count - 4);
}

static void other_on_message(void *data, const struct vdagent_message *message)
{
	static const char *const names[] = {
		[VD_AGENT_MONITORS_CONFIG] = "monitors",
		[VD_AGENT_REPLY] = "reply",
		[VD_AGENT_ANNOUNCE_CAPABILITIES] = "announce",
		[VD_AGENT_CLIPBOARD] = "data",
		[VD_AGENT_CLIPBOARD_GRAB] = "grab",
		[VD_AGENT_CLIPBOARD_REQUEST] = "request",
		[VD_AGENT_CLIPBOARD_RELEASE] = "release",
		[VD_AGENT_MAX_CLIPBOARD] = "max",
		[VD_AGENT_END_MESSAGE] = NULL,
	};
	struct vdagent_other *other = data;
	const char *name = message->type < VD_AGENT_END_MESSAGE ? names[message->type] : NULL;
	bool clipboard = message->type == VD_AGENT_CLIPBOARD ||
			 (message->type >= VD_AGENT_CLIPBOARD_GRAB &&
			  message->type <= VD_AGENT_CLIPBOARD_RELEASE);
	const uint8_t *body = message->body;
	size_t count = message->size;

	if (message->port != VDP_CLIENT_PORT || !body || !name) {
		other_note(other, "port %u type %u; ", message->port, message->type);
		return;
	}
	if (clipboard && other->selections) {
		if (count < 4 || le32_load(body) != 0)
			other_note(other, "no selection: ");
		body += 4;
		count -= 4;
	}
	if (message->type == VD_AGENT_CLIPBOARD)
		other_note_data(other, body, count);
	else
		other_note_words(other, name, body, count);
}

void vdagent_other_init(struct vdagent_other *other)
{
	memset(other, 0, sizeof(*other));
	vdagent_reader_init(&other->reader, other_on_message, other);
}

void vdagent_other_finish(struct vdagent_other *other)
{
	vdagent_reader_finish(&other->reader);
	vdagent_writer_finish(&other->writer);
	free(other->body);
}

void vdagent_other_hear(struct vdagent_other *other, const uint8_t *bytes, size_t count)
{
	if (vdagent_reader_feed(&other->reader, bytes, count))
		other_note(other, "no vdagent; ");
}

void vdagent_other_say(struct vdagent_other *other, uint32_t port, uint32_t type, uint32_t words,
		       const uint32_t *values, const void *bytes, size_t count)
{
	uint8_t head[256];

	for (uint32_t i = 0; i < words && i < sizeof(head) / 4; i++)
		le32_store(head + 4 * i, values[i]);
	if (vdagent_writer_add(&other->writer, port, type, head, 4 * words, bytes, count))
		abort();
}
