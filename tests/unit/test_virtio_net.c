/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/loop.h>
#include <arpa/inet.h>
#include <devices/virtio_net.h>
#include <devices/virtio_wire.h>
#include <errno.h>
#include <fake/guest.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVE 0
#define TRANSMIT 1
#define HEADER 12

/* The other end of the wire. */
struct recorder {
	struct net_backend base;
	uint8_t frame[NET_FRAME_MAX_BYTES];
	size_t bytes;
	unsigned frames, batches, destroyed;
};

static void recorder_transmit(struct net_backend *backend, const uint8_t *frame, size_t bytes)
{
	struct recorder *recorder = (struct recorder *)backend;

	assert_true(bytes >= NET_FRAME_MIN_BYTES && bytes <= NET_FRAME_MAX_BYTES);
	memcpy(recorder->frame, frame, bytes);
	recorder->bytes = bytes;
	recorder->frames++;
}

static void recorder_transmit_done(struct net_backend *backend)
{
	((struct recorder *)backend)->batches++;
}

static void recorder_destroy(struct net_backend *backend)
{
	((struct recorder *)backend)->destroyed++;
}

static const struct net_backend_ops recorder_ops = {
	.transmit = recorder_transmit,
	.transmit_done = recorder_transmit_done,
	.destroy = recorder_destroy,
};

struct fixture {
	struct loop *loop;
	struct recorder recorder;
	struct fake_guest *guest;
};

static const uint8_t mac[NET_MAC_BYTES] = { 0x52, 1, 2, 3, 4, 5 };

static int setup(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;

	*f = (struct fixture){ .loop = loop_create("test"), .recorder.base.ops = &recorder_ops };
	f->guest = fake_guest_create(virtio_net_create_on(f->loop, &f->recorder.base, mac),
				     FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_guest_destroy(f->guest);
	assert_int_equal(f->recorder.destroyed, 1);
	loop_destroy(f->loop);
	return 0;
}

static void transmit(struct fixture *f, const void *bytes, size_t count)
{
	assert_int_equal(fake_queue_request(fake_guest_queue(f->guest, TRANSMIT), bytes, count,
					    NULL, 0), 0);
}

static void receive(struct fixture *f, const void *frame, size_t bytes)
{
	net_backend_receive(&f->recorder.base, frame, bytes);
	net_backend_receive_done(&f->recorder.base);
}

static void test_config_space(void **state)
{
	struct fixture *f = *state;
	uint8_t config[8];

	fake_guest_read_config(f->guest, 0, config, sizeof(config));
	assert_memory_equal(config, mac, sizeof(mac));
	assert_int_equal(config[6], VIRTIO_NET_S_LINK_UP);
	assert_false(fake_guest_features(f->guest) & 1ull << VIRTIO_NET_F_CSUM);
}

static void test_transmit(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[HEADER + NET_FRAME_MAX_BYTES] = { 0 };

	for (size_t i = HEADER; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3);
	transmit(f, bytes, HEADER + 60);
	assert_int_equal(f->recorder.frames, 1);
	assert_int_equal(f->recorder.bytes, 60);
	assert_memory_equal(f->recorder.frame, bytes + HEADER, 60);
	assert_true(f->recorder.batches >= 1);
	transmit(f, bytes, HEADER + NET_FRAME_MIN_BYTES);
	transmit(f, bytes, HEADER + NET_FRAME_MAX_BYTES);
	assert_int_equal(f->recorder.frames, 3);
	assert_int_equal(f->recorder.bytes, NET_FRAME_MAX_BYTES);
	assert_memory_equal(f->recorder.frame, bytes + HEADER, NET_FRAME_MAX_BYTES);
}

static void test_broken_frames(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[HEADER + NET_FRAME_MAX_BYTES + 1] = { 0 };

	transmit(f, bytes, 1);
	transmit(f, bytes, HEADER - 1);
	transmit(f, bytes, HEADER);
	transmit(f, bytes, HEADER + NET_FRAME_MIN_BYTES - 1);
	transmit(f, bytes, sizeof(bytes));
	bytes[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	transmit(f, bytes, HEADER + 60);
	bytes[0] = 0;
	bytes[1] = VIRTIO_NET_HDR_GSO_TCPV4;
	transmit(f, bytes, HEADER + 60);
	assert_int_equal(f->recorder.frames, 0);
	/* A chain that only has room to write. */
	assert_int_equal(fake_queue_request(fake_guest_queue(f->guest, TRANSMIT), NULL, 0, bytes,
					    100), 0);
	bytes[1] = 0;
	transmit(f, bytes, HEADER + 60);
	assert_int_equal(f->recorder.frames, 1);
}

static void test_receive(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE);
	uint8_t frame[NET_FRAME_MAX_BYTES], got[HEADER + NET_FRAME_MAX_BYTES];
	struct fake_used used;
	uint64_t gpa;

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 5);
	assert_true(fake_queue_add_writable(queue, sizeof(got), &gpa) >= 0);
	receive(f, frame, sizeof(frame));
	assert_true(fake_queue_wait_used(queue, &used));
	assert_int_equal(used.bytes, sizeof(got));
	fake_memory_read(fake_guest_memory(f->guest), gpa, got, sizeof(got));
	assert_memory_equal(got, "\0\0\0\0\0\0\0\0\0\0\1\0", HEADER);
	assert_memory_equal(got + HEADER, frame, sizeof(frame));
}

/* Frames without a buffer are gone; one that came too late for them takes the next. */
static void test_receive_without_buffers(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE);
	uint8_t frame[60] = { 0 }, got[HEADER + 60];
	struct fake_used used;
	uint64_t gpa;

	for (int i = 0; i < 1000; i++)
		receive(f, frame, sizeof(frame));
	fake_guest_run(f->guest);
	assert_int_equal(fake_queue_used_count(queue), 0);
	assert_true(fake_queue_add_writable(queue, sizeof(got), &gpa) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	assert_int_equal(fake_queue_used_count(queue), 0);
	frame[0] = 9;
	receive(f, frame, sizeof(frame));
	assert_true(fake_queue_wait_used(queue, &used));
	fake_memory_read(fake_guest_memory(f->guest), gpa, got, sizeof(got));
	assert_int_equal(got[HEADER], 9);
}

static void test_small_receive_buffers(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE);
	uint8_t frame[60] = { 0 };

	assert_true(fake_queue_add_writable(queue, HEADER + 59, NULL) >= 0);
	receive(f, frame, sizeof(frame));
	assert_int_equal(fake_queue_used_count(queue), 0);
	receive(f, frame, 59);
	assert_int_equal(fake_queue_used_count(queue), 1);
	assert_true(fake_queue_add_writable(queue, 5, NULL) >= 0);
	receive(f, frame, sizeof(frame));
	assert_int_equal(fake_queue_used_count(queue), 1);
	assert_int_equal(fake_guest_needs_resets(f->guest), 0);
}

static void test_stopped(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[60] = { 0 };

	assert_true(fake_queue_add_writable(fake_guest_queue(f->guest, RECEIVE), 100, NULL) >= 0);
	fake_guest_stop(f->guest);
	receive(f, frame, sizeof(frame));
	assert_int_equal(fake_guest_start(f->guest, 0), 0);
	test_transmit(state);
}

static int parse(struct virtio_net_config *config, const char *text, struct option_error *error)
{
	int result;

	virtio_net_config_init(config);
	virtio_net_config_finish(config);
	result = virtio_net_config_parse(config, text, error);
	if (result < 0)
		virtio_net_config_finish(config);
	return result;
}

static void test_options(void **state)
{
	struct virtio_net_config config;
	struct option_error error = { "" };

	assert_int_equal(parse(&config, "user,hostfwd=tcp::2222-:22,mac=52:54:00:ab:cd:ef,"
			       "hostfwd=udp:0.0.0.0:53-10.0.2.99:5353", &error), 0);
	assert_int_equal(config.backend, VIRTIO_NET_USER);
	assert_int_equal(config.forward_count, 2);
	assert_int_equal(config.forwards[0].host_address.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(config.forwards[0].host_port, 2222);
	assert_int_equal(config.forwards[0].guest_address.s_addr, htonl(0x0a00020f));
	assert_int_equal(config.forwards[0].guest_port, 22);
	assert_true(config.forwards[1].udp);
	assert_int_equal(config.forwards[1].host_address.s_addr, 0);
	assert_int_equal(config.forwards[1].guest_address.s_addr, htonl(0x0a000263));
	assert_int_equal(config.mac[5], 0xef);
	assert_int_equal(parse(&config, "tap=tap7", &error), 0);
	assert_int_equal(config.backend, VIRTIO_NET_TAP);
	assert_string_equal(config.tap, "tap7");
	virtio_net_config_finish(&config);
	assert_int_equal(parse(&config, "none", &error), 0);
	assert_int_equal(config.backend, VIRTIO_NET_NONE);
}

static void test_bad_options(void **state)
{
	static const char *const bad[] = {
		"bridge",
		"user,mac=52:54:00:12:34",
		"user,mac=53:54:00:12:34:56",
		"user,mac=52:54:00:12:34:5g",
		"user,mac=52:54:00:12:34:56:78",
		"user,mac=5:5:0:1:3:5",
		"tap=",
		"tap=averyveryverylongname",
		"tap",
		"user,hostfwd=",
		"user,hostfwd=2222",
		"user,hostfwd=tcp:2222:22",
		"user,hostfwd=tcp::2222",
		"user,hostfwd=tcp::0-:22",
		"user,hostfwd=tcp::65536-:22",
		"user,hostfwd=tcp::-1-:22",
		"user,hostfwd=tcp::22-:22x",
		"user,hostfwd=icmp::22-:22",
		"user,hostfwd=tcp:host:22-:22",
		"user,hostfwd=tcp::+5-:22",
		"user,hostfwd=tcp::99999999999999999999-:22",
		"user,hostfwd=tcp:-:",
		"user,hostfw=x",
		"tap=tap0,hostfwd=tcp::2222-:22",
		"none,hostfwd=tcp::2222-:22",
		"user,hostfwd=tcp:255.255.255.255.255.255.255.255.255.255.255.255.255:1-:22",
	};
	struct virtio_net_config config;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct option_error error = { "" };

		if (parse(&config, bad[i], &error) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(strlen(error.text) > 10);
	}
}

static void test_too_many_forwards(void **state)
{
	struct virtio_net_config config;
	struct option_error error = { "" };
	char text[1024] = "user";

	for (int i = 0; i <= VIRTIO_NET_MAX_FORWARDS; i++)
		strcat(text, ",hostfwd=tcp::2222-:22");
	assert_int_equal(parse(&config, text, &error), -EINVAL);
	assert_non_null(strstr(error.text, "at most 16"));
}

static void test_missing_tap(void **state)
{
	struct virtio_net_config config;
	struct option_error error = { "" };
	struct loop *loop = loop_create("test");

	assert_int_equal(parse(&config, "tap=no-such-tap", &error), 0);
	assert_null(virtio_net_create(loop, &config, &error));
	assert_non_null(strstr(error.text, "no interface no-such-tap"));
	virtio_net_config_finish(&config);
	loop_destroy(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_space),
		TEST(test_transmit),
		TEST(test_broken_frames),
		TEST(test_receive),
		TEST(test_receive_without_buffers),
		TEST(test_small_receive_buffers),
		TEST(test_stopped),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_too_many_forwards),
		cmocka_unit_test(test_missing_tap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
