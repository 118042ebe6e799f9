/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clipboard channels between two well-behaved ends, and with a hostile one. */
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
#include <cmocka.h>

#define TEXT CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT)
#define PNG CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG)
#define WAIT_NS UINT64_C(30000000000)

/* One end that writes down what it hears. */
struct end {
	struct clipboard_channel *channel;
	char heard[4096];
	bool ended;
	bool leaves;            /* destroys the channel when it hears anything */
};

static struct loop *loop;
static struct end vm, client;
static int peer;                /* the hostile one's end; -1: none */
static int vm_fd;
static int lowest_fd;

static void end_hear(struct end *end, const char *what)
{
	size_t used = strlen(end->heard);

	snprintf(end->heard + used, sizeof(end->heard) - used, "%s; ", what);
	if (end->leaves) {
		clipboard_channel_destroy(end->channel);
		end->channel = NULL;
	}
}

static void end_grabbed(void *data, uint32_t types)
{
	char text[32];

	assert_int_not_equal(types, 0);
	snprintf(text, sizeof(text), "grabbed %u", types);
	end_hear(data, text);
}

static void end_released(void *data)
{
	end_hear(data, "released");
}

static void end_wanted(void *data, enum clipboard_wire_type type)
{
	end_hear(data, type == CLIPBOARD_WIRE_TEXT ? "wanted 0" : "wanted 1");
}

static void end_answered(void *data, enum clipboard_wire_type type, const void *bytes, size_t count)
{
	char text[64];

	assert_int_equal(!bytes, !count);
	snprintf(text, sizeof(text), "%.*s of %u", count < 20 ? (int)count : 4,
		 bytes ? (const char *)bytes : "", type);
	end_hear(data, text);
}

static void end_ended(void *data)
{
	struct end *end = data;

	assert_false(end->ended);
	end->ended = true;
}

static const struct clipboard_channel_ops end_ops = { end_grabbed, end_released, end_wanted,
						      end_answered, end_ended };

static void end_open(struct end *end, int fd, bool decided_by_other)
{
	const struct clipboard_channel_config config = {
		.loop = loop, .fd = fd, .ops = &end_ops, .data = end, .name = "the test",
		.decided_by_other = decided_by_other,
	};

	*end = (struct end){ .channel = clipboard_channel_create(&config) };
	assert_non_null(end->channel);
}

static int lowest_free_fd(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

static void open_loop(void)
{
	lowest_fd = lowest_free_fd();
	loop = loop_create("test");
	assert_non_null(loop);
	vm = client = (struct end){ 0 };
	peer = -1;
}

static int open_ends(void **state)
{
	int pair[2];

	open_loop();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	end_open(&vm, pair[0], false);
	end_open(&client, pair[1], true);
	return 0;
}

static int open_hostile(void **state)
{
	int pair[2];

	open_loop();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	end_open(&vm, pair[0], false);
	vm_fd = pair[0];
	peer = pair[1];
	return 0;
}

static int close_all(void **state)
{
	clipboard_channel_destroy(vm.channel);
	clipboard_channel_destroy(client.channel);
	if (peer >= 0)
		close(peer);
	loop_destroy(loop);
	assert_int_equal(lowest_free_fd(), lowest_fd);
	return 0;
}

static void expect(struct end *end, const char *heard)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (strcmp(end->heard, heard)) {
		if (clock_now_ns() > end_ns)
			fail_msg("heard '%s', not '%s'", end->heard, heard);
		loop_dispatch(loop, 100);
	}
	end->heard[0] = '\0';
}

static void expect_end(struct end *end)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (!end->ended) {
		assert_true(clock_now_ns() < end_ns);
		loop_dispatch(loop, 100);
	}
}

static void settle(void)
{
	while (loop_dispatch(loop, 0) > 0)
		;
}

static void say_with(const char *text, int fd)
{
	struct packet packet = { .bytes = strlen(text), .fd_count = fd >= 0, .fds = { fd } };

	memcpy(packet.data, text, packet.bytes);
	assert_int_equal(packet_send(peer, &packet), 0);
}

static void say(const char *text)
{
	say_with(text, -1);
}

/* --- two of us --------------------------------------------------------------------------- */

static void test_copy_ask_and_answer_both_ways(void **state)
{
	clipboard_channel_grab(client.channel, TEXT | PNG);
	expect(&vm, "grabbed 3; ");
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_TEXT);
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_TEXT);
	expect(&client, "wanted 0; ");
	clipboard_channel_answer(client.channel, CLIPBOARD_WIRE_TEXT, "hello", 5);
	/* Once only, and only of what was asked. */
	clipboard_channel_answer(client.channel, CLIPBOARD_WIRE_TEXT, "again", 5);
	clipboard_channel_answer(client.channel, CLIPBOARD_WIRE_PNG, "png", 3);
	expect(&vm, "hello of 0; ");
	clipboard_channel_grab(vm.channel, PNG);
	expect(&client, "grabbed 2; ");
	clipboard_channel_request(client.channel, CLIPBOARD_WIRE_PNG);
	expect(&vm, "wanted 1; ");
	clipboard_channel_answer(vm.channel, CLIPBOARD_WIRE_PNG, NULL, 0);
	expect(&client, " of 1; ");
	clipboard_channel_release(vm.channel);
	expect(&client, "released; ");
	settle();
	assert_string_equal(vm.heard, "");
	assert_false(vm.ended || client.ended);
}

static void test_a_long_answer_arrives_and_a_too_long_one_does_not(void **state)
{
	char *bytes = malloc(CLIPBOARD_WIRE_MAX_BYTES + 1);

	memset(bytes, 'x', CLIPBOARD_WIRE_MAX_BYTES + 1);
	clipboard_channel_request(client.channel, CLIPBOARD_WIRE_PNG);
	expect(&vm, "wanted 1; ");
	clipboard_channel_answer(vm.channel, CLIPBOARD_WIRE_PNG, bytes, CLIPBOARD_WIRE_MAX_BYTES);
	expect(&client, "xxxx of 1; ");
	clipboard_channel_request(client.channel, CLIPBOARD_WIRE_PNG);
	expect(&vm, "wanted 1; ");
	clipboard_channel_answer(vm.channel, CLIPBOARD_WIRE_PNG, bytes,
				 CLIPBOARD_WIRE_MAX_BYTES + 1);
	expect(&client, " of 1; ");
	free(bytes);
}

static void test_of_many_copies_the_last_is_told(void **state)
{
	for (int i = 0; i < 1000; i++) {
		clipboard_channel_grab(client.channel, TEXT);
		clipboard_channel_release(client.channel);
	}
	clipboard_channel_grab(client.channel, PNG);
	expect(&vm, "grabbed 1; grabbed 2; ");
	clipboard_channel_grab(client.channel, TEXT);
	clipboard_channel_release(client.channel);
	expect(&vm, "released; ");
}

/* Both copy at once: what the VM hears last is so, and the client does not hear of the other. */
static void test_copies_that_cross(void **state)
{
	clipboard_channel_grab(vm.channel, TEXT);
	clipboard_channel_grab(client.channel, PNG);
	expect(&vm, "grabbed 2; ");
	settle();
	assert_string_equal(client.heard, "");
	/* What the VM says from then on is heard. */
	clipboard_channel_release(vm.channel);
	expect(&client, "released; ");
	clipboard_channel_grab(vm.channel, TEXT | PNG);
	expect(&client, "grabbed 3; ");
}

static void test_an_answer_is_not_taken_for_a_later_copy(void **state)
{
	clipboard_channel_grab(client.channel, TEXT);
	expect(&vm, "grabbed 1; ");
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_TEXT);
	expect(&client, "wanted 0; ");
	clipboard_channel_grab(client.channel, TEXT);
	expect(&vm, "grabbed 1; ");
	clipboard_channel_answer(client.channel, CLIPBOARD_WIRE_TEXT, "old", 3);
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_TEXT);
	expect(&client, "wanted 0; ");
	clipboard_channel_answer(client.channel, CLIPBOARD_WIRE_TEXT, "new", 3);
	expect(&vm, "new of 0; ");
}

static void test_the_end_is_told_once(void **state)
{
	clipboard_channel_destroy(client.channel);
	client.channel = NULL;
	expect_end(&vm);
	clipboard_channel_grab(vm.channel, TEXT);
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_TEXT);
	clipboard_channel_answer(vm.channel, CLIPBOARD_WIRE_TEXT, "x", 1);
	settle();
}

static void test_an_end_may_leave_when_it_hears_something(void **state)
{
	vm.leaves = true;
	clipboard_channel_grab(client.channel, TEXT);
	expect(&vm, "grabbed 1; ");
	expect_end(&client);
}

/* --- a hostile peer ---------------------------------------------------------------------- */

static void test_what_breaks_the_rules_ends_the_channel(void **state)
{
	static const char *const texts[] = { "nonsense", "{}", "{\"clipboard\":\"grab\"}",
					     "{\"clipboard\":\"request\",\"type\":\"html\"}" };
	int pair[2];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		say(texts[i]);
		expect_end(&vm);
		clipboard_channel_destroy(vm.channel);
		close(peer);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		end_open(&vm, pair[0], false);
		peer = pair[1];
	}
	say_with("{\"clipboard\":\"release\"}", STDIN_FILENO);
	expect_end(&vm);
	assert_string_equal(vm.heard, "");
}

static void test_a_packet_that_is_too_long_ends_the_channel(void **state)
{
	static char big[PACKET_MAX_BYTES + 1];

	assert_int_equal(send(peer, big, sizeof(big), 0), sizeof(big));
	expect_end(&vm);
}

static void test_a_grab_of_nothing_is_a_release(void **state)
{
	say("{\"clipboard\":\"grab\",\"types\":[]}");
	expect(&vm, "released; ");
}

static void test_memory_that_is_none_is_as_nothing(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_TEXT);
	say_with("{\"clipboard\":\"data\",\"type\":\"text\"}", ends[0]);
	expect(&vm, " of 0; ");
	assert_false(vm.ended);
	close(ends[0]);
	close(ends[1]);
}

static void test_answers_nobody_asked_for_are_dropped(void **state)
{
	int fd = clipboard_wire_memory_create("x", 1);

	say_with("{\"clipboard\":\"data\",\"type\":\"text\"}", fd);
	settle();
	assert_string_equal(vm.heard, "");
	clipboard_channel_request(vm.channel, CLIPBOARD_WIRE_PNG);
	say_with("{\"clipboard\":\"data\",\"type\":\"text\"}", fd);
	settle();
	assert_string_equal(vm.heard, "");
	say_with("{\"clipboard\":\"data\",\"type\":\"png\"}", fd);
	expect(&vm, "x of 1; ");
	close(fd);
}

static void test_a_flood_ends_the_channel(void **state)
{
	static const char text[] = "{\"clipboard\":\"release\"}";
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	unsigned int sent = 0;

	while (!vm.ended && clock_now_ns() < end_ns) {
		sent += send(peer, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
		loop_dispatch(loop, 0);
		vm.heard[0] = '\0';
	}
	assert_true(vm.ended);
	assert_true(sent > 100);
}

static void test_a_peer_that_does_not_read_ends_its_channel(void **state)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	unsigned int asked = 0;
	char *bytes = malloc(CLIPBOARD_WIRE_MAX_BYTES);

	memset(bytes, 'x', CLIPBOARD_WIRE_MAX_BYTES);
	/* Each answer would keep its memory for as long as it lies in the socket. */
	while (!vm.ended) {
		assert_true(clock_now_ns() < end_ns);
		assert_true(asked < 10);
		say("{\"clipboard\":\"request\",\"type\":\"png\"}");
		asked++;
		settle();
		clipboard_channel_answer(vm.channel, CLIPBOARD_WIRE_PNG, bytes,
					 CLIPBOARD_WIRE_MAX_BYTES);
		settle();
	}
	free(bytes);
}

static void test_small_answers_that_are_not_read_end_it_too(void **state)
{
	unsigned int asked = 0;
	int bytes = 4096;

	assert_int_equal(setsockopt(vm_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
	while (!vm.ended) {
		/* Far fewer than a flood. */
		assert_true(asked++ < 100);
		say("{\"clipboard\":\"request\",\"type\":\"png\"}");
		expect(&vm, "wanted 1; ");
		clipboard_channel_answer(vm.channel, CLIPBOARD_WIRE_PNG, "x", 1);
		settle();
	}
	assert_true(asked > 2);
}

#define ENDS(test) cmocka_unit_test_setup_teardown(test, open_ends, close_all)
#define HOSTILE(test) cmocka_unit_test_setup_teardown(test, open_hostile, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENDS(test_copy_ask_and_answer_both_ways),
		ENDS(test_a_long_answer_arrives_and_a_too_long_one_does_not),
		ENDS(test_of_many_copies_the_last_is_told),
		ENDS(test_copies_that_cross),
		ENDS(test_an_answer_is_not_taken_for_a_later_copy),
		ENDS(test_the_end_is_told_once),
		ENDS(test_an_end_may_leave_when_it_hears_something),
		HOSTILE(test_what_breaks_the_rules_ends_the_channel),
		HOSTILE(test_a_packet_that_is_too_long_ends_the_channel),
		HOSTILE(test_a_grab_of_nothing_is_a_release),
		HOSTILE(test_memory_that_is_none_is_as_nothing),
		HOSTILE(test_answers_nobody_asked_for_are_dropped),
		HOSTILE(test_a_flood_ends_the_channel),
		HOSTILE(test_a_peer_that_does_not_read_ends_its_channel),
		HOSTILE(test_small_answers_that_are_not_read_end_it_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
