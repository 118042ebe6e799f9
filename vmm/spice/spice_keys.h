/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scan codes of a PC keyboard, set 1, as SPICE clients send them, to evdev codes: byte by byte,
 * since that is how libspice-server hands them on. Any byte may come at any time.
 *
 * Looking Glass B7 sends extended keys as E0, code, DF. Plain 5F (F15 of old keyboards) is no key
 * here, so that this DF never releases anything.
 */
#ifndef VMM_SPICE_SPICE_KEYS_H
#define VMM_SPICE_SPICE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing is begun. */
struct spice_keys {
	uint8_t prefix;         /* E0, E1 or 0 */
	uint8_t first;          /* the first byte after E1; 0: it is still to come */
};

/* True when the byte ends the code of a key that exists: KEY_*, and whether it goes down. */
bool spice_keys_feed(struct spice_keys *keys, uint8_t byte, uint16_t *code, bool *down);

#endif
