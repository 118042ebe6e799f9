/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/packet.h>
#include <cmocka.h>

static void test_data_and_fds_arrive(void **state)
{
	struct packet sent = { .bytes = 5, .data = "hello", .fd_count = 2 }, got;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(sent.fds), 0);
	assert_int_equal(packet_send(pair[0], &sent), 0);
	assert_int_equal(packet_receive(pair[1], &got), 0);
	assert_string_equal(got.data, "hello");
	assert_int_equal(got.fd_count, 2);
	assert_int_equal(write(got.fds[1], "x", 1), 1);
	assert_true(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC);
	packet_close_fds(&got);
	packet_close_fds(&sent);
	close(pair[0]);
	assert_int_equal(packet_receive(pair[1], &got), -ECONNRESET);
	close(pair[1]);
}

static void test_too_long_is_refused_and_leaks_nothing(void **state)
{
	static char big[PACKET_MAX_BYTES * 2];
	struct packet got;
	int pair[2], before, after;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = dup(0);
	close(before);
	assert_int_equal(send(pair[0], big, sizeof(big), 0), sizeof(big));
	assert_int_equal(packet_receive(pair[1], &got), -EMSGSIZE);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	close(pair[0]);
	close(pair[1]);
}

static void test_listen_is_private_and_takes_over_only_the_dead(void **state)
{
	char dir[] = "/tmp/vitrine-packet-XXXXXX", path[64];
	struct stat info;
	int listener, again, client;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	listener = packet_listen(path);
	assert_true(listener >= 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(packet_listen(path), -EADDRINUSE);
	client = packet_connect(path);
	assert_true(client >= 0);
	close(client);
	close(listener);
	again = packet_listen(path);
	assert_true(again >= 0);
	close(again);
	unlink(path);
	rmdir(dir);
	assert_int_equal(packet_connect(path), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_and_fds_arrive),
		cmocka_unit_test(test_too_long_is_refused_and_leaks_nothing),
		cmocka_unit_test(test_listen_is_private_and_takes_over_only_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
