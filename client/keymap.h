/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDL's scancodes and buttons as evdev codes. Plain tables, any thread. */
#ifndef CLIENT_KEYMAP_H
#define CLIENT_KEYMAP_H

#include <stdint.h>

/* KEY_*, or 0 (KEY_RESERVED) when evdev has no such key. Any value may be asked for. */
uint32_t keymap_evdev(int sdl_scancode);
/* BTN_*, or 0. */
uint32_t keymap_button(int sdl_button);

#endif
