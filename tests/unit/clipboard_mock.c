/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_mock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void mock_note(struct clipboard_mock *mock, const char *what, unsigned int number)
{
	void (*act)(struct clipboard_mock *) = mock->act;
	size_t used = strlen(mock->text);

	snprintf(mock->text + used, sizeof(mock->text) - used, "%s %u; ", what, number);
	mock->act = NULL;
	if (act)
		act(mock);
}

static struct clipboard_mock *mock_from(struct clipboard_party *party)
{
	return (struct clipboard_mock *)party;
}

static void mock_grabbed(struct clipboard_party *party, uint32_t types)
{
	mock_note(mock_from(party), "grabbed", types);
}

static void mock_released(struct clipboard_party *party)
{
	mock_note(mock_from(party), "released", 0);
}

static void mock_wanted(struct clipboard_party *party, enum clipboard_type type)
{
	struct clipboard_mock *mock = mock_from(party);

	mock_note(mock, "wanted", type);
	if (mock->answer)
		clipboard_answer(party, type, mock->answer, mock->answer_bytes);
}

/* Long data is told by its length. */
static void mock_answered(struct clipboard_party *party, enum clipboard_type type,
			  const void *bytes, size_t count)
{
	struct clipboard_mock *mock = mock_from(party);
	char what[80] = "nothing";

	assert(!bytes == !count);
	mock->bytes = realloc(mock->bytes, count + 1);
	mock->count = count;
	if (bytes)
		memcpy(mock->bytes, bytes, count);
	if (bytes && count <= 64)
		snprintf(what, sizeof(what), "'%.*s'", (int)count, (const char *)bytes);
	else if (bytes)
		snprintf(what, sizeof(what), "(%zu)", count);
	mock_note(mock, what, type);
}

void clipboard_mock_init(struct clipboard_mock *mock, const char *name)
{
	static const struct clipboard_party_ops ops = { mock_grabbed, mock_released, mock_wanted,
							mock_answered };

	*mock = (struct clipboard_mock){ .party = { .ops = &ops, .name = name } };
}

void clipboard_mock_finish(struct clipboard_mock *mock)
{
	clipboard_leave(&mock->party);
	free(mock->bytes);
	mock->bytes = NULL;
}
