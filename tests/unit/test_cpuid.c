/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <kvm/cpuid.h>
#include <linux/kvm.h>
#include <stdlib.h>

static struct kvm_cpuid2 *table_of(const struct kvm_cpuid_entry2 *entries, uint32_t count)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) +
					  CPUID_CAPACITY * sizeof(table->entries[0]));
	uint32_t i;

	table->nent = count;
	for (i = 0; i < count; i++)
		table->entries[i] = entries[i];
	return table;
}

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *table, uint32_t function,
					   uint32_t index)
{
	const struct kvm_cpuid_entry2 *found = NULL;
	uint32_t i;

	for (i = 0; i < table->nent; i++) {
		if (table->entries[i].function != function || table->entries[i].index != index)
			continue;
		assert_null(found);
		found = &table->entries[i];
	}
	assert_non_null(found);
	return found;
}

static void test_intel(void **state)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0x1f, .ebx = 0x756e6547 },
		{ .function = 1, .ebx = 0xff10ff42, .ecx = 1u << 5 | 1u << 21, .edx = 1 },
		{ .function = 4, .index = 0, .eax = 0xfc004121, .ebx = 7 },
		{ .function = 4, .index = 3, .eax = 0xfc1fc163 },
		{ .function = 4, .index = 4, .eax = 0 },
		{ .function = 0xb, .index = 0, .eax = 1, .ebx = 2, .edx = 99 },
		{ .function = 0xb, .index = 1, .eax = 4, .ebx = 12, .edx = 99 },
		{ .function = 0x1f, .index = 0, .eax = 1, .ebx = 2, .edx = 99 },
		{ .function = 0x80000001, .ecx = 0x21 },
		{ .function = 0x80000008, .eax = 0x302e, .ecx = 0 },
	};
	struct kvm_cpuid2 *table = table_of(entries, sizeof(entries) / sizeof(entries[0]));
	struct cpuid_config config = { .cpus = 6, .tsc_deadline = true };

	assert_int_equal(cpuid_patch(table, CPUID_CAPACITY, &config, 5), 0);
	assert_int_equal(find(table, 1, 0)->ebx, 0x0506ff42);
	assert_int_equal(find(table, 1, 0)->ecx, 1u << 31 | 1u << 24 | 1u << 21);
	assert_int_equal(find(table, 1, 0)->edx, 1u << 28 | 1);
	assert_int_equal(find(table, 4, 0)->eax, 5u << 26 | 0x0121);    /* not shared */
	assert_int_equal(find(table, 4, 0)->ebx, 7);
	assert_int_equal(find(table, 4, 3)->eax, 5u << 26 | 5u << 14 | 0x0163);
	assert_int_equal(find(table, 4, 4)->eax, 0);
	assert_int_equal(find(table, 0xb, 0)->eax, 0);
	assert_int_equal(find(table, 0xb, 0)->ebx, 1);
	assert_int_equal(find(table, 0xb, 0)->ecx, 0x100);
	assert_int_equal(find(table, 0xb, 1)->eax, 3);
	assert_int_equal(find(table, 0xb, 1)->ebx, 6);
	assert_int_equal(find(table, 0xb, 1)->ecx, 0x201);
	assert_int_equal(find(table, 0xb, 2)->ebx, 0);
	assert_int_equal(find(table, 0x1f, 1)->edx, 5);
	assert_int_equal(find(table, 0x80000001, 0)->ecx, 0x21);
	assert_int_equal(find(table, 0x80000008, 0)->ecx, 0);
	assert_int_equal(cpuid_address_bits(table), 46);
	free(table);
}

static void test_amd(void **state)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0xd, .ebx = 0x68747541 },
		{ .function = 1, .ebx = 0 },
		{ .function = 0x80000001, .ecx = 0x400006 },
		{ .function = 0x80000008, .eax = 0x3028, .ecx = 0x703f },
		{ .function = 0x8000000a, .eax = 1, .ebx = 2, .ecx = 3, .edx = 4 },
		{ .function = 0x8000001d, .index = 0, .eax = 0x4121 },
		{ .function = 0x8000001d, .index = 3, .eax = 0x3c163 },
		{ .function = 0x8000001e, .eax = 77, .ebx = 0x177, .ecx = 0x303 },
	};
	struct kvm_cpuid2 *table = table_of(entries, sizeof(entries) / sizeof(entries[0]));
	struct cpuid_config config = { .cpus = 4 };

	assert_int_equal(cpuid_patch(table, CPUID_CAPACITY, &config, 3), 0);
	assert_int_equal(table->nent, sizeof(entries) / sizeof(entries[0]));
	assert_int_equal(find(table, 1, 0)->ecx, 1u << 31);
	assert_int_equal(find(table, 0x80000001, 0)->ecx, 0x400002);    /* no SVM */
	assert_int_equal(find(table, 0x80000008, 0)->ecx, 0x2003);
	assert_int_equal(find(table, 0x8000000a, 0)->edx, 0);
	assert_int_equal(find(table, 0x8000001d, 0)->eax, 0x0121);
	assert_int_equal(find(table, 0x8000001d, 3)->eax, 3u << 14 | 0x0163);
	assert_int_equal(find(table, 0x8000001e, 0)->eax, 3);
	assert_int_equal(find(table, 0x8000001e, 0)->ebx, 3);
	assert_int_equal(cpuid_address_bits(table), 40);
	free(table);
}

static void test_one_cpu(void **state)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .ebx = 0x6f677948 },
		{ .function = 1, .edx = 1u << 28 },
		{ .function = 0xb },
		{ .function = 0x80000001 },
	};
	struct kvm_cpuid2 *table = table_of(entries, sizeof(entries) / sizeof(entries[0]));
	struct cpuid_config config = { .cpus = 1 };

	assert_int_equal(cpuid_patch(table, CPUID_CAPACITY, &config, 0), 0);
	assert_int_equal(find(table, 1, 0)->edx, 0);
	assert_int_equal(find(table, 0xb, 1)->eax, 0);
	assert_int_equal(find(table, 0x80000001, 0)->ecx, 0);
	assert_int_equal(cpuid_address_bits(table), 36);
	free(table);
}

static void test_no_room(void **state)
{
	struct kvm_cpuid2 *table = table_of(NULL, 0);
	struct cpuid_config config = { .cpus = 2 };
	uint32_t i;

	for (i = 0; i < CPUID_CAPACITY; i++)
		table->entries[i].function = i == 7 ? 0xb : 0x10000 + i;
	table->nent = CPUID_CAPACITY;
	assert_int_equal(cpuid_patch(table, CPUID_CAPACITY, &config, 0), -ENOSPC);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intel),
		cmocka_unit_test(test_amd),
		cmocka_unit_test(test_one_cpu),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("cpuid", tests, NULL, NULL);
}
