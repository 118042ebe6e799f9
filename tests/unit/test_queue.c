/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue and a driver that keeps the rules: order, wrap, interrupts, kicks, start and stop. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <base/loop.h>
#include <fake/device.h>
#include <fake/guest.h>

#define EVENT_IDX ((uint64_t)1 << VIRTIO_RING_F_EVENT_IDX)

struct fixture {
	struct loop *loop;
	struct fake_device *device;
	struct fake_guest *guest;
	struct fake_queue *driver;
};

static int fixture_init(void **state)
{
	static struct fixture fixture;

	fixture.loop = loop_create("test");
	fixture.device = fake_device_create(fixture.loop);
	fixture.guest = fake_guest_create(&fixture.device->base, FAKE_LOOP_DISPATCHED);
	fixture.driver = fake_guest_queue(fixture.guest, 0);
	*state = &fixture;
	return 0;
}

static int fixture_finish(void **state)
{
	struct fixture *fixture = *state;

	fake_guest_destroy(fixture->guest);
	loop_destroy(fixture->loop);
	return 0;
}

static struct virtqueue *start_idle(struct fixture *fixture, uint64_t features)
{
	fixture->device->kicked = fake_device_idle;
	assert_int_equal(fake_guest_start(fixture->guest, features), 0);
	fake_guest_run(fixture->guest);
	return fixture->device->queues[0];
}

static void echo_many(struct fixture *fixture, uint64_t features, unsigned int count)
{
	assert_int_equal(fake_guest_start(fixture->guest, features), 0);
	for (unsigned int i = 0; i < count; i++) {
		uint32_t answer = 0;

		assert_int_equal(fake_queue_request(fixture->driver, &i, sizeof(i), &answer,
						    sizeof(answer)), 4);
		assert_int_equal(answer, i);
	}
	assert_int_equal(fake_guest_needs_resets(fixture->guest), 0);
}

/* More than 65536: the indices wrap. */
static void test_echo_over_the_wrap(void **state)
{
	echo_many(*state, FAKE_ALL_FEATURES, 66000);
}

static void test_echo_without_ring_features(void **state)
{
	echo_many(*state, ~virtqueue_features(), 66000);
}

static void test_echo_in_the_smallest_queue(void **state)
{
	struct fixture *fixture = *state;
	uint64_t gpa;
	struct fake_used used;

	fake_guest_set_queue_size(fixture->guest, 0, 1);
	assert_int_equal(fake_guest_start(fixture->guest, FAKE_ALL_FEATURES), 0);
	for (int i = 0; i < 10; i++) {
		assert_true(fake_queue_add_writable(fixture->driver, 4, &gpa) >= 0);
		assert_int_equal(fake_queue_add_writable(fixture->driver, 4, &gpa), -ENOSPC);
		fake_queue_kick(fixture->driver);
		assert_true(fake_queue_wait_used(fixture->driver, &used));
		assert_int_equal(used.bytes, 0);
	}
}

static void test_pushed_in_any_order(void **state)
{
	struct fixture *fixture = *state;
	struct virtqueue *queue = start_idle(fixture, FAKE_ALL_FEATURES);
	struct chain *first, *second;
	struct fake_used used;
	int heads[2];

	heads[0] = fake_queue_add_writable(fixture->driver, 8, NULL);
	heads[1] = fake_queue_add_writable(fixture->driver, 8, NULL);
	first = virtqueue_pop(queue);
	second = virtqueue_pop(queue);
	assert_non_null(first);
	assert_non_null(second);
	assert_null(virtqueue_pop(queue));
	chain_write(second, "two", 3);
	virtqueue_push(queue, second);
	virtqueue_push(queue, first);
	assert_true(fake_queue_get_used(fixture->driver, &used));
	assert_int_equal(used.head, heads[1]);
	assert_int_equal(used.bytes, 3);
	assert_true(fake_queue_get_used(fixture->driver, &used));
	assert_int_equal(used.head, heads[0]);
	assert_int_equal(used.bytes, 0);
	assert_false(fake_queue_get_used(fixture->driver, &used));
}

static void test_unpop_returns_the_same_chain(void **state)
{
	struct fixture *fixture = *state;
	struct virtqueue *queue = start_idle(fixture, FAKE_ALL_FEATURES);
	struct chain *chain;
	struct fake_used used;
	int heads[2];

	heads[0] = fake_queue_add_writable(fixture->driver, 8, NULL);
	heads[1] = fake_queue_add_writable(fixture->driver, 16, NULL);
	assert_true(virtqueue_has_chain(queue));
	for (int i = 0; i < 3; i++) {
		struct chain *other;

		chain = virtqueue_pop(queue);
		assert_int_equal(chain_writable(chain), 8);
		other = virtqueue_pop(queue);
		assert_int_equal(chain_writable(other), 16);
		virtqueue_unpop(queue, other);
		virtqueue_unpop(queue, chain);
	}
	while ((chain = virtqueue_pop(queue)))
		virtqueue_push(queue, chain);
	assert_false(virtqueue_has_chain(queue));
	assert_true(fake_queue_get_used(fixture->driver, &used));
	assert_int_equal(used.head, heads[0]);
	assert_true(fake_queue_get_used(fixture->driver, &used));
	assert_int_equal(used.head, heads[1]);
}

static void interrupts(struct fixture *fixture, uint64_t features)
{
	struct virtqueue *queue = start_idle(fixture, features);
	struct fake_used used;

	for (int i = 0; i < 3; i++)
		fake_queue_add_writable(fixture->driver, 8, NULL);
	virtqueue_notify(queue);
	assert_int_equal(fake_queue_interrupts(fixture->driver), 0);
	virtqueue_push(queue, virtqueue_pop(queue));
	virtqueue_notify(queue);
	assert_int_equal(fake_queue_interrupts(fixture->driver), 1);
	virtqueue_notify(queue);
	assert_int_equal(fake_queue_interrupts(fixture->driver), 0);

	assert_true(fake_queue_get_used(fixture->driver, &used));
	fake_queue_want_interrupts(fixture->driver, false);
	virtqueue_push(queue, virtqueue_pop(queue));
	virtqueue_notify(queue);
	assert_int_equal(fake_queue_interrupts(fixture->driver), 0);

	assert_true(fake_queue_get_used(fixture->driver, &used));
	fake_queue_want_interrupts(fixture->driver, true);
	virtqueue_push(queue, virtqueue_pop(queue));
	virtqueue_notify(queue);
	assert_int_equal(fake_queue_interrupts(fixture->driver), 1);
}

static void test_interrupts_by_event_index(void **state)
{
	interrupts(*state, FAKE_ALL_FEATURES);
}

static void test_interrupts_by_flag(void **state)
{
	interrupts(*state, ~EVENT_IDX);
}

static void kicks(struct fixture *fixture, uint64_t features)
{
	struct virtqueue *queue = start_idle(fixture, features);
	struct chain *chain;

	fake_queue_add_writable(fixture->driver, 8, NULL);
	assert_true(fake_queue_kick(fixture->driver));
	chain = virtqueue_pop(queue);
	assert_non_null(chain);
	virtqueue_push(queue, chain);
	/* Not asked for again before a pop found nothing. */
	fake_queue_add_writable(fixture->driver, 8, NULL);
	assert_false(fake_queue_kick(fixture->driver));
	virtqueue_push(queue, virtqueue_pop(queue));
	assert_null(virtqueue_pop(queue));
	fake_queue_add_writable(fixture->driver, 8, NULL);
	assert_true(fake_queue_kick(fixture->driver));
}

static void test_kicks_by_event_index(void **state)
{
	kicks(*state, FAKE_ALL_FEATURES);
}

static void test_kicks_by_flag(void **state)
{
	kicks(*state, ~EVENT_IDX);
}

static void kicked_counts(struct virtqueue *queue, void *data)
{
	struct fake_device *device = data;

	device->config[0]++;
}

static void test_a_start_and_kick_self_run_the_handler(void **state)
{
	struct fixture *fixture = *state;
	struct fake_device *device = fixture->device;

	device->kicked = kicked_counts;
	assert_int_equal(fake_guest_start(fixture->guest, FAKE_ALL_FEATURES), 0);
	fake_guest_run(fixture->guest);
	assert_int_equal(device->config[0], FAKE_DEVICE_QUEUES);
	fake_guest_run(fixture->guest);
	assert_int_equal(device->config[0], FAKE_DEVICE_QUEUES);
	virtqueue_kick_self(device->queues[1]);
	fake_guest_run(fixture->guest);
	assert_int_equal(device->config[0], FAKE_DEVICE_QUEUES + 1);
	assert_int_equal(virtqueue_index(device->queues[1]), 1);
}

static void test_chains_held_at_a_stop_are_not_leaked(void **state)
{
	struct fixture *fixture = *state;
	struct virtqueue *queue = start_idle(fixture, FAKE_ALL_FEATURES);

	fake_queue_add_writable(fixture->driver, 8, NULL);
	fake_queue_add_writable(fixture->driver, 8, NULL);
	assert_non_null(virtqueue_pop(queue));
	fake_guest_stop(fixture->guest);
	assert_int_equal(fake_queue_used_count(fixture->driver), 0);
	assert_int_equal(fixture->device->resets, 1);
	fixture->device->kicked = fake_device_echo;
	echo_many(fixture, FAKE_ALL_FEATURES, 10);
}

static void test_transport_signals(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[4];

	virtio_device_signal_config(&fixture->device->base);
	assert_int_equal(fake_guest_config_changes(fixture->guest), 1);
	assert_int_equal(fake_guest_start(fixture->guest, 0), -EINVAL);
	assert_int_equal(fake_guest_start(fixture->guest, FAKE_ALL_FEATURES), 0);
	fake_guest_write_config(fixture->guest, 3, "abcd", 4);
	fake_guest_read_config(fixture->guest, 3, bytes, 4);
	assert_memory_equal(bytes, "abcd", 4);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_echo_over_the_wrap),
		test(test_echo_without_ring_features),
		test(test_echo_in_the_smallest_queue),
		test(test_pushed_in_any_order),
		test(test_unpop_returns_the_same_chain),
		test(test_interrupts_by_event_index),
		test(test_interrupts_by_flag),
		test(test_kicks_by_event_index),
		test(test_kicks_by_flag),
		test(test_a_start_and_kick_self_run_the_handler),
		test(test_chains_held_at_a_stop_are_not_leaked),
		test(test_transport_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
