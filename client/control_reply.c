/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control_reply.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* Cut to size, and nothing that a terminal or a title bar would act on. */
static void control_reply_copy(char *to, size_t bytes, const char *from)
{
	size_t i;

	for (i = 0; from[i] && i < bytes - 1; i++) {
		unsigned char c = (unsigned char)from[i];

		to[i] = c < 0x20 || c == 0x7f ? '?' : from[i];
	}
	/* Not half of a UTF-8 character. */
	while (from[i] && i > 0 && ((unsigned char)from[i] & 0xc0) == 0x80)
		i--;
	to[i] = '\0';
}

static int control_reply_read(const json_t *root, bool with_name, struct control_reply *reply)
{
	const json_t *ok = json_object_get(root, "ok");
	const char *name = json_string_value(json_object_get(root, "name"));
	const char *error = json_string_value(json_object_get(root, "error"));

	if (!json_is_boolean(ok))
		return -EPROTO;
	if (json_is_true(ok)) {
		if (!with_name)
			return 0;
		if (!name || !*name)
			return -EPROTO;
		control_reply_copy(reply->name, sizeof(reply->name), name);
		return 0;
	}
	control_reply_copy(reply->error, sizeof(reply->error),
			   error && *error ? error : "no reason given");
	return -ECONNREFUSED;
}

static int control_reply_load(const char *text, size_t bytes, bool with_name,
			      struct control_reply *reply)
{
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	int result;

	memset(reply, 0, sizeof(*reply));
	if (!root)
		return -EPROTO;
	result = control_reply_read(root, with_name, reply);
	json_decref(root);
	return result;
}

int control_reply_parse(const char *text, size_t bytes, struct control_reply *reply)
{
	return control_reply_load(text, bytes, true, reply);
}

int control_reply_parse_clipboard(const char *text, size_t bytes, struct control_reply *reply)
{
	return control_reply_load(text, bytes, false, reply);
}
