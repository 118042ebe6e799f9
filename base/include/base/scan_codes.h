/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Set 1 scan codes of a PC keyboard, as SPICE speaks them, and evdev's keys. Any thread.
 *
 * A code is that of the press, 01 to 7F, with SCAN_CODE_EXTENDED when E0 stands before it. E1
 * sequences are not here, nor is plain 5F (F15 of old keyboards): Looking Glass B7 sends a DF after
 * extended keys that must not release anything.
 */
#ifndef BASE_SCAN_CODES_H
#define BASE_SCAN_CODES_H

#include <stdint.h>

#define SCAN_CODE_EXTENDED 0x100u
#define SCAN_CODE_COUNT 0x200u

/* KEY_*; KEY_RESERVED (0): no key, as for any number that is no code. */
uint16_t scan_code_key(unsigned int code);
/* Of several codes the one that today's keyboards send; 0: the key has none. */
uint16_t scan_code_of_key(unsigned int key);

#endif
