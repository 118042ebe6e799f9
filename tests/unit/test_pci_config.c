/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/pci_regs.h>
#include "pci_rig.h"

#define NARROW_BYTES 0x1000u
#define WIDE_BYTES 0x10000u
#define ECAM PCI_ECAM_DEFAULT_BASE

/* A function with a 32-bit BAR 0 and a 64-bit BAR 2 that remembers what reached it. */
struct probe {
	struct pci_function function;
	unsigned bar;
	uint64_t offset, value;
	unsigned moves;
	uint64_t base[PCI_BAR_COUNT];   /* 0: not mapped */
	unsigned resets;
	unsigned destroyed;
};

static uint64_t probe_bar_read(struct pci_function *function, unsigned bar, uint64_t offset,
			       unsigned bytes)
{
	return 0xa0 + bar;
}

static void probe_bar_write(struct pci_function *function, unsigned bar, uint64_t offset,
			    unsigned bytes, uint64_t value)
{
	struct probe *probe = (struct probe *)function;

	probe->bar = bar;
	probe->offset = offset;
	probe->value = value;
}

static void probe_bar_moved(struct pci_function *function, unsigned bar, uint64_t base, bool mapped)
{
	struct probe *probe = (struct probe *)function;

	assert_int_equal(probe->base[bar], mapped ? 0 : base);
	probe->base[bar] = mapped ? base : 0;
	probe->moves++;
}

static void probe_reset(struct pci_function *function)
{
	((struct probe *)function)->resets++;
}

static void probe_destroy(struct pci_function *function)
{
	((struct probe *)function)->destroyed++;
}

static const struct pci_function_ops probe_ops = {
	.bar_read = probe_bar_read,
	.bar_write = probe_bar_write,
	.bar_moved = probe_bar_moved,
	.reset = probe_reset,
	.destroy = probe_destroy,
};

static struct probe probes[2];

static void probe_add(struct pci_rig *rig, struct probe *probe, unsigned slot)
{
	static const struct pci_identity identity = {
		.vendor = 0x1af4, .device = 0x1234, .subsystem_vendor = 0x1af4,
		.subsystem = 0x1100, .class_code = 0x050000, .revision = 7, .interrupt_pin = 1,
	};

	*probe = (struct probe){ 0 };
	pci_function_init(&probe->function, &probe_ops, "probe", &identity);
	pci_function_add_bar(&probe->function, 0, NARROW_BYTES, false);
	pci_function_add_bar(&probe->function, 2, WIDE_BYTES, true);
	assert_int_equal(pci_function_add_capability(&probe->function, PCI_CAP_ID_VNDR, 5), 0x40);
	assert_int_equal(pci_function_add_capability(&probe->function, PCI_CAP_ID_VNDR, 16), 0x48);
	assert_int_equal(pci_function_add(rig->bus, &probe->function, slot), 0);
}

static int setup(void **state)
{
	static struct pci_rig rig;

	pci_rig_init(&rig);
	probe_add(&rig, &probes[0], 3);
	probe_add(&rig, &probes[1], 4);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	pci_rig_finish(*state);
	assert_int_equal(probes[0].destroyed, 1);
	assert_int_equal(probes[1].destroyed, 1);
	return 0;
}

static void test_identity(void **state)
{
	struct pci_rig *rig = *state;

	assert_int_equal(pci_rig_config_read(rig, 0, 0, 4), 0x29c08086);
	assert_int_equal(pci_rig_config_read(rig, 31, 0, 4), 0x29188086);
	assert_int_equal(pci_rig_config_read(rig, 31, 0x40, 4), 0x601);
	assert_int_equal(pci_rig_config_read(rig, 31, 0x44, 1), 0x80);
	assert_int_equal(pci_rig_config_read(rig, 3, 0, 4), 0x12341af4);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_CLASS_REVISION, 4), 0x05000007);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(pci_rig_config_read(rig, 5, 0, 4), 0xffffffff);
	assert_int_equal(pci_rig_read(rig, ECAM + (3 << 15), 4), 0x12341af4);
	assert_int_equal(pci_rig_read(rig, ECAM + (31 << 15), 8), 0x29188086);
}

/* What a driver writes to read-only places stays away. */
static void test_read_only(void **state)
{
	struct pci_rig *rig = *state;

	for (unsigned offset = 0; offset < 0x10; offset += 4)
		pci_rig_config_write(rig, 3, offset, 4, 0xffffffff);
	assert_int_equal(pci_rig_config_read(rig, 3, 0, 4), 0x12341af4);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_COMMAND, 4), 0x00100547);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_CLASS_REVISION, 4), 0x05000007);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_HEADER_TYPE, 1), 0);
	pci_rig_config_write(rig, 3, PCI_CAPABILITY_LIST, 1, 0x99);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_CAPABILITY_LIST, 1), 0x40);
	pci_rig_config_write(rig, 31, 0x40, 4, 0xb001);
	assert_int_equal(pci_rig_config_read(rig, 31, 0x40, 4), 0x601);
	pci_rig_config_write(rig, 3, PCI_COMMAND, 2, 0);
}

static void test_ports_need_the_right_size(void **state)
{
	struct pci_rig *rig = *state;
	uint64_t value;

	bus_write(rig->pio, 0xcf8, 4, 0xffffffff);
	bus_read(rig->pio, 0xcf8, 4, &value);
	assert_int_equal(value, 0x80fffffc);
	bus_write(rig->pio, 0xcf8, 2, 0);
	bus_write(rig->pio, 0xcfa, 1, 0);
	bus_read(rig->pio, 0xcf8, 4, &value);
	assert_int_equal(value, 0x80fffffc);
	bus_read(rig->pio, 0xcf8, 2, &value);
	assert_int_equal(value, 0xffff);
	bus_read(rig->pio, 0xcfc, 4, &value);
	assert_int_equal(value, 0xffffffff);
	/* Not enabled, another bus, another function of a device that is there. */
	bus_write(rig->pio, 0xcf8, 4, 3 << 11);
	bus_read(rig->pio, 0xcfc, 4, &value);
	assert_int_equal(value, 0xffffffff);
	bus_write(rig->pio, 0xcf8, 4, 0x80010000 | 3 << 11);
	bus_read(rig->pio, 0xcfc, 4, &value);
	assert_int_equal(value, 0xffffffff);
	bus_write(rig->pio, 0xcf8, 4, 0x80000100 | 3 << 11);
	bus_read(rig->pio, 0xcfc, 4, &value);
	assert_int_equal(value, 0xffffffff);
}

static void test_reset_port(void **state)
{
	struct pci_rig *rig = *state;
	uint64_t value;

	bus_write(rig->pio, 0xcf9, 1, 0x02);
	assert_int_equal(rig->resets_requested, 0);
	bus_read(rig->pio, 0xcf9, 1, &value);
	assert_int_equal(value, 0x02);
	bus_write(rig->pio, 0xcf9, 1, 0x06);
	assert_int_equal(rig->resets_requested, 1);
}

static void test_bar_sizing(void **state)
{
	struct pci_rig *rig = *state;

	for (unsigned i = 0; i < PCI_BAR_COUNT; i++)
		pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_0 + 4 * i, 4, 0xffffffff);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_0, 4), 0xfffff000);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_1, 4), 0);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_2, 4), 0xffff000c);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_3, 4), 0xffffffff);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_4, 4), 0);
	/* Nothing answers while sizing, even by a driver that left decoding on. */
	pci_rig_config_write(rig, 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(probes[0].moves, 0);
}

static void test_bars_move(void **state)
{
	struct pci_rig *rig = *state;
	struct probe *probe = &probes[0];

	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_0, 4, 0xfebf0000);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_2, 4, 0x00020000);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_3, 4, 0x8);
	assert_int_equal(pci_rig_read(rig, 0xfebf0000, 4), 0xffffffff);
	pci_rig_config_write(rig, 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(pci_rig_read(rig, 0xfebf0ffc, 4), 0xa0);
	assert_int_equal(pci_rig_read(rig, 0x800020000, 1), 0xa2);
	assert_int_equal(probe->base[2], 0x800020000);
	pci_rig_write(rig, 0x80002fff8, 8, 0x1234567890);
	assert_int_equal(probe->bar, 2);
	assert_int_equal(probe->offset, 0xfff8);
	assert_int_equal(probe->value, 0x1234567890);
	/* A move takes effect half by half. */
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_3, 4, 0x9);
	assert_int_equal(pci_rig_read(rig, 0x800020000, 1), 0xff);
	assert_int_equal(pci_rig_read(rig, 0x900020000, 1), 0xa2);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_0 + 2, 2, 0xfec0);
	assert_int_equal(probe->base[0], 0xfec00000);
	pci_rig_config_write(rig, 3, PCI_COMMAND + 1, 1, 0);
	assert_int_equal(probe->base[0], 0xfec00000);
	pci_rig_config_write(rig, 3, PCI_COMMAND, 1, 0);
	assert_int_equal(probe->base[0], 0);
	assert_int_equal(probe->base[2], 0);
	assert_int_equal(pci_rig_read(rig, 0xfec00000, 4), 0xffffffff);
}

static void test_overlapping_bars_wait(void **state)
{
	struct pci_rig *rig = *state;

	for (unsigned slot = 3; slot <= 4; slot++) {
		pci_rig_config_write(rig, slot, PCI_BASE_ADDRESS_0, 4, 0xf0000000);
		pci_rig_config_write(rig, slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	}
	assert_int_equal(probes[0].base[0], 0xf0000000);
	assert_int_equal(probes[1].base[0], 0);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_0, 4, 0xf1000000);
	assert_int_equal(probes[0].base[0], 0xf1000000);
	assert_int_equal(probes[1].base[0], 0xf0000000);
	/* A wide BAR over its own narrow one, and over ECAM. */
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_2, 4, 0xf1000000);
	assert_int_equal(probes[0].base[2], 0);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_2, 4, ECAM);
	assert_int_equal(probes[0].base[2], 0);
	assert_int_equal(pci_rig_read(rig, ECAM, 4), 0x29c08086);
}

static void test_impossible_bases(void **state)
{
	struct pci_rig *rig = *state;

	pci_rig_config_write(rig, 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_2, 4, 0xffff0000);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_3, 4, 0xffffffff);
	assert_int_equal(probes[0].base[2], 0);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_3, 4, 0x00100000);
	assert_int_equal(probes[0].base[2], 0);
	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_3, 4, 0x000fffff);
	assert_int_equal(probes[0].base[2], 0x000fffffffff0000);
}

static void test_ecam_moves(void **state)
{
	struct pci_rig *rig = *state;
	uint64_t base, bytes;

	/* As firmware does it: off, upper half, lower half with the enable bit. */
	pci_rig_config_write(rig, 0, 0x60, 4, 0);
	assert_int_equal(pci_rig_read(rig, ECAM, 4), 0xffffffff);
	pci_bus_ecam(rig->bus, &base, &bytes);
	assert_int_equal(bytes, 0);
	pci_rig_config_write(rig, 0, 0x64, 4, 0);
	pci_rig_config_write(rig, 0, 0x60, 4, 0xe0000001);
	assert_int_equal(pci_rig_read(rig, 0xe0000000 + (3 << 15), 4), 0x12341af4);
	assert_int_equal(pci_rig_read(rig, ECAM, 4), 0xffffffff);
	/* 64 MiB at an address that the full size could not have; the reserved length is off. */
	pci_rig_config_write(rig, 0, 0x60, 4, 0xe4000005);
	pci_bus_ecam(rig->bus, &base, &bytes);
	assert_int_equal(base, 0xe4000000);
	assert_int_equal(bytes, 64 << 20);
	pci_rig_config_write(rig, 0, 0x60, 4, 0xe4000007);
	pci_bus_ecam(rig->bus, &base, &bytes);
	assert_int_equal(bytes, 0);
	/* Switched off from within itself, and back by a reset. */
	pci_rig_config_write(rig, 0, 0x60, 4, 0xe0000001);
	pci_rig_write(rig, 0xe0000060, 4, 0);
	assert_int_equal(pci_rig_read(rig, 0xe0000000, 4), 0xffffffff);
	pci_bus_reset(rig->bus);
	assert_int_equal(pci_rig_read(rig, ECAM, 4), 0x29c08086);
}

static void test_ecam_odd_accesses(void **state)
{
	struct pci_rig *rig = *state;
	uint64_t slot3 = ECAM + (3 << 15);

	assert_int_equal(pci_rig_read(rig, slot3 + 1, 2), 0x341a);
	assert_int_equal(pci_rig_read(rig, slot3 + 3, 4), 0x10000012);
	assert_int_equal(pci_rig_read(rig, slot3 + 3, 7), 0x70010000012);
	assert_int_equal(pci_rig_read(rig, slot3 + 0xfc, 8), 0xffffffff00000000);
	assert_int_equal(pci_rig_read(rig, slot3 + 0x100, 4), 0xffffffff);
	assert_int_equal(pci_rig_read(rig, slot3 + 0x1000, 4), 0xffffffff);
	assert_int_equal(pci_rig_read(rig, slot3 + 0x100000, 4), 0xffffffff);
	assert_int_equal(pci_rig_read(rig, slot3 + 0xffe, 4), 0xffffffff);
	assert_int_equal(pci_rig_read(rig, ECAM + PCI_ECAM_MAX_BYTES - 4, 4), 0xffffffff);
	/* The write covers the end of BAR 0 and the start of BAR 1. */
	pci_rig_write(rig, slot3 + PCI_BASE_ADDRESS_0 + 2, 4, 0xffffffff);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_0, 4), 0xffff0000);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_1, 4), 0);
}

static void test_capabilities(void **state)
{
	struct pci_rig *rig = *state;

	assert_true(pci_rig_config_read(rig, 3, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_false(pci_rig_config_read(rig, 0, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_int_equal(pci_rig_config_read(rig, 3, 0x40, 2), 0x4809);
	assert_int_equal(pci_rig_config_read(rig, 3, 0x48, 2), 0x0009);
	assert_int_equal(pci_function_add_capability(&probes[0].function, PCI_CAP_ID_VNDR, 200),
			 -ENOSPC);
}

static void test_slots(void **state)
{
	struct pci_rig *rig = *state;
	struct pci_function extra = probes[0].function;

	assert_int_equal(pci_bus_free_slot(rig->bus), 1);
	assert_true(pci_bus_slot_used(rig->bus, 31));
	assert_false(pci_bus_slot_used(rig->bus, 30));
	assert_false(pci_bus_slot_used(rig->bus, 32));
	assert_int_equal(pci_function_add(rig->bus, &extra, 3), -EBUSY);
	assert_int_equal(pci_function_add(rig->bus, &extra, 32), -EINVAL);
}

static void test_intx_lines_are_shared(void **state)
{
	struct pci_rig *rig = *state;
	static struct probe other;
	int gsi = pci_intx_gsi(3, 0);

	probe_add(rig, &other, 11);
	pci_function_set_intx(&probes[0].function, true);
	assert_true(rig->lines[gsi]);
	assert_true(pci_rig_config_read(rig, 3, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_function_set_intx(&other.function, true);
	pci_function_set_intx(&probes[0].function, false);
	assert_true(rig->lines[gsi]);
	pci_rig_config_write(rig, 11, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	assert_false(rig->lines[gsi]);
	assert_true(pci_rig_config_read(rig, 11, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_rig_config_write(rig, 11, PCI_COMMAND, 2, 0);
	assert_true(rig->lines[gsi]);
	pci_bus_reset(rig->bus);
	assert_false(rig->lines[gsi]);
	assert_int_equal(other.resets, 1);
}

static void test_reset(void **state)
{
	struct pci_rig *rig = *state;

	pci_rig_config_write(rig, 3, PCI_BASE_ADDRESS_0, 4, 0xf0000000);
	pci_rig_config_write(rig, 3, PCI_INTERRUPT_LINE, 1, 11);
	pci_rig_config_write(rig, 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(probes[0].base[0], 0xf0000000);
	pci_bus_reset(rig->bus);
	assert_int_equal(probes[0].base[0], 0);
	assert_int_equal(probes[0].resets, 1);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(pci_rig_config_read(rig, 3, PCI_INTERRUPT_LINE, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports_need_the_right_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bar_sizing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bars_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlapping_bars_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible_bases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ecam_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ecam_odd_accesses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_capabilities, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_intx_lines_are_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
