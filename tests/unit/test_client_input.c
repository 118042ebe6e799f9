/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <chord.h>
#include <errno.h>
#include <input.h>
#include <source.h>

#define MAX_RECORDS 64

/* A source that only listens. */
struct listener {
	struct client_source base;
	struct input_record records[MAX_RECORDS];
	int count;
	int error;              /* what push answers */
};

static int listener_push(struct client_source *base, const struct input_record *record)
{
	struct listener *listener = (struct listener *)base;

	assert_in_range(listener->count, 0, MAX_RECORDS - 1);
	assert_int_not_equal(record->time_ns, 0);
	listener->records[listener->count++] = *record;
	return listener->error;
}

static const struct source_input_ops listener_input = { .push = listener_push };
static const struct client_source_ops listener_ops = { .input = &listener_input };

struct rig {
	struct listener listener;
	struct input input;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->listener.base.ops = &listener_ops;
	input_set_source(&rig->input, &rig->listener.base);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static const struct input_record *record(struct rig *rig, int index)
{
	assert_in_range(index, 0, rig->listener.count - 1);
	return &rig->listener.records[index];
}

static void check(struct rig *rig, int index, uint16_t type, uint32_t code, int32_t value)
{
	assert_int_equal(record(rig, index)->type, type);
	assert_int_equal(record(rig, index)->code, code);
	assert_int_equal(record(rig, index)->value, value);
}

static void test_keys_go_down_and_up_once(void **state)
{
	struct rig *rig = *state;

	input_key(&rig->input, SDL_SCANCODE_A, false);
	input_key(&rig->input, SDL_SCANCODE_A, true);
	input_key(&rig->input, SDL_SCANCODE_A, true);
	input_key(&rig->input, SDL_SCANCODE_A, false);
	input_key(&rig->input, SDL_SCANCODE_UNKNOWN, true);
	assert_int_equal(rig->listener.count, 2);
	check(rig, 0, INPUT_KEY, KEY_A, 1);
	check(rig, 1, INPUT_KEY, KEY_A, 0);
}

static void test_all_that_is_held_is_released(void **state)
{
	struct rig *rig = *state;

	input_key(&rig->input, SDL_SCANCODE_RCTRL, true);
	input_key(&rig->input, SDL_SCANCODE_CALL, true);
	input_button(&rig->input, 1, SDL_BUTTON_RIGHT, true);
	assert_true(input_holds_button(&rig->input));
	rig->listener.count = 0;
	input_release_all(&rig->input);
	assert_int_equal(rig->listener.count, 4);
	check(rig, 0, INPUT_KEY, KEY_RIGHTCTRL, 0);
	check(rig, 1, INPUT_BUTTON, BTN_RIGHT, 0);
	check(rig, 2, INPUT_KEY, KEY_PICKUP_PHONE, 0);
	check(rig, 3, INPUT_RELEASE_ALL, 0, 0);
	assert_false(input_holds_button(&rig->input));
	/* The late real release is not sent again. */
	input_key(&rig->input, SDL_SCANCODE_RCTRL, false);
	assert_int_equal(rig->listener.count, 4);
}

static void test_a_new_session_holds_nothing(void **state)
{
	struct rig *rig = *state;

	input_key(&rig->input, SDL_SCANCODE_A, true);
	input_set_source(&rig->input, NULL);
	input_key(&rig->input, SDL_SCANCODE_B, true);
	assert_int_equal(input_power_button(&rig->input), -ENOTCONN);
	input_set_source(&rig->input, &rig->listener.base);
	rig->listener.count = 0;
	input_key(&rig->input, SDL_SCANCODE_A, false);
	assert_int_equal(rig->listener.count, 0);
}

static void test_positions(void **state)
{
	struct layout layout = { 800, 600, 800, 600, 800, 600, 0, 0, 0, 0 };
	struct rig *rig = *state;

	layout_place(&layout, SCALE_FIT);
	assert_true(input_pointer(&rig->input, 1, &layout, 400, 0));
	assert_true(input_pointer(&rig->input, 1, &layout, 400, 0));
	assert_int_equal(rig->listener.count, 1);
	check(rig, 0, INPUT_POINTER_ABS, 0, 0);
	assert_int_equal(record(rig, 0)->scanout, 1);
	assert_int_equal(record(rig, 0)->x, 32808);
	/* After a relative movement the same place is news again. */
	input_pointer_relative(&rig->input, 0, -7);
	input_pointer_relative(&rig->input, 0, 0);
	assert_true(input_pointer(&rig->input, 1, &layout, 400, 0));
	assert_int_equal(rig->listener.count, 3);
	assert_int_equal(record(rig, 1)->type, INPUT_POINTER_REL);
	assert_int_equal(record(rig, 1)->y, -7);
	/* As it is when nobody took it. */
	rig->listener.error = -ENOTCONN;
	assert_true(input_pointer(&rig->input, 1, &layout, 401, 0));
	rig->listener.error = 0;
	assert_true(input_pointer(&rig->input, 1, &layout, 401, 0));
	assert_true(input_pointer(&rig->input, 1, &layout, 401, 0));
	assert_int_equal(rig->listener.count, 5);
	layout.guest_width = layout.guest_height = 0;
	layout_place(&layout, SCALE_FIT);
	assert_false(input_pointer(&rig->input, 1, &layout, 1, 1));
	assert_int_equal(rig->listener.count, 5);
}

static void test_wheel_keeps_the_rest(void **state)
{
	SDL_MouseWheelEvent wheel = { .preciseY = 1.0f };
	struct rig *rig = *state;
	int32_t sum = 0;

	input_wheel(&rig->input, 0, &wheel);
	assert_int_equal(record(rig, 0)->y, 120);
	wheel.preciseY = 1.0f / 300;
	wheel.preciseX = -0.25f;
	for (int i = 0; i < 300; i++) {
		rig->listener.count = 0;
		input_wheel(&rig->input, 0, &wheel);
		sum += record(rig, 0)->y;
		assert_int_equal(record(rig, 0)->x, -30);
	}
	assert_in_range(sum, 119, 120);
}

/* --- chords ----------------------------------------------------------------------------- */

static void test_chord_texts(void **state)
{
	struct chord chord;
	char text[CHORD_TEXT_BYTES];

	assert_int_equal(chord_parse("ctrl+alt+g", &chord), 0);
	chord_format(&chord, text);
	assert_string_equal(text, "Ctrl+Alt+G");
	assert_int_equal(chord_parse("right-ctrl", &chord), 0);
	chord_format(&chord, text);
	assert_string_equal(text, "Right Ctrl");
	assert_int_equal(chord_parse("super+shift+F12", &chord), 0);
	assert_int_equal(chord.scancode, SDL_SCANCODE_F12);
	for (const char *const *bad = (const char *const[]){ "", "+", "ctrl+", "ctrl", "hyper+x",
	     "ctrl++g", "g+ctrl", "a-very-long-name-of-a-key-that-no-keyboard-has+x", NULL }; *bad;
	     bad++) {
		if (chord_parse(*bad, &chord) != -EINVAL)
			fail_msg("taken for a chord: '%s'", *bad);
	}
}

static void test_chord_matching(void **state)
{
	SDL_Keysym key = { SDL_SCANCODE_G, SDLK_g, KMOD_LCTRL | KMOD_RALT | KMOD_NUM, 0 };
	struct chord chord;

	chord_parse("ctrl+alt+g", &chord);
	assert_true(chord_matches(&chord, &key));
	key.mod |= KMOD_LSHIFT;
	assert_false(chord_matches(&chord, &key));
	key.mod = KMOD_CTRL;
	assert_false(chord_matches(&chord, &key));
	/* The layout has another letter there; and G is elsewhere. */
	key = (SDL_Keysym){ SDL_SCANCODE_G, SDLK_i, KMOD_LCTRL | KMOD_LALT, 0 };
	assert_false(chord_matches(&chord, &key));
	key = (SDL_Keysym){ SDL_SCANCODE_U, SDLK_g, KMOD_LCTRL | KMOD_LALT, 0 };
	assert_true(chord_matches(&chord, &key));
	chord_parse("right-ctrl", &chord);
	key = (SDL_Keysym){ SDL_SCANCODE_RCTRL, SDLK_RCTRL, KMOD_RCTRL, 0 };
	assert_true(chord_matches(&chord, &key));
	key.scancode = SDL_SCANCODE_LCTRL;
	assert_false(chord_matches(&chord, &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys_go_down_and_up_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_that_is_held_is_released, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_new_session_holds_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_positions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wheel_keeps_the_rest, setup, teardown),
		cmocka_unit_test(test_chord_texts),
		cmocka_unit_test(test_chord_matching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
