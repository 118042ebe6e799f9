/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/options.h>
#include <cmocka.h>

struct config {
	char *name;
	bool headless;
	uint32_t cpus;
	uint64_t memory;
	int mode;
	int parts;
};

static int parse_part(void *config, const char *value, struct option_error *error)
{
	((struct config *)config)->parts += (int)strlen(value);
	return 0;
}

static const char *const modes[] = { "slow", "fast", NULL };

static const struct option_def defs[] = {
	{ "name", OPTION_STRING, offsetof(struct config, name), .help = "the name" },
	{ "headless", OPTION_BOOL, offsetof(struct config, headless), .help = "no window" },
	{ "cpus", OPTION_UINT, offsetof(struct config, cpus), 1, 64, .help = "vCPUs" },
	{ "memory", OPTION_SIZE, offsetof(struct config, memory), 1 << 20, .help = "RAM" },
	{ "mode", OPTION_CHOICE, offsetof(struct config, mode), .choices = modes, .help = "mode" },
	{ "part", OPTION_CUSTOM, .parse = parse_part, .help = "one\nor more" },
};
#define DEFS (sizeof(defs) / sizeof(defs[0]))

static void test_argv(void **state)
{
	char *argv[] = { "x", "--name", "a", "--name=b", "--headless", "--headless", "off", "--cpus", "4", "--memory=2G",
			 "--mode", "fast", "--part", "12", "--part=345", "--", "rest" };
	struct config config = { 0 };
	struct option_error error;
	int rest;

	assert_int_equal(options_parse_argv(defs, DEFS, &config, 17, argv, &rest, &error), 0);
	assert_int_equal(rest, 16);
	assert_string_equal(config.name, "b");
	assert_false(config.headless);
	assert_int_equal(config.cpus, 4);
	assert_int_equal(config.memory, 2ull << 30);
	assert_int_equal(config.mode, 1);
	assert_int_equal(config.parts, 5);
	options_finish(defs, DEFS, &config);
	assert_null(config.name);
}

static void expect_error(const char *name, const char *value, const char *text)
{
	struct config config = { 0 };
	struct option_error error = { "" };

	assert_true(options_set(defs, DEFS, &config, name, value, &error) < 0);
	if (!strstr(error.text, text))
		fail_msg("'%s' does not contain '%s'", error.text, text);
	options_finish(defs, DEFS, &config);
}

static void test_errors_say_what_to_do(void **state)
{
	expect_error("memori", "1G", "did you mean 'memory'");
	expect_error("zzzzzzzz", "1", "--help");
	expect_error("cpus", "0", "at least 1");
	expect_error("cpus", "65", "at most 64");
	expect_error("cpus", "-1", "not a number");
	expect_error("cpus", "1x", "not a number");
	expect_error("memory", "1K", "at least 1M");
	expect_error("memory", "99999999999T", "not a size");
	expect_error("memory", "", "not a size");
	expect_error("mode", "warp", "slow, fast");
	expect_error("headless", "maybe", "neither");
	expect_error("name", "", "needs a value");
}

static void test_list(void **state)
{
	struct config config = { 0 };
	struct option_error error = { "" };

	assert_int_equal(options_parse_list(defs, DEFS, &config, "a,,b,headless,cpus=2", "name",
					    &error), 0);
	assert_string_equal(config.name, "a,b");
	assert_true(config.headless);
	assert_int_equal(config.cpus, 2);
	assert_true(options_parse_list(defs, DEFS, &config, "cpus", NULL, &error) < 0);
	assert_non_null(strstr(error.text, "cpus: needs a value"));
	options_finish(defs, DEFS, &config);
}

static int parse_text(const char *text, struct config *config, struct option_error *error)
{
	char path[] = "/tmp/vitrine-options-XXXXXX";
	int fd = mkstemp(path), result;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	result = options_parse_file(defs, DEFS, config, path, error);
	unlink(path);
	return result;
}

static void test_file(void **state)
{
	struct config config = { 0 };
	struct option_error error = { "" };

	assert_int_equal(parse_text("# c\nname = demo\ncpus=3\n; d\npart = xy\n", &config, &error), 0);
	assert_string_equal(config.name, "demo");
	assert_int_equal(config.cpus, 3);
	assert_true(parse_text("name = a\ncpu = 3\n", &config, &error) < 0);
	assert_non_null(strstr(error.text, ":2: unknown option 'cpu': did you mean 'cpus'?"));
	assert_true(parse_text("[vm]\ncpus = 3\n", &config, &error) < 0);
	assert_non_null(strstr(error.text, "sections"));
	assert_true(parse_text("just words\n", &config, &error) < 0);
	assert_non_null(strstr(error.text, ":1:"));
	assert_true(options_parse_file(defs, DEFS, &config, "/nonexistent", &error) < 0);
	assert_non_null(strstr(error.text, "No such file"));
	options_finish(defs, DEFS, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv),
		cmocka_unit_test(test_errors_say_what_to_do),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
