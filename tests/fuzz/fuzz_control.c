/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local peers at a VM's control socket: several at once, with whatever packets, file descriptors
 * and partings the input says. Whoever keeps to the limits and reads gets one well-formed reply for
 * each packet; nobody leaks a descriptor or a mark.
 */
#include "control/control_server.h"
#include "fuzz.h"

#include <base/bytes.h>
#include <base/loop.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PEERS 4
#define MAX_STEPS 64
/* A number may be answered with six times its letters: below this a reply always fits. */
#define SURE_BYTES 512
#define TEXT_BYTES (PACKET_MAX_BYTES + 64)

struct peer {
	int fd;      /* -1: not connected */
	bool unread; /* has left replies unread: the server may drop it */
};

struct bench {
	struct loop *loop;
	struct sockaddr_un address;
	socklen_t address_bytes;
	struct control_server *server;
	struct peer peers[PEERS];
	unsigned int marked, ended;
};

struct text {
	size_t bytes;
	char data[TEXT_BYTES];
};

static uint8_t input_byte(struct byte_reader *input)
{
	uint8_t byte = 0;

	byte_reader_get(input, &byte, 1);
	return byte;
}

static void text_add(struct text *text, const void *bytes, size_t count)
{
	if (count > sizeof(text->data) - text->bytes)
		count = sizeof(text->data) - text->bytes;
	memcpy(text->data + text->bytes, bytes, count);
	text->bytes += count;
}

static void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

static void text_add_input(struct text *text, struct byte_reader *input, uint8_t count)
{
	char bytes[UINT8_MAX];

	if (count > input->left)
		count = input->left;
	byte_reader_get(input, bytes, count);
	text_add(text, bytes, count);
}

/* The commands: what the real ones do with a session, a request and a reply. */

static int command_mark(void *data, struct control_session *session, const json_t *request,
			json_t *reply, struct packet *fds, const char **error)
{
	struct bench *bench = data;

	if (control_session_mark(session)) {
		*error = "marked already";
		return -EBUSY;
	}
	control_session_set_mark(session, bench);
	bench->marked++;
	fds->fds[fds->fd_count++] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	json_object_set_new(reply, "marked", json_true());
	return 0;
}

static int command_echo(void *data, struct control_session *session, const json_t *request,
			json_t *reply, struct packet *fds, const char **error)
{
	json_object_set(reply, "value", json_object_get(request, "value"));
	return 0;
}

/* Fails late: descriptors and a part of the reply are there already. */
static int command_fail(void *data, struct control_session *session, const json_t *request,
			json_t *reply, struct packet *fds, const char **error)
{
	fds->fds[fds->fd_count++] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	json_object_set_new(reply, "value", json_integer(1));
	return json_is_true(json_object_get(request, "value")) ? -EINVAL : -ENOMEM;
}

static const struct control_command commands[] = {
	{ "mark", command_mark }, { "echo", command_echo }, { "fail", command_fail }, { 0 },
};

static void bench_session_ended(void *data, struct control_session *session)
{
	struct bench *bench = data;

	fuzz_check(control_session_mark(session) == bench);
	bench->ended++;
}

/* An address that the kernel chooses: no file, and fuzzers side by side do not meet. */
static void bench_open(struct bench *bench)
{
	struct control_server_config config = {
		.loop = bench->loop, .commands = commands, .data = bench,
		.session_ended = bench_session_ended,
	};

	config.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bench->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	fuzz_check(bind(config.listen_fd, (struct sockaddr *)&bench->address,
			sizeof(sa_family_t)) == 0);
	bench->address_bytes = sizeof(bench->address);
	fuzz_check(getsockname(config.listen_fd, (struct sockaddr *)&bench->address,
			       &bench->address_bytes) == 0);
	fuzz_check(listen(config.listen_fd, PEERS) == 0);
	bench->server = control_server_create(&config);
	fuzz_check(bench->server != NULL);
	bench->marked = 0;
	bench->ended = 0;
	for (size_t i = 0; i < PEERS; i++)
		bench->peers[i] = (struct peer){ .fd = -1 };
}

static void bench_settle(struct bench *bench)
{
	while (loop_dispatch(bench->loop, 0) > 0)
		;
}

static void peer_leave(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	*peer = (struct peer){ .fd = -1 };
}

static void peer_join(struct bench *bench, struct peer *peer)
{
	if (peer->fd >= 0)
		return;
	peer->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	fuzz_check(connect(peer->fd, (struct sockaddr *)&bench->address,
			   bench->address_bytes) == 0);
	bench_settle(bench);
}

static void check_reply(const struct packet *packet)
{
	json_t *reply = json_loadb(packet->data, packet->bytes, JSON_REJECT_DUPLICATES, NULL);
	const json_t *ok = json_object_get(reply, "ok");
	const char *error = json_string_value(json_object_get(reply, "error"));

	fuzz_check(json_is_boolean(ok));
	if (json_is_true(ok)) {
		fuzz_check(!error);
		fuzz_check(packet->fd_count == (json_object_get(reply, "marked") ? 1 : 0));
	} else {
		fuzz_check(error && error[0] && packet->fd_count == 0);
	}
	json_decref(reply);
}

/* Reads all replies; how many. The peer's end of a session that is over is closed. */
static unsigned int peer_read(struct peer *peer)
{
	struct packet packet;
	unsigned int count = 0;
	int result;

	while ((result = packet_receive(peer->fd, &packet)) == 0) {
		check_reply(&packet);
		packet_close_fds(&packet);
		count++;
	}
	if (result == -EAGAIN)
		peer->unread = false;
	else
		peer_leave(peer);
	return count;
}

static void text_add_value(struct text *text, struct byte_reader *input)
{
	uint8_t count;

	switch (input_byte(input) % 8) {
	case 0:
		text_add_string(text, "true");
		break;
	case 1: /* a string of whatever bytes */
		text_add_string(text, "\"");
		text_add_input(text, input, input_byte(input));
		text_add_string(text, "\"");
		break;
	case 2: /* deeper than a parser may like */
		count = input_byte(input);
		for (unsigned int i = 0; i < count * 16u; i++)
			text_add_string(text, "[");
		for (unsigned int i = 0; i < count * 16u && input->left % 2; i++)
			text_add_string(text, "]");
		break;
	case 3:
		text_add_string(text, "{\"a\":\"\\u0000\",\"a\":1}");
		break;
	case 4: /* a reply longer than its request */
		text_add_string(text, "[0");
		for (count = input_byte(input); count; count--)
			text_add_string(text, count % 2 ? ",1e9" : ",0.1");
		text_add_string(text, "]");
		break;
	case 5: /* about as long as a packet may be */
		count = input_byte(input);
		text_add_string(text, "\"");
		while (text->bytes < PACKET_MAX_BYTES - 32u + count % 64)
			text_add_string(text, "x");
		text_add_string(text, "\"");
		break;
	case 6:
		text_add_string(text, "\"\\ud800\\udc00\\u0001\xc3\xa4\"");
		break;
	default:
		text_add_input(text, input, input_byte(input));
		break;
	}
}

static void text_add_request(struct text *text, struct byte_reader *input)
{
	static const char *const names[] = { "mark", "echo", "echo", "echo", "fail", "",
					     "echo\\u0000", "command" };

	text_add_string(text, "{\"command\":\"");
	text_add_string(text, names[input_byte(input) % 8]);
	text_add_string(text, "\",\"value\":");
	text_add_value(text, input);
	text_add_string(text, "}");
}

/* 0 or -errno. The descriptors are all stdin: only their number matters. */
static int peer_send(struct peer *peer, const struct text *text, unsigned int fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)text->data, text->bytes };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count > 0) {
		struct cmsghdr *header = &control.align;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memset(CMSG_DATA(header), 0, sizeof(int) * fd_count); /* STDIN_FILENO */
	}
	return sendmsg(peer->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Sends a packet; reads the reply at once, or leaves it. */
static void peer_ask(struct bench *bench, struct peer *peer, const struct text *text,
		     unsigned int fd_count, bool leave_reply)
{
	bool sure = !peer->unread && text->bytes > 0 && text->bytes <= SURE_BYTES &&
		    fd_count <= PACKET_MAX_FDS;
	bool too_much = text->bytes > PACKET_MAX_BYTES || fd_count > PACKET_MAX_FDS;
	unsigned int replies;

	if (peer_send(peer, text, fd_count))
		fuzz_check(peer->unread);
	bench_settle(bench);
	peer->unread |= leave_reply;
	if (peer->unread && leave_reply)
		return;
	too_much &= !peer->unread;
	replies = peer_read(peer);
	fuzz_check(!sure || (replies == 1 && peer->fd >= 0));
	fuzz_check(!too_much || (replies == 0 && peer->fd < 0));
}

static void bench_step(struct bench *bench, struct byte_reader *input)
{
	uint8_t what = input_byte(input);
	uint8_t how = input_byte(input);
	struct peer *peer = &bench->peers[how % PEERS];
	unsigned int fd_count = how & 0x80 ? how >> 3 & 15 : 0;
	bool leave_reply = (what & 0x30) == 0x30;
	struct text text = { 0 };

	peer_join(bench, peer);
	switch (what % 8) {
	case 0:
		text_add_input(&text, input, input_byte(input));
		break;
	case 1: /* goes with its request under way */
		text_add_request(&text, input);
		peer_send(peer, &text, fd_count);
		peer_leave(peer);
		bench_settle(bench);
		return;
	default:
		text_add_request(&text, input);
		break;
	}
	peer_ask(bench, peer, &text, fd_count, leave_reply);
}

static void bench_close(struct bench *bench, bool server_first)
{
	for (size_t i = 0; i < PEERS && !server_first; i++)
		peer_leave(&bench->peers[i]);
	bench_settle(bench);
	fuzz_check(server_first || bench->ended == bench->marked);
	control_server_destroy(bench->server);
	fuzz_check(bench->ended == bench->marked);
	for (size_t i = 0; i < PEERS; i++)
		peer_leave(&bench->peers[i]);
}

/* What the next descriptor would be: it rises when one has leaked. */
static int lowest_free_fd(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	fuzz_check(fd >= 0);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;
	struct byte_reader input = byte_reader_init(data, size);
	int lowest;

	if (!bench.loop)
		bench.loop = loop_create("fuzz");
	fuzz_check(bench.loop != NULL);
	lowest = lowest_free_fd();
	bench_open(&bench);
	for (int step = 0; step < MAX_STEPS && input.left > 0; step++)
		bench_step(&bench, &input);
	bench_close(&bench, size % 2);
	fuzz_check(lowest_free_fd() == lowest);
	return 0;
}
