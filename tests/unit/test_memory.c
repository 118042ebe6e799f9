/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/options.h>
#include <errno.h>
#include <kvm/memory.h>
#include <stdio.h>
#include <string.h>
#include <virtio/guest_mem.h>

static void test_small(void **state)
{
	struct option_error error;
	struct memory *memory = memory_create(64 << 20, false, &error);
	struct guest_mem *mem = memory_guest_mem(memory);

	assert_int_equal(guest_mem_region_count(mem), 1);
	assert_int_equal(guest_mem_region(mem, 0)->bytes, 64 << 20);
	assert_true(guest_mem_region(mem, 0)->fd >= 0);
	memory_destroy(memory);
}

/* Sparse: costs only the pages that are touched. */
static void test_split(void **state)
{
	struct option_error error;
	struct memory *memory = memory_create(3ull << 30, false, &error);
	struct guest_mem *mem;
	uint32_t low = 0x11111111, high = 0x22222222, value;

	assert_non_null(memory);
	mem = memory_guest_mem(memory);
	assert_int_equal(guest_mem_region_count(mem), 2);
	assert_int_equal(guest_mem_region(mem, 0)->bytes, MEMORY_LOW_MAX_BYTES);
	assert_int_equal(guest_mem_region(mem, 1)->gpa, MEMORY_HIGH_BASE);
	assert_int_equal(guest_mem_region(mem, 1)->bytes, 1ull << 30);
	assert_int_equal(guest_mem_region(mem, 1)->fd_offset, MEMORY_LOW_MAX_BYTES);
	assert_int_equal(guest_mem_write(mem, MEMORY_LOW_MAX_BYTES - 4, &low, 4), 0);
	assert_int_equal(guest_mem_write(mem, MEMORY_HIGH_BASE, &high, 4), 0);
	assert_int_equal(guest_mem_read(mem, MEMORY_LOW_MAX_BYTES - 4, &value, 4), 0);
	assert_int_equal(value, low);
	assert_int_equal(guest_mem_write(mem, MEMORY_LOW_MAX_BYTES - 2, &low, 4), -EFAULT);
	memory_destroy(memory);
}

static void test_refusals(void **state)
{
	struct option_error error;

	assert_null(memory_create(0, false, &error));
	assert_null(memory_create(12345, false, &error));
	assert_non_null(strstr(error.text, "multiple of 4 KiB"));
	assert_null(memory_create(3 << 20, true, &error));
	assert_non_null(strstr(error.text, "multiple of 2048 KiB"));
	assert_null(memory_create(1ull << 62, false, &error));
	assert_non_null(strstr(error.text, "MiB of guest memory"));
	assert_null(strchr(error.text, '\n'));
}

static void test_hugepages(void **state)
{
	struct option_error error;
	struct memory *memory = memory_create(1ull << 40, true, &error);

	/* No machine that runs tests has set aside a terabyte of them. */
	assert_null(memory);
	assert_non_null(strstr(error.text, "huge pages"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_hugepages),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
