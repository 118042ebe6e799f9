/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Driver and device on threads of their own: no lost kick, no lost interrupt, no torn bytes. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <base/clock.h>
#include <base/loop.h>
#include <cmocka.h>
#include <fake/device.h>
#include <fake/guest.h>

#define ROUNDS 3000
#define BATCH 8
#define PING_PONGS 4000
#define PING_PONG_TIMEOUT_NS UINT64_C(5000000000)

/* Keeps up to BATCH chains in flight; each answer must be the number that was sent. */
static void stream(struct fake_guest *guest)
{
	struct fake_queue *queue = fake_guest_queue(guest, 0);
	struct fake_memory *memory = fake_guest_memory(guest);
	uint64_t gpas[FAKE_DEVICE_QUEUE_SIZE];
	uint32_t sent = 0, received = 0;

	for (size_t i = 0; i < FAKE_DEVICE_QUEUE_SIZE; i++)
		gpas[i] = fake_memory_alloc(memory, 16, 16);
	while (received < ROUNDS) {
		struct fake_used used;
		uint32_t answer;

		while (sent < ROUNDS && sent - received < BATCH) {
			uint64_t gpa = gpas[sent % FAKE_DEVICE_QUEUE_SIZE];
			const struct fake_buffer buffers[] = {
				{ gpa, 4, false }, { gpa + 8, 4, true },
			};

			fake_memory_write(memory, gpa, &sent, 4);
			assert_true(fake_queue_add(queue, buffers, 2) >= 0);
			sent++;
			if (sent % 3 == 0)
				fake_queue_kick(queue);
		}
		fake_queue_kick(queue);
		assert_true(fake_queue_wait_used(queue, &used));
		assert_int_equal(used.bytes, 4);
		fake_memory_read(memory, gpas[received % FAKE_DEVICE_QUEUE_SIZE] + 8, &answer, 4);
		assert_int_equal(answer, received);
		received++;
	}
}

/* Echoes, but dawdles for another while each time before it looks for the next chain. */
static void echo_dawdling(struct virtqueue *queue, void *data)
{
	static unsigned int pauses;
	struct chain *chain;

	while ((chain = virtqueue_pop(queue))) {
		uint8_t bytes[4];

		chain_write(chain, bytes, chain_read(chain, bytes, sizeof(bytes)));
		virtqueue_push(queue, chain);
		for (volatile unsigned int i = pauses++ % 1024; i; i--)
			;
	}
	virtqueue_notify(queue);
}

/*
 * One chain at a time, offered again the moment it is used: sooner or later just while the device
 * finds the ring empty and asks for kicks again. A lost kick shows as a wait that nobody ends.
 */
static void ping_pong(struct fake_guest *guest)
{
	struct fake_queue *queue = fake_guest_queue(guest, 0);
	const struct fake_buffer buffer = {
		fake_memory_alloc(fake_guest_memory(guest), 4, 4), 4, true,
	};

	for (int i = 0; i < PING_PONGS; i++) {
		uint64_t end_ns = clock_now_ns() + PING_PONG_TIMEOUT_NS;
		struct fake_used used;

		assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
		fake_queue_kick(queue);
		for (int spins = 1; !fake_queue_get_used(queue, &used); spins++) {
			if (spins % 1000)
				continue;
			assert_true(clock_now_ns() < end_ns);
			sched_yield();
		}
	}
}

/* The races are met by two processors only; where there is one the test still runs. */
static void pin_to(void *data)
{
	const int *processor = data;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(*processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void run(uint64_t features)
{
	int processors[] = { 0, 1 };
	struct loop *loop = loop_create("device");
	struct fake_device *device = fake_device_create(loop);
	struct fake_guest *guest = fake_guest_create(&device->base, FAKE_LOOP_THREADED);

	device->kicked = echo_dawdling;
	assert_int_equal(loop_start(loop), 0);
	pin_to(&processors[0]);
	fake_guest_call(guest, pin_to, &processors[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fake_guest_start(guest, features), 0);
		stream(guest);
		ping_pong(guest);
		fake_guest_stop(guest);
	}
	assert_int_equal(fake_guest_needs_resets(guest), 0);
	fake_guest_destroy(guest);
	loop_stop(loop);
	loop_destroy(loop);
}

static void test_stream_by_event_index(void **state)
{
	run(FAKE_ALL_FEATURES);
}

static void test_stream_by_flags(void **state)
{
	run(~virtqueue_features());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_by_event_index),
		cmocka_unit_test(test_stream_by_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
