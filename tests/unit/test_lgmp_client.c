/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client side of an LGMP region against our host side, against hosts that stop and restart, and
 * against regions that lie. Behind the region is a page that nobody may touch. Time is the test's.
 */
#include <errno.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_client.h>
#include <ivshmem/lgmp_host.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define REGION_BYTES 65536u
#define PAYLOAD 32768u
#define TIMEOUT_MS 2000
#define STEP_MS 10
#define POINTER 0
#define FRAME 1
#define FRAME_LENGTH 3

struct fixture {
	uint8_t *base;
	struct lgmp_host *host;
	struct lgmp_client *client;
	uint64_t now_ms;
};

static const struct lgmp_host_queue_config queues[] = {
	{ .id = KVMFR20_POINTER, .length = 8, .timeout_ms = TIMEOUT_MS },
	{ .id = KVMFR20_FRAME, .length = FRAME_LENGTH, .timeout_ms = TIMEOUT_MS },
};
static const struct kvmfr20_hello hello = {
	.magic = KVMFR20_MAGIC, .version = KVMFR20_VERSION, .host_name = "test",
};

static void make_host(struct fixture *fixture)
{
	const struct lgmp_host_config config = {
		.base = fixture->base, .bytes = REGION_BYTES, .queues = queues, .queue_count = 2,
		.udata = &hello, .udata_bytes = sizeof(hello),
	};

	fixture->host = lgmp_host_create(&config, fixture->now_ms);
	assert_non_null(fixture->host);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->now_ms = 1000;
	fixture->base = mmap(NULL, REGION_BYTES + 4096, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fixture->base != MAP_FAILED);
	assert_int_equal(mprotect(fixture->base + REGION_BYTES, 4096, PROT_NONE), 0);
	make_host(fixture);
	fixture->client = lgmp_client_create(fixture->base, REGION_BYTES);
	assert_non_null(fixture->client);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	lgmp_client_destroy(fixture->client);
	lgmp_host_destroy(fixture->host);
	munmap(fixture->base, REGION_BYTES + 4096);
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

static void beat(struct fixture *fixture, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i += STEP_MS) {
		fixture->now_ms += STEP_MS;
		lgmp_host_beat(fixture->host, fixture->now_ms);
	}
}

static void attach(struct fixture *fixture)
{
	assert_int_equal(lgmp_client_attach(fixture->client, fixture->now_ms), -EAGAIN);
	beat(fixture, 100);
	assert_int_equal(lgmp_client_attach(fixture->client, fixture->now_ms), 0);
}

static void subscribe(struct fixture *fixture)
{
	attach(fixture);
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), 0);
	beat(fixture, 10);
}

static void post(struct fixture *fixture, uint32_t user)
{
	assert_int_equal(lgmp_host_post(fixture->host, FRAME, user, PAYLOAD + user * 64, 64,
					fixture->now_ms), 0);
}

static int read_frame(struct fixture *fixture, struct lgmp_client_item *item)
{
	return lgmp_client_read(fixture->client, KVMFR20_FRAME, item);
}

static void test_too_small(void **state)
{
	struct fixture *fixture = *state;

	assert_null(lgmp_client_create(fixture->base, sizeof(struct lgmp_header) - 1));
	assert_int_equal(errno, EFBIG);
}

static void test_attach(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_client *client = fixture->client;

	/* A heart that does not beat is none, however long it is looked at. */
	assert_int_equal(lgmp_client_attach(client, 1000), -EAGAIN);
	assert_int_equal(lgmp_client_attach(client, 9000), -EAGAIN);
	assert_false(lgmp_client_alive(client, 9000));
	beat(fixture, 10);
	assert_int_equal(lgmp_client_attach(client, fixture->now_ms), 0);
	assert_true(lgmp_client_alive(client, fixture->now_ms));
	atomic_store(&header(fixture)->version, 7);
	assert_int_equal(lgmp_client_attach(client, fixture->now_ms), -EPROTONOSUPPORT);
	assert_int_equal(lgmp_client_version(client), 7);
	atomic_store(&header(fixture)->magic, 0x12345678);
	assert_int_equal(lgmp_client_attach(client, fixture->now_ms), -ENOMSG);
	assert_int_equal(lgmp_client_magic(client), 0x12345678);
}

static void test_udata(void **state)
{
	struct fixture *fixture = *state;
	static uint8_t all[REGION_BYTES];
	struct kvmfr20_hello seen;

	assert_int_equal(lgmp_client_udata(fixture->client, &seen, sizeof(seen)), sizeof(seen));
	assert_memory_equal(&seen, &hello, sizeof(seen));
	assert_int_equal(lgmp_client_udata(fixture->client, all, sizeof(all)), sizeof(hello));
	atomic_store(&header(fixture)->udata_bytes, UINT32_MAX);
	assert_int_equal(lgmp_client_udata(fixture->client, all, sizeof(all)),
			 REGION_BYTES - 5756);
}

static void test_messages(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_client_item item;

	assert_int_equal(read_frame(fixture, &item), -ENOTCONN);
	subscribe(fixture);
	assert_true(lgmp_host_take_joined(fixture->host, FRAME));
	assert_false(lgmp_host_take_joined(fixture->host, POINTER));
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), 0);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 1);
	assert_int_equal(read_frame(fixture, &item), 0);
	for (uint32_t i = 0; i < 20; i++) {
		post(fixture, i);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(read_frame(fixture, &item), 1);
			assert_int_equal(item.user, i);
			assert_int_equal(item.offset, PAYLOAD + i * 64);
			assert_int_equal(item.bytes, 64);
		}
		assert_true(lgmp_host_payload_busy(fixture->host, FRAME, item.offset));
		lgmp_client_done(fixture->client, KVMFR20_FRAME);
		assert_false(lgmp_host_payload_busy(fixture->host, FRAME, item.offset));
		/* The last one to finish takes the message out by itself. */
		assert_int_equal(atomic_load(&frame_queue(fixture)->count), 0);
		assert_int_equal(read_frame(fixture, &item), 0);
	}
	assert_int_equal(lgmp_host_behind(fixture->host, FRAME), 0);
}

static void test_two_clients_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_client *other = lgmp_client_create(fixture->base, REGION_BYTES);
	struct lgmp_client_item item;

	subscribe(fixture);
	assert_int_equal(lgmp_client_attach(other, fixture->now_ms), -EAGAIN);
	beat(fixture, 10);
	assert_int_equal(lgmp_client_attach(other, fixture->now_ms), 0);
	assert_int_equal(lgmp_client_subscribe(other, KVMFR20_FRAME), 0);
	beat(fixture, 10);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 3);
	assert_int_equal(lgmp_client_waiting(fixture->client, KVMFR20_FRAME), 0);
	post(fixture, 1);
	post(fixture, 2);
	assert_int_equal(lgmp_client_waiting(fixture->client, KVMFR20_FRAME), 2);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(read_frame(fixture, &item), 1);
		assert_int_equal(item.user, i);
		lgmp_client_done(fixture->client, KVMFR20_FRAME);
	}
	assert_int_equal(atomic_load(&frame_queue(fixture)->count), 2);
	assert_int_equal(lgmp_client_read(other, KVMFR20_FRAME, &item), 1);
	assert_int_equal(item.user, 1);
	lgmp_client_destroy(other);
	assert_int_equal(atomic_load(&frame_queue(fixture)->subscribers), UINT64_C(1) << 32);
}

static void test_queue_errors(void **state)
{
	struct fixture *fixture = *state;

	attach(fixture);
	assert_int_equal(lgmp_client_subscribe(fixture->client, 77), -ENOENT);
	atomic_store(&frame_queue(fixture)->lock, 1);
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), -EBUSY);
	atomic_store(&frame_queue(fixture)->lock, 0);
	atomic_store(&frame_queue(fixture)->subscribers, UINT64_C(0xffffffff00000000));
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), -ENOSPC);
	/* One was given up long ago: its place is free, and the new one is not bad. */
	atomic_store(&frame_queue(fixture)->subscribers, UINT64_C(0xffffffff00000020));
	atomic_store(&frame_queue(fixture)->bad_deadlines[5], 1);
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), 0);
	assert_int_equal(atomic_load(&frame_queue(fixture)->subscribers),
			 UINT64_C(0xffffffff00000000));
	atomic_store(&header(fixture)->queue_count, UINT32_MAX);
	assert_int_equal(lgmp_client_subscribe(fixture->client, 77), -ENOENT);
}

static void test_lying_rings(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_queue *queue = frame_queue(fixture);
	static const struct { uint32_t offset, length, position; } lies[] = {
		{ REGION_BYTES - 16, 2, 0 }, { REGION_BYTES, 2, 0 }, { UINT32_MAX - 15, 2, 0 },
		{ 16384, 0, 0 }, { 16384, 1, 0 }, { 16384, UINT32_MAX, 0 }, { 16386, 3, 0 },
		{ 0, 3, 0 }, { 16384, 3, 3 }, { 16384, 3, UINT32_MAX },
	};

	attach(fixture);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		atomic_store(&queue->messages_offset, lies[i].offset);
		atomic_store(&queue->length, lies[i].length);
		atomic_store(&queue->position, lies[i].position);
		assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), -EPROTO);
		assert_int_equal(atomic_load(&queue->lock), 0);
		assert_int_equal(atomic_load(&queue->subscribers), 0);
	}
	atomic_store(&queue->messages_offset, REGION_BYTES - 32);
	atomic_store(&queue->length, 2);
	atomic_store(&queue->position, 1);
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), 0);
}

static void test_lies_after_subscribing(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_queue *queue = frame_queue(fixture);
	struct lgmp_message *ring;
	struct lgmp_client_item item;

	subscribe(fixture);
	ring = (struct lgmp_message *)(fixture->base + atomic_load(&queue->messages_offset));
	post(fixture, 1);
	atomic_store(&ring[0].offset, REGION_BYTES + 1);
	assert_int_equal(read_frame(fixture, &item), -ERANGE);
	atomic_store(&ring[0].offset, REGION_BYTES - 63);
	assert_int_equal(read_frame(fixture, &item), -ERANGE);
	atomic_store(&ring[0].offset, REGION_BYTES - 64);
	assert_int_equal(read_frame(fixture, &item), 1);
	/* The ring does not move under us, whatever the queue says later. */
	atomic_store(&queue->messages_offset, UINT32_MAX);
	atomic_store(&queue->length, 0);
	assert_int_equal(read_frame(fixture, &item), 1);
	lgmp_client_done(fixture->client, KVMFR20_FRAME);
	atomic_store(&queue->position, FRAME_LENGTH);
	assert_int_equal(read_frame(fixture, &item), -EPROTO);
}

static void test_heart_stops(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	assert_true(lgmp_client_alive(fixture->client, fixture->now_ms));
	assert_true(lgmp_client_alive(fixture->client, fixture->now_ms + LGMP_CLIENT_LOST_MS));
	assert_false(lgmp_client_alive(fixture->client, fixture->now_ms + LGMP_CLIENT_LOST_MS + 1));
	/* It was us who were away: the stamp has moved on. */
	beat(fixture, 5000);
	assert_true(lgmp_client_alive(fixture->client, fixture->now_ms));
}

static void test_host_restarts(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_client_item item;

	for (uint32_t round = 0; round < 5; round++) {
		subscribe(fixture);
		post(fixture, round);
		assert_int_equal(read_frame(fixture, &item), 1);
		lgmp_host_restart(fixture->host, fixture->now_ms);
		for (int i = 0; lgmp_client_alive(fixture->client, fixture->now_ms); i++) {
			assert_true(i < 200);
			beat(fixture, 10);
		}
		assert_false(lgmp_host_running(fixture->host));
		/* The host waits for this before it begins anew. */
		lgmp_client_leave(fixture->client);
		assert_int_equal(read_frame(fixture, &item), -ENOTCONN);
		beat(fixture, 10);
		assert_true(lgmp_host_running(fixture->host));
	}
}

/* A host that does not wait for us: nothing of ours is touched in the new session. */
static void test_new_session_in_place(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	atomic_fetch_add(&header(fixture)->session, 1);
	assert_false(lgmp_client_alive(fixture->client, fixture->now_ms));
	lgmp_client_leave(fixture->client);
	assert_int_equal(atomic_load(&frame_queue(fixture)->subscribers), UINT64_C(1) << 32);
}

static void test_given_up(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_client_item item;

	subscribe(fixture);
	atomic_fetch_or(&frame_queue(fixture)->subscribers, 1);
	assert_int_equal(read_frame(fixture, &item), -ETIMEDOUT);
	lgmp_client_unsubscribe(fixture->client, KVMFR20_FRAME);
	assert_int_equal(atomic_load(&frame_queue(fixture)->subscribers), 0);
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), 0);
	beat(fixture, 10);
	post(fixture, 9);
	assert_int_equal(read_frame(fixture, &item), 1);
	assert_int_equal(item.user, 9);
	atomic_store(&frame_queue(fixture)->subscribers, 0);
	assert_int_equal(read_frame(fixture, &item), -ENOTCONN);
}

static void test_leaves_with_the_lock_held(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	post(fixture, 1);
	atomic_store(&frame_queue(fixture)->lock, 1);
	lgmp_client_done(fixture->client, KVMFR20_FRAME);
	assert_int_equal(atomic_load(&frame_queue(fixture)->count), 1);
	lgmp_client_leave(fixture->client);
	assert_int_equal(atomic_load(&frame_queue(fixture)->subscribers), 0);
	assert_int_equal(atomic_load(&frame_queue(fixture)->lock), 1);
}

static int send_word(struct fixture *fixture, uint32_t word)
{
	return lgmp_client_send(fixture->client, KVMFR20_FRAME, &word, sizeof(word));
}

static void test_send(void **state)
{
	struct fixture *fixture = *state;
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES + 1] = { 0 };
	struct lgmp_queue *queue = frame_queue(fixture);
	uint32_t serial, got;

	attach(fixture);
	assert_int_equal(send_word(fixture, 1), -ENOTCONN);
	assert_int_equal(lgmp_client_subscribe(fixture->client, KVMFR20_FRAME), 0);
	assert_int_equal(lgmp_client_send(fixture->client, KVMFR20_FRAME, data, 0), -EMSGSIZE);
	assert_int_equal(lgmp_client_send(fixture->client, KVMFR20_FRAME, data, sizeof(data)),
			 -EMSGSIZE);
	serial = atomic_load(&queue->client_write_serial);
	/* Around the ring, and as many as it takes at once. */
	for (uint32_t i = 0; i < 35; i += 7) {
		for (uint32_t j = 0; j < 7; j++)
			assert_int_equal(send_word(fixture, i + j), 0);
		for (uint32_t j = 0; j < 7; j++) {
			assert_int_equal(lgmp_host_receive(fixture->host, FRAME, data), 4);
			memcpy(&got, data, sizeof(got));
			assert_int_equal(got, i + j);
			lgmp_host_acknowledge(fixture->host, FRAME);
		}
		assert_int_equal(lgmp_host_receive(fixture->host, FRAME, data), 0);
	}
	assert_int_equal(atomic_load(&queue->client_read_serial), serial + 35);
	for (uint32_t i = 0; i < LGMP_CLIENT_MESSAGES; i++)
		assert_int_equal(send_word(fixture, i), 0);
	assert_int_equal(send_word(fixture, 99), -EAGAIN);
	assert_int_equal(atomic_load(&queue->client_lock), 0);
	assert_int_equal(lgmp_host_receive(fixture->host, FRAME, data), 4);
	memset(data, 7, sizeof(data));
	assert_int_equal(lgmp_client_send(fixture->client, KVMFR20_FRAME, data,
					  LGMP_CLIENT_MESSAGE_BYTES), 0);
	for (uint32_t i = 1; i < LGMP_CLIENT_MESSAGES; i++)
		assert_int_equal(lgmp_host_receive(fixture->host, FRAME, data), 4);
	assert_int_equal(lgmp_host_receive(fixture->host, FRAME, data),
			 LGMP_CLIENT_MESSAGE_BYTES);
	assert_int_equal(data[LGMP_CLIENT_MESSAGE_BYTES - 1], 7);
}

/* Another session's queue is not touched, a lock that is held is not waited for. */
static void test_send_to_liars(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_queue *queue = frame_queue(fixture), before;
	static const struct { uint32_t write, room; int result; } lies[] = {
		{ 0, 0, -EAGAIN }, { LGMP_CLIENT_MESSAGES, 5, -EPROTO }, { UINT32_MAX, 1, -EPROTO },
		{ 3, LGMP_CLIENT_MESSAGES + 1, -EPROTO }, { 3, UINT32_MAX, -EPROTO },
		{ UINT32_MAX, 0, -EAGAIN },
	};

	subscribe(fixture);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		atomic_store(&queue->client_write, lies[i].write);
		atomic_store(&queue->client_free, lies[i].room);
		memcpy(&before, queue, sizeof(before));
		assert_int_equal(send_word(fixture, 5), lies[i].result);
		assert_memory_equal(&before, queue, sizeof(before));
	}
	atomic_store(&queue->client_write, LGMP_CLIENT_MESSAGES - 1);
	atomic_store(&queue->client_free, 1);
	assert_int_equal(send_word(fixture, 5), 0);
	assert_int_equal(atomic_load(&queue->client_write), 0);
	atomic_store(&queue->client_free, 5);
	atomic_store(&queue->client_lock, 1);
	memcpy(&before, queue, sizeof(before));
	assert_int_equal(send_word(fixture, 5), -EAGAIN);
	assert_memory_equal(&before, queue, sizeof(before));
	atomic_store(&queue->client_lock, 0);
	atomic_fetch_add(&header(fixture)->session, 1);
	assert_int_equal(send_word(fixture, 5), -ENOTCONN);
	assert_int_equal(atomic_load(&queue->client_free), 5);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Whatever stands there: no crash, no touch outside, no endless wait, nothing outside handed out. */
static void test_noise(void **state)
{
	struct fixture *fixture = *state;
	uint32_t seed = 20260101, handed_out = 0;

	for (uint32_t round = 0; round < 400; round++) {
		struct lgmp_client_item item;

		if (round % 8 == 0) {
			lgmp_client_leave(fixture->client);
			memset(fixture->base, 0, REGION_BYTES);
			lgmp_host_destroy(fixture->host);
			make_host(fixture);
			attach(fixture);
		}
		for (uint32_t i = 0; i < round % 8 * 40; i++) {
			uint32_t at = next_random(&seed) % 8192 & ~3u, word = next_random(&seed);

			word = word & 1 ? word : word % 16;
			memcpy(fixture->base + at, &word, 4);
		}
		for (uint32_t id = 0; id < 4; id++) {
			lgmp_client_subscribe(fixture->client, id);
			for (int i = 0; i < 10; i++) {
				if (lgmp_client_read(fixture->client, id, &item) == 1) {
					assert_true(item.offset <= REGION_BYTES);
					assert_true(item.bytes <= REGION_BYTES - item.offset);
					handed_out++;
				}
				lgmp_client_done(fixture->client, id);
			}
			lgmp_client_send(fixture->client, id, &item, sizeof(item));
		}
		lgmp_client_alive(fixture->client, fixture->now_ms);
	}
	assert_true(handed_out > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_too_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attach, setup, teardown),
		cmocka_unit_test_setup_teardown(test_udata, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_clients_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_rings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies_after_subscribing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_heart_stops, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_session_in_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaves_with_the_lock_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_send_to_liars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
