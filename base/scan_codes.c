/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/scan_codes.h>
#include <linux/input-event-codes.h>

/* evdev took its first numbers from here: up to the keypad's dot they are the same. */
#define SCAN_CODES_SAME_LAST KEY_KPDOT

static const uint16_t scan_codes_plain[0x80] = {
	[0x54] = KEY_SYSRQ,
	[0x56] = KEY_102ND,
	[0x57] = KEY_F11,
	[0x58] = KEY_F12,
	[0x59] = KEY_KPEQUAL,
	[0x5c] = KEY_KPJPCOMMA,
	[0x5d] = KEY_F13,
	[0x5e] = KEY_F14,
	[0x70] = KEY_KATAKANAHIRAGANA,
	[0x71] = KEY_HANJA,
	[0x72] = KEY_HANGEUL,
	[0x73] = KEY_RO,
	[0x76] = KEY_ZENKAKUHANKAKU,
	[0x77] = KEY_HIRAGANA,
	[0x78] = KEY_KATAKANA,
	[0x79] = KEY_HENKAN,
	[0x7b] = KEY_MUHENKAN,
	[0x7d] = KEY_YEN,
	[0x7e] = KEY_KPCOMMA,
};

/* 2a and 36 are shifts that keyboards make up around these keys: none. */
static const uint16_t scan_codes_extended[0x80] = {
	[0x10] = KEY_PREVIOUSSONG,
	[0x19] = KEY_NEXTSONG,
	[0x1c] = KEY_KPENTER,
	[0x1d] = KEY_RIGHTCTRL,
	[0x20] = KEY_MUTE,
	[0x21] = KEY_CALC,
	[0x22] = KEY_PLAYPAUSE,
	[0x24] = KEY_STOPCD,
	[0x2e] = KEY_VOLUMEDOWN,
	[0x30] = KEY_VOLUMEUP,
	[0x32] = KEY_HOMEPAGE,
	[0x35] = KEY_KPSLASH,
	[0x37] = KEY_SYSRQ,
	[0x38] = KEY_RIGHTALT,
	[0x45] = KEY_PAUSE,
	[0x46] = KEY_PAUSE,
	[0x47] = KEY_HOME,
	[0x48] = KEY_UP,
	[0x49] = KEY_PAGEUP,
	[0x4b] = KEY_LEFT,
	[0x4d] = KEY_RIGHT,
	[0x4f] = KEY_END,
	[0x50] = KEY_DOWN,
	[0x51] = KEY_PAGEDOWN,
	[0x52] = KEY_INSERT,
	[0x53] = KEY_DELETE,
	[0x5b] = KEY_LEFTMETA,
	[0x5c] = KEY_RIGHTMETA,
	[0x5d] = KEY_COMPOSE,
	[0x5e] = KEY_POWER,
	[0x5f] = KEY_SLEEP,
	[0x63] = KEY_WAKEUP,
	[0x65] = KEY_SEARCH,
	[0x66] = KEY_BOOKMARKS,
	[0x67] = KEY_REFRESH,
	[0x68] = KEY_STOP,
	[0x69] = KEY_FORWARD,
	[0x6a] = KEY_BACK,
	[0x6b] = KEY_COMPUTER,
	[0x6c] = KEY_MAIL,
	[0x6d] = KEY_MEDIA,
};

uint16_t scan_code_key(unsigned int code)
{
	if (code >= SCAN_CODE_COUNT || (code & ~SCAN_CODE_EXTENDED) >= 0x80)
		return KEY_RESERVED;
	if (code & SCAN_CODE_EXTENDED)
		return scan_codes_extended[code & ~SCAN_CODE_EXTENDED];
	return code <= SCAN_CODES_SAME_LAST ? (uint16_t)code : scan_codes_plain[code];
}

/* Downwards: Print and Pause have older codes too, which are lower. */
uint16_t scan_code_of_key(unsigned int key)
{
	if (key == KEY_RESERVED)
		return 0;
	for (unsigned int code = SCAN_CODE_COUNT - 1; code; code--) {
		if (scan_code_key(code) == key)
			return (uint16_t)code;
	}
	return 0;
}
