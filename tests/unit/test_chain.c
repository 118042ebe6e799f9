/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking through good chains: reads, writes, skips and vectors. The test pops by itself. */
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

struct fixture {
	struct loop *loop;
	struct fake_guest *guest;
	struct fake_memory *memory;
	struct fake_queue *driver;
	struct virtqueue *queue;
};

static int fixture_init(void **state)
{
	static struct fixture fixture;
	struct fake_device *device;

	fixture.loop = loop_create("test");
	device = fake_device_create(fixture.loop);
	device->kicked = fake_device_idle;
	fixture.guest = fake_guest_create(&device->base, FAKE_LOOP_DISPATCHED);
	fixture.memory = fake_guest_memory(fixture.guest);
	if (fake_guest_start(fixture.guest, FAKE_ALL_FEATURES) < 0)
		return -1;
	fixture.driver = fake_guest_queue(fixture.guest, 0);
	fixture.queue = device->queues[0];
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

/* "abcdef" + "ghij" readable, then 3 + 0 + 5 bytes writable at in_gpa. */
static struct chain *usual_chain(struct fixture *fixture, uint64_t *in_gpa, bool indirect)
{
	uint64_t out = fake_memory_copy_in(fixture->memory, "abcdefghij", 10);
	uint64_t in = fake_memory_alloc(fixture->memory, 8, 8);
	const struct fake_buffer buffers[] = {
		{ out, 6, false }, { out + 6, 4, false },
		{ in, 3, true }, { UINT64_MAX, 0, true }, { in + 3, 5, true },
	};
	struct chain *chain;

	*in_gpa = in;
	assert_true((indirect ? fake_queue_add_indirect : fake_queue_add)(fixture->driver, buffers,
									  5) >= 0);
	chain = virtqueue_pop(fixture->queue);
	assert_non_null(chain);
	return chain;
}

static void read_and_write(struct fixture *fixture, bool indirect)
{
	uint8_t bytes[16] = { 0 };
	uint64_t in_gpa;
	struct chain *chain = usual_chain(fixture, &in_gpa, indirect);
	struct fake_used used;

	assert_int_equal(chain_readable(chain), 10);
	assert_int_equal(chain_writable(chain), 8);
	assert_int_equal(chain_read(chain, bytes, 5), 5);
	assert_int_equal(chain_read(chain, bytes + 5, 11), 5);
	assert_memory_equal(bytes, "abcdefghij", 11);
	assert_int_equal(chain_read(chain, bytes, 1), 0);
	assert_int_equal(chain_readable(chain), 0);

	assert_int_equal(chain_write(chain, "12", 2), 2);
	assert_int_equal(chain_write(chain, "345", 3), 3);
	assert_int_equal(chain_written(chain), 5);
	assert_int_equal(chain_write(chain, "6789", 4), 3);
	assert_int_equal(chain_writable(chain), 0);
	assert_int_equal(chain_written(chain), 8);
	virtqueue_push(fixture->queue, chain);

	fake_memory_read(fixture->memory, in_gpa, bytes, 8);
	assert_memory_equal(bytes, "12345678", 8);
	assert_true(fake_queue_get_used(fixture->driver, &used));
	assert_int_equal(used.bytes, 8);
}

static void test_read_and_write(void **state)
{
	read_and_write(*state, false);
}

static void test_read_and_write_indirect(void **state)
{
	read_and_write(*state, true);
}

static void test_skip(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[16] = { 0 };
	uint64_t in_gpa;
	struct chain *chain = usual_chain(fixture, &in_gpa, false);

	assert_int_equal(chain_skip_readable(chain, 7), 7);
	assert_int_equal(chain_read(chain, bytes, 1), 1);
	assert_int_equal(bytes[0], 'h');
	assert_int_equal(chain_skip_readable(chain, 100), 2);
	assert_int_equal(chain_skip_writable(chain, 3), 3);
	assert_int_equal(chain_write(chain, "x", 1), 1);
	assert_int_equal(chain_written(chain), 4);
	assert_int_equal(chain_skip_writable(chain, 100), 4);
	fake_memory_read(fixture->memory, in_gpa, bytes, 8);
	assert_memory_equal(bytes, "\0\0\0x\0\0\0\0", 8);
	virtqueue_push(fixture->queue, chain);
}

static void test_vectors(void **state)
{
	struct fixture *fixture = *state;
	uint64_t in_gpa;
	struct chain *chain = usual_chain(fixture, &in_gpa, false);
	struct iovec iov[4];

	chain_skip_readable(chain, 2);
	assert_int_equal(chain_readable_iov(chain, 8, iov, 4), 2);
	assert_int_equal(iov[0].iov_len, 4);
	assert_memory_equal(iov[0].iov_base, "cdef", 4);
	assert_int_equal(iov[1].iov_len, 4);
	assert_int_equal(chain_readable_iov(chain, 3, iov, 1), 1);
	assert_int_equal(iov[0].iov_len, 3);
	assert_int_equal(chain_readable_iov(chain, 8, iov, 1), -E2BIG);
	assert_int_equal(chain_readable_iov(chain, 9, iov, 4), -EINVAL);
	assert_int_equal(chain_readable_iov(chain, 0, iov, 0), 0);
	assert_int_equal(chain_readable(chain), 8);

	assert_int_equal(chain_writable_iov(chain, 8, iov, 4), 2);
	assert_ptr_equal(iov[0].iov_base, fake_memory_host(fixture->memory, in_gpa, 3));
	assert_int_equal(iov[0].iov_len, 3);
	assert_int_equal(iov[1].iov_len, 5);
	chain_skip_writable(chain, 8);
	assert_int_equal(chain_writable_iov(chain, 1, iov, 4), -EINVAL);
	virtqueue_push(fixture->queue, chain);
}

static void test_a_buffer_over_a_border(void **state)
{
	struct fixture *fixture = *state;
	const struct fake_buffer buffer = { FAKE_MEMORY_BORDER - 3, 6, false };
	uint8_t bytes[6];
	struct iovec iov[2];
	struct chain *chain;

	fake_memory_write(fixture->memory, buffer.gpa, "border", 6);
	fake_queue_add(fixture->driver, &buffer, 1);
	chain = virtqueue_pop(fixture->queue);
	assert_non_null(chain);
	assert_int_equal(chain_readable_iov(chain, 6, iov, 2), 2);
	assert_int_equal(chain_read(chain, bytes, 6), 6);
	assert_memory_equal(bytes, "border", 6);
	virtqueue_push(fixture->queue, chain);
}

/* A direct descriptor first, then an indirect table: 2.7.5.3.2 wants it understood. */
static void test_direct_then_indirect(void **state)
{
	struct fixture *fixture = *state;
	struct fake_queue *driver = fixture->driver;
	uint64_t data = fake_memory_copy_in(fixture->memory, "xyz", 3);
	uint64_t table = fake_memory_alloc(fixture->memory, 32, 16);
	uint8_t bytes[4] = { 0 };
	struct chain *chain;

	fake_queue_set_desc(driver, 0, data, 1, VRING_DESC_F_NEXT, 9);
	fake_queue_set_desc(driver, 9, table, 32, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	fake_queue_set_indirect_desc(driver, table, 0, data + 1, 2, VRING_DESC_F_NEXT, 1);
	fake_queue_set_indirect_desc(driver, table, 1, data, 3, VRING_DESC_F_WRITE, 0);
	fake_queue_publish(driver, 0);
	chain = virtqueue_pop(fixture->queue);
	assert_non_null(chain);
	assert_int_equal(chain_read(chain, bytes, 4), 3);
	assert_memory_equal(bytes, "xyz", 3);
	assert_int_equal(chain_writable(chain), 3);
	virtqueue_push(fixture->queue, chain);
}

/* Linux does this with buffers from vmalloc. */
static void test_an_indirect_table_longer_than_the_queue(void **state)
{
	struct fixture *fixture = *state;
	struct fake_buffer buffers[VIRTQUEUE_MAX_SIZE];
	uint64_t gpa = fake_memory_alloc(fixture->memory, sizeof(buffers), 16);
	struct chain *chain;

	for (size_t i = 0; i < VIRTQUEUE_MAX_SIZE; i++)
		buffers[i] = (struct fake_buffer){ gpa + i, 1, false };
	assert_true(fake_queue_add_indirect(fixture->driver, buffers, VIRTQUEUE_MAX_SIZE) >= 0);
	chain = virtqueue_pop(fixture->queue);
	assert_non_null(chain);
	assert_int_equal(chain_readable(chain), VIRTQUEUE_MAX_SIZE);
	assert_int_equal(chain_skip_readable(chain, SIZE_MAX), VIRTQUEUE_MAX_SIZE);
	virtqueue_push(fixture->queue, chain);
}

static void test_exactly_4_gib(void **state)
{
	struct fixture *fixture = *state;
	struct fake_buffer buffers[16];
	struct chain *chain;
	struct fake_used used;

	for (size_t i = 0; i < 16; i++)
		buffers[i] = (struct fake_buffer){ FAKE_MEMORY_BORDER, 256u << 20, true };
	fake_queue_add(fixture->driver, buffers, 16);
	chain = virtqueue_pop(fixture->queue);
	assert_non_null(chain);
	assert_int_equal(chain_writable(chain), (uint64_t)1 << 32);
	chain_skip_writable(chain, SIZE_MAX);
	virtqueue_push(fixture->queue, chain);
	assert_true(fake_queue_get_used(fixture->driver, &used));
	assert_int_equal(used.bytes, UINT32_MAX);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_init, fixture_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_read_and_write),
		test(test_read_and_write_indirect),
		test(test_skip),
		test(test_vectors),
		test(test_a_buffer_over_a_border),
		test(test_direct_then_indirect),
		test(test_an_indirect_table_longer_than_the_queue),
		test(test_exactly_4_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
