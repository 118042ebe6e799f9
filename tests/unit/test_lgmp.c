/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host side of an LGMP region against clients that behave, stop, die, lie and scribble. Time is
 * the test's own, so that minutes pass in no time.
 */
#include <fake/lg_client.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_host.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define REGION_BYTES (UINT32_C(1) << 20)
#define TIMEOUT_MS 10000
#define STEP_MS 10
#define POINTER 0
#define FRAME 1
#define FRAME_LENGTH 3
#define WIDTH 64u
#define HEIGHT 4u
#define SLOTS 4

struct fixture {
	int fd;
	uint8_t *base;
	struct lgmp_host *host;
	uint64_t now_ms;
	uint32_t serial;
};

static const struct lgmp_host_queue_config queues[] = {
	{ .id = KVMFR20_POINTER, .length = 8, .timeout_ms = TIMEOUT_MS },
	{ .id = KVMFR20_FRAME, .length = FRAME_LENGTH, .timeout_ms = TIMEOUT_MS },
};
static const struct kvmfr20_hello hello = {
	.magic = KVMFR20_MAGIC, .version = KVMFR20_VERSION, .host_name = "test",
};

static struct lgmp_host *make_host(struct fixture *fixture, uint64_t bytes)
{
	const struct lgmp_host_config config = {
		.base = fixture->base, .bytes = bytes, .queues = queues, .queue_count = 2,
		.udata = &hello, .udata_bytes = sizeof(hello),
	};

	return lgmp_host_create(&config, fixture->now_ms);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->now_ms = 1000;
	fixture->fd = memfd_create("lgmp", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fixture->fd, REGION_BYTES), 0);
	fixture->base = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->fd,
			     0);
	assert_true(fixture->base != MAP_FAILED);
	fixture->host = make_host(fixture, REGION_BYTES);
	assert_non_null(fixture->host);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	lgmp_host_destroy(fixture->host);
	munmap(fixture->base, REGION_BYTES);
	close(fixture->fd);
	free(fixture);
	return 0;
}

static struct lgmp_header *header(struct fixture *fixture)
{
	return (struct lgmp_header *)fixture->base;
}

static struct lgmp_queue *frame_queue(struct fixture *fixture)
{
	return &header(fixture)->queues[FRAME];
}

static struct lgmp_queue *pointer_queue(struct fixture *fixture)
{
	return &header(fixture)->queues[POINTER];
}

/* A small good picture. */
static int post(struct fixture *fixture)
{
	uint32_t offset = 65536 + fixture->serial % SLOTS * 8192;
	struct kvmfr20_frame frame = {
		.format_version = 1, .serial = ++fixture->serial, .type = KVMFR20_BGRA,
		.screen_width = WIDTH, .screen_height = HEIGHT,
		.data_width = WIDTH, .data_height = HEIGHT,
		.frame_width = WIDTH, .frame_height = HEIGHT,
		.stride = WIDTH, .pitch = WIDTH * 4, .offset = 4092,
	};
	uint32_t total = HEIGHT * WIDTH * 4;

	memcpy(fixture->base + offset, &frame, sizeof(frame));
	memcpy(fixture->base + offset + 4092, &total, 4);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		memcpy(fixture->base + offset + 4096 + i * 4, &fixture->serial, 4);
	return lgmp_host_post(fixture->host, FRAME, 0, offset, 8192, fixture->now_ms);
}

/* Host and clients for so long; a frame each step if wanted. */
static void run(struct fixture *fixture, struct lg_client **clients, uint32_t count, uint32_t ms,
		bool frames)
{
	for (uint32_t i = 0; i < ms; i += STEP_MS) {
		fixture->now_ms += STEP_MS;
		lgmp_host_beat(fixture->host, fixture->now_ms);
		if (frames)
			post(fixture);
		for (uint32_t j = 0; j < count; j++)
			lg_client_step(clients[j], fixture->now_ms);
	}
}

static void make_clients(struct fixture *fixture, struct lg_client **clients, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		clients[i] = lg_client_create(fixture->fd);
		assert_non_null(clients[i]);
	}
	run(fixture, clients, count, 500, false);
	for (uint32_t i = 0; i < count; i++)
		assert_true(lg_client_state(clients[i])->attached);
}

static void destroy_clients(struct lg_client **clients, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		lg_client_destroy(clients[i]);
}

static void check_alive(struct fixture *fixture, struct lg_client **clients, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct lg_client_state *state = lg_client_state(clients[i]);

		if (state->end)
			fail_msg("client %u: %s", i, state->fault);
		assert_true(state->attached);
		assert_int_equal(state->pixels[0], fixture->serial);
	}
}

static void test_layout(void **state)
{
	struct fixture *fixture = *state;
	const uint8_t *base = fixture->base;
	uint32_t word;

	assert_memory_equal(base, "LGMP", 4);
	memcpy(&word, base + 4, 4);
	assert_int_equal(word, 6);
	memcpy(&word, base + 24, 4);
	assert_int_equal(word, 2);
	memcpy(&word, base + 32, 4);
	assert_int_equal(word, 1);
	memcpy(&word, base + 32 + 1144 + 4, 4);
	assert_int_equal(word, FRAME_LENGTH);
	memcpy(&word, base + 32 + 448, 4);
	assert_int_equal(word, 10);
	memcpy(&word, base + 5752, 4);
	assert_int_equal(word, 48);
	assert_memory_equal(base + 5756, "KVMFR---\x14\0\0\0test", 16);
}

static void test_create_errors(void **state)
{
	struct fixture *fixture = *state;

	assert_null(make_host(fixture, sizeof(struct lgmp_header)));
	assert_int_equal(errno, EFBIG);
	assert_null(make_host(fixture, UINT64_C(1) << 31));
	assert_int_equal(errno, EINVAL);
}

static void test_nobody(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(post(fixture), -ENOTCONN);
	assert_int_equal(atomic_load(&frame_queue(fixture)->position), 0);
	assert_int_equal(lgmp_host_post(fixture->host, FRAME, 0, REGION_BYTES - 4, 8, 1000),
			 -EINVAL);
	assert_int_equal(lgmp_host_post(fixture->host, FRAME, 0, UINT32_MAX, 8, 1000), -EINVAL);
}

static void test_delivery(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;

	make_clients(fixture, &client, 1);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 1);
	assert_true(lgmp_host_take_joined(fixture->host, FRAME));
	assert_false(lgmp_host_take_joined(fixture->host, FRAME));
	assert_false(lgmp_host_take_arrived(fixture->host, FRAME));
	for (uint32_t i = 0; i < 100; i++) {
		run(fixture, &client, 1, STEP_MS, true);
		assert_int_equal(lg_client_state(client)->frames, i + 1);
	}
	assert_true(lgmp_host_take_arrived(fixture->host, FRAME));
	assert_false(lgmp_host_take_arrived(fixture->host, FRAME));
	check_alive(fixture, &client, 1);
	lg_client_leave(client);
	run(fixture, NULL, 0, STEP_MS, false);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 0);
	assert_int_equal(post(fixture), -ENOTCONN);
	destroy_clients(&client, 1);
}

static void test_eight_clients(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *clients[8];

	make_clients(fixture, clients, 8);
	run(fixture, clients, 8, 2000, true);
	check_alive(fixture, clients, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(lg_client_state(clients[i])->frames, 200);
	destroy_clients(clients, 8);
}

/* One stops; the others lose nothing; it lives on. */
static void test_stopped_client(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *clients[2];

	make_clients(fixture, clients, 2);
	run(fixture, clients, 2, 100, true);
	assert_false(lgmp_host_take_returned(fixture->host, FRAME));
	run(fixture, clients + 1, 1, 3000, true);
	assert_int_equal(lg_client_state(clients[1])->frames, 310);
	assert_int_equal(lgmp_host_behind(fixture->host, FRAME), 1);
	run(fixture, clients, 2, 100, true);
	check_alive(fixture, clients, 2);
	assert_int_equal(lgmp_host_behind(fixture->host, FRAME), 0);
	assert_true(lgmp_host_take_returned(fixture->host, FRAME));
	assert_false(lgmp_host_take_returned(fixture->host, FRAME));
	destroy_clients(clients, 2);
}

/* Lapped by exactly one ring it sees nothing to read; whoever posts once more is seen by it, and what
 * it left behind is not waited for. */
static void test_lapped_client(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;

	make_clients(fixture, &client, 1);
	for (uint32_t i = 0; i < FRAME_LENGTH; i++)
		post(fixture);
	run(fixture, &client, 1, STEP_MS, false);
	assert_int_equal(lg_client_state(client)->frames, 0);
	assert_int_equal(lgmp_host_behind(fixture->host, FRAME), 1);
	post(fixture);
	run(fixture, &client, 1, STEP_MS, false);
	assert_int_equal(lg_client_state(client)->frames, 1);
	run(fixture, &client, 1, STEP_MS, false);
	assert_int_equal(lgmp_host_behind(fixture->host, FRAME), 0);
	assert_int_equal(atomic_load(&frame_queue(fixture)->count), 0);
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

/* One that needs as long for a frame as the host for a whole ring is slow, not dead. */
static void test_slow_client(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;

	make_clients(fixture, &client, 1);
	lg_client_linger(client, true);
	for (uint32_t i = 0; i < 2 * LGMP_HOST_DEAD_MS / STEP_MS / (FRAME_LENGTH + 1); i++) {
		run(fixture, NULL, 0, FRAME_LENGTH * STEP_MS, true);
		run(fixture, &client, 1, STEP_MS, true);
	}
	assert_int_equal(lgmp_host_faults(fixture->host)->dead_clients, 0);
	lg_client_linger(client, false);
	run(fixture, &client, 1, 3 * STEP_MS, true);
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

/* Stopped with one message unread: its deadline comes before the ring is full. */
static void test_stopped_with_a_still_picture(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;

	make_clients(fixture, &client, 1);
	post(fixture);
	run(fixture, NULL, 0, 60000, false);
	assert_int_equal(atomic_load(&frame_queue(fixture)->count), 0);
	assert_int_equal(lgmp_host_faults(fixture->host)->dead_clients, 0);
	run(fixture, &client, 1, 3000, true);
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

static void test_dead_client(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *clients[2];

	make_clients(fixture, clients, 2);
	lg_client_destroy(clients[0]);
	run(fixture, clients + 1, 1, LGMP_HOST_DEAD_MS - 2000, true);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 3);
	run(fixture, clients + 1, 1, 4000, true);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 2);
	assert_int_equal(lgmp_host_faults(fixture->host)->dead_clients, 1);
	/* Its number is given out again once its deadline is over. */
	run(fixture, clients + 1, 1, TIMEOUT_MS + 100, true);
	clients[0] = lg_client_create(fixture->fd);
	run(fixture, clients, 2, 500, true);
	check_alive(fixture, clients, 2);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 3);
	destroy_clients(clients, 2);
}

static uint64_t real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void test_lock_left_held(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;
	uint64_t start_ms;

	make_clients(fixture, &client, 1);
	for (int i = 0; i < 20; i++) {
		atomic_store(&frame_queue(fixture)->lock, 1);
		start_ms = real_ms();
		assert_int_equal(post(fixture), 0);
		/* 20 ms by rule; the machine may be busy. */
		assert_true(real_ms() - start_ms < 2000);
		fixture->now_ms += STEP_MS;
		lg_client_step(client, fixture->now_ms);
	}
	assert_int_equal(lgmp_host_faults(fixture->host)->locks_broken, 20);
	run(fixture, &client, 1, 100, true);
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

/* Nobody subscribes, so we have no business with it: one that died of subscribing left it. */
static void test_lock_left_held_by_the_first(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;

	atomic_store(&frame_queue(fixture)->lock, 1);
	atomic_store(&pointer_queue(fixture)->lock, 1);
	make_clients(fixture, &client, 1);
	run(fixture, &client, 1, 100, true);
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

/* Nothing waits for us, so we have no business with that lock either; clients want to send. */
static void test_message_lock_left_held(void **state)
{
	const struct kvmfr20_set_cursor message = { KVMFR20_SET_CURSOR, 1, 2 };
	struct fixture *fixture = *state;
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];
	struct lg_client *client;
	uint32_t serial;

	make_clients(fixture, &client, 1);
	for (uint32_t i = 1; i <= 5; i++) {
		atomic_store(&pointer_queue(fixture)->client_lock, 1);
		run(fixture, &client, 1, 100, true);
		assert_int_equal(atomic_load(&pointer_queue(fixture)->client_lock), 1);
		run(fixture, &client, 1, 200, true);
		assert_int_equal(atomic_load(&pointer_queue(fixture)->client_lock), 0);
		assert_int_equal(lgmp_host_faults(fixture->host)->locks_broken, i);
		assert_true(lg_client_send(client, &message, sizeof(message), &serial));
		assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), sizeof(message));
		lgmp_host_acknowledge(fixture->host, POINTER);
		assert_true(lg_client_acknowledged(client, serial));
	}
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

/* Clients can write start, count and pending as they like. */
static void test_indices_lie(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_queue *shared = frame_queue(fixture);
	struct lgmp_message *ring;
	struct lg_client *client;

	make_clients(fixture, &client, 1);
	ring = (struct lgmp_message *)(fixture->base + atomic_load(&shared->messages_offset));
	for (uint32_t i = 0; i < 200; i++) {
		atomic_store(&shared->start, i * 0x01234567u);
		atomic_store(&shared->count, ~i);
		for (uint32_t j = 0; j < FRAME_LENGTH; j++)
			atomic_fetch_or(&ring[j].pending, 0xfffffffeu << i % 32);
		run(fixture, &client, 1, STEP_MS, true);
	}
	assert_int_equal(lg_client_state(client)->frames, 200);
	run(fixture, &client, 1, 2 * STEP_MS, false);
	assert_int_equal(atomic_load(&shared->count), 0);
	assert_int_equal(atomic_load(&shared->start), atomic_load(&shared->position));
	check_alive(fixture, &client, 1);
	assert_int_equal(lgmp_host_faults(fixture->host)->corrupted, 0);
	destroy_clients(&client, 1);
}

static void test_client_messages(void **state)
{
	struct fixture *fixture = *state;
	struct kvmfr20_set_cursor message = { .type = KVMFR20_SET_CURSOR, .x = 7, .y = -8 };
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];
	struct lg_client *client;
	uint32_t serial;

	make_clients(fixture, &client, 1);
	assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), 0);
	for (int i = 0; i < 35; i++) {
		message.x = i;
		assert_true(lg_client_send(client, &message, sizeof(message), &serial));
		run(fixture, NULL, 0, STEP_MS, false);
		assert_false(lg_client_acknowledged(client, serial));
		assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), sizeof(message));
		assert_memory_equal(data, &message, sizeof(message));
		lgmp_host_acknowledge(fixture->host, POINTER);
		assert_true(lg_client_acknowledged(client, serial));
	}
	for (int i = 0; i < 10; i++)
		assert_true(lg_client_send(client, &message, sizeof(message), &serial));
	assert_false(lg_client_send(client, &message, sizeof(message), &serial));
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), sizeof(message));
		lgmp_host_acknowledge(fixture->host, POINTER);
	}
	assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), 0);
	assert_true(lg_client_acknowledged(client, serial + 0));
	destroy_clients(&client, 1);
}

static void test_bad_client_messages(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_queue *shared = &header(fixture)->queues[POINTER];
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES] = { 0 };
	struct lg_client *client;
	uint32_t serial = 0;

	make_clients(fixture, &client, 1);
	for (uint32_t i = 0; i < 40; i++) {
		assert_true(lg_client_send(client, data, 65 + i * 0x03ffffffu, &serial));
		assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), 64);
		lgmp_host_acknowledge(fixture->host, POINTER);
		assert_true(lg_client_acknowledged(client, serial));
	}
	assert_int_equal(lgmp_host_faults(fixture->host)->bad_messages, 40);
	/* Free slots, write index and serials from nowhere. */
	for (uint32_t i = 0; i < 40; i++) {
		atomic_store(&shared->client_free, i * 0x06543211u + 11);
		atomic_store(&shared->client_write, i * 0x05555555u);
		atomic_store(&shared->client_write_serial, i * 0x0abcdef1u);
		for (int j = 0; j < 20; j++)
			if (lgmp_host_receive(fixture->host, POINTER, data))
				lgmp_host_acknowledge(fixture->host, POINTER);
		run(fixture, NULL, 0, STEP_MS, false);
		assert_int_equal(atomic_load(&shared->client_free), 10);
	}
	/* And yet it works. */
	memset(data, 0x5a, sizeof(data));
	assert_true(lg_client_send(client, data, 12, &serial));
	memset(data, 0, sizeof(data));
	assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), 12);
	assert_int_equal(data[11], 0x5a);
	lgmp_host_acknowledge(fixture->host, POINTER);
	assert_true(lg_client_acknowledged(client, serial));
	destroy_clients(&client, 1);
}

/* All 32 numbers are taken by nobody, over and over. */
static void test_subscriber_flood(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_queue *shared = frame_queue(fixture);
	struct lg_client *client;

	make_clients(fixture, &client, 1);
	for (int i = 0; i < 100; i++) {
		atomic_fetch_or(&shared->subscribers, UINT64_C(0xffffffff) << 32);
		atomic_fetch_add(&shared->new_subscribers, 1000);
		run(fixture, &client, 1, STEP_MS, true);
	}
	assert_int_equal(lg_client_state(client)->frames, 100);
	check_alive(fixture, &client, 1);
	run(fixture, &client, 1, LGMP_HOST_DEAD_MS + TIMEOUT_MS, true);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 1);
	assert_int_equal(lgmp_host_faults(fixture->host)->dead_clients, 31);
	check_alive(fixture, &client, 1);
	destroy_clients(&client, 1);
}

static void test_restart_in_place(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *clients[3];
	uint32_t session = 0;

	make_clients(fixture, clients, 3);
	for (uint32_t round = 0; round < 200; round++) {
		assert_int_not_equal(atomic_load(&header(fixture)->session), session);
		session = atomic_load(&header(fixture)->session);
		run(fixture, clients, 3, 100 + round % 7 * STEP_MS, true);
		check_alive(fixture, clients, 3);
		if (round % 2) {
			lgmp_host_restart(fixture->host, fixture->now_ms);
		} else {        /* the next process finds the region as it is */
			lgmp_host_destroy(fixture->host);
			fixture->host = make_host(fixture, REGION_BYTES);
		}
		assert_false(lgmp_host_running(fixture->host));
		run(fixture, clients, 3, 4000, true);
		assert_true(lgmp_host_running(fixture->host));
		check_alive(fixture, clients, 3);
		assert_int_equal(lg_client_state(clients[0])->sessions, round + 2);
	}
	destroy_clients(clients, 3);
}

static void test_restart_with_a_dead_client(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *clients[2];

	make_clients(fixture, clients, 2);
	lg_client_destroy(clients[0]);
	lgmp_host_restart(fixture->host, fixture->now_ms);
	run(fixture, clients + 1, 1, LGMP_HOST_DRAIN_MS - 2 * STEP_MS, true);
	assert_false(lgmp_host_running(fixture->host));
	run(fixture, clients + 1, 1, 2000, true);
	check_alive(fixture, clients + 1, 1);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 1);
	lg_client_destroy(clients[1]);
}

static uint32_t random_word(uint32_t *seed)
{
	return *seed = *seed * 1664525u + 1013904223u;
}

/* Zeroed, or filled with noise, while it runs: a new session; clients that come later are fine. */
static void test_region_overwritten(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *client;
	uint32_t seed = 1;

	for (uint32_t round = 0; round < 30; round++) {
		client = lg_client_create(fixture->fd);
		run(fixture, &client, 1, 1500, true);
		check_alive(fixture, &client, 1);
		lg_client_destroy(client);
		for (uint32_t i = 0; i < 65536; i += 4)
			*(uint32_t *)(fixture->base + i) =
				round ? random_word(&seed) >> round % 8 : 0;
		run(fixture, NULL, 0, LGMP_HOST_DRAIN_MS + 100, true);
		assert_true(lgmp_host_running(fixture->host));
		assert_int_equal(lgmp_host_faults(fixture->host)->corrupted, round + 1);
	}
}

/* Zeroed under clients, as a guest's start may do: one is quick to come back, the other is late to
 * notice and takes its subscription away, whose number the quick one must not have by then. */
static void test_zeroed_under_clients(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *clients[2];

	make_clients(fixture, clients, 2);
	for (uint32_t round = 0; round < 8; round++) {
		run(fixture, clients, 2, 500, true);
		check_alive(fixture, clients, 2);
		memset(fixture->base, 0, 16384);
		run(fixture, clients + round % 2, 1, 100 * round, true);
		run(fixture, clients, 2, 3000, true);
		check_alive(fixture, clients, 2);
		assert_int_equal(lg_client_state(clients[0])->sessions, round + 2);
		assert_int_equal(lg_client_state(clients[1])->sessions, round + 2);
	}
	destroy_clients(clients, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delivery, setup, teardown),
		cmocka_unit_test_setup_teardown(test_eight_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lapped_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_with_a_still_picture, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_left_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_left_held_by_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message_lock_left_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_indices_lie, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_client_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subscriber_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_in_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_with_a_dead_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_region_overwritten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zeroed_under_clients, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
