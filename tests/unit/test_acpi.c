/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <acpi/aml.h>
#include <acpi/tables.h>
#include <base/bytes.h>
#include <base/options.h>
#include <kvm/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <virtio/guest_mem.h>

#define TABLES_GPA 0xe0000u
#define ROOM_BYTES 0x20000u

static const struct acpi_config config = {
	.cpus = 3,
	.pm_base = 0x600,
	.ecam_gpa = 0xb0000000,
	.last_bus = 0,
	.mmio32_first = 0xc0000000,
	.mmio32_last = 0xfebfffff,
	.mmio64_first = 0x100000000,
	.mmio64_last = 0xffffffffff,
};

static uint8_t room[ROOM_BYTES];

static void build(uint32_t cpus)
{
	struct acpi_config other = config;
	struct option_error error;
	struct memory *memory = memory_create(2 << 20, false, &error);

	other.cpus = cpus;
	assert_int_equal(acpi_write_tables(&other, memory_guest_mem(memory), TABLES_GPA), 0);
	guest_mem_read(memory_guest_mem(memory), TABLES_GPA, room, sizeof(room));
	memory_destroy(memory);
}

static uint8_t sum_of(const uint8_t *bytes, size_t count)
{
	uint8_t sum = 0;

	while (count--)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

/* A pointer of a table, followed with all that must hold of what it leads to. */
static const uint8_t *table_at(uint64_t gpa, const char *signature)
{
	const uint8_t *table;

	assert_in_range(gpa, TABLES_GPA, TABLES_GPA + ROOM_BYTES - 36);
	table = room + (gpa - TABLES_GPA);
	assert_memory_equal(table, signature, 4);
	assert_in_range(le32_load(table + 4), 36, ROOM_BYTES - (gpa - TABLES_GPA));
	assert_int_equal(sum_of(table, le32_load(table + 4)), 0);
	return table;
}

static const uint8_t *xsdt(void)
{
	assert_memory_equal(room, "RSD PTR ", 8);
	assert_int_equal(sum_of(room, 20), 0);
	assert_int_equal(sum_of(room, 36), 0);
	assert_int_equal(room[15], 2);
	return table_at(le64_load(room + 24), "XSDT");
}

static void test_root(void **state)
{
	build(3);
	assert_int_equal(le32_load(xsdt() + 4), 36 + 3 * 8);
	table_at(le64_load(xsdt() + 36), "FACP");
	table_at(le64_load(xsdt() + 44), "APIC");
	table_at(le64_load(xsdt() + 52), "MCFG");
}

static void test_fadt(void **state)
{
	const uint8_t *fadt, *facs;

	build(3);
	fadt = table_at(le64_load(xsdt() + 36), "FACP");
	assert_int_equal(le32_load(fadt + 4), 276);
	assert_int_equal(fadt[8], 6);
	facs = room + (le32_load(fadt + 36) - TABLES_GPA);
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal(le32_load(fadt + 36) % 64, 0);
	assert_int_equal(le32_load(facs + 4), 64);
	assert_int_equal(le32_load(fadt + 40), le64_load(fadt + 140));
	table_at(le64_load(fadt + 140), "DSDT");
	assert_int_equal(le16_load(fadt + 46), 9);
	assert_int_equal(le32_load(fadt + 56), 0x600);
	assert_int_equal(le32_load(fadt + 64), 0x604);
	assert_int_equal(le32_load(fadt + 76), 0x608);
	assert_int_equal(le32_load(fadt + 80), 0x620);
	assert_int_equal(le64_load(fadt + 148 + 4), 0x600);
	assert_int_equal(le64_load(fadt + 172 + 4), 0x604);
	assert_int_equal(le64_load(fadt + 208 + 4), 0x608);
	assert_int_equal(le64_load(fadt + 220 + 4), 0x620);
	assert_int_equal(fadt[88], 4);
	assert_int_equal(fadt[89], 2);
	assert_int_equal(fadt[91], 4);
	assert_int_equal(fadt[92], 16);
	assert_int_equal(le32_load(fadt + 112) & (1u << 10 | 1u << 20 | 1u << 4), 1u << 10);
	assert_int_equal(fadt[116], 1);
	assert_int_equal(le64_load(fadt + 120), 0xcf9);
	assert_int_equal(fadt[128], 6);
}

/* Every processor once, the I/O APIC, and both overrides. */
static void check_madt(uint32_t cpus)
{
	const uint8_t *madt, *at, *end;
	uint32_t processors = 0, io_apics = 0, overrides = 0;

	build(cpus);
	madt = table_at(le64_load(xsdt() + 44), "APIC");
	end = madt + le32_load(madt + 4);
	assert_int_equal(le32_load(madt + 36), 0xfee00000);
	for (at = madt + 44; at < end; at += at[1]) {
		assert_in_range(at[1], 2, (uint64_t)(end - at));
		if (at[0] == 0) {
			assert_int_equal(at[3], processors++);
			assert_int_equal(le32_load(at + 4), 1);
		} else if (at[0] == 1) {
			assert_int_equal(le32_load(at + 4), 0xfec00000);
			io_apics++;
		} else if (at[0] == 2) {
			assert_int_equal(le32_load(at + 4), at[3] == 0 ? 2 : 9);
			assert_int_equal(le16_load(at + 8), at[3] == 0 ? 0 : 0x0d);
			overrides++;
		}
	}
	assert_ptr_equal(at, end);
	assert_int_equal(processors, cpus);
	assert_int_equal(io_apics, 1);
	assert_int_equal(overrides, 2);
}

static void test_madt(void **state)
{
	check_madt(1);
	check_madt(2);
	check_madt(255);
}

static void test_mcfg(void **state)
{
	const uint8_t *mcfg;

	build(1);
	mcfg = table_at(le64_load(xsdt() + 52), "MCFG");
	assert_int_equal(le32_load(mcfg + 4), 60);
	assert_int_equal(le64_load(mcfg + 44), 0xb0000000);
	assert_int_equal(mcfg[54], 0);
	assert_int_equal(mcfg[55], 0);
}

static void expect_aml(struct aml *aml, const char *bytes, size_t count)
{
	assert_false(aml->failed);
	assert_int_equal(aml->count, count);
	assert_memory_equal(aml->bytes, bytes, count);
	aml_finish(aml);
	aml_init(aml);
}

static void test_aml(void **state)
{
	struct aml aml;

	aml_init(&aml);
	aml_integer(&aml, 0);
	aml_integer(&aml, 1);
	aml_integer(&aml, 255);
	aml_integer(&aml, 256);
	aml_integer(&aml, 65536);
	aml_integer(&aml, 1ull << 32);
	expect_aml(&aml, "\x00\x01\x0a\xff\x0b\x00\x01\x0c\x00\x00\x01\x00\x0e\0\0\0\0\1\0\0\0",
		   21);
	aml_eisa_id(&aml, "PNP0A08");
	expect_aml(&aml, "\x0c\x41\xd0\x0a\x08", 5);
	aml_path(&aml, "\\_SB.PCI0");
	expect_aml(&aml, "\\\x2e_SB_PCI0", 10);
	aml_path(&aml, "A.B.C");
	expect_aml(&aml, "\x2f\x03""A___B___C___", 14);
	aml_begin_package(&aml, 1);
	aml_string(&aml, "x");
	aml_end(&aml);
	expect_aml(&aml, "\x12\xc8\x00\x00\x00\x01\x0dx\0", 9);
	aml_name(&aml, "_CRS");
	aml_begin_resources(&aml);
	aml_irq(&aml, 4);
	aml_end(&aml);
	expect_aml(&aml, "\x08_CRS\x11\xcc\x00\x00\x00\x0b\x05\x00\x22\x10\x00\x79\x00", 18);
	aml_finish(&aml);
}

/* A compiler that is not ours reads the DSDT: the devices come back out. */
static void test_iasl(void **state)
{
	static const char *const expected[] = {
		"Device (PCI0)", "Name (_HID, EisaId (\"PNP0A08\")", "Name (_PRT, Package (0x80)",
		"Method (_OSC, 4, NotSerialized)", "Device (COM1)", "IRQNoFlags ()", "Device (RTC)",
		"Name (\\_S5, Package (0x04)", "Name (_HID, EisaId (\"PNP0C02\")", "Device (C002)",
		"33db4d5b-1ff7-401c-9657-7441c03dd766", "0xFEBFFFFF", "0x000000FFFFFFFFFF",
	};
	static char text[1 << 20];
	char directory[] = "/tmp/test_acpi.XXXXXX";
	char command[256];
	const uint8_t *dsdt;
	FILE *file;
	size_t i;

	if (system("command -v iasl >/dev/null") != 0) {
		print_message("skipped: there is no iasl (package acpica-tools)\n");
		skip();
	}
	build(3);
	dsdt = table_at(le32_load(table_at(le64_load(xsdt() + 36), "FACP") + 40), "DSDT");
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	file = fopen("dsdt.aml", "wb");
	assert_int_equal(fwrite(dsdt, 1, le32_load(dsdt + 4), file), le32_load(dsdt + 4));
	fclose(file);
	/* Taken apart, and what came out put together again without a complaint. */
	assert_int_equal(system("iasl -d dsdt.aml >log 2>&1 && iasl -we dsdt.dsl >>log 2>&1"), 0);
	file = fopen("dsdt.dsl", "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(text, expected[i]))
			fail_msg("the DSDT has no %s", expected[i]);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(chdir("/") | system(command), 0);
}

static void test_no_memory_there(void **state)
{
	struct option_error error;
	struct memory *memory = memory_create(1 << 20, false, &error);

	assert_true(acpi_write_tables(&config, memory_guest_mem(memory), (1 << 20) - 64) < 0);
	memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_fadt),
		cmocka_unit_test(test_madt),
		cmocka_unit_test(test_mcfg),
		cmocka_unit_test(test_aml),
		cmocka_unit_test(test_iasl),
		cmocka_unit_test(test_no_memory_there),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
