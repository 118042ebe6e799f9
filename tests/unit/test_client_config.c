/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's command line: which ways to a picture go together. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#define MAX_ARGUMENTS 8

static int parse(struct client_config *config, struct option_error *error, const char *line)
{
	static char copy[256];
	char *argv[MAX_ARGUMENTS + 1] = { (char *)"vitrine-client" };
	int argc = 1;

	strncpy(copy, line, sizeof(copy) - 1);
	for (char *word = strtok(copy, " "); word && argc < MAX_ARGUMENTS; word = strtok(NULL, " "))
		argv[argc++] = word;
	return config_parse(config, argc, argv, error);
}

static void test_looking_glass(void **state)
{
	struct client_config config;
	struct option_error error;

	assert_int_equal(parse(&config, &error, "--looking-glass /dev/shm/lg --wait"), 0);
	assert_string_equal(config.looking_glass, "/dev/shm/lg");
	assert_true(config.wait);
	config_finish(&config);
	/* Nobody could be asked to shut down. */
	assert_int_equal(parse(&config, &error, "--close=power --looking-glass=/x"), 0);
	assert_int_equal(config.close, CONFIG_CLOSE_DETACH);
	config_finish(&config);
	assert_int_equal(parse(&config, &error, "--name vm"), 0);
	assert_int_equal(config.close, CONFIG_CLOSE_POWER);
	assert_null(config.looking_glass);
	config_finish(&config);
}

static void test_only_one_way(void **state)
{
	static const char *const lines[] = {
		"--looking-glass /x --name vm", "--looking-glass /x --socket /y",
		"--looking-glass /x --shm /y", "--looking-glass /x --source test",
		"--shm /x --socket /y",
	};
	struct client_config config;
	struct option_error error;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(&config, &error, lines[i]), -EINVAL);
		assert_non_null(strstr(error.text, "--looking-glass"));
		config_finish(&config);
	}
	assert_int_equal(parse(&config, &error, "--looking-glass"), -EINVAL);
	config_finish(&config);
}

static void test_spice(void **state)
{
	static const struct { const char *line, *words; } bad[] = {
		{ "--spice /x", "--looking-glass" }, { "--spice /x --name vm", "--looking-glass" },
		{ "--looking-glass /x --spice 5900", "HOST:PORT" },
		{ "--looking-glass /x --spice host", "HOST:PORT" },
		{ "--looking-glass /x --spice host:", "HOST:PORT" },
		{ "--looking-glass /x --spice :5900", "HOST:PORT" },
		{ "--looking-glass /x --spice host:0", "HOST:PORT" },
		{ "--looking-glass /x --spice host:65536", "HOST:PORT" },
		{ "--looking-glass /x --spice host:-1", "HOST:PORT" },
		{ "--looking-glass /x --spice host:59x", "HOST:PORT" },
		{ "--looking-glass /x --spice ::1:5900", "HOST:PORT" },
		{ "--looking-glass /x --spice []:5900", "HOST:PORT" },
		{ "--looking-glass /x --spice-password-file /nowhere/at/all", "No such file" },
		{ "--looking-glass /x --spice-password-file /dev/null", "first line" },
	};
	struct client_config config;
	struct option_error error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&config, &error, bad[i].line), -EINVAL);
		if (!strstr(error.text, bad[i].words))
			fail_msg("no '%s' in '%s'", bad[i].words, error.text);
		config_finish(&config);
	}
	assert_int_equal(parse(&config, &error, "--looking-glass /x"), 0);
	assert_false(config.has_spice);
	config_finish(&config);
	assert_int_equal(parse(&config, &error, "--looking-glass /x --spice /run/vm:1.spice"), 0);
	assert_true(config.has_spice);
	assert_string_equal(config.spice.path, "/run/vm:1.spice");
	config_finish(&config);
	assert_int_equal(parse(&config, &error, "--looking-glass /x --spice [::1]:05900"), 0);
	assert_string_equal(config.spice.path, "");
	assert_string_equal(config.spice.host, "::1");
	assert_string_equal(config.spice.port, "5900");
	config_finish(&config);
	assert_int_equal(parse(&config, &error, "--looking-glass /x --spice vm.example:65535"), 0);
	assert_string_equal(config.spice.host, "vm.example");
	assert_string_equal(config.spice.port, "65535");
	config_finish(&config);
}

static void test_spice_password(void **state)
{
	static const struct { const char *text, *password; } files[] = {
		{ "secret", "secret" }, { "two words\nmore", "two words" }, { "dos\r\n", "dos" },
		{ "123456789012345678901234567890123456789012345678901234567890\n",
		  "123456789012345678901234567890123456789012345678901234567890" },
		{ "1234567890123456789012345678901234567890123456789012345678901", NULL },
		{ "", NULL }, { "\nsecret", NULL },
	};
	char path[] = "/tmp/vitrine-password-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char password[SPICE_PASSWORD_BYTES] = "";
		ssize_t bytes = (ssize_t)strlen(files[i].text);
		struct option_error error;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, files[i].text, (size_t)bytes, 0), bytes);
		assert_int_equal(spice_password_read(path, password, &error),
				 files[i].password ? 0 : -EINVAL);
		assert_string_equal(password, files[i].password ? files[i].password : "");
	}
	close(fd);
	unlink(path);
}

static void test_clipboard(void **state)
{
	struct client_config config;
	struct option_error error;

	assert_int_equal(parse(&config, &error, "--name vm"), 0);
	assert_true(config.clipboard);
	config_finish(&config);
	assert_int_equal(parse(&config, &error, "--clipboard off --name vm"), 0);
	assert_false(config.clipboard);
	config_finish(&config);
	assert_int_equal(parse(&config, &error, "--clipboard=maybe"), -EINVAL);
	config_finish(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looking_glass),
		cmocka_unit_test(test_only_one_way),
		cmocka_unit_test(test_spice),
		cmocka_unit_test(test_spice_password),
		cmocka_unit_test(test_clipboard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
