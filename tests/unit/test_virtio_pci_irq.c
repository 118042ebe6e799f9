/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include "pci_driver.h"

static void test_data_flows_with_msix(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	assert_non_null(f->device->queues[0]);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(driver_used_index(f, 0), 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x42), 0);
	driver_offer(f, 1, 0);
	driver_kick(f, 1);
	assert_int_equal(driver_used_index(f, 1), 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x42), 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 0);
	assert_int_equal(pci_rig_read(&f->rig, ISR, 1), 0);
	assert_false(f->rig.lines[GSI]);
}

static void test_kicks_by_register(void **state)
{
	struct driver *f = *state;

	f->rig.refuse_doorbells = true;
	pci_rig_config_write(&f->rig, SLOT, PCI_BASE_ADDRESS_5, 4, 0xa);
	driver_map_bars(f);
	driver_start(f);
	driver_offer(f, 1, 0);
	pci_rig_write(&f->rig, DOORBELL(1) + 1, 2, 1);
	pci_rig_write(&f->rig, DOORBELL(2), 2, 2);
	pci_rig_write(&f->rig, BASE + 0x3ffc, 4, 1);
	pci_rig_run(&f->rig);
	driver_offer(f, 1, 1);
	assert_int_equal(driver_used_index(f, 1), 1);
	driver_kick(f, 1);
	assert_int_equal(driver_used_index(f, 1), 2);
}

static void test_doorbells_follow_the_bar(void **state)
{
	struct driver *f = *state;

	driver_start(f);
	pci_rig_run(&f->rig);
	pci_rig_config_write(&f->rig, SLOT, PCI_BASE_ADDRESS_5, 4, 0xa);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(driver_used_index(f, 0), 0);
	pci_rig_write(&f->rig, 0xa00000000 + 0x3000, 2, 0);
	pci_rig_run(&f->rig);
	assert_int_equal(driver_used_index(f, 0), 1);
}

static void test_intx(void **state)
{
	struct driver *f = *state;

	driver_start(f);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_true(f->rig.lines[GSI]);
	assert_true(pci_rig_config_read(&f->rig, SLOT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	assert_int_equal(pci_rig_read(&f->rig, ISR, 1), 1);
	assert_false(f->rig.lines[GSI]);
	assert_int_equal(pci_rig_read(&f->rig, ISR, 1), 0);
	virtio_device_signal_config(&f->device->base);
	driver_offer(f, 0, 1);
	driver_kick(f, 0);
	assert_int_equal(pci_rig_read(&f->rig, ISR, 4), 3);
	/* Switching MSI-X on takes the line down. */
	driver_offer(f, 0, 2);
	driver_kick(f, 0);
	assert_true(f->rig.lines[GSI]);
	driver_msix_control(f, PCI_MSIX_FLAGS_ENABLE);
	assert_false(f->rig.lines[GSI]);
}

static void test_masked_vectors_become_pending(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	pci_rig_messages(&f->rig, 0x41);
	driver_msix_entry(f, 1, 0x41, true);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	driver_offer(f, 0, 1);
	driver_kick(f, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 0);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0x800, 8), 1 << 1);
	/* Moved to another CPU while masked: the message goes there, once. */
	driver_msix_entry(f, 1, 0x51, false);
	assert_int_equal(pci_rig_messages(&f->rig, 0x51), 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 0);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0x800, 8), 0);
	/* The mask of the whole function. */
	driver_msix_control(f, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	driver_offer(f, 0, 2);
	driver_kick(f, 0);
	driver_offer(f, 1, 0);
	driver_kick(f, 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x51), 0);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0x800, 4), 1 << 1 | 1 << 2);
	driver_msix_control(f, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(pci_rig_messages(&f->rig, 0x51), 1);
	assert_int_equal(pci_rig_messages(&f->rig, 0x42), 1);
}

static void test_mask_race(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	pci_rig_messages(&f->rig, 0x41);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	pci_rig_write(&f->rig, MSIX_BASE + 16 + 12, 4, 1);
	pci_rig_run(&f->rig);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0x800, 1), 1 << 1);
	pci_rig_write(&f->rig, MSIX_BASE + 16 + 12, 4, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 1);
}

static void test_vector_moves_while_running(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x42), 1);
	/* A vector that does not exist reads back as none, and nothing comes. */
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	driver_offer(f, 0, 1);
	driver_kick(f, 0);
	assert_int_equal(driver_used_index(f, 0), 2);
	assert_int_equal(pci_rig_messages(&f->rig, 0x42), 0);
	assert_false(f->rig.lines[GSI]);
}

static void test_no_route_left(void **state)
{
	struct driver *f = *state;

	f->rig.refuse_routes = true;
	driver_start_with_msix(f);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0x800, 1), 1 << 1);
	f->rig.refuse_routes = false;
	pci_rig_write(&f->rig, MSIX_BASE + 16 + 12, 4, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 1);
}

static void test_msix_table_garbage(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	for (unsigned offset = 0; offset < 0x1000; offset++) {
		for (unsigned bytes = 1; bytes <= 8 && offset + bytes <= 0x1000; bytes++)
			pci_rig_write(&f->rig, MSIX_BASE + offset, bytes, 0xfefefefefefefefe);
	}
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 12, 4), 0);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 8, 8), 0xfefefefe);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 6, 4), 0xfefefefe);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 16 * 3, 8), 0);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0xffc, 4), 0);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_data_flows_with_msix),
		TEST(test_kicks_by_register),
		TEST(test_doorbells_follow_the_bar),
		TEST(test_intx),
		TEST(test_masked_vectors_become_pending),
		TEST(test_mask_race),
		TEST(test_vector_moves_while_running),
		TEST(test_no_route_left),
		TEST(test_msix_table_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
