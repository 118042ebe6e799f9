/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/clipboard_text.h>

#include <stdbool.h>
#include <stdlib.h>

size_t clipboard_text_length(const uint8_t *text, size_t count)
{
	while (count && !text[count - 1])
		count--;
	return count;
}

size_t clipboard_text_to_lf(uint8_t *to, const uint8_t *text, size_t count)
{
	size_t made = 0;

	for (size_t i = 0; i < count; i++)
		if (text[i] != '\r' || i + 1 == count || text[i + 1] != '\n')
			to[made++] = text[i];
	return made;
}

static bool text_needs_cr(const uint8_t *text, size_t at)
{
	return text[at] == '\n' && (!at || text[at - 1] != '\r');
}

uint8_t *clipboard_text_to_crlf(const uint8_t *text, size_t count, size_t *made)
{
	size_t total = count;
	uint8_t *to;

	for (size_t i = 0; i < count; i++)
		total += text_needs_cr(text, i);
	to = malloc(total ? total : 1);
	if (!to)
		return NULL;
	*made = 0;
	for (size_t i = 0; i < count; i++) {
		if (text_needs_cr(text, i))
			to[(*made)++] = '\r';
		to[(*made)++] = text[i];
	}
	return to;
}
