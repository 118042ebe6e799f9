/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_clean.h"

#include <string.h>

/* The length of the UTF-8 character there; 0: it is none. */
static size_t clean_character(const uint8_t *bytes, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = bytes[0];
	size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 :
			first < 0xf8 ? 4 : 0;
	uint32_t code;

	if (length <= 1)
		return length;
	if (length > left)
		return 0;
	code = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

static size_t clean_text(const uint8_t *bytes, size_t count)
{
	size_t i = 0;

	while (count > 0 && bytes[count - 1] == '\0')
		count--;
	while (i < count) {
		size_t length = clean_character(bytes + i, count - i);

		if (length == 0)
			return 0;
		i += length;
	}
	return count;
}

size_t clipboard_clean(enum clipboard_wire_type type, const void *bytes, size_t count)
{
	static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

	if (count == 0 || count > CLIPBOARD_WIRE_MAX_BYTES)
		return 0;
	if (type == CLIPBOARD_WIRE_TEXT)
		return clean_text(bytes, count);
	if (count <= sizeof(signature) || memcmp(bytes, signature, sizeof(signature)))
		return 0;
	return count;
}
