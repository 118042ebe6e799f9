/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap device in a network namespace of the test's own, with a packet socket on the host's side.
 * Skipped where the kernel gives us neither.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <base/clock.h>
#include <base/loop.h>
#include <devices/virtio_net.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAP "vtap0"
/* Of an EtherType that nobody else speaks. */
#define PROTOCOL 0x88b5
#define TIMEOUT_NS UINT64_C(5000000000)

struct fixture {
	struct loop *loop;
	struct net_backend *backend;
	int packet_fd;
	unsigned received, done;
	uint8_t frame[NET_FRAME_MAX_BYTES];
	size_t bytes;
};

static const uint8_t sample[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 'h', 'i' };

static void sink_receive(void *data, const uint8_t *frame, size_t bytes)
{
	struct fixture *f = data;

	/* The kernel has things of its own to say on a new interface. */
	if (bytes < 14 || memcmp(frame + 12, sample + 12, 2) != 0)
		return;
	memcpy(f->frame, frame, bytes);
	f->bytes = bytes;
	f->received++;
}

static void sink_receive_done(void *data)
{
	((struct fixture *)data)->done++;
}

static const struct net_sink_ops sink_ops = {
	.receive = sink_receive,
	.receive_done = sink_receive_done,
};

/* An interface that stays when its fd is closed, and is up. */
static bool make_tap(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = TAP };
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	bool made = fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0 &&
		    ioctl(fd, TUNSETPERSIST, 1) == 0;

	request.ifr_flags = IFF_UP;
	made = made && ioctl(control, SIOCSIFFLAGS, &request) == 0;
	close(control);
	if (fd >= 0)
		close(fd);
	return made;
}

static int setup(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;
	struct virtio_net_config config;
	struct option_error error = { "" };
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(PROTOCOL) };

	*f = (struct fixture){ .packet_fd = -1 };
	*state = f;
	if ((unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) || !make_tap())
		return 0;
	f->loop = loop_create("test");
	assert_int_equal(virtio_net_config_parse(&config, "tap=" TAP, &error), 0);
	f->backend = net_tap_create(f->loop, &config, &error);
	virtio_net_config_finish(&config);
	assert_string_equal(error.text, "");
	net_backend_attach(f->backend, &sink_ops, f);
	f->packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(PROTOCOL));
	address.sll_ifindex = (int)if_nametoindex(TAP);
	assert_int_equal(bind(f->packet_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f->backend)
		return 0;
	f->backend->ops->destroy(f->backend);
	loop_destroy(f->loop);
	close(f->packet_fd);
	return 0;
}

static struct fixture *fixture_or_skip(void **state)
{
	struct fixture *f = *state;

	if (!f->backend) {
		print_message("no tap device to be had here\n");
		skip();
	}
	return f;
}

static void test_from_host(void **state)
{
	struct fixture *f = fixture_or_skip(state);
	uint64_t end_ns = clock_now_ns() + TIMEOUT_NS;

	assert_int_equal(send(f->packet_fd, sample, sizeof(sample), 0), sizeof(sample));
	while (f->received == 0 && clock_now_ns() < end_ns)
		loop_dispatch(f->loop, 100);
	assert_int_equal(f->received, 1);
	assert_int_equal(f->bytes, sizeof(sample));
	assert_memory_equal(f->frame, sample, sizeof(sample));
	assert_true(f->done > 0);
}

static void test_to_host(void **state)
{
	struct fixture *f = fixture_or_skip(state);
	struct pollfd ready = { .fd = f->packet_fd, .events = POLLIN };
	uint8_t got[100];

	f->backend->ops->transmit(f->backend, sample, sizeof(sample));
	assert_int_equal(poll(&ready, 1, 5000), 1);
	assert_int_equal(recv(f->packet_fd, got, sizeof(got), 0), sizeof(sample));
	assert_memory_equal(got, sample, sizeof(sample));
}

/* A second machine on the same interface is told so. */
static void test_in_use(void **state)
{
	struct fixture *f = fixture_or_skip(state);
	struct virtio_net_config config;
	struct option_error error = { "" };

	assert_int_equal(virtio_net_config_parse(&config, "tap=" TAP, &error), 0);
	assert_null(net_tap_create(f->loop, &config, &error));
	virtio_net_config_finish(&config);
	assert_non_null(strstr(error.text, "cannot use " TAP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from_host, setup, teardown),
		cmocka_unit_test_setup_teardown(test_to_host, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_use, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
