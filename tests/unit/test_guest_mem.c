/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <virtio/guest_mem.h>

static uint8_t low[64], next[64], high[64];

/* [0x100, 0x140) and [0x140, 0x180) touch; a hole; [0x200, 0x240). Given out of order. */
static struct guest_mem *three_regions(void)
{
	const struct guest_mem_region regions[] = {
		{ .gpa = 0x200, .bytes = sizeof(high), .host = high, .fd = -1 },
		{ .gpa = 0x100, .bytes = sizeof(low), .host = low, .fd = -1 },
		{ .gpa = 0x140, .bytes = sizeof(next), .host = next, .fd = -1 },
	};
	struct guest_mem *mem = guest_mem_create(regions, 3);

	assert_non_null(mem);
	memset(low, 1, sizeof(low));
	memset(next, 2, sizeof(next));
	memset(high, 3, sizeof(high));
	return mem;
}

static void refuses(uint64_t gpa_a, uint64_t bytes_a, uint64_t gpa_b, uint64_t bytes_b)
{
	const struct guest_mem_region regions[] = {
		{ .gpa = gpa_a, .bytes = bytes_a, .host = low, .fd = -1 },
		{ .gpa = gpa_b, .bytes = bytes_b, .host = next, .fd = -1 },
	};

	errno = 0;
	assert_null(guest_mem_create(regions, 2));
	assert_int_equal(errno, EINVAL);
}

static void test_bad_maps(void **state)
{
	refuses(0, 0, 0x1000, 0x1000);
	refuses(0, 0x1001, 0x1000, 0x1000);
	refuses(0x1000, 0x1000, 0x1fff, 1);
	refuses(0x1000, 0x1000, 0x1000, 0x1000);
	refuses(0, 0x1000, UINT64_MAX, 2);
	refuses(1, UINT64_MAX, 2, 1);
}

static void test_regions_are_sorted_and_shared(void **state)
{
	struct guest_mem *mem = three_regions();

	assert_ptr_equal(guest_mem_ref(mem), mem);
	guest_mem_unref(mem);
	assert_int_equal(guest_mem_region_count(mem), 3);
	assert_int_equal(guest_mem_region(mem, 0)->gpa, 0x100);
	assert_int_equal(guest_mem_region(mem, 2)->gpa, 0x200);
	guest_mem_unref(mem);
	guest_mem_unref(NULL);
}

static void test_read_and_write_over_the_border(void **state)
{
	struct guest_mem *mem = three_regions();
	uint8_t bytes[128] = { 0 };

	assert_int_equal(guest_mem_read(mem, 0x13e, bytes, 4), 0);
	assert_memory_equal(bytes, "\1\1\2\2", 4);
	assert_int_equal(guest_mem_write(mem, 0x13f, "ab", 2), 0);
	assert_int_equal(low[63], 'a');
	assert_int_equal(next[0], 'b');
	assert_int_equal(guest_mem_read(mem, 0x100, bytes, 128), 0);
	guest_mem_unref(mem);
}

static void test_outside_copies_nothing(void **state)
{
	struct guest_mem *mem = three_regions();
	uint8_t bytes[256] = { 7, 7, 7, 7 };

	assert_int_equal(guest_mem_read(mem, 0x17e, bytes, 4), -EFAULT);
	assert_int_equal(guest_mem_read(mem, 0xff, bytes, 2), -EFAULT);
	assert_int_equal(guest_mem_read(mem, 0x100, bytes, 256), -EFAULT);
	assert_int_equal(guest_mem_read(mem, UINT64_MAX, bytes, 1), -EFAULT);
	assert_int_equal(guest_mem_read(mem, UINT64_MAX - 1, bytes, 4), -EFAULT);
	assert_int_equal(bytes[0], 7);
	assert_int_equal(guest_mem_write(mem, 0x17e, bytes, 4), -EFAULT);
	assert_int_equal(next[62], 2);
	assert_int_equal(guest_mem_read(mem, 0x5000, bytes, 0), 0);
	guest_mem_unref(mem);
}

static void test_map_stays_in_one_region(void **state)
{
	struct guest_mem *mem = three_regions();

	assert_ptr_equal(guest_mem_map(mem, 0x100, 64), low);
	assert_ptr_equal(guest_mem_map(mem, 0x17f, 1), next + 63);
	assert_null(guest_mem_map(mem, 0x100, 65));
	assert_null(guest_mem_map(mem, 0x200, 65));
	assert_null(guest_mem_map(mem, 0x180, 1));
	assert_null(guest_mem_map(mem, 0x200, UINT64_MAX));
	assert_null(guest_mem_map(mem, 0x200, 0));
	guest_mem_unref(mem);
}

static void test_iov(void **state)
{
	struct guest_mem *mem = three_regions();
	struct iovec iov[2];

	assert_int_equal(guest_mem_iov(mem, 0x120, 64, iov, 2), 2);
	assert_ptr_equal(iov[0].iov_base, low + 32);
	assert_int_equal(iov[0].iov_len, 32);
	assert_ptr_equal(iov[1].iov_base, next);
	assert_int_equal(iov[1].iov_len, 32);
	assert_int_equal(guest_mem_iov(mem, 0x120, 64, iov, 1), -E2BIG);
	assert_int_equal(guest_mem_iov(mem, 0x170, 64, iov, 2), -EFAULT);
	assert_int_equal(guest_mem_iov(mem, UINT64_MAX, 2, iov, 2), -EFAULT);
	assert_int_equal(guest_mem_iov(mem, 0x120, 0, iov, 0), 0);
	guest_mem_unref(mem);
}

static void test_empty_map_and_last_byte(void **state)
{
	const struct guest_mem_region top = {
		.gpa = UINT64_MAX - 63, .bytes = 64, .host = low, .fd = -1,
	};
	struct guest_mem *mem = guest_mem_create(NULL, 0);
	uint8_t byte;

	assert_non_null(mem);
	assert_int_equal(guest_mem_read(mem, 0, &byte, 1), -EFAULT);
	guest_mem_unref(mem);
	mem = guest_mem_create(&top, 1);
	assert_non_null(mem);
	assert_int_equal(guest_mem_read(mem, UINT64_MAX, &byte, 1), 0);
	guest_mem_unref(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_maps),
		cmocka_unit_test(test_regions_are_sorted_and_shared),
		cmocka_unit_test(test_read_and_write_over_the_border),
		cmocka_unit_test(test_outside_copies_nothing),
		cmocka_unit_test(test_map_stays_in_one_region),
		cmocka_unit_test(test_iov),
		cmocka_unit_test(test_empty_map_and_last_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
