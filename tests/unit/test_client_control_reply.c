/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <control_reply.h>
#include <errno.h>

static int parse(const char *text, struct control_reply *reply)
{
	return control_reply_parse(text, strlen(text), reply);
}

static void test_attached(void **state)
{
	struct control_reply reply;

	assert_int_equal(parse("{\"ok\":true,\"name\":\"demo\",\"pid\":7,\"new\":[1]}", &reply), 0);
	assert_string_equal(reply.name, "demo");
}

static void test_refused(void **state)
{
	struct control_reply reply;

	assert_int_equal(parse("{\"ok\":false,\"error\":\"frames are in a file\"}", &reply),
			 -ECONNREFUSED);
	assert_string_equal(reply.error, "frames are in a file");
	assert_int_equal(parse("{\"ok\":false}", &reply), -ECONNREFUSED);
	assert_true(reply.error[0]);
	assert_int_equal(parse("{\"ok\":false,\"error\":[]}", &reply), -ECONNREFUSED);
}

static void test_clipboard(void **state)
{
	static const char yes[] = "{\"ok\":true}", no[] = "{\"ok\":false,\"error\":\"it is off\"}";
	struct control_reply reply;

	assert_int_equal(control_reply_parse_clipboard(yes, strlen(yes), &reply), 0);
	assert_int_equal(control_reply_parse_clipboard(no, strlen(no), &reply), -ECONNREFUSED);
	assert_string_equal(reply.error, "it is off");
	assert_int_equal(control_reply_parse_clipboard("{}", 2, &reply), -EPROTO);
	assert_int_equal(control_reply_parse_clipboard(yes, 5, &reply), -EPROTO);
}

static void test_not_a_reply(void **state)
{
	static const char *const broken[] = {
		"", "{", "[]", "null", "true", "\"ok\"", "{}", "{\"ok\":1,\"name\":\"x\"}",
		"{\"ok\":\"true\",\"name\":\"x\"}", "{\"ok\":true}", "{\"ok\":true,\"name\":\"\"}",
		"{\"ok\":true,\"name\":5}", "{\"ok\":true,\"name\":null}",
		"{\"ok\":true,\"ok\":false,\"name\":\"x\"}",
		"{\"ok\":true,\"name\":\"x\"} trailing",
		"{\"ok\":true,\"name\":\"\xff\xfe\"}", "{\"ok\":true,\"name\":\"a\\u0000b\"}",
	};
	struct control_reply reply;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		if (parse(broken[i], &reply) != -EPROTO)
			fail_msg("taken for a reply: %s", broken[i]);
	}
	assert_int_equal(control_reply_parse("{\"ok\":true,\"name\":\"x\"}", 10, &reply), -EPROTO);
}

/* What goes to the terminal and the title is cut and harmless. */
static void test_texts_are_tamed(void **state)
{
	struct control_reply reply;
	char text[1024] = "{\"ok\":false,\"error\":\"";

	assert_int_equal(parse("{\"ok\":true,\"name\":\"a\\u001b[31m\\nb\\u007f\"}", &reply), 0);
	assert_string_equal(reply.name, "a?[31m?b?");
	for (int i = 0; i < 200; i++)
		strcat(text, "\xc3\xa4");
	strcat(text, "\"}");
	assert_int_equal(parse(text, &reply), -ECONNREFUSED);
	assert_in_range(strlen(reply.error), CONTROL_ERROR_BYTES - 4, CONTROL_ERROR_BYTES - 1);
	assert_int_equal(strlen(reply.error) % 2, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_clipboard),
		cmocka_unit_test(test_not_a_reply),
		cmocka_unit_test(test_texts_are_tamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
