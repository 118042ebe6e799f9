/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HD Audio function on the PCI bus: identity, BAR, bus master, INTx, reset.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/bytes.h>
#include <base/loop.h>
#include <fake/memory.h>
#include <linux/pci_regs.h>
#include <pci/pci_hda.h>
#include <string.h>

#include "hda_rig.h"
#include "pci_rig.h"

#define SLOT 5
#define BASE 0xfe010000u

static struct pci_rig rig;
static struct hda_backend backend;

static int setup(void **state)
{
	struct pci_function *function;

	pci_rig_init(&rig);
	hda_backend_init(&backend, rig.loop);
	function = pci_hda_create(rig.loop, &backend.base, fake_memory_map(rig.memory));
	assert_non_null(function);
	assert_int_equal(pci_function_add(rig.bus, function, SLOT), 0);
	return 0;
}

static int teardown(void **state)
{
	pci_rig_finish(&rig);
	assert_false(backend.open[AUDIO_PLAYBACK]);
	assert_null(backend.base.listener.notify);
	return 0;
}

static void enable(uint32_t command)
{
	pci_rig_config_write(&rig, SLOT, PCI_BASE_ADDRESS_0, 4, BASE);
	pci_rig_config_write(&rig, SLOT, PCI_COMMAND, 2, command);
}

static void test_identity(void **state)
{
	assert_int_equal(pci_rig_config_read(&rig, SLOT, 0, 4), 0x293e8086);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, PCI_CLASS_REVISION, 4), 0x04030003);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, 0);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, 0x40, 4), 1);
	pci_rig_config_write(&rig, SLOT, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, PCI_BASE_ADDRESS_0, 4), 0xffffc000);
	/* Drivers of Intel's clear three bits here without asking (TCSEL). */
	pci_rig_config_write(&rig, SLOT, 0x44, 1, 0);
	assert_int_equal(pci_rig_config_read(&rig, SLOT, 0x44, 1), 0);
}

static void test_bar(void **state)
{
	enable(PCI_COMMAND_MEMORY);
	assert_int_equal(pci_rig_read(&rig, BASE, 4), 0x01002201);
	pci_rig_write(&rig, BASE + 8, 4, 1);
	assert_int_equal(pci_rig_read(&rig, BASE + 8, 4), 1);
	assert_int_equal(pci_rig_read(&rig, BASE + 0x0e, 2), 1);
	assert_int_equal(pci_rig_read(&rig, BASE + 0x3ffc, 4), 0);
	assert_int_equal(pci_rig_read(&rig, BASE + 0x4000, 4), 0xffffffff);
	pci_rig_config_write(&rig, SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(pci_rig_read(&rig, BASE, 4), 0xffffffff);
}

/* One command and its interrupt. */
static void ask_codec(uint64_t ring)
{
	uint8_t command[4];

	le32_store(command, 0xf0000);
	fake_memory_write(rig.memory, ring + 4, command, sizeof(command));
	pci_rig_write(&rig, BASE + 0x08, 4, 0);
	pci_rig_write(&rig, BASE + 0x08, 4, 1);
	pci_rig_write(&rig, BASE + 0x20, 4, 0xc0000000);
	pci_rig_write(&rig, BASE + 0x40, 8, ring);
	pci_rig_write(&rig, BASE + 0x50, 8, ring + 2048);
	pci_rig_write(&rig, BASE + 0x5c, 1, 3);
	pci_rig_write(&rig, BASE + 0x48, 2, 1);
	pci_rig_write(&rig, BASE + 0x4c, 1, 2);
}

static void test_bus_master_and_interrupt(void **state)
{
	uint64_t ring = fake_memory_alloc(rig.memory, 4096, 128);
	int gsi = pci_intx_gsi(SLOT, 0);
	uint8_t response[8];

	enable(PCI_COMMAND_MEMORY);
	ask_codec(ring);
	assert_int_equal(pci_rig_read(&rig, BASE + 0x4a, 2), 0);
	assert_false(rig.lines[gsi]);
	pci_rig_config_write(&rig, SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(pci_rig_read(&rig, BASE + 0x4a, 2), 1);
	fake_memory_read(rig.memory, ring + 2048 + 8, response, sizeof(response));
	assert_int_equal(le32_load(response), 0x1af45654);
	assert_true(rig.lines[gsi]);
	assert_true(pci_rig_config_read(&rig, SLOT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_rig_config_write(&rig, SLOT, PCI_COMMAND + 1, 1, PCI_COMMAND_INTX_DISABLE >> 8);
	assert_false(rig.lines[gsi]);
	pci_rig_config_write(&rig, SLOT, PCI_COMMAND + 1, 1, 0);
	assert_true(rig.lines[gsi]);
	pci_rig_write(&rig, BASE + 0x5d, 1, 1);
	assert_false(rig.lines[gsi]);
}

static void test_reset(void **state)
{
	uint64_t ring = fake_memory_alloc(rig.memory, 4096, 128);
	int gsi = pci_intx_gsi(SLOT, 0);

	enable(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ask_codec(ring);
	assert_true(rig.lines[gsi]);
	pci_bus_reset(rig.bus);
	assert_false(rig.lines[gsi]);
	enable(PCI_COMMAND_MEMORY);
	assert_int_equal(pci_rig_read(&rig, BASE + 8, 4), 0);
	/* The next interrupt gets through again. */
	pci_rig_config_write(&rig, SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ask_codec(ring);
	assert_true(rig.lines[gsi]);
}

/* The loop on a thread of its own, as in the VMM: accesses, configuration and samples meet. */
static void play_on_loop(void *data)
{
	hda_backend_step(&backend, AUDIO_PLAYBACK, 50);
}

static void setup_stream(void)
{
	uint64_t list = fake_memory_alloc(rig.memory, 128, 128);
	uint64_t buffer = fake_memory_alloc(rig.memory, 4096, 128);
	uint8_t entries[32];

	for (unsigned int i = 0; i < 2; i++) {
		le64_store(entries + 16 * i, buffer + 2048 * i);
		le64_store(entries + 16 * i + 8, 1ull << 32 | 2048);
	}
	fake_memory_write(rig.memory, list, entries, sizeof(entries));
	pci_rig_write(&rig, BASE + 0x60, 4, 2 << 20 | 0x70610);
	pci_rig_write(&rig, BASE + 0x68, 2, 1);
	pci_rig_write(&rig, BASE + 0xc8, 4, 4096);
	pci_rig_write(&rig, BASE + 0xcc, 2, 1);
	pci_rig_write(&rig, BASE + 0xd2, 2, 0x11);
	pci_rig_write(&rig, BASE + 0xd8, 8, list);
	pci_rig_write(&rig, BASE + 0xc0, 3, 0x10001e);
}

static void test_threads(void **state)
{
	uint32_t commands[2] = { PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY };

	enable(commands[0]);
	ask_codec(fake_memory_alloc(rig.memory, 4096, 128));
	pci_rig_write(&rig, BASE + 0x20, 4, 0xc000000f);
	assert_int_equal(loop_start(rig.loop), 0);
	setup_stream();
	for (unsigned int i = 0; i < 500; i++) {
		assert_int_equal(loop_post(rig.loop, play_on_loop, NULL), 0);
		pci_rig_write(&rig, BASE + 0xc3, 1, 0x1c);
		assert_in_range(pci_rig_read(&rig, BASE + 0xc4, 4), 0, 4095);
		if (i % 16 == 0)
			pci_rig_config_write(&rig, SLOT, PCI_COMMAND, 2, commands[i / 16 % 2]);
		if (i % 100 == 99)
			pci_rig_config_write(&rig, SLOT, PCI_BASE_ADDRESS_0, 4, BASE);
	}
	pci_bus_reset(rig.bus);
	assert_false(rig.lines[pci_intx_gsi(SLOT, 0)]);
	loop_stop(rig.loop);
	assert_true(backend.played_bytes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bar, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bus_master_and_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
