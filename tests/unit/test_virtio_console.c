/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/loop.h>
#include <base/options.h>
#include <chips/console.h>
#include <devices/virtio_console.h>
#include <errno.h>
#include <fake/guest.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <virtio/device.h>

#define RECEIVE 0
#define TRANSMIT 1

struct fixture {
	struct loop *loop;
	int user;                       /* the test's end of the line */
	struct fake_guest *guest;
};

static int setup(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;
	struct console *console;
	int fds[2];

	*f = (struct fixture){ .loop = loop_create("test") };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	f->user = fds[0];
	console = console_create_fds(f->loop, fds[1], fds[1], false);
	close(fds[1]);
	f->guest = fake_guest_create(virtio_console_create_on(f->loop, console),
				     FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->user >= 0)
		close(f->user);
	fake_guest_destroy(f->guest);
	loop_destroy(f->loop);
	return 0;
}

static void transmit(struct fixture *f, const void *bytes, size_t count)
{
	assert_int_equal(fake_queue_request(fake_guest_queue(f->guest, TRANSMIT), bytes, count,
					    NULL, 0), 0);
}

static void test_output(void **state)
{
	struct fixture *f = *state;
	char got[64] = "";

	transmit(f, "hello, ", 7);
	transmit(f, "world", 5);
	fake_guest_run(f->guest);
	assert_int_equal(read(f->user, got, sizeof(got)), 12);
	assert_string_equal(got, "hello, world");
	/* Only room to write: nothing comes out, the chain comes back. */
	assert_int_equal(fake_queue_request(fake_guest_queue(f->guest, TRANSMIT), NULL, 0, got, 8),
			 0);
	fake_guest_run(f->guest);
	assert_int_equal(read(f->user, got, sizeof(got)), -1);
}

/* More than everybody's buffers hold: the guest waits, no byte is lost. */
static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, TRANSMIT);
	struct fake_memory *memory = fake_guest_memory(f->guest);
	static uint8_t bytes[1 << 20], got[1 << 16];
	struct fake_buffer buffer = { .bytes = sizeof(bytes) };
	size_t total = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i >> 8 ^ i);
	buffer.gpa = fake_memory_copy_in(memory, bytes, sizeof(bytes));
	assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	assert_int_equal(fake_queue_used_count(queue), 0);
	while (total < sizeof(bytes)) {
		ssize_t count = read(f->user, got, sizeof(got));

		if (count > 0) {
			assert_memory_equal(got, bytes + total, (size_t)count);
			total += (size_t)count;
		}
		assert_true(count > 0 || errno == EAGAIN);
		fake_guest_run(f->guest);
	}
	assert_int_equal(fake_queue_used_count(queue), 1);
}

static void test_stop_while_blocked(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, TRANSMIT);
	static uint8_t bytes[1 << 20];
	struct fake_buffer buffer = { .bytes = sizeof(bytes) };

	buffer.gpa = fake_memory_copy_in(fake_guest_memory(f->guest), bytes, sizeof(bytes));
	assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	fake_guest_stop(f->guest);
	while (read(f->user, bytes, sizeof(bytes)) > 0)
		fake_guest_run(f->guest);
	assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
	test_output(state);
}

static void test_reader_gone(void **state)
{
	struct fixture *f = *state;
	static uint8_t bytes[1 << 18];

	close(f->user);
	f->user = -1;
	for (int i = 0; i < 4; i++)
		transmit(f, bytes, sizeof(bytes));
}

static void test_input(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE);
	struct fake_used used;
	char got[9] = "";
	uint64_t gpa;

	assert_true(fake_queue_add_writable(queue, 8, &gpa) >= 0);
	fake_queue_kick(queue);
	assert_int_equal(write(f->user, "abc", 3), 3);
	assert_true(fake_queue_wait_used(queue, &used));
	assert_int_equal(used.bytes, 3);
	fake_memory_read(fake_guest_memory(f->guest), gpa, got, 8);
	assert_string_equal(got, "abc");
	assert_int_equal(fake_guest_needs_resets(f->guest), 0);
}

/* Input comes faster than the guest's buffers: it waits, in order. */
static void test_input_waits(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE);
	uint8_t bytes[3000], got[3000];
	size_t total = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	assert_int_equal(write(f->user, bytes, sizeof(bytes)), sizeof(bytes));
	fake_guest_run(f->guest);
	while (total < sizeof(bytes)) {
		struct fake_used used;
		uint64_t gpa;

		assert_true(fake_queue_add_writable(queue, 50, &gpa) >= 0);
		fake_queue_kick(queue);
		assert_true(fake_queue_wait_used(queue, &used));
		assert_true(used.bytes > 0 && used.bytes <= 50 &&
			    used.bytes <= sizeof(got) - total);
		fake_memory_read(fake_guest_memory(f->guest), gpa, got + total, used.bytes);
		total += used.bytes;
	}
	assert_memory_equal(got, bytes, sizeof(bytes));
}

/* A chain without room to write swallows nothing. */
static void test_wrong_direction(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE);
	struct fake_buffer buffer = { .bytes = 8 };

	buffer.gpa = fake_memory_alloc(fake_guest_memory(f->guest), 8, 8);
	assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	assert_int_equal(write(f->user, "xyz", 3), 3);
	fake_guest_run(f->guest);
	assert_int_equal(fake_queue_used_count(queue), 1);
}

static void test_places(void **state)
{
	struct loop *loop = loop_create("test");
	struct option_error error = { "" };
	char path[] = "/tmp/vitrine-console-XXXXXX", where[64], got[16] = "";
	int fd = mkstemp(path);
	struct fake_guest *guest;

	snprintf(where, sizeof(where), "file=%s", path);
	guest = fake_guest_create(virtio_console_create(loop, where, &error), FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(guest, 0), 0);
	assert_int_equal(fake_queue_request(fake_guest_queue(guest, TRANSMIT), "log", 3, NULL, 0),
			 0);
	fake_guest_destroy(guest);
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "log");
	guest = fake_guest_create(virtio_console_create(loop, NULL, &error), FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(guest, 0), 0);
	assert_int_equal(fake_queue_request(fake_guest_queue(guest, TRANSMIT), "log", 3, NULL, 0),
			 0);
	fake_guest_destroy(guest);
	assert_null(virtio_console_create(loop, "pipe", &error));
	assert_non_null(strstr(error.text, "'pipe'"));
	assert_null(virtio_console_create(loop, "file=/no/such/dir/file", &error));
	assert_non_null(strstr(error.text, "/no/such/dir/file: No such file"));
	close(fd);
	unlink(path);
	loop_destroy(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_output),
		TEST(test_slow_reader),
		TEST(test_stop_while_blocked),
		TEST(test_reader_gone),
		TEST(test_input),
		TEST(test_input_waits),
		TEST(test_wrong_direction),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
