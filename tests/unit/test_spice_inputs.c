/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <base/clock.h>
#include <cmocka.h>
#include <input/router.h>
#include <linux/input-event-codes.h>
#include <spice/spice_inputs.h>

#include "input_guest.h"

static struct loop *loop;
static struct input_guest keyboard, tablet, mouse;
static struct input_router *router;
static struct spice_inputs *inputs;

static int open_all(void **state)
{
	loop = loop_create("test");
	input_guest_open(&keyboard, loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&mouse, loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device, .mouse = mouse.device });
	inputs = spice_inputs_create(loop, router);
	return inputs ? input_source_start(spice_inputs_source(inputs)) : -1;
}

static int close_all(void **state)
{
	input_source_destroy(spice_inputs_source(inputs));
	assert_false(input_router_holds(router));
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	input_guest_finish(&mouse);
	loop_destroy(loop);
	return 0;
}

static void type(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		spice_inputs_scan(inputs, bytes[i]);
	loop_dispatch(loop, 0);
}

#define TYPE(...) type((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void test_keys(void **state)
{
	TYPE(0x1e, 0x1e, 0x9e, 0xe0, 0x4d, 0xdf, 0xe0, 0xcd, 0xdf);
	assert_string_equal(input_guest_text(&keyboard, true),
			    "key 30 1; key 30 0; key 106 1; key 106 0; ");
	/* Nobody presses these. */
	TYPE(0x9e, 0xdf, 0xe0, 0xcd);
	assert_string_equal(input_guest_text(&keyboard, true), "");
}

static void test_mouse(void **state)
{
	spice_inputs_motion(inputs, 3, -4, 0, 0);
	spice_inputs_motion(inputs, 2, 1, 0, SPICE_INPUTS_LEFT);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&mouse, true), "rel 0 5, rel 1 -3; key 272 1; ");
	spice_inputs_buttons(inputs, SPICE_INPUTS_RIGHT | SPICE_INPUTS_EXTRA | 0xffff0000);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&mouse, true), "key 272 0; key 273 1; key 276 1; ");
	spice_inputs_buttons(inputs, SPICE_INPUTS_MIDDLE | SPICE_INPUTS_SIDE);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&mouse, true),
			    "key 273 0; key 274 1; key 275 1; key 276 0; ");
	spice_inputs_buttons(inputs, 0);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&mouse, true), "key 274 0; key 275 0; ");
}

static void test_wheel(void **state)
{
	const char *text;

	spice_inputs_motion(inputs, 1, 0, 0, 0);
	spice_inputs_motion(inputs, 0, 0, -1, 0);
	loop_dispatch(loop, 0);
	text = input_guest_text(&mouse, true);
	assert_non_null(strstr(text, "rel 8 1"));
	spice_inputs_motion(inputs, 0, 0, 1, 0);
	spice_inputs_motion(inputs, 0, 0, 1, 0);
	loop_dispatch(loop, 0);
	assert_non_null(strstr(input_guest_text(&mouse, true), "rel 8 -2"));
}

static void test_tablet(void **state)
{
	/* No size yet: no position, but buttons. */
	spice_inputs_position(inputs, 10, 10, SPICE_INPUTS_LEFT);
	spice_inputs_buttons(inputs, 0);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&tablet, true), "key 272 1; key 272 0; ");
	spice_inputs_set_size(inputs, 65536, 32768);
	spice_inputs_position(inputs, 1, 1, 0);
	spice_inputs_position(inputs, 1000, 100, SPICE_INPUTS_LEFT);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&tablet, true), "abs 0 1000, abs 1 201; key 272 1; ");
	spice_inputs_set_size(inputs, 2, 2);
	spice_inputs_position(inputs, INT_MAX, INT_MIN, 0);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&tablet, true),
			    "abs 0 49152, abs 1 16384; key 272 0; ");
}

static void test_wild_values(void **state)
{
	spice_inputs_set_size(inputs, -1, INT_MIN);
	spice_inputs_position(inputs, INT_MIN, INT_MAX, 0);
	for (int i = 0; i < 100; i++)
		spice_inputs_motion(inputs, INT_MAX, INT_MIN, INT_MIN, 0);
	loop_dispatch(loop, 0);
	spice_inputs_set_size(inputs, INT_MAX, INT_MAX);
	spice_inputs_position(inputs, INT_MAX, INT_MAX, 0);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&tablet, true), "abs 0 65535, abs 1 65535; ");
}

/* Only what the client holds goes up, and a code that it had begun is forgotten. */
static void test_release(void **state)
{
	const struct router_event other = { .type = ROUTER_EVENT_KEY, .code = KEY_B, .down = true };

	input_router_push(router, &other);
	TYPE(0x1e, 0x2a, 0xe0);
	spice_inputs_motion(inputs, 1, 1, 0, SPICE_INPUTS_LEFT);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 48 1; key 30 1; key 42 1; ");
	input_guest_text(&mouse, true);
	spice_inputs_release(inputs);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 0; key 42 0; ");
	assert_string_equal(input_guest_text(&mouse, true), "key 272 0; ");
	assert_true(input_router_holds(router));
	TYPE(0x1c);
	assert_string_equal(input_guest_text(&keyboard, true), "key 28 1; ");
	input_router_release_all(router);
}

static void test_stop_releases(void **state)
{
	TYPE(0x1e);
	input_source_stop(spice_inputs_source(inputs));
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; key 30 0; ");
	assert_false(input_router_holds(router));
	TYPE(0x1f);
	assert_string_equal(input_guest_text(&keyboard, true), "");
	assert_int_equal(input_source_start(spice_inputs_source(inputs)), 0);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 31 1; ");
}

/* The router's loop is late: taps are lost, a key that stays down is not. */
static void test_overflow(void **state)
{
	TYPE(0x1e);
	for (int i = 0; i < 1000; i++) {
		spice_inputs_scan(inputs, 0x30);
		spice_inputs_scan(inputs, 0xb0);
		spice_inputs_motion(inputs, 1, 0, 0, 0);
	}
	loop_dispatch(loop, 0);
	assert_false(input_router_holds(router));
	assert_non_null(strstr(input_guest_text(&keyboard, true), "key 30 0; "));
}

/* The SPICE thread of the next test: taps, a moving mouse, and at the end a key that stays down. */
static void *push_from_a_thread(void *data)
{
	/* All of it fits the text of one input_guest_text. */
	for (int i = 0; i < 300; i++) {
		spice_inputs_scan(inputs, 0x30);
		spice_inputs_motion(inputs, 1, 0, 0, i % 2 ? SPICE_INPUTS_LEFT : 0);
		spice_inputs_scan(inputs, 0xb0);
		if (i % 20 == 0)
			spice_inputs_release(inputs);
	}
	spice_inputs_release(inputs);
	spice_inputs_scan(inputs, 0x1e);
	return NULL;
}

static void test_two_threads(void **state)
{
	uint64_t end_ns = clock_now_ns() + UINT64_C(10000000000);
	pthread_t thread;
	const char *text;
	char last[64] = "";

	assert_int_equal(pthread_create(&thread, NULL, push_from_a_thread, NULL), 0);
	while (!strstr(last, "key 30 1; ") && clock_now_ns() < end_ns) {
		loop_dispatch(loop, 1);
		text = input_guest_text(&keyboard, true);
		if (text[0])
			snprintf(last, sizeof(last), "%s",
				 strlen(text) > 32 ? text + strlen(text) - 32 : text);
		input_guest_text(&mouse, true);
	}
	pthread_join(thread, NULL);
	assert_non_null(strstr(last, "key 30 1; "));
	assert_true(input_router_holds(router));
	spice_inputs_release(inputs);
	loop_dispatch(loop, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 0; ");
	assert_false(input_router_holds(router));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),          TEST(test_mouse),    TEST(test_wheel),
		TEST(test_tablet),        TEST(test_wild_values), TEST(test_release),
		TEST(test_stop_releases), TEST(test_overflow), TEST(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
