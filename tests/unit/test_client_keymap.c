/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <SDL.h>
#include <keymap.h>
#include <linux/input-event-codes.h>
#include <stdbool.h>

static bool is_one_of(int value, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

#define IS_ONE_OF(value, list) is_one_of(value, list, sizeof(list) / sizeof((list)[0]))

/* Keys of terminals, calculators and telephones that evdev has no code for. */
static bool has_no_evdev_code(int scancode)
{
	static const int others[] = {
		SDL_SCANCODE_KP_EQUALSAS400, SDL_SCANCODE_INTERNATIONAL7,
		SDL_SCANCODE_INTERNATIONAL8, SDL_SCANCODE_INTERNATIONAL9, SDL_SCANCODE_LANG6, SDL_SCANCODE_LANG7,
		SDL_SCANCODE_LANG8, SDL_SCANCODE_LANG9, SDL_SCANCODE_SYSREQ, SDL_SCANCODE_PRIOR,
		SDL_SCANCODE_RETURN2, SDL_SCANCODE_SEPARATOR, SDL_SCANCODE_OUT, SDL_SCANCODE_OPER,
		SDL_SCANCODE_CLEARAGAIN, SDL_SCANCODE_EXSEL, SDL_SCANCODE_AC_STOP,
		SDL_SCANCODE_SOFTLEFT, SDL_SCANCODE_SOFTRIGHT,
	};

	if (scancode >= SDL_SCANCODE_KP_00 && scancode <= SDL_SCANCODE_CURRENCYSUBUNIT)
		return true;
	if (scancode >= SDL_SCANCODE_KP_LEFTBRACE && scancode <= SDL_SCANCODE_KP_MEMDIVIDE)
		return true;
	if (scancode >= SDL_SCANCODE_KP_CLEAR && scancode <= SDL_SCANCODE_KP_HEXADECIMAL)
		return true;
	return IS_ONE_OF(scancode, others);
}

static void test_every_named_key_is_mapped(void **state)
{
	for (int scancode = 1; scancode < SDL_NUM_SCANCODES; scancode++) {
		const char *name = SDL_GetScancodeName((SDL_Scancode)scancode);

		if (has_no_evdev_code(scancode))
			assert_int_equal(keymap_evdev(scancode), 0);
		else if (*name && !keymap_evdev(scancode))
			fail_msg("scancode %d (%s) has no evdev code", scancode, name);
	}
}

static void test_no_two_keys_are_one(void **state)
{
	/* One key that has two scancodes. */
	static const int twins[] = { SDL_SCANCODE_NONUSHASH, SDL_SCANCODE_AUDIOMUTE,
				     SDL_SCANCODE_MODE };
	bool used[KEY_CNT] = { false };

	for (int scancode = 1; scancode < SDL_NUM_SCANCODES; scancode++) {
		uint32_t code = keymap_evdev(scancode);

		if (!code || IS_ONE_OF(scancode, twins))
			continue;
		assert_true(code < KEY_CNT);
		if (used[code])
			fail_msg("two scancodes give evdev code %u", code);
		used[code] = true;
	}
	/* All of a PC's keyboard is there. */
	for (uint32_t code = KEY_ESC; code <= KEY_COMPOSE; code++) {
		static const int absent[] = { 84, KEY_LINEFEED, KEY_MACRO, KEY_SCALE };

		if (!used[code] && !IS_ONE_OF((int)code, absent))
			fail_msg("nothing gives evdev code %u", code);
	}
}

static void test_keys_that_are_easy_to_get_wrong(void **state)
{
	assert_int_equal(keymap_evdev(SDL_SCANCODE_PRINTSCREEN), KEY_SYSRQ);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_PAUSE), KEY_PAUSE);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_RALT), KEY_RIGHTALT);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_LGUI), KEY_LEFTMETA);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_RGUI), KEY_RIGHTMETA);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_APPLICATION), KEY_COMPOSE);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_KP_ENTER), KEY_KPENTER);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_NONUSBACKSLASH), KEY_102ND);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_INTERNATIONAL1), KEY_RO);
	assert_int_equal(keymap_evdev(SDL_SCANCODE_LANG1), KEY_HANGEUL);
}

static void test_nonsense_is_no_key(void **state)
{
	assert_int_equal(keymap_evdev(-1), 0);
	assert_int_equal(keymap_evdev(SDL_NUM_SCANCODES), 0);
	assert_int_equal(keymap_evdev(INT32_MAX), 0);
	assert_int_equal(keymap_button(-1), 0);
	assert_int_equal(keymap_button(0), 0);
	assert_int_equal(keymap_button(9), 0);
	assert_int_equal(keymap_button(SDL_BUTTON_MIDDLE), BTN_MIDDLE);
	assert_int_equal(keymap_button(SDL_BUTTON_X2), BTN_EXTRA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_named_key_is_mapped),
		cmocka_unit_test(test_no_two_keys_are_one),
		cmocka_unit_test(test_keys_that_are_easy_to_get_wrong),
		cmocka_unit_test(test_nonsense_is_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
