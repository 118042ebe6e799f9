/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers that break the rules: the queue stops, asks for a reset once, and nothing else happens. */
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

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

struct fixture {
	struct loop *loop;
	struct fake_device *device;
	struct fake_guest *guest;
	struct fake_queue *driver;
	uint64_t page;              /* 4096 bytes of RAM */
};

static int fixture_init_with(void **state, uint64_t features)
{
	static struct fixture fixture;

	fixture.loop = loop_create("test");
	fixture.device = fake_device_create(fixture.loop);
	fixture.guest = fake_guest_create(&fixture.device->base, FAKE_LOOP_DISPATCHED);
	fixture.driver = fake_guest_queue(fixture.guest, 0);
	fixture.page = fake_memory_alloc(fake_guest_memory(fixture.guest), 4096, 4096);
	*state = &fixture;
	if (fake_guest_start(fixture.guest, features) < 0)
		return -1;
	fake_guest_run(fixture.guest);
	return 0;
}

static int fixture_init(void **state)
{
	return fixture_init_with(state, FAKE_ALL_FEATURES);
}

static int fixture_init_direct_only(void **state)
{
	return fixture_init_with(state, ~((uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC));
}

static int fixture_finish(void **state)
{
	struct fixture *fixture = *state;

	fake_guest_destroy(fixture->guest);
	loop_destroy(fixture->loop);
	return 0;
}

/* The queue is broken, the other one is not, and a reset brings it back. */
static void expect_broken(struct fixture *fixture)
{
	uint32_t out = 5, in = 0;

	fake_guest_run(fixture->guest);
	assert_true(virtqueue_is_broken(fixture->device->queues[0]));
	assert_int_equal(fake_guest_needs_resets(fixture->guest), 1);
	assert_int_equal(fake_queue_used_count(fixture->driver), 0);
	fake_queue_kick_always(fixture->driver);
	fake_guest_run(fixture->guest);
	assert_null(virtqueue_pop(fixture->device->queues[0]));
	assert_false(virtqueue_has_chain(fixture->device->queues[0]));
	virtqueue_kick_self(fixture->device->queues[0]);
	virtqueue_notify(fixture->device->queues[0]);
	virtqueue_break(fixture->device->queues[0]);
	assert_int_equal(fake_guest_needs_resets(fixture->guest), 1);

	assert_int_equal(fake_queue_request(fake_guest_queue(fixture->guest, 1), &out, 4, &in, 4),
			 4);
	assert_int_equal(in, 5);
	fake_guest_stop(fixture->guest);
	assert_int_equal(fake_guest_start(fixture->guest, FAKE_ALL_FEATURES), 0);
	assert_int_equal(fake_queue_request(fixture->driver, &out, 4, &in, 4), 4);
}

static void test_head_past_the_table(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_publish(fixture->driver, FAKE_DEVICE_QUEUE_SIZE);
	expect_broken(fixture);
}

static void test_available_index_past_the_ring(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_avail_index(fixture->driver, FAKE_DEVICE_QUEUE_SIZE + 1);
	expect_broken(fixture);
}

static void test_available_index_backwards(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_avail_index(fixture->driver, UINT16_MAX);
	expect_broken(fixture);
}

static void test_next_past_the_table(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, fixture->page, 4, NEXT, FAKE_DEVICE_QUEUE_SIZE);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_loops(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, fixture->page, 4, NEXT, 1);
	fake_queue_set_desc(fixture->driver, 1, fixture->page, 4, NEXT, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_loop_of_empty_buffers(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 3, 0, 0, NEXT, 3);
	fake_queue_publish(fixture->driver, 3);
	expect_broken(fixture);
}

static void test_buffer_in_the_hole(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, FAKE_MEMORY_HOLE, 1, 0, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_buffer_runs_into_the_hole(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, FAKE_MEMORY_HOLE - 4, 5, WRITE, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_buffer_wraps_the_address_space(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, UINT64_MAX - 7, UINT32_MAX, 0, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_readable_after_writable(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, fixture->page, 4, WRITE | NEXT, 1);
	fake_queue_set_desc(fixture->driver, 1, fixture->page, 4, 0, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_more_than_4_gib(void **state)
{
	struct fixture *fixture = *state;

	for (uint16_t i = 0; i < 16; i++)
		fake_queue_set_desc(fixture->driver, i, FAKE_MEMORY_BORDER, 256u << 20, NEXT,
				    (uint16_t)(i + 1));
	fake_queue_set_desc(fixture->driver, 16, fixture->page, 1, 0, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_head_used_twice(void **state)
{
	struct fixture *fixture = *state;
	struct virtqueue *queue = fixture->device->queues[0];
	struct chain *chain;

	fake_queue_set_desc(fixture->driver, 0, fixture->page, 4, 0, 0);
	fake_queue_publish(fixture->driver, 0);
	chain = virtqueue_pop(queue);
	assert_non_null(chain);
	fake_queue_publish(fixture->driver, 0);
	assert_null(virtqueue_pop(queue));
	virtqueue_push(queue, chain);
	expect_broken(fixture);
}

static void test_indirect_not_negotiated(void **state)
{
	struct fixture *fixture = *state;

	fake_queue_set_desc(fixture->driver, 0, fixture->page, 16, INDIRECT, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

/* A table of one descriptor in the page, described by descriptor 0. */
static void publish_table(struct fixture *fixture, uint64_t table, uint32_t bytes, uint16_t flags,
			  uint16_t inner_flags, uint16_t inner_next)
{
	fake_queue_set_indirect_desc(fixture->driver, fixture->page, 0, fixture->page + 64, 4,
				     inner_flags, inner_next);
	fake_queue_set_desc(fixture->driver, 0, table, bytes, flags | INDIRECT, 1);
	fake_queue_set_desc(fixture->driver, 1, fixture->page, 4, 0, 0);
	fake_queue_publish(fixture->driver, 0);
	expect_broken(fixture);
}

static void test_indirect_in_indirect(void **state)
{
	struct fixture *fixture = *state;

	publish_table(fixture, fixture->page, 16, 0, INDIRECT, 0);
}

static void test_chain_goes_on_after_a_table(void **state)
{
	struct fixture *fixture = *state;

	publish_table(fixture, fixture->page, 16, NEXT, 0, 0);
}

static void test_empty_table(void **state)
{
	struct fixture *fixture = *state;

	publish_table(fixture, fixture->page, 0, 0, 0, 0);
}

static void test_table_of_half_a_descriptor(void **state)
{
	struct fixture *fixture = *state;

	publish_table(fixture, fixture->page, 24, 0, 0, 0);
}

static void test_table_in_the_hole(void **state)
{
	publish_table(*state, FAKE_MEMORY_HOLE - 8, 16, 0, 0, 0);
}

static void test_table_wraps_the_address_space(void **state)
{
	publish_table(*state, UINT64_MAX - 15, 32, 0, 0, 0);
}

static void test_next_past_the_indirect_table(void **state)
{
	struct fixture *fixture = *state;

	publish_table(fixture, fixture->page, 16, 0, NEXT, 1);
}

static void test_loop_in_a_table(void **state)
{
	struct fixture *fixture = *state;

	publish_table(fixture, fixture->page, 16, 0, NEXT, 0);
}

static void start_refused(struct fixture *fixture, uint16_t size, uint64_t desc_gpa,
			  uint64_t driver_gpa, uint64_t device_gpa, int error)
{
	struct virtqueue_setup setup = {
		.size = size,
		.desc_gpa = desc_gpa,
		.driver_gpa = driver_gpa,
		.device_gpa = device_gpa,
		.features = virtqueue_features(),
		.mem = fake_memory_map(fake_guest_memory(fixture->guest)),
		.kick_fd = fixture->driver->kick_fd,
		.call_fd = -1,
	};

	errno = 0;
	assert_null(virtqueue_create(&fixture->device->base, 0, &setup, fake_device_idle, NULL));
	assert_int_equal(errno, error);
}

static void test_bad_setups(void **state)
{
	struct fixture *fixture = *state;
	uint64_t page = fixture->page, hole = FAKE_MEMORY_HOLE;

	start_refused(fixture, 0, page, page + 512, page + 1024, EINVAL);
	start_refused(fixture, 24, page, page + 512, page + 1024, EINVAL);
	start_refused(fixture, 2048, page, page + 512, page + 1024, EINVAL);
	start_refused(fixture, 16, page + 8, page + 512, page + 1024, EINVAL);
	start_refused(fixture, 16, page, page + 511, page + 1024, EINVAL);
	start_refused(fixture, 16, page, page + 512, page + 1026, EINVAL);
	start_refused(fixture, 16, hole - 240, page + 512, page + 1024, EFAULT);
	/* 4 + 2 * 16 fit, the event index does not. */
	start_refused(fixture, 16, page, hole - 36, page + 1024, EFAULT);
	start_refused(fixture, 16, page, page + 512, hole - 132, EFAULT);
	start_refused(fixture, 16, FAKE_MEMORY_BORDER - 16, page + 512, page + 1024, EFAULT);
	start_refused(fixture, 16, UINT64_MAX - 15, page + 512, page + 1024, EFAULT);
}

static void test_device_breaks_its_queue(void **state)
{
	struct fixture *fixture = *state;

	virtqueue_break(fixture->device->queues[0]);
	expect_broken(fixture);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_head_past_the_table),
		test(test_available_index_past_the_ring),
		test(test_available_index_backwards),
		test(test_next_past_the_table),
		test(test_loops),
		test(test_loop_of_empty_buffers),
		test(test_buffer_in_the_hole),
		test(test_buffer_runs_into_the_hole),
		test(test_buffer_wraps_the_address_space),
		test(test_readable_after_writable),
		test(test_more_than_4_gib),
		test(test_head_used_twice),
		cmocka_unit_test_setup_teardown(test_indirect_not_negotiated,
						fixture_init_direct_only, fixture_finish),
		test(test_indirect_in_indirect),
		test(test_chain_goes_on_after_a_table),
		test(test_empty_table),
		test(test_table_of_half_a_descriptor),
		test(test_table_in_the_hole),
		test(test_table_wraps_the_address_space),
		test(test_next_past_the_indirect_table),
		test(test_loop_in_a_table),
		test(test_bad_setups),
		test(test_device_breaks_its_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
