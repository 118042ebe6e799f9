/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients that join a VM's clipboard by the control socket's command, beside a guest. */
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
#include <unistd.h>

#include <base/clipboard_channel.h>
#include <base/clock.h>
#include <base/loop.h>
#include <base/packet.h>
#include <cmocka.h>
#include "clipboard/clipboard.h"
#include "clipboard/clipboard_sessions.h"
#include "control/control_server.h"
#include "main/run.h"
#include "main/run_session.h"

#define TEXT CLIPBOARD_BIT(CLIPBOARD_TEXT)
#define PNG CLIPBOARD_BIT(CLIPBOARD_PNG)
#define CLIENTS 3
#define WAIT_NS UINT64_C(30000000000)

/* What a party or a client hears, one after the other. */
struct ear {
	char text[1024];
};

struct client {
	struct ear ear;
	int control;
	struct clipboard_channel *channel;
};

static struct run run;
static struct control_server *control;
static char socket_path[64];
static struct clipboard_party guest;
static struct ear guest_ear;
static struct client clients[CLIENTS];
static int lowest_fd;

static void ear_hear(struct ear *ear, const char *what, unsigned int number)
{
	size_t used = strlen(ear->text);

	snprintf(ear->text + used, sizeof(ear->text) - used, "%s %u; ", what, number);
}

static void ear_hear_answer(struct ear *ear, unsigned int type, const void *bytes, size_t count)
{
	char text[64];

	snprintf(text, sizeof(text), "'%.*s'", (int)count, bytes ? (const char *)bytes : "");
	ear_hear(ear, text, type);
}

static void settle(void)
{
	while (loop_dispatch(run.main_loop, 20) > 0)
		;
}

static void expect(struct ear *ear, const char *text)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (strcmp(ear->text, text)) {
		if (clock_now_ns() > end_ns)
			fail_msg("heard '%s', not '%s'", ear->text, text);
		loop_dispatch(run.main_loop, 100);
	}
	ear->text[0] = '\0';
}

/* --- the guest --------------------------------------------------------------------------- */

static void guest_grabbed(struct clipboard_party *party, uint32_t types)
{
	ear_hear(&guest_ear, "grabbed", types);
}

static void guest_released(struct clipboard_party *party)
{
	ear_hear(&guest_ear, "released", 0);
}

static void guest_wanted(struct clipboard_party *party, enum clipboard_type type)
{
	ear_hear(&guest_ear, "wanted", type);
}

static void guest_answered(struct clipboard_party *party, enum clipboard_type type,
			   const void *bytes, size_t count)
{
	ear_hear_answer(&guest_ear, type, bytes, count);
}

static const struct clipboard_party_ops guest_ops = { guest_grabbed, guest_released, guest_wanted,
						      guest_answered };

/* --- clients ----------------------------------------------------------------------------- */

static void client_grabbed(void *data, uint32_t types)
{
	ear_hear(&((struct client *)data)->ear, "grabbed", types);
}

static void client_released(void *data)
{
	ear_hear(&((struct client *)data)->ear, "released", 0);
}

static void client_wanted(void *data, enum clipboard_wire_type type)
{
	ear_hear(&((struct client *)data)->ear, "wanted", type);
}

static void client_answered(void *data, enum clipboard_wire_type type, const void *bytes,
			    size_t count)
{
	ear_hear_answer(&((struct client *)data)->ear, type, bytes, count);
}

static void client_ended(void *data)
{
	ear_hear(&((struct client *)data)->ear, "ended", 0);
}

static const struct clipboard_channel_ops client_ops = { client_grabbed, client_released,
							 client_wanted, client_answered,
							 client_ended };

static void client_ask(struct client *client, const char *request, struct packet *reply)
{
	struct packet packet = { .bytes = strlen(request) };

	memcpy(packet.data, request, packet.bytes);
	assert_int_equal(packet_send(client->control, &packet), 0);
	settle();
	assert_int_equal(packet_receive(client->control, reply), 0);
}

static struct client *client_join(int number, const char *request)
{
	struct client *client = &clients[number];
	struct clipboard_channel_config config = { .loop = run.main_loop, .ops = &client_ops,
						   .data = client, .name = "the VM",
						   .decided_by_other = true };
	struct packet reply;

	client->control = packet_connect(socket_path);
	assert_true(client->control >= 0);
	client_ask(client, request, &reply);
	assert_string_equal(reply.data, "{\"ok\":true}");
	assert_int_equal(reply.fd_count, 1);
	config.fd = reply.fds[0];
	client->channel = clipboard_channel_create(&config);
	assert_non_null(client->channel);
	return client;
}

static struct client *client_join_from(int number, const char *desktop)
{
	char request[128];

	snprintf(request, sizeof(request), "{\"command\":\"clipboard\",\"desktop\":\"%s\"}",
		 desktop);
	return client_join(number, request);
}

static void client_drop_channel(struct client *client)
{
	clipboard_channel_destroy(client->channel);
	client->channel = NULL;
}

static void client_leave(struct client *client)
{
	client_drop_channel(client);
	if (client->control >= 0)
		close(client->control);
	client->control = -1;
}

/* --- the VM ------------------------------------------------------------------------------ */

static const struct control_command commands[] = { { "clipboard", run_control_clipboard }, { 0 } };

static void session_ended(void *data, struct control_session *session)
{
	struct run_session *mark = control_session_mark(session);

	clipboard_session_close(mark->clipboard);
	free(mark);
}

static int lowest_free_fd(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

static int open_vm(void **state)
{
	struct control_server_config config = { .commands = commands, .data = &run,
						.session_ended = session_ended };

	lowest_fd = lowest_free_fd();
	run = (struct run){ .main_loop = loop_create("test") };
	run.clipboard = clipboard_create(run.main_loop);
	run.clipboard_sessions = clipboard_sessions_create(run.main_loop, run.clipboard);
	assert_non_null(run.clipboard_sessions);
	snprintf(socket_path, sizeof(socket_path), "/tmp/vitrine-sessions-%d", getpid());
	config.loop = run.main_loop;
	config.listen_fd = packet_listen(socket_path);
	control = control_server_create(&config);
	assert_non_null(control);
	guest = (struct clipboard_party){ .ops = &guest_ops, .name = "guest" };
	guest_ear.text[0] = '\0';
	assert_int_equal(clipboard_join(run.clipboard, &guest), 0);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = (struct client){ .control = -1 };
	return 0;
}

static int close_vm(void **state)
{
	for (int i = 0; i < CLIENTS; i++)
		client_leave(&clients[i]);
	clipboard_leave(&guest);
	control_server_destroy(control);
	clipboard_sessions_destroy(run.clipboard_sessions);
	clipboard_destroy(run.clipboard);
	loop_destroy(run.main_loop);
	unlink(socket_path);
	assert_int_equal(lowest_free_fd(), lowest_fd);
	return 0;
}

/* --- tests ------------------------------------------------------------------------------- */

static void test_client_and_guest_share(void **state)
{
	struct client *client = client_join(0, "{\"command\":\"clipboard\"}");

	clipboard_channel_grab(client->channel, TEXT | PNG);
	expect(&guest_ear, "grabbed 3; ");
	clipboard_request(&guest, CLIPBOARD_PNG);
	expect(&client->ear, "wanted 1; ");
	clipboard_channel_answer(client->channel, CLIPBOARD_WIRE_PNG, "picture", 7);
	expect(&guest_ear, "'picture' 1; ");
	clipboard_grab(&guest, TEXT);
	expect(&client->ear, "grabbed 1; ");
	clipboard_channel_request(client->channel, CLIPBOARD_WIRE_TEXT);
	expect(&guest_ear, "wanted 0; ");
	clipboard_answer(&guest, CLIPBOARD_TEXT, "words", 5);
	expect(&client->ear, "'words' 0; ");
	clipboard_release(&guest);
	expect(&client->ear, "released 0; ");
}

static void test_a_late_client_is_told(void **state)
{
	clipboard_grab(&guest, PNG);
	expect(&client_join(0, "{\"command\":\"clipboard\"}")->ear, "grabbed 2; ");
}

static void test_what_a_client_had_goes_with_it(void **state)
{
	struct client *client = client_join(0, "{\"command\":\"clipboard\"}");

	clipboard_channel_grab(client->channel, TEXT);
	expect(&guest_ear, "grabbed 1; ");
	client_drop_channel(client);
	expect(&guest_ear, "released 0; ");
	client_leave(client);
	client = client_join(1, "{\"command\":\"clipboard\"}");
	clipboard_channel_grab(client->channel, TEXT);
	expect(&guest_ear, "grabbed 1; ");
	/* The session ends before the channel does. */
	close(client->control);
	client->control = -1;
	expect(&guest_ear, "released 0; ");
	expect(&client->ear, "ended 0; ");
}

static void test_two_desktops_share_with_each_other(void **state)
{
	struct client *one = client_join_from(0, ":0"), *other = client_join_from(1, ":1");

	clipboard_channel_grab(one->channel, TEXT);
	expect(&other->ear, "grabbed 1; ");
	clipboard_channel_request(other->channel, CLIPBOARD_WIRE_TEXT);
	expect(&one->ear, "wanted 0; ");
	clipboard_channel_answer(one->channel, CLIPBOARD_WIRE_TEXT, "across", 6);
	expect(&other->ear, "'across' 0; ");
	clipboard_channel_grab(other->channel, PNG);
	expect(&one->ear, "grabbed 2; ");
}

/* Both see every copy on their desktop: one tells the VM of it, the other stands by. */
static void test_of_two_on_one_desktop_one_takes_part(void **state)
{
	struct client *one = client_join_from(0, ":0"), *other = client_join_from(1, ":0");

	clipboard_channel_grab(one->channel, TEXT);
	clipboard_channel_grab(other->channel, TEXT);
	expect(&guest_ear, "grabbed 1; ");
	clipboard_channel_request(other->channel, CLIPBOARD_WIRE_TEXT);
	expect(&other->ear, "'' 0; ");
	settle();
	assert_string_equal(one->ear.text, "");
	assert_string_equal(guest_ear.text, "");
	/* It steps in with what the desktop has. */
	client_leave(one);
	expect(&guest_ear, "released 0; grabbed 1; ");
	clipboard_request(&guest, CLIPBOARD_TEXT);
	expect(&other->ear, "wanted 0; ");
	clipboard_channel_answer(other->channel, CLIPBOARD_WIRE_TEXT, "still there", 11);
	expect(&guest_ear, "'still there' 0; ");
}

static void test_who_steps_in_does_not_push_out_the_guest(void **state)
{
	struct client *one = client_join_from(0, ":0"), *other = client_join_from(1, ":0");

	clipboard_channel_grab(other->channel, TEXT);
	settle();
	clipboard_grab(&guest, PNG);
	expect(&one->ear, "grabbed 2; ");
	settle();
	assert_string_equal(other->ear.text, "");
	client_leave(one);
	expect(&other->ear, "grabbed 2; ");
	settle();
	assert_string_equal(guest_ear.text, "");
}

static void test_one_channel_a_session_and_another_when_it_has_ended(void **state)
{
	struct client *client = client_join(0, "{\"command\":\"clipboard\"}");
	struct packet reply;

	client_ask(client, "{\"command\":\"clipboard\"}", &reply);
	assert_non_null(strstr(reply.data, "a clipboard channel already"));
	assert_int_equal(reply.fd_count, 0);
	client_drop_channel(client);
	settle();
	client_ask(client, "{\"command\":\"clipboard\",\"desktop\":[7]}", &reply);
	assert_string_equal(reply.data, "{\"ok\":true}");
	packet_close_fds(&reply);
}

static void test_a_vm_that_shares_none_says_so(void **state)
{
	struct packet reply;

	clipboard_sessions_destroy(run.clipboard_sessions);
	run.clipboard_sessions = NULL;
	clients[0].control = packet_connect(socket_path);
	client_ask(&clients[0], "{\"command\":\"clipboard\"}", &reply);
	assert_non_null(strstr(reply.data, "\"ok\":false"));
	assert_non_null(strstr(reply.data, "--clipboard off"));
	assert_int_equal(reply.fd_count, 0);
}

static void test_a_hostile_client_hurts_nobody_else(void **state)
{
	static const char flood[] = "{\"clipboard\":\"grab\",\"types\":[\"text\"]}";
	struct client *bad = &clients[0], *good = client_join_from(1, ":1");
	struct packet reply;

	bad->control = packet_connect(socket_path);
	client_ask(bad, "{\"command\":\"clipboard\"}", &reply);
	for (int i = 0; i < 20000; i++) {
		if (send(reply.fds[0], flood, sizeof(flood) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno == EPIPE)
			break;
		loop_dispatch(run.main_loop, 0);
	}
	assert_int_equal(packet_send(reply.fds[0], &(struct packet){ .bytes = 1 }), -EPIPE);
	packet_close_fds(&reply);
	settle();
	guest_ear.text[0] = good->ear.text[0] = '\0';
	clipboard_grab(&guest, PNG);
	expect(&good->ear, "grabbed 2; ");
}

#define VM(test) cmocka_unit_test_setup_teardown(test, open_vm, close_vm)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM(test_client_and_guest_share),
		VM(test_a_late_client_is_told),
		VM(test_what_a_client_had_goes_with_it),
		VM(test_two_desktops_share_with_each_other),
		VM(test_of_two_on_one_desktop_one_takes_part),
		VM(test_who_steps_in_does_not_push_out_the_guest),
		VM(test_one_channel_a_session_and_another_when_it_has_ended),
		VM(test_a_vm_that_shares_none_says_so),
		VM(test_a_hostile_client_hurts_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
