/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket with well-behaved and with hostile peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/loop.h>
#include <base/packet.h>
#include <base/runtime_dir.h>
#include <cmocka.h>
#include "control/control_client.h"
#include "control/control_server.h"

struct fixture {
	char parent[32];
	char path[108];
	struct loop *loop;
	struct control_server *server;
	int marked, ended;
};

static int mark(void *data, struct control_session *session, const json_t *request, json_t *reply,
		struct packet *fds, const char **error)
{
	struct fixture *fixture = data;

	fixture->marked++;
	control_session_set_mark(session, fixture);
	fds->fds[fds->fd_count++] = eventfd(7, EFD_CLOEXEC);
	json_object_set_new(reply, "answer", json_integer(42));
	return 0;
}

static int refuse(void *data, struct control_session *session, const json_t *request,
		  json_t *reply, struct packet *fds, const char **error)
{
	*error = "not today";
	return -EPERM;
}

static int flood(void *data, struct control_session *session, const json_t *request, json_t *reply,
		 struct packet *fds, const char **error)
{
	static char text[PACKET_MAX_BYTES * 2];

	memset(text, 'x', sizeof(text) - 1);
	json_object_set_new(reply, "text", json_string(text));
	return 0;
}

static const struct control_command commands[] = {
	{ "mark", mark }, { "refuse", refuse }, { "flood", flood }, { 0 },
};

static void session_ended(void *data, struct control_session *session)
{
	struct fixture *fixture = data;

	assert_ptr_equal(control_session_mark(session), fixture);
	fixture->ended++;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct control_server_config config = { .commands = commands, .data = fixture,
						.session_ended = session_ended };
	char dir[RUNTIME_DIR_BYTES];

	strcpy(fixture->parent, "/tmp/vitrine-control-XXXXXX");
	assert_non_null(mkdtemp(fixture->parent));
	setenv("XDG_RUNTIME_DIR", fixture->parent, 1);
	assert_int_equal(runtime_dir(dir, true), 0);
	assert_int_equal(runtime_dir_file(fixture->path, sizeof(fixture->path), "vm", ""), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(runtime_dir_file(fixture->path, sizeof(fixture->path), "vm",
					  "control.sock"), 0);
	fixture->loop = loop_create("control");
	config.loop = fixture->loop;
	config.listen_fd = packet_listen(fixture->path);
	assert_true(config.listen_fd >= 0);
	fixture->server = control_server_create(&config);
	assert_non_null(fixture->server);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[64];

	control_server_destroy(fixture->server);
	loop_destroy(fixture->loop);
	snprintf(command, sizeof(command), "rm -r %s", fixture->parent);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

static void settle(struct fixture *fixture)
{
	while (loop_dispatch(fixture->loop, 20) > 0)
		;
}

/* Sends raw bytes; the reply's text, or "" when the session was ended. */
static void exchange(struct fixture *fixture, int fd, const void *bytes, size_t count,
		     struct packet *reply)
{
	assert_int_equal(send(fd, bytes, count, MSG_NOSIGNAL), count);
	settle(fixture);
	if (packet_receive(fd, reply))
		reply->data[0] = '\0';
}

static void exchange_text(struct fixture *fixture, int fd, const char *text, const char *expected)
{
	struct packet reply;

	exchange(fixture, fd, text, strlen(text), &reply);
	if (!strstr(reply.data, expected))
		fail_msg("'%s' answered '%s', not '%s'", text, reply.data, expected);
	packet_close_fds(&reply);
}

static void test_hostile_bytes_get_an_error_and_the_session_goes_on(void **state)
{
	struct fixture *fixture = *state;
	int fd = packet_connect(fixture->path);

	exchange_text(fixture, fd, "nonsense", "not a JSON object");
	exchange_text(fixture, fd, "{\"command\":", "not a JSON object");
	exchange_text(fixture, fd, "[]", "unknown command");
	exchange_text(fixture, fd, "{}", "unknown command");
	exchange_text(fixture, fd, "{\"command\":5}", "unknown command");
	exchange_text(fixture, fd, "{\"command\":\"reboot\"}", "unknown command");
	exchange_text(fixture, fd, "{\"command\":\"mark\",\"command\":\"mark\"}", "not a JSON object");
	exchange_text(fixture, fd, "\xff\xfe", "not a JSON object");
	exchange_text(fixture, fd, "{\"command\":\"refuse\"}", "not today");
	exchange_text(fixture, fd, "{\"command\":\"mark\"}", "42");
	close(fd);
	settle(fixture);
	assert_int_equal(fixture->ended, 1);
}

static void test_oversized_either_way_ends_the_session_only(void **state)
{
	static const char flood_text[] = "{\"command\":\"flood\"}";
	static char big[PACKET_MAX_BYTES + 1];
	struct fixture *fixture = *state;
	struct packet reply;
	int fd = packet_connect(fixture->path);

	exchange(fixture, fd, big, sizeof(big), &reply);
	assert_string_equal(reply.data, "");
	close(fd);
	fd = packet_connect(fixture->path);
	exchange(fixture, fd, flood_text, sizeof(flood_text) - 1, &reply);
	assert_string_equal(reply.data, "");
	close(fd);
	fd = packet_connect(fixture->path);
	exchange_text(fixture, fd, "{\"command\":\"mark\"}", "\"ok\":true");
	close(fd);
}

static void test_too_many_sessions_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct packet reply;
	int fds[40];

	for (int i = 0; i < 40; i++) {
		fds[i] = packet_connect(fixture->path);
		assert_true(fds[i] >= 0);
		settle(fixture);
	}
	assert_int_equal(packet_receive(fds[39], &reply), -ECONNRESET);
	exchange_text(fixture, fds[0], "{\"command\":\"mark\"}", "42");
	for (int i = 0; i < 40; i++)
		close(fds[i]);
}

static void serve(void *data)
{
	/* Only a marker: the loop's thread serves the socket. */
	(void)data;
}

static void test_asking_side(void **state)
{
	struct fixture *fixture = *state;
	struct option_error error = { "" };
	json_t *request = json_pack("{s:s}", "command", "mark"), *reply;
	uint64_t count = 0;
	int fd = -1;

	assert_int_equal(loop_start(fixture->loop), 0);
	loop_call(fixture->loop, serve, NULL);
	reply = control_request("vm", request, &fd, &error);
	assert_non_null(reply);
	assert_int_equal(json_integer_value(json_object_get(reply, "answer")), 42);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 7);
	close(fd);
	json_decref(reply);
	json_decref(request);
	request = json_pack("{s:s}", "command", "refuse");
	assert_null(control_request("vm", request, NULL, &error));
	assert_string_equal(error.text, "vm: not today");
	assert_null(control_request("none", request, NULL, &error));
	assert_non_null(strstr(error.text, "no VM named 'none'"));
	assert_null(control_request("../x", request, NULL, &error));
	assert_non_null(strstr(error.text, "not a VM's name"));
	json_decref(request);
	loop_stop(fixture->loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_hostile_bytes_get_an_error_and_the_session_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oversized_either_way_ends_the_session_only,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_sessions_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asking_side, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
