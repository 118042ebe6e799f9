/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_keys.h"

#include <base/scan_codes.h>
#include <linux/input-event-codes.h>

#define KEYS_EXTENDED 0xe0
#define KEYS_PAUSE 0xe1         /* then 1d 45, or 9d c5 */
#define KEYS_RELEASE 0x80

static uint16_t keys_find(const struct spice_keys *keys, uint8_t scan)
{
	return scan_code_key(keys->prefix == KEYS_EXTENDED ? scan | SCAN_CODE_EXTENDED : scan);
}

/* The two bytes after E1. */
static bool keys_feed_pause(struct spice_keys *keys, uint8_t byte, uint16_t *code, bool *down)
{
	uint8_t first = keys->first;

	if (!first && (byte & ~KEYS_RELEASE) == 0x1d) {
		keys->first = byte;
		return false;
	}
	*keys = (struct spice_keys){ 0 };
	*code = KEY_PAUSE;
	*down = first == 0x1d;
	return (first == 0x1d && byte == 0x45) || (first == 0x9d && byte == 0xc5);
}

bool spice_keys_feed(struct spice_keys *keys, uint8_t byte, uint16_t *code, bool *down)
{
	if (byte == KEYS_EXTENDED || byte == KEYS_PAUSE) {
		*keys = (struct spice_keys){ .prefix = byte };
		return false;
	}
	if (keys->prefix == KEYS_PAUSE)
		return keys_feed_pause(keys, byte, code, down);
	*code = keys_find(keys, byte & ~KEYS_RELEASE);
	*down = !(byte & KEYS_RELEASE);
	*keys = (struct spice_keys){ 0 };
	return *code != KEY_RESERVED;
}
