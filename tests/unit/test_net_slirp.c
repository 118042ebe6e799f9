/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User-mode networking as a guest sees it: frames in and out, real sockets behind the backend.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <base/clock.h>
#include <base/loop.h>
#include <devices/virtio_net.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ETHERNET 14
#define IP (ETHERNET + 20)
#define UDP (IP + 8)
#define ROUTER 0x0a000202
#define GUEST 0x0a00020f
#define TIMEOUT_NS UINT64_C(5000000000)

struct wire {
	struct loop *loop;
	struct net_backend *backend;
	uint8_t frame[NET_FRAME_MAX_BYTES];     /* the last that the filter took */
	size_t bytes;
	bool (*filter)(const uint8_t *frame, size_t bytes);
	unsigned done;
};

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static void wire_receive(void *data, const uint8_t *frame, size_t bytes)
{
	struct wire *wire = data;

	assert_true(bytes <= NET_FRAME_MAX_BYTES);
	if (!wire->filter || !wire->filter(frame, bytes))
		return;
	memcpy(wire->frame, frame, bytes);
	wire->bytes = bytes;
	wire->filter = NULL;
}

static void wire_receive_done(void *data)
{
	((struct wire *)data)->done++;
}

static const struct net_sink_ops wire_sink_ops = {
	.receive = wire_receive,
	.receive_done = wire_receive_done,
};

static void wire_open(struct wire *wire, const char *options)
{
	struct virtio_net_config config;
	struct option_error error = { "" };

	*wire = (struct wire){ .loop = loop_create("test") };
	assert_int_equal(virtio_net_config_parse(&config, options, &error), 0);
	wire->backend = net_slirp_create(wire->loop, &config, &error);
	assert_string_equal(error.text, "");
	net_backend_attach(wire->backend, &wire_sink_ops, wire);
	virtio_net_config_finish(&config);
}

static void wire_close(struct wire *wire)
{
	wire->backend->ops->destroy(wire->backend);
	loop_destroy(wire->loop);
}

static void wire_send(struct wire *wire, const uint8_t *frame, size_t bytes)
{
	wire->backend->ops->transmit(wire->backend, frame, bytes);
	wire->backend->ops->transmit_done(wire->backend);
}

/* Runs the loop until a frame passed the filter. */
static void wire_wait(struct wire *wire)
{
	uint64_t end_ns = clock_now_ns() + TIMEOUT_NS;

	while (wire->filter && clock_now_ns() < end_ns)
		loop_dispatch(wire->loop, 100);
	assert_null(wire->filter);
}

static void put16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static void put32(uint8_t *bytes, uint32_t value)
{
	put16(bytes, (uint16_t)(value >> 16));
	put16(bytes + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void ip_checksum(uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += get16(header + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	put16(header + 10, (uint16_t)~sum);
}

/* A UDP frame without UDP checksum. Its length. */
static size_t udp_frame(uint8_t *frame, uint32_t from, uint16_t from_port, uint32_t to,
			uint16_t to_port, const void *payload, size_t bytes)
{
	memset(frame, 0, UDP);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0800);
	frame[ETHERNET] = 0x45;
	put16(frame + ETHERNET + 2, (uint16_t)(28 + bytes));
	frame[ETHERNET + 8] = 64;
	frame[ETHERNET + 9] = IPPROTO_UDP;
	put32(frame + ETHERNET + 12, from);
	put32(frame + ETHERNET + 16, to);
	ip_checksum(frame + ETHERNET);
	put16(frame + IP, from_port);
	put16(frame + IP + 2, to_port);
	put16(frame + IP + 4, (uint16_t)(8 + bytes));
	memcpy(frame + UDP, payload, bytes);
	return UDP + bytes;
}

static bool is_udp(const uint8_t *frame, size_t bytes)
{
	return bytes > UDP && get16(frame + 12) == 0x0800 && frame[ETHERNET + 9] == IPPROTO_UDP;
}

static bool is_tcp(const uint8_t *frame, size_t bytes)
{
	return bytes >= IP + 20 && get16(frame + 12) == 0x0800 &&
	       frame[ETHERNET + 9] == IPPROTO_TCP;
}

static bool is_arp_request_for_guest(const uint8_t *frame, size_t bytes)
{
	return bytes >= ETHERNET + 28 && get16(frame + 12) == 0x0806 &&
	       get16(frame + ETHERNET + 6) == 1 && frame[ETHERNET + 27] == (GUEST & 0xff);
}

/* The network asks where the guest is; a frame that passes the filter follows the answer. */
static void wire_answer_arp(struct wire *wire, bool (*filter)(const uint8_t *frame, size_t bytes))
{
	uint8_t reply[60] = { 0 };

	wire->filter = is_arp_request_for_guest;
	wire_wait(wire);
	memcpy(reply, wire->frame + 6, 6);
	memcpy(reply + 6, guest_mac, 6);
	memcpy(reply + 12, wire->frame + 12, 8);
	put16(reply + ETHERNET + 6, 2);
	memcpy(reply + ETHERNET + 8, guest_mac, 6);
	put32(reply + ETHERNET + 14, GUEST);
	memcpy(reply + ETHERNET + 18, wire->frame + ETHERNET + 8, 10);
	wire->filter = filter;
	wire_send(wire, reply, sizeof(reply));
	wire_wait(wire);
}

static void test_dhcp(void **state)
{
	struct wire wire;
	uint8_t request[300] = { 1, 1, 6 }, frame[NET_FRAME_MAX_BYTES];
	size_t bytes;

	wire_open(&wire, "user");
	put32(request + 4, 0x12345678);
	memcpy(request + 28, guest_mac, 6);
	memcpy(request + 236, "\x63\x82\x53\x63" "\x35\x01\x01" "\xff", 8);
	bytes = udp_frame(frame, 0, 68, 0xffffffff, 67, request, sizeof(request));
	wire.filter = is_udp;
	wire_send(&wire, frame, bytes);
	wire_wait(&wire);
	assert_true(wire.done > 0);
	assert_true(wire.bytes > UDP + 240);
	assert_int_equal(get16(wire.frame + IP + 2), 68);
	assert_int_equal(wire.frame[UDP], 2);
	assert_memory_equal(wire.frame + UDP + 4, request + 4, 4);
	assert_memory_equal(wire.frame + UDP + 16, "\x0a\x00\x02\x0f", 4);
	wire_close(&wire);
}

/* The guest reaches a server of the host at 10.0.2.2, and the answer comes back. */
static void test_udp_both_ways(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	uint8_t frame[NET_FRAME_MAX_BYTES], got[64];
	struct wire wire;
	int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t bytes;

	assert_int_equal(bind(server, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&address, &length), 0);
	wire_open(&wire, "user");
	wire_send(&wire, frame, udp_frame(frame, GUEST, 4000, ROUTER, ntohs(address.sin_port),
					  "ping", 4));
	bytes = recvfrom(server, got, sizeof(got), 0, (struct sockaddr *)&address, &length);
	assert_int_equal(bytes, 4);
	assert_memory_equal(got, "ping", 4);
	assert_int_equal(sendto(server, "answer", 6, 0, (struct sockaddr *)&address, length), 6);
	wire_answer_arp(&wire, is_udp);
	assert_int_equal(wire.bytes, UDP + 6);
	assert_int_equal(get16(wire.frame + IP + 2), 4000);
	assert_memory_equal(wire.frame + UDP, "answer", 6);
	wire_close(&wire);
	close(server);
}

/* A TCP socket of the host, listening or only bound. */
static int host_listen(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static int host_connect(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Somebody connects to the host's port: the guest is asked for, then called. */
static void test_forward(void **state)
{
	char options[64];
	struct wire wire;
	uint16_t port;
	int client;

	close(host_listen(&port));
	snprintf(options, sizeof(options), "user,hostfwd=tcp::%u-:22", port);
	wire_open(&wire, options);
	client = host_connect(port);
	wire_answer_arp(&wire, is_tcp);
	assert_int_equal(get16(wire.frame + IP + 2), 22);
	assert_int_equal(wire.frame[IP + 13] & 0x12, 0x02);
	wire_close(&wire);
	close(client);
}

static void test_port_in_use(void **state)
{
	struct virtio_net_config config;
	struct option_error error = { "" };
	struct loop *loop = loop_create("test");
	char options[64], expected[32];
	uint16_t port;
	int fd = host_listen(&port);

	snprintf(options, sizeof(options), "user,hostfwd=tcp::%u-:22", port);
	assert_int_equal(virtio_net_config_parse(&config, options, &error), 0);
	assert_null(virtio_net_create(loop, &config, &error));
	snprintf(expected, sizeof(expected), "TCP port %u", port);
	assert_non_null(strstr(error.text, expected));
	assert_non_null(strstr(error.text, "choose another"));
	virtio_net_config_finish(&config);
	loop_destroy(loop);
	close(fd);
}

static void test_garbage(void **state)
{
	uint8_t frame[NET_FRAME_MAX_BYTES];
	struct wire wire;
	uint32_t random = 1;

	wire_open(&wire, "user");
	for (int round = 0; round < 3000; round++) {
		size_t bytes = NET_FRAME_MIN_BYTES;

		for (size_t i = 0; i < sizeof(frame); i++) {
			random = random * 1664525 + 1013904223;
			frame[i] = (uint8_t)(random >> 24);
		}
		bytes += random % (sizeof(frame) - bytes);
		put16(frame + 12, round % 3 == 0 ? 0x0800 : round % 3 == 1 ? 0x0806 : 0x86dd);
		/* To nobody, so that no real socket is opened. */
		frame[ETHERNET] = round % 3 == 2 ? 0x60 : 0x45;
		put32(frame + ETHERNET + 16, 0x0a0002fe);
		wire_send(&wire, frame, bytes);
	}
	while (loop_dispatch(wire.loop, 0) > 0)
		;
	wire_close(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_udp_both_ways),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
