/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_clipboard.h"

#include "clipboard/clipboard.h"
#include "clipboard/clipboard_sessions.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_PATH_BYTES 256

struct fake_clipboard {
	struct clipboard_party guest;
	struct clipboard *hub;
	struct clipboard_sessions *sessions;
	bool mute, off;
	char copied[CLIPBOARD_TYPE_COUNT][FAKE_PATH_BYTES];     /* "": not as that type */
	char pasted[CLIPBOARD_TYPE_COUNT][FAKE_PATH_BYTES];     /* where to */
};

static const char *const fake_types[CLIPBOARD_TYPE_COUNT] = { "text", "png" };

static void fake_on_grabbed(struct clipboard_party *party, uint32_t types)
{
	printf("guest sees%s%s\n", types & CLIPBOARD_BIT(CLIPBOARD_TEXT) ? " text" : "",
	       types & CLIPBOARD_BIT(CLIPBOARD_PNG) ? " png" : "");
	fflush(stdout);
}

static void fake_on_released(struct clipboard_party *party)
{
	printf("guest sees nothing\n");
	fflush(stdout);
}

static void fake_on_wanted(struct clipboard_party *party, enum clipboard_type type)
{
	struct fake_clipboard *clipboard = (struct fake_clipboard *)party;
	FILE *file = fopen(clipboard->copied[type], "rb");
	char *bytes = malloc(CLIPBOARD_MAX_BYTES + 1);
	size_t count = file && bytes ? fread(bytes, 1, CLIPBOARD_MAX_BYTES + 1, file) : 0;

	printf("guest is asked for %s\n", fake_types[type]);
	fflush(stdout);
	if (!clipboard->mute)
		clipboard_answer(party, type, count ? bytes : NULL, count);
	free(bytes);
	if (file)
		fclose(file);
}

static void fake_on_answered(struct clipboard_party *party, enum clipboard_type type,
			     const void *bytes, size_t count)
{
	struct fake_clipboard *clipboard = (struct fake_clipboard *)party;
	FILE *file = fopen(clipboard->pasted[type], "wb");

	if (file) {
		fwrite(bytes ? bytes : "", 1, count, file);
		fclose(file);
	}
	printf("guest pasted %s %zu\n", fake_types[type], count);
	fflush(stdout);
}

static const struct clipboard_party_ops fake_ops = { fake_on_grabbed, fake_on_released,
						     fake_on_wanted, fake_on_answered };

static int fake_find_type(const char *name)
{
	for (int i = 0; i < CLIPBOARD_TYPE_COUNT; i++) {
		if (name && !strcmp(name, fake_types[i]))
			return i;
	}
	return -1;
}

/* The next two words; the type, or -1. */
static int fake_next(char **rest, char path[FAKE_PATH_BYTES])
{
	int type = fake_find_type(strtok_r(NULL, " ", rest));
	const char *word = strtok_r(NULL, " ", rest);

	if (type >= 0 && word)
		snprintf(path, FAKE_PATH_BYTES, "%s", word);
	return word ? type : -1;
}

static void fake_copy(struct fake_clipboard *clipboard, char **rest)
{
	char path[FAKE_PATH_BYTES];
	uint32_t types = 0;
	int type;

	memset(clipboard->copied, 0, sizeof(clipboard->copied));
	while ((type = fake_next(rest, path)) >= 0) {
		memcpy(clipboard->copied[type], path, sizeof(path));
		types |= CLIPBOARD_BIT(type);
	}
	clipboard_grab(&clipboard->guest, types);
}

void fake_clipboard_command(struct fake_clipboard *clipboard, char *line)
{
	char *rest, *word = strtok_r(line, " ", &rest);
	char path[FAKE_PATH_BYTES];
	int type;

	if (word && !strcmp(word, "copy")) {
		fake_copy(clipboard, &rest);
	} else if (word && !strcmp(word, "paste") && (type = fake_next(&rest, path)) >= 0) {
		memcpy(clipboard->pasted[type], path, sizeof(path));
		clipboard_request(&clipboard->guest, (enum clipboard_type)type);
	} else if (word && !strcmp(word, "clear")) {
		clipboard_release(&clipboard->guest);
	} else if (word && !strcmp(word, "mute")) {
		clipboard->mute = !strcmp(rest, "on");
	} else if (word && !strcmp(word, "off")) {
		clipboard->off = true;
	} else {
		printf("bad clipboard command\n");
	}
	fflush(stdout);
}

struct fake_clipboard *fake_clipboard_create(struct loop *loop)
{
	struct fake_clipboard *clipboard = calloc(1, sizeof(*clipboard));

	if (!clipboard)
		return NULL;
	clipboard->guest = (struct clipboard_party){ .ops = &fake_ops, .name = "the guest" };
	clipboard->hub = clipboard_create(loop);
	if (clipboard->hub)
		clipboard->sessions = clipboard_sessions_create(loop, clipboard->hub);
	if (clipboard->sessions && !clipboard_join(clipboard->hub, &clipboard->guest))
		return clipboard;
	fake_clipboard_destroy(clipboard);
	return NULL;
}

void fake_clipboard_destroy(struct fake_clipboard *clipboard)
{
	if (!clipboard)
		return;
	clipboard_leave(&clipboard->guest);
	clipboard_sessions_destroy(clipboard->sessions);
	clipboard_destroy(clipboard->hub);
	free(clipboard);
}

struct clipboard *fake_clipboard_hub(struct fake_clipboard *clipboard)
{
	return clipboard->hub;
}

struct clipboard_session *fake_clipboard_open(struct fake_clipboard *clipboard, const char *desktop,
					      int *fd)
{
	return clipboard->off ? NULL : clipboard_sessions_open(clipboard->sessions, desktop, fd);
}

void fake_clipboard_close(struct clipboard_session *session)
{
	clipboard_session_close(session);
}
