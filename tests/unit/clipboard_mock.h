/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A party that writes down what it is told, and does what a test wants of it in return. */
#ifndef TESTS_UNIT_CLIPBOARD_MOCK_H
#define TESTS_UNIT_CLIPBOARD_MOCK_H

#include <clipboard/clipboard.h>

struct clipboard_mock {
	struct clipboard_party party;
	char text[1024];        /* as "grabbed 1; wanted 0; 'abc' 0; nothing 1; released; " */
	void (*act)(struct clipboard_mock *mock);       /* once, in the next callback */
	/* NULL: it does not answer by itself. */
	const void *answer;
	size_t answer_bytes;
	/* The last answer that it got. */
	uint8_t *bytes;
	size_t count;
};

void clipboard_mock_init(struct clipboard_mock *mock, const char *name);
void clipboard_mock_finish(struct clipboard_mock *mock);

#endif
