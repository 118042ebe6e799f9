/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device, what is held, and where on the desktop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <base/rect.h>
#include <cmocka.h>
#include <input/router.h>
#include <linux/input-event-codes.h>

#include "input_guest.h"

static struct loop *loop;
static struct input_guest keyboard, tablet, mouse;
static struct input_router *router;

static int open_all(void **state)
{
	loop = loop_create("test");
	input_guest_open(&keyboard, loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&mouse, loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device, .mouse = mouse.device });
	return router ? 0 : -1;
}

static int close_all(void **state)
{
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	input_guest_finish(&mouse);
	loop_destroy(loop);
	return 0;
}

static void push(enum router_event_type type, uint16_t code, bool down, int32_t x, int32_t y)
{
	input_router_push(router, &(struct router_event){
		.type = type, .code = code, .down = down, .x = x, .y = y });
}

static void move_on(uint16_t scanout, int32_t x, int32_t y)
{
	input_router_push(router, &(struct router_event){
		.type = ROUTER_EVENT_POINTER_ABS, .scanout = scanout, .x = x, .y = y });
}

static void test_each_to_its_device(void **state)
{
	push(ROUTER_EVENT_KEY, KEY_Q, true, 0, 0);
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, true, 0, 0);
	push(ROUTER_EVENT_POINTER_REL, 0, false, 2, 3);
	push(ROUTER_EVENT_WHEEL, 0, false, 0, -120);
	push(ROUTER_EVENT_BUTTON, BTN_RIGHT, true, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 16 1; ");
	assert_string_equal(input_guest_text(&tablet, true), "key 272 1; ");
	assert_string_equal(input_guest_text(&mouse, true),
			    "rel 0 2, rel 1 3; rel 11 -120, rel 8 -1; key 273 1; ");
	move_on(0, 4, 5);
	push(ROUTER_EVENT_WHEEL, 0, false, 120, 0);
	assert_string_equal(input_guest_text(&tablet, true),
			    "abs 0 4, abs 1 5; rel 12 120, rel 6 1; ");
}

static void test_a_release_goes_where_the_press_went(void **state)
{
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, true, 0, 0);
	push(ROUTER_EVENT_POINTER_REL, 0, false, 1, 1);
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, true, 0, 0);
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, false, 0, 0);
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, false, 0, 0);
	assert_string_equal(input_guest_text(&tablet, true), "key 272 1; key 272 0; ");
	assert_string_equal(input_guest_text(&mouse, true), "rel 0 1, rel 1 1; ");
}

static void test_release_all(void **state)
{
	assert_false(input_router_holds(router));
	push(ROUTER_EVENT_KEY, KEY_LEFTCTRL, true, 0, 0);
	push(ROUTER_EVENT_KEY, KEY_C, true, 0, 0);
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, true, 0, 0);
	push(ROUTER_EVENT_POINTER_REL, 0, false, 1, 0);
	push(ROUTER_EVENT_BUTTON, BTN_SIDE, true, 0, 0);
	push(ROUTER_EVENT_KEY, KEY_C, false, 0, 0);
	assert_true(input_router_holds(router));
	push(ROUTER_EVENT_RELEASE_ALL, 0, false, 0, 0);
	assert_false(input_router_holds(router));
	input_router_release_all(router);
	assert_string_equal(input_guest_text(&keyboard, true),
			    "key 29 1; key 46 1; key 46 0; key 29 0; ");
	assert_string_equal(input_guest_text(&tablet, true), "key 272 1; key 272 0; ");
	assert_string_equal(input_guest_text(&mouse, true), "rel 0 1; key 275 1; key 275 0; ");
}

static void test_displays_side_by_side(void **state)
{
	const struct rect rects[] = {
		{ .x = 0, .y = 0, .width = 1000, .height = 500 },
		{ .x = 1000, .y = 0, .width = 3000, .height = 1000 },
		{ 0 },
	};

	move_on(1, 65535, 65535);
	input_router_set_displays(router, rects, 1);
	move_on(0, 65535, 12345);
	assert_string_equal(input_guest_text(&tablet, true),
			    "abs 0 65535, abs 1 65535; abs 0 65535, abs 1 12345; ");
	input_router_set_displays(router, rects, 3);
	move_on(0, 0, 65535);
	move_on(0, 65535, 0);
	move_on(1, 0, 0);
	move_on(1, 65535, 65535);
	move_on(2, 1, 1);
	move_on(3, 1, 1);
	move_on(UINT16_MAX, 1, 1);
	assert_string_equal(input_guest_text(&tablet, true),
			    "abs 0 0, abs 1 32767; abs 0 16383, abs 1 0; "
			    "abs 0 16383, abs 1 0; abs 0 65535, abs 1 65535; ");
}

static void test_missing_devices(void **state)
{
	struct input_router *empty = input_router_create(&(struct input_router_config){ 0 });
	struct input_router *usual = router;

	router = empty;
	push(ROUTER_EVENT_KEY, KEY_A, true, 0, 0);
	push(ROUTER_EVENT_BUTTON, BTN_LEFT, true, 0, 0);
	push(ROUTER_EVENT_POINTER_REL, 0, false, 1, 1);
	push(ROUTER_EVENT_WHEEL, 0, false, 1, 1);
	move_on(0, 1, 1);
	assert_false(input_router_holds(empty));
	input_router_destroy(empty);
	input_router_destroy(NULL);
	router = usual;
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_each_to_its_device),
		test(test_a_release_goes_where_the_press_went),
		test(test_release_all),
		test(test_displays_side_by_side),
		test(test_missing_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
