/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <base/clock.h>
#include <cmocka.h>
#include <input/router.h>
#include <input/source_script.h>

#include "input_guest.h"

static struct loop *loop;
static struct input_guest keyboard, tablet;
static struct input_router *router;

static int open_all(void **state)
{
	loop = loop_create("test");
	input_guest_open(&keyboard, loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, loop, VIRTIO_INPUT_TABLET);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device });
	return router ? 0 : -1;
}

static int close_all(void **state)
{
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	loop_destroy(loop);
	return 0;
}

static void play(struct input_source *source)
{
	uint64_t end_ns = clock_now_ns() + UINT64_C(3000000000);

	assert_int_equal(input_source_start(source), 0);
	while (!input_source_script_done(source) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 500);
	assert_true(input_source_script_done(source));
}

static void test_a_script(void **state)
{
	static const char text[] =
		"# a click and a key\n"
		"abs 0 1000 65535\n"
		"button 272 down\n"
		"\n"
		"wait 20\n"
		"button 272 up\n"
		"key 30 down\n"
		"wheel 0 -120\n"
		"key 31 down\n"
		"release\n"
		"key 32 down";
	unsigned int bad_line;
	struct input_source *source = input_source_script_create(loop, router, text, &bad_line);
	uint64_t start_ns = clock_now_ns();

	assert_non_null(source);
	assert_false(input_source_script_done(source));
	play(source);
	assert_true(clock_now_ns() - start_ns >= 20000000);
	assert_string_equal(input_guest_text(&keyboard, true),
			    "key 30 1; key 31 1; key 30 0; key 31 0; key 32 1; ");
	assert_string_equal(input_guest_text(&tablet, true),
			    "abs 0 1000, abs 1 65535; key 272 1; key 272 0; "
			    "rel 11 -120, rel 8 -1; ");
	input_source_stop(source);
	assert_string_equal(input_guest_text(&keyboard, true), "key 32 0; ");
	play(source);
	input_source_destroy(source);
	assert_false(input_router_holds(router));
}

static void refuses(const char *text, unsigned int line)
{
	unsigned int bad_line = 0;

	errno = 0;
	assert_null(input_source_script_create(loop, router, text, &bad_line));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(bad_line, line);
}

static void test_wrong_lines(void **state)
{
	static char lengthy[400];

	refuses("jump\n", 1);
	refuses("release\nkey 30\n", 2);
	refuses("key 30 sideways\n", 1);
	refuses("key 0 down\n", 1);
	refuses("key 768 down\n", 1);
	refuses("key 30x down\n", 1);
	refuses("key  30 down\n", 1);
	refuses("key 30 down now\n", 1);
	refuses("key\n", 1);
	refuses("abs 0 1\n", 1);
	refuses("abs 16 1 1\n", 1);
	refuses("abs 0 1 65536\n", 1);
	refuses("rel 1 99999999999999999999\n", 1);
	refuses("wait -1\n", 1);
	refuses("wait\n", 1);
	refuses("#\n\n \n", 3);
	memset(lengthy, ' ', sizeof(lengthy) - 1);
	refuses(lengthy, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_a_script),
		test(test_wrong_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
