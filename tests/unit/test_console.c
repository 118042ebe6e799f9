/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/loop.h>
#include <base/options.h>
#include <chips/console.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 20000u

struct owner {
	size_t room;
	char text[64];
	size_t count;
	unsigned int rooms_told;
};

static size_t owner_input_room(void *data)
{
	struct owner *owner = data;

	return owner->room;
}

static void owner_input(void *data, const uint8_t *bytes, size_t count)
{
	struct owner *owner = data;

	assert_true(count <= owner->room && owner->count + count < sizeof(owner->text));
	memcpy(owner->text + owner->count, bytes, count);
	owner->count += count;
	owner->room -= count;
}

static void owner_output_room(void *data)
{
	struct owner *owner = data;

	owner->rooms_told++;
}

static const struct console_ops owner_ops = {
	.input_room = owner_input_room,
	.input = owner_input,
	.output_room = owner_output_room,
};

static void settle(struct loop *loop)
{
	int rounds = 0;

	/* A source that spins would never let this end. */
	while (loop_dispatch(loop, 0) > 0)
		assert_true(rounds++ < 10000);
}

static void send_text(struct console *console, const char *text)
{
	while (*text)
		assert_true(console_write(console, (uint8_t)*text++));
}

static void test_input_waits_for_room(void **state)
{
	struct loop *loop = loop_create("test");
	struct owner owner = { .room = 3 };
	struct console *console;
	int in[2], out[2];

	assert_int_equal(pipe(in) | pipe(out), 0);
	console = console_create_fds(loop, in[0], out[1], true);
	console_set_owner(console, &owner_ops, &owner);
	assert_int_equal(write(in[1], "abcdefg", 7), 7);
	close(in[1]);                   /* a hang-up must not make the loop spin meanwhile */
	settle(loop);
	assert_int_equal(owner.count, 3);
	owner.room = 10;
	console_resume_input(console);
	settle(loop);
	assert_string_equal(owner.text, "abcdefg");
	console_destroy(console);
	loop_destroy(loop);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void test_input_from_file(void **state)
{
	char path[] = "/tmp/test_console.XXXXXX";
	struct loop *loop = loop_create("test");
	struct owner owner = { .room = 2 };
	int in = mkstemp(path);
	int null = open("/dev/null", O_RDWR);
	struct console *console;

	unlink(path);
	assert_int_equal(write(in, "hello", 5), 5);
	lseek(in, 0, SEEK_SET);
	console = console_create_fds(loop, in, null, true);
	assert_non_null(console);
	console_set_owner(console, &owner_ops, &owner);
	console_resume_input(console);
	settle(loop);
	assert_string_equal(owner.text, "he");
	owner.room = 10;
	console_resume_input(console);
	settle(loop);
	assert_string_equal(owner.text, "hello");
	console_destroy(console);
	loop_destroy(loop);
	close(in);
	close(null);
}

/* A terminal or pipe that nobody reads never keeps a writer waiting. */
static void test_slow_reader_loses_bytes(void **state)
{
	struct loop *loop = loop_create("test");
	struct console *console;
	unsigned int i;
	int out[2];

	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	console = console_create_fds(loop, -1, out[1], true);
	for (i = 0; i < 3 * CONSOLE_RING_BYTES; i++)
		assert_true(console_write(console, 'x'));
	assert_true(console_has_room(console));
	settle(loop);
	console_destroy(console);
	loop_destroy(loop);
	close(out[0]);
	close(out[1]);
}

static void test_reader_goes_away(void **state)
{
	struct loop *loop = loop_create("test");
	struct owner owner = { .room = 0 };
	struct console *console;
	unsigned int i;
	int out[2];

	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	console = console_create_fds(loop, -1, out[1], false);
	console_set_owner(console, &owner_ops, &owner);
	for (i = 0; i < CONSOLE_RING_BYTES; i++)
		console_write(console, 'x');
	assert_false(console_write(console, 'x'));
	assert_false(console_has_room(console));
	close(out[0]);
	settle(loop);
	assert_int_equal(owner.rooms_told, 1);
	for (i = 0; i < 2 * CONSOLE_RING_BYTES; i++)
		assert_true(console_write(console, 'x'));
	console_destroy(console);
	loop_destroy(loop);
	close(out[1]);
}

static void *write_lines(void *data)
{
	char line[16];
	unsigned int i;

	for (i = 0; i < LINES; i++) {
		const char *at = line;

		snprintf(line, sizeof(line), "%05u\n", i);
		while (*at)
			if (console_write(data, (uint8_t)*at))
				at++;
	}
	return NULL;
}

static void test_file_gets_all(void **state)
{
	char path[] = "/tmp/test_console.XXXXXX";
	struct loop *loop = loop_create("test");
	struct option_error error;
	struct console *console;
	pthread_t writer;
	FILE *file;
	unsigned int i, number;

	close(mkstemp(path));
	console = console_create_file(loop, path, &error);
	assert_non_null(console);
	assert_int_equal(loop_start(loop), 0);
	pthread_create(&writer, NULL, write_lines, console);
	pthread_join(writer, NULL);
	loop_stop(loop);
	send_text(console, "end\n");            /* destroy writes this out */
	console_destroy(console);
	loop_destroy(loop);
	file = fopen(path, "r");
	for (i = 0; i < LINES; i++) {
		assert_int_equal(fscanf(file, "%u", &number), 1);
		assert_int_equal(number, i);
	}
	assert_int_equal(fscanf(file, " end%n", (int *)&number), 0);
	assert_int_equal(number, 4);
	fclose(file);
	unlink(path);
}

static void test_wrong_file(void **state)
{
	struct loop *loop = loop_create("test");
	struct option_error error;

	assert_null(console_create_file(loop, "/nonexistent/serial", &error));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(error.text, "cannot write the serial port's file /nonexistent/serial: "
					"No such file or directory");
	assert_null(console_create_file(loop, "/tmp", &error));
	assert_non_null(strstr(error.text, "Is a directory"));
	loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input_waits_for_room),
		cmocka_unit_test(test_input_from_file),
		cmocka_unit_test(test_slow_reader_loses_bytes),
		cmocka_unit_test(test_reader_goes_away),
		cmocka_unit_test(test_file_gets_all),
		cmocka_unit_test(test_wrong_file),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
