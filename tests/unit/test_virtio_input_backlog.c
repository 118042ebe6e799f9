/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is slow with its event buffers: whole reports, order, coalescing, resync. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/input-event-codes.h>

#include "input_guest.h"

static struct loop *loop;
static struct input_guest input;

static void open_kind(enum virtio_input_kind kind)
{
	loop = loop_create("test");
	input_guest_init(&input, loop, kind, FAKE_LOOP_DISPATCHED);
	input_guest_start(&input);
	fake_guest_run(input.guest);
}

static int close_kind(void **state)
{
	input_guest_finish(&input);
	loop_destroy(loop);
	return 0;
}

static void test_a_whole_report_or_nothing(void **state)
{
	open_kind(VIRTIO_INPUT_TABLET);
	virtio_input_move_to(input.device, 1, 2);
	input_guest_give(&input, 2);
	assert_string_equal(input_guest_text(&input, false), "");
	input_guest_give(&input, 1);
	assert_string_equal(input_guest_text(&input, false), "abs 0 1, abs 1 2; ");
	input_guest_give(&input, 4);
	virtio_input_key(input.device, BTN_LEFT, true);
	virtio_input_move_to(input.device, 3, 4);
	assert_string_equal(input_guest_text(&input, false), "key 272 1; ");
	input_guest_give(&input, 1);
	assert_string_equal(input_guest_text(&input, false), "abs 0 3, abs 1 4; ");
}

static void test_motion_coalesces_between_buttons(void **state)
{
	open_kind(VIRTIO_INPUT_TABLET);
	for (uint16_t i = 0; i < 1000; i++)
		virtio_input_move_to(input.device, i, i);
	virtio_input_key(input.device, BTN_LEFT, true);
	for (uint16_t i = 0; i < 1000; i++)
		virtio_input_move_to(input.device, i, 7);
	virtio_input_key(input.device, BTN_LEFT, false);
	input_guest_give(&input, 64);
	assert_string_equal(input_guest_text(&input, false),
			    "abs 0 999, abs 1 999; key 272 1; abs 0 999, abs 1 7; key 272 0; ");
}

static void test_movement_and_wheels_add_up(void **state)
{
	open_kind(VIRTIO_INPUT_MOUSE);
	virtio_input_move_by(input.device, 5, -5);
	virtio_input_move_by(input.device, 5, -6);
	virtio_input_wheel(input.device, 0, 60);
	virtio_input_wheel(input.device, 0, 90);
	virtio_input_move_by(input.device, INT32_MAX, INT32_MIN);
	virtio_input_move_by(input.device, INT32_MAX, INT32_MIN);
	input_guest_give(&input, 64);
	assert_string_equal(input_guest_text(&input, false),
			    "rel 0 10, rel 1 -11; rel 11 150, rel 8 1; "
			    "rel 0 1048576, rel 1 -1048576; ");
}

static void test_taps_keep_their_order(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	for (uint16_t code = KEY_1; code <= KEY_3; code++) {
		virtio_input_key(input.device, code, true);
		virtio_input_key(input.device, code, false);
	}
	input_guest_give(&input, 64);
	assert_string_equal(input_guest_text(&input, false),
			    "key 2 1; key 2 0; key 3 1; key 3 0; key 4 1; key 4 0; ");
}

/* A hundred taps more than the backlog holds, around a key that is held and one that goes up. */
static void test_overflow_never_loses_a_release(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	input_guest_give(&input, 2);
	virtio_input_key(input.device, KEY_LEFTSHIFT, true);
	assert_string_equal(input_guest_text(&input, false), "key 42 1; ");
	virtio_input_key(input.device, KEY_LEFTCTRL, true);
	for (int i = 0; i < 100; i++) {
		virtio_input_key(input.device, KEY_A, true);
		virtio_input_key(input.device, KEY_A, false);
	}
	virtio_input_key(input.device, KEY_LEFTSHIFT, false);
	input_guest_give(&input, 2);
	assert_string_equal(input_guest_text(&input, false), "key 42 0; ");
	virtio_input_key(input.device, KEY_B, true);
	input_guest_give(&input, 60);
	assert_string_equal(input_guest_text(&input, false), "key 29 1; key 48 1; ");
	virtio_input_key(input.device, KEY_LEFTCTRL, false);
	virtio_input_key(input.device, KEY_B, false);
	assert_string_equal(input_guest_text(&input, false), "key 29 0; key 48 0; ");
}

static void test_overflow_keeps_motion(void **state)
{
	open_kind(VIRTIO_INPUT_MOUSE);
	virtio_input_key(input.device, BTN_SIDE, true);
	for (int i = 0; i < 200; i++) {
		virtio_input_move_by(input.device, 1, 2);
		virtio_input_key(input.device, BTN_LEFT, i % 2 == 0);
		virtio_input_wheel(input.device, 0, 12);
	}
	virtio_input_key(input.device, BTN_RIGHT, true);
	input_guest_give(&input, 64);
	assert_string_equal(input_guest_text(&input, true),
			    "key 273 1; key 275 1; rel 0 200, rel 1 400; rel 11 2400, rel 8 20; ");
	assert_int_equal(fake_guest_needs_resets(input.guest), 0);
}

static void test_nothing_is_kept_for_a_driver_that_is_not_there(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	virtio_input_key(input.device, KEY_A, true);
	fake_guest_stop(input.guest);
	virtio_input_key(input.device, KEY_A, false);
	virtio_input_key(input.device, KEY_B, true);
	input_guest_start(&input);
	input_guest_give(&input, 64);
	assert_string_equal(input_guest_text(&input, true), "");
	virtio_input_key(input.device, KEY_B, false);
	assert_string_equal(input_guest_text(&input, true), "key 48 0; ");
}

/* Every event ever sent, through a guest that gives few buffers: all arrive, in order. */
static void test_a_slow_guest_gets_every_key(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	input_guest_give(&input, 4);
	for (int i = 0; i < 500; i++) {
		uint16_t code = (uint16_t)(KEY_1 + i % 50);
		char expected[64];

		virtio_input_key(input.device, code, true);
		virtio_input_key(input.device, code, false);
		snprintf(expected, sizeof(expected), "key %u 1; key %u 0; ", code, code);
		assert_string_equal(input_guest_text(&input, true), expected);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, NULL, close_kind)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_a_whole_report_or_nothing),
		test(test_motion_coalesces_between_buttons),
		test(test_movement_and_wheels_add_up),
		test(test_taps_keep_their_order),
		test(test_overflow_never_loses_a_release),
		test(test_overflow_keeps_motion),
		test(test_nothing_is_kept_for_a_driver_that_is_not_there),
		test(test_a_slow_guest_gets_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
