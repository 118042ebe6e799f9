/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is between a client and libspice-server at the beginning, and what carries it. */
#include <base/clock.h>
#include <base/loop.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spice/enums.h>
#include <spice/spice_hello.h>
#include <spice/spice_relay.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TICKET_BYTES 128u
#define REPLY_BYTES 186u
#define WAIT_MS 20000
#define MANY_BYTES (3u << 20)
#define FRAME_BYTES 2048u               /* a message with its header; a part of MANY_BYTES */

#define CAP_AUTH (1u << SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION)
#define CAP_MINI (1u << SPICE_COMMON_CAP_MINI_HEADER)

/* What is said, byte by byte. */
struct words {
	size_t count;
	uint8_t bytes[4096];
};

static void say(struct words *words, const void *bytes, size_t count)
{
	assert_true(count <= sizeof(words->bytes) - words->count);
	memcpy(words->bytes + words->count, bytes, count);
	words->count += count;
}

static void say_zeros(struct words *words, size_t count)
{
	static const uint8_t zeros[256];

	say(words, zeros, count);
}

/* A link message with its capabilities and the ticket behind it. */
static void say_link(struct words *words, uint8_t channel, uint32_t caps)
{
	const SpiceLinkHeader header = { SPICE_MAGIC, SPICE_VERSION_MAJOR, SPICE_VERSION_MINOR,
					 sizeof(SpiceLinkMess) + 4 };
	const SpiceLinkMess mess = { .channel_type = channel, .num_common_caps = 1,
				     .caps_offset = sizeof(mess) };

	say(words, &header, sizeof(header));
	say(words, &mess, sizeof(mess));
	say(words, &caps, 4);
	if (caps & CAP_AUTH)
		say_zeros(words, 4);
	say_zeros(words, TICKET_BYTES);
}

static void say_message(struct words *words, bool mini, uint16_t type, uint32_t size)
{
	const SpiceMiniDataHeader short_header = { type, size };
	const SpiceDataHeader header = { .serial = 77, .type = type, .size = size };

	say(words, mini ? (const void *)&short_header : &header,
	    mini ? sizeof(short_header) : sizeof(header));
}

static void say_reply(struct words *words, uint32_t size)
{
	const SpiceLinkHeader header = { SPICE_MAGIC, SPICE_VERSION_MAJOR, SPICE_VERSION_MINOR,
					 size };

	say(words, &header, sizeof(header));
	say_zeros(words, size + 4);
}

/* All of it, in steps of that many bytes; returns how many were taken. */
static size_t feed(struct spice_hello *hello, const struct words *said, size_t step,
		   struct words *heard)
{
	uint8_t out[4096 + SPICE_HELLO_EXTRA_BYTES];
	size_t taken = 0, count, now;

	while (taken < said->count && spice_hello_takes(hello)) {
		now = said->count - taken < step ? said->count - taken : step;
		taken += spice_hello_client(hello, said->bytes + taken, now, out, &count);
		assert_true(count <= now + SPICE_HELLO_EXTRA_BYTES);
		say(heard, out, count);
	}
	return taken;
}

/* INIT of ours where the client's was, and nothing behind it before the server has spoken. */
static void check_display(uint32_t caps, size_t step)
{
	bool mini = caps & CAP_MINI;
	struct words said = { 0 }, heard = { 0 }, expected = { 0 }, reply = { 0 };
	struct spice_hello hello = { 0 };
	size_t header_bytes = mini ? sizeof(SpiceMiniDataHeader) : sizeof(SpiceDataHeader), taken;

	say_link(&said, SPICE_CHANNEL_DISPLAY, caps);
	say(&expected, said.bytes, said.count);
	say_message(&said, mini, SPICE_MSGC_DISPLAY_INIT, SPICE_HELLO_INIT_BYTES);
	say(&said, "the client's ..", SPICE_HELLO_INIT_BYTES);
	taken = said.count;
	say_message(&said, mini, SPICE_MSGC_ACK, 0);

	assert_true(spice_hello_may_end(&hello));
	assert_int_equal(feed(&hello, &said, step, &heard), taken);
	assert_int_equal(heard.count, expected.count + header_bytes + SPICE_HELLO_INIT_BYTES);
	assert_memory_equal(heard.bytes, expected.bytes, expected.count);
	assert_int_equal(heard.bytes[expected.count + (mini ? 0 : 8)], SPICE_MSGC_DISPLAY_INIT);
	assert_null(memmem(heard.bytes, heard.count, "client", 6));
	assert_false(spice_hello_takes(&hello));
	assert_false(spice_hello_may_end(&hello));

	say_reply(&reply, REPLY_BYTES);
	for (size_t i = 0; i < reply.count; i++)
		spice_hello_server(&hello, reply.bytes + i, 1);
	assert_false(spice_hello_takes(&hello));
	spice_hello_server(&hello, (const uint8_t *)"x", 1);
	assert_true(spice_hello_takes(&hello));
	assert_true(spice_hello_may_end(&hello));
	memmove(said.bytes, said.bytes + taken, said.count - taken);
	said.count -= taken;
	heard.count = 0;
	assert_int_equal(feed(&hello, &said, step, &heard), header_bytes);
	assert_int_equal(heard.count, header_bytes);
	assert_memory_equal(heard.bytes, said.bytes, header_bytes);
}

static void test_display(void **state)
{
	static const uint32_t caps[] = { 0, CAP_AUTH, CAP_MINI, CAP_AUTH | CAP_MINI };

	for (int i = 0; i < 4; i++) {
		check_display(caps[i], 1);
		check_display(caps[i], 7);
		check_display(caps[i], 4096);
	}
}

/* The server may speak before the client's own INIT is there. */
static void test_early_server(void **state)
{
	struct words said = { 0 }, heard = { 0 }, reply = { 0 };
	struct spice_hello hello = { 0 };

	say_link(&said, SPICE_CHANNEL_DISPLAY, CAP_AUTH | CAP_MINI);
	feed(&hello, &said, 100, &heard);
	assert_false(spice_hello_may_end(&hello));
	say_reply(&reply, REPLY_BYTES);
	say(&reply, "xyz", 3);
	spice_hello_server(&hello, reply.bytes, reply.count);
	assert_true(spice_hello_may_end(&hello));
	said.count = heard.count = 0;
	say_message(&said, true, SPICE_MSGC_DISPLAY_INIT, SPICE_HELLO_INIT_BYTES);
	say_zeros(&said, SPICE_HELLO_INIT_BYTES);
	say_message(&said, true, SPICE_MSGC_ACK, 0);
	assert_int_equal(feed(&hello, &said, 3, &heard), said.count);
	assert_int_equal(heard.count, sizeof(SpiceMiniDataHeader));
}

/* What the server must not hear is left out; in a message's body the same bytes mean nothing. */
static void check_left_out(bool mini, size_t step)
{
	struct words said = { 0 }, heard = { 0 }, reply = { 0 }, expected = { 0 };
	struct spice_hello hello = { 0 };

	say_link(&said, SPICE_CHANNEL_DISPLAY, mini ? CAP_MINI : 0);
	say_message(&said, mini, SPICE_MSGC_DISPLAY_INIT, SPICE_HELLO_INIT_BYTES);
	say_zeros(&said, SPICE_HELLO_INIT_BYTES);
	feed(&hello, &said, step, &heard);
	say_reply(&reply, REPLY_BYTES);
	say(&reply, "x", 1);
	spice_hello_server(&hello, reply.bytes, reply.count);

	said.count = heard.count = 0;
	say_message(&said, mini, SPICE_MSGC_ACK, 0);
	say_message(&said, mini, SPICE_MSGC_PONG, 36);
	say_message(&said, true, SPICE_MSGC_DISPLAY_INIT, SPICE_HELLO_INIT_BYTES);
	say_zeros(&said, 30);
	say(&expected, said.bytes, said.count);
	say_message(&said, mini, SPICE_MSGC_DISPLAY_INIT, SPICE_HELLO_INIT_BYTES);
	say_zeros(&said, SPICE_HELLO_INIT_BYTES);
	say_message(&said, mini, SPICE_MSGC_MIGRATE_DATA, 1);
	say_zeros(&said, 1);
	say_message(&said, mini, SPICE_MSGC_ACK, 0);
	say_message(&expected, mini, SPICE_MSGC_ACK, 0);
	assert_int_equal(feed(&hello, &said, step, &heard), said.count);
	assert_int_equal(heard.count, expected.count);
	assert_memory_equal(heard.bytes, expected.bytes, expected.count);
	assert_true(spice_hello_may_end(&hello));
}

static void test_left_out(void **state)
{
	for (size_t step = 1; step < 100; step += 3) {
		check_left_out(true, step);
		check_left_out(false, step);
	}
}

static void test_other_channels(void **state)
{
	static const uint8_t channels[] = { SPICE_CHANNEL_MAIN, SPICE_CHANNEL_INPUTS,
					    SPICE_CHANNEL_CURSOR, SPICE_CHANNEL_PLAYBACK, 255 };

	for (size_t i = 0; i < sizeof(channels); i++) {
		struct words said = { 0 }, heard = { 0 };
		struct spice_hello hello = { 0 };

		say_link(&said, channels[i], CAP_MINI);
		say_message(&said, true, SPICE_MSGC_PONG, 20);
		say(&said, "whatever that may be", 20);
		assert_int_equal(feed(&hello, &said, 5 + i, &heard), said.count);
		assert_int_equal(heard.count, said.count);
		assert_memory_equal(heard.bytes, said.bytes, said.count);
		assert_true(spice_hello_may_end(&hello));
	}
}

static void test_rules(void **state)
{
	static const struct {
		uint8_t channel;
		uint16_t type;
		uint32_t bytes;
		enum spice_rule rule;
	} said[] = {
		/* One connection's, in this order. */
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_TOKEN, 4, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_DATA, 20, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_START, 3, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_TOKEN, 4, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_START, 4, SPICE_RULE_PASSES },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_TOKEN, 4, SPICE_RULE_PASSES },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_DATA, 2048, SPICE_RULE_PASSES },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_DATA, 2049, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_DATA, UINT32_MAX, SPICE_RULE_ENDS },
		{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_MIGRATE_END, 0, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_KEY_DOWN, 4, SPICE_RULE_PASSES },
		{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_KEY_DOWN, 5, SPICE_RULE_LEFT_OUT },
		{ SPICE_CHANNEL_INPUTS, 256, 0, SPICE_RULE_ENDS },
		{ SPICE_CHANNEL_DISPLAY, SPICE_MSGC_DISPLAY_INIT, 14, SPICE_RULE_LEFT_OUT },
		{ 99, SPICE_MSGC_ACK, 0, SPICE_RULE_PASSES },
		{ 99, SPICE_MSGC_MIGRATE_DATA, 4, SPICE_RULE_LEFT_OUT },
		{ 99, 101, 4, SPICE_RULE_LEFT_OUT },
	};
	struct spice_rules rules = { 0 };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		rules.channel = said[i].channel;
		assert_int_equal(spice_rules_judge(&rules, said[i].type, said[i].bytes),
				 said[i].rule);
	}
}

static void expect_bad(const struct words *said)
{
	struct spice_hello hello = { 0 };
	struct words heard = { 0 };

	feed(&hello, said, 50, &heard);
	assert_int_equal(hello.state, SPICE_HELLO_BAD);
}

static void test_bad_links(void **state)
{
	SpiceLinkHeader header = { SPICE_MAGIC, 2, 2, sizeof(SpiceLinkMess) };
	SpiceLinkMess mess = { .channel_type = SPICE_CHANNEL_DISPLAY };
	struct words said = { 0 };

	header.magic++;
	say(&said, &header, sizeof(header));
	expect_bad(&said);
	header.magic--;
	for (uint32_t i = 0; i < 4; i++) {
		static const uint32_t sizes[] = { 0, sizeof(mess) - 1, SPICE_HELLO_MAX_LINK + 1,
						  UINT32_MAX };

		said.count = 0;
		header.size = sizes[i];
		say(&said, &header, sizeof(header));
		expect_bad(&said);
	}
	header.size = sizeof(mess);
	for (uint32_t i = 0; i < 4; i++) {
		static const struct {
			uint32_t common, channel, offset;
		} caps[] = { { 1, 0, sizeof(mess) }, { 0, 1, sizeof(mess) - 3 },
			     { UINT32_MAX, UINT32_MAX, 0 }, { 0, 0, UINT32_MAX } };

		said.count = 0;
		mess.num_common_caps = caps[i].common;
		mess.num_channel_caps = caps[i].channel;
		mess.caps_offset = caps[i].offset;
		say(&said, &header, sizeof(header));
		say(&said, &mess, sizeof(mess));
		expect_bad(&said);
	}
}

static void test_bad_first_messages(void **state)
{
	for (int i = 0; i < 4; i++) {
		bool mini = i % 2;
		struct words said = { 0 };

		say_link(&said, SPICE_CHANNEL_DISPLAY, mini ? CAP_MINI : CAP_AUTH);
		say_message(&said, mini, i < 2 ? SPICE_MSGC_ACK : SPICE_MSGC_DISPLAY_INIT,
			    i < 2 ? SPICE_HELLO_INIT_BYTES : SPICE_HELLO_INIT_BYTES + 1);
		say_zeros(&said, 100);
		expect_bad(&said);
	}
}

/* A reply that says it is very long never ends. */
static void test_long_reply(void **state)
{
	struct words said = { 0 }, heard = { 0 }, reply = { 0 };
	const SpiceLinkHeader header = { SPICE_MAGIC, 2, 2, UINT32_MAX };
	struct spice_hello hello = { 0 };

	say_link(&said, SPICE_CHANNEL_DISPLAY, CAP_MINI);
	feed(&hello, &said, 100, &heard);
	say(&reply, &header, sizeof(header));
	say_zeros(&reply, 200);
	spice_hello_server(&hello, reply.bytes, reply.count);
	assert_false(spice_hello_may_end(&hello));
}

/* ---- the relay ---- */

struct fixture {
	struct loop *loop;
	struct spice_relay *relay;
	int client, server;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	fixture->loop = loop_create("relay");
	fixture->relay = spice_relay_create(fixture->loop);
	assert_non_null(fixture->relay);
	assert_int_equal(loop_start(fixture->loop), 0);
	fixture->client = pair[0];
	fixture->server = spice_relay_add(fixture->relay, pair[1]);
	assert_true(fixture->server >= 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	loop_stop(fixture->loop);
	spice_relay_stop(fixture->relay);
	loop_destroy(fixture->loop);
	spice_relay_destroy(fixture->relay);
	close(fixture->client);
	close(fixture->server);
	free(fixture);
	return 0;
}

static void write_all(int fd, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	while (count) {
		struct pollfd poll_fd = { fd, POLLOUT, 0 };
		ssize_t written = send(fd, from, count, MSG_NOSIGNAL);

		if (written < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
			continue;
		}
		from += written;
		count -= (size_t)written;
	}
}

/* Fewer than count: the end. */
static size_t read_all(int fd, void *bytes, size_t count)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	uint8_t *to = bytes;
	size_t got = 0;

	while (got < count) {
		ssize_t now;

		assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
		now = recv(fd, to + got, count - got, 0);
		if (now <= 0)
			break;
		got += (size_t)now;
	}
	return got;
}

static void expect_end(int fd)
{
	char byte;

	assert_int_equal(read_all(fd, &byte, 1), 0);
}

static bool says_nothing(int fd)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };

	return poll(&poll_fd, 1, 50) == 0;
}

/* Messages that pass (spice_rules.h), one behind the other. */
static uint8_t pattern(size_t index)
{
	static const SpiceMiniDataHeader header = { SPICE_MSGC_MAIN_AGENT_DATA,
						    FRAME_BYTES - sizeof(header) };
	size_t place = index % FRAME_BYTES;

	if (place < sizeof(header))
		return ((const uint8_t *)&header)[place];
	return (uint8_t)(index * 31 + (index >> 11));
}

static void *writer_main(void *data)
{
	const int *fd = data;
	uint8_t *bytes = malloc(MANY_BYTES);

	for (size_t i = 0; i < MANY_BYTES; i++)
		bytes[i] = pattern(i);
	write_all(*fd, bytes, MANY_BYTES);
	free(bytes);
	return NULL;
}

/* Both ways at once, more than any buffer holds; nothing is lost at the end. */
static void test_relay_carries(void **state)
{
	struct fixture *fixture = *state;
	struct words said = { 0 };
	uint8_t *bytes = malloc(MANY_BYTES);
	pthread_t writers[2];
	int fds[2] = { fixture->client, fixture->server };

	say_link(&said, SPICE_CHANNEL_MAIN, CAP_AUTH | CAP_MINI);
	say_message(&said, true, SPICE_MSGC_MAIN_AGENT_START, 4);
	say_zeros(&said, 4);
	write_all(fixture->client, said.bytes, said.count);
	assert_int_equal(read_all(fixture->server, bytes, said.count), said.count);
	assert_memory_equal(bytes, said.bytes, said.count);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, writer_main, &fds[i]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read_all(fds[!i], bytes, MANY_BYTES), MANY_BYTES);
		for (size_t k = 0; k < MANY_BYTES; k++)
			assert_int_equal(bytes[k], pattern(k));
		pthread_join(writers[i], NULL);
	}
	write_all(fixture->server, "bye", 3);
	shutdown(fixture->server, SHUT_RDWR);
	assert_int_equal(read_all(fixture->client, bytes, 4), 3);
	free(bytes);
}

static void test_relay_client_goes(void **state)
{
	struct fixture *fixture = *state;

	write_all(fixture->client, "REDQ", 4);
	close(fixture->client);
	fixture->client = -1;
	char bytes[8];

	assert_int_equal(read_all(fixture->server, bytes, 8), 4);
}

static void test_relay_refuses(void **state)
{
	struct fixture *fixture = *state;

	write_all(fixture->client, "GET / HTTP/1.1\r\n\r\n", 18);
	expect_end(fixture->client);
}

/* The server hears nothing of the end of a DISPLAY client before it has spoken. */
static void check_held_end(struct fixture *fixture, bool bad)
{
	size_t init_bytes = sizeof(SpiceMiniDataHeader) + SPICE_HELLO_INIT_BYTES;
	struct words said = { 0 }, reply = { 0 };
	uint8_t bytes[1024];
	size_t link_bytes;

	say_link(&said, SPICE_CHANNEL_DISPLAY, CAP_AUTH | CAP_MINI);
	link_bytes = said.count;
	if (bad)
		say(&said, "nonsense", 8);
	write_all(fixture->client, said.bytes, said.count);
	assert_int_equal(read_all(fixture->server, bytes, link_bytes + init_bytes),
			 link_bytes + init_bytes);
	if (!bad) {
		close(fixture->client);
		fixture->client = -1;
	}
	assert_true(says_nothing(fixture->server));
	say_reply(&reply, REPLY_BYTES);
	write_all(fixture->server, reply.bytes, reply.count);
	assert_true(says_nothing(fixture->server));
	write_all(fixture->server, "x", 1);
	expect_end(fixture->server);
}

static void test_relay_holds_end(void **state)
{
	check_held_end(*state, false);
}

static void test_relay_holds_nonsense(void **state)
{
	check_held_end(*state, true);
	expect_end(((struct fixture *)*state)->server);
}

struct settling {
	struct spice_relay *relay;
	int wake_fd;
	bool settled;
};

static void on_set_wake(void *data)
{
	struct settling *settling = data;

	spice_relay_set_wake(settling->relay, settling->wake_fd);
}

static void on_hold(void *data)
{
	spice_relay_hold(((struct settling *)data)->relay, true);
}

static void on_release(void *data)
{
	spice_relay_hold(((struct settling *)data)->relay, false);
}

static void on_settled(void *data)
{
	struct settling *settling = data;

	settling->settled = spice_relay_is_settled(settling->relay);
}

static bool is_settled(struct fixture *fixture, struct settling *settling)
{
	loop_call(fixture->loop, on_settled, settling);
	return settling->settled;
}

/* A DISPLAY channel's client has gone: while a hold lasts the server is read and hears nothing of it;
 * after that it is settled when the server has ended the channel. */
static void check_hold(struct fixture *fixture, unsigned int holds)
{
	struct settling settling = { fixture->relay, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), false };
	struct words said = { 0 }, reply = { 0 };
	struct pollfd rung = { settling.wake_fd, POLLIN, 0 };
	uint8_t *bytes = calloc(1, MANY_BYTES);

	assert_true(settling.wake_fd >= 0);
	loop_call(fixture->loop, on_set_wake, &settling);
	say_link(&said, SPICE_CHANNEL_DISPLAY, CAP_AUTH | CAP_MINI);
	write_all(fixture->client, said.bytes, said.count);
	said.count += sizeof(SpiceMiniDataHeader) + SPICE_HELLO_INIT_BYTES;
	assert_int_equal(read_all(fixture->server, bytes, said.count), said.count);
	say_reply(&reply, REPLY_BYTES);
	say(&reply, "x", 1);
	write_all(fixture->server, reply.bytes, reply.count);
	assert_int_equal(read_all(fixture->client, bytes, reply.count), reply.count);
	for (unsigned int i = 0; i < holds; i++)
		loop_call(fixture->loop, on_hold, &settling);
	close(fixture->client);
	fixture->client = -1;
	if (holds)
		assert_true(says_nothing(fixture->server));
	write_all(fixture->server, bytes, MANY_BYTES);
	for (unsigned int i = 0; i < holds; i++) {
		assert_true(says_nothing(fixture->server));
		assert_true(is_settled(fixture, &settling));
		loop_call(fixture->loop, on_release, &settling);
	}
	expect_end(fixture->server);
	assert_false(is_settled(fixture, &settling));
	write_all(fixture->server, bytes, MANY_BYTES);
	assert_int_equal(poll(&rung, 1, 0), 0);
	close(fixture->server);
	fixture->server = -1;
	assert_int_equal(poll(&rung, 1, WAIT_MS), 1);
	assert_true(is_settled(fixture, &settling));
	close(settling.wake_fd);
	free(bytes);
}

static void test_relay_settles(void **state)
{
	check_hold(*state, 0);
}

static void test_relay_is_held(void **state)
{
	check_hold(*state, 2);
}

static void test_relay_stops(void **state)
{
	struct fixture *fixture = *state;
	int pair[2], late;

	loop_stop(fixture->loop);
	spice_relay_stop(fixture->relay);
	expect_end(fixture->client);
	expect_end(fixture->server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	late = spice_relay_add(fixture->relay, pair[1]);
	assert_true(late >= 0);
	loop_destroy(fixture->loop);
	expect_end(pair[0]);
	expect_end(late);
	close(pair[0]);
	close(late);
	fixture->loop = loop_create("relay");
}

#define RELAY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_display),
		cmocka_unit_test(test_early_server),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_other_channels),
		cmocka_unit_test(test_bad_links),
		cmocka_unit_test(test_bad_first_messages),
		cmocka_unit_test(test_long_reply),
		RELAY(test_relay_carries),
		RELAY(test_relay_client_goes),
		RELAY(test_relay_refuses),
		RELAY(test_relay_holds_end),
		RELAY(test_relay_holds_nonsense),
		RELAY(test_relay_settles),
		RELAY(test_relay_is_held),
		RELAY(test_relay_stops),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
