/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/loop.h>
#include <errno.h>
#include <fake/device.h>
#include <fake/memory.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pci/virtio_pci.h>
#include <string.h>
#include "pci_driver.h"

static void test_identity_and_capabilities(void **state)
{
	struct driver *f = *state;
	static const struct { int type; uint32_t offset, length; } expected[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, 0x0000, sizeof(struct virtio_pci_common_cfg) },
		{ VIRTIO_PCI_CAP_ISR_CFG, 0x1000, 1 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, 0x2000, FAKE_DEVICE_CONFIG_BYTES },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, 0x3000, 4 * FAKE_DEVICE_QUEUES },
	};
	unsigned cap;

	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, 0, 4), 0x10441af4);
	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, PCI_CLASS_REVISION, 4), 0x00ff0001);
	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, PCI_SUBSYSTEM_VENDOR_ID, 4),
			 0x11001af4);
	for (unsigned i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		cap = pci_rig_find_capability(&f->rig, SLOT, PCI_CAP_ID_VNDR, expected[i].type);
		assert_true(cap >= 0x40);
		assert_int_equal(pci_rig_config_read(&f->rig, SLOT, cap + 4, 1), 4);
		assert_int_equal(pci_rig_config_read(&f->rig, SLOT, cap + 8, 4),
				 expected[i].offset);
		assert_int_equal(pci_rig_config_read(&f->rig, SLOT, cap + 12, 4),
				 expected[i].length);
	}
	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, f->msix + PCI_MSIX_FLAGS, 2), 2);
}

static void test_feature_negotiation(void **state)
{
	struct driver *f = *state;

	driver_common_write(f, VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	assert_true(driver_common_read(f, VIRTIO_PCI_COMMON_DF, 4) & FEATURES_NEEDED);
	driver_common_write(f, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_DF, 4), 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_DFSELECT, 4, 0xffffffff);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_DF, 4), 0);
	driver_set_status(f, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	/* Not offered; without VERSION_1; without what the device insists on. */
	driver_set_features(f, 1ull << VIRTIO_F_VERSION_1 | FEATURES_NEEDED | 1ull << 60);
	driver_set_status(f, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	driver_set_features(f, FEATURES_NEEDED);
	driver_set_status(f, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	driver_set_features(f, 1ull << VIRTIO_F_VERSION_1);
	driver_set_status(f, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	/* Running without FEATURES_OK is refused too. */
	driver_set_status(f, VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	driver_negotiate(f);
	driver_set_features(f, 0);
	assert_int_equal(f->device->features, 1ull << VIRTIO_F_VERSION_1 | FEATURES_NEEDED);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_GF, 4), 1);
}

static void test_queue_registers(void **state)
{
	struct driver *f = *state;
	static const uint32_t bad_sizes[] = { 0, 3, 65, 128, 0x8000, 0xffff };

	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_NUMQ, 2), FAKE_DEVICE_QUEUES);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_SIZE, 2),
			 FAKE_DEVICE_QUEUE_SIZE);
	for (unsigned i = 0; i < sizeof(bad_sizes) / sizeof(*bad_sizes); i++) {
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_SIZE, 2, bad_sizes[i]);
		assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_SIZE, 2),
				 FAKE_DEVICE_QUEUE_SIZE);
	}
	/* Before FEATURES_OK nothing can be enabled. */
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	driver_negotiate(f);
	driver_enable_queue(f, 1);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_NOFF, 2), 1);
	assert_int_equal(pci_rig_read(&f->rig, BASE + VIRTIO_PCI_COMMON_Q_USEDLO, 8),
			 f->ring_gpa[1] + 0x800);
	/* Fixed once enabled; a second enable and a disable change nothing. */
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_SIZE, 2), 8);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_DESCLO, 4), f->ring_gpa[1]);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	assert_null(f->device->queues[1]);
	/* A queue that is none. */
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SIZE, 2, 1);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
}

/* A host without doorbells still gets the kicks through the bus. */
/* An interrupt raised just before the mask is neither lost nor doubled. */
static void test_config_space(void **state)
{
	struct driver *f = *state;
	uint32_t generation = driver_common_read(f, VIRTIO_PCI_COMMON_CFGGENERATION, 1);

	pci_rig_write(&f->rig, DEVICE_CONFIG + 4, 4, 0x11223344);
	assert_int_equal(f->device->config[4], 0x44);
	assert_int_equal(pci_rig_read(&f->rig, DEVICE_CONFIG + 5, 2), 0x2233);
	/* Over the end and past it. */
	memset(f->device->config, 0x5a, sizeof(f->device->config));
	assert_int_equal(pci_rig_read(&f->rig, DEVICE_CONFIG + FAKE_DEVICE_CONFIG_BYTES - 1, 8),
			 0x5a);
	pci_rig_write(&f->rig, DEVICE_CONFIG + FAKE_DEVICE_CONFIG_BYTES - 1, 8, UINT64_MAX);
	assert_int_equal(f->device->config[FAKE_DEVICE_CONFIG_BYTES - 1], 0xff);
	assert_int_equal(pci_rig_read(&f->rig, DEVICE_CONFIG + FAKE_DEVICE_CONFIG_BYTES, 4), 0);
	pci_rig_write(&f->rig, DEVICE_CONFIG + 0xfff, 1, 1);
	/* A change bumps the generation; before DRIVER_OK nobody is interrupted. */
	virtio_device_signal_config(&f->device->base);
	pci_rig_run(&f->rig);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_CFGGENERATION, 1), generation + 1);
	assert_false(f->rig.lines[GSI]);
	driver_start_with_msix(f);
	virtio_device_signal_config(&f->device->base);
	assert_int_equal(pci_rig_messages(&f->rig, 0x40), 1);
}

static void test_broken_rings_need_a_reset(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	pci_rig_messages(&f->rig, 0x40);
	fake_memory_write(f->rig.memory, f->ring_gpa[0] + 0x402, "\x70\x70", 2);
	driver_kick(f, 0);
	assert_true(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1) &
		    VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(pci_rig_messages(&f->rig, 0x40), 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	driver_start_with_msix(f);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(driver_used_index(f, 0), 1);
}

static void test_garbage_queue_addresses(void **state)
{
	struct driver *f = *state;
	static const uint64_t bad[] = { 1, FAKE_MEMORY_HOLE, UINT64_MAX - 15, 1ull << 63 };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		driver_negotiate(f);
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_DESCLO, 8, bad[i]);
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, bad[i]);
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_USEDLO, 8, bad[i]);
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
		driver_set_status(f, VIRTIO_CONFIG_S_DRIVER_OK);
		assert_null(f->device->queues[0]);
		assert_true(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1) &
			    VIRTIO_CONFIG_S_NEEDS_RESET);
		driver_common_write(f, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	}
}

static void test_reset_forgets(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	driver_msix_entry(f, 1, 0x41, true);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	driver_common_write(f, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_null(f->device->queues[0]);
	assert_int_equal(f->device->resets, 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_SIZE, 2),
			 FAKE_DEVICE_QUEUE_SIZE);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 0x800, 1), 0);
	pci_rig_write(&f->rig, MSIX_BASE + 16 + 12, 4, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 0);
}

static void test_machine_reset(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	pci_bus_reset(f->rig.bus);
	assert_null(f->device->queues[0]);
	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, f->msix + PCI_MSIX_FLAGS, 2), 2);
	assert_int_equal(pci_rig_read(&f->rig, BASE, 4), 0xffffffff);
	driver_map_bars(f);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 16 + 12, 4), 1);
	assert_int_equal(pci_rig_read(&f->rig, MSIX_BASE + 16 + 8, 4), 0);
	driver_start_with_msix(f);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 1);
}

/* Firmware that cannot reach a BAR above 4 GiB goes through configuration space. */
static void test_window(void **state)
{
	struct driver *f = *state;
	unsigned cap = pci_rig_find_capability(&f->rig, SLOT, PCI_CAP_ID_VNDR,
					       VIRTIO_PCI_CAP_PCI_CFG);
	static const struct { uint8_t bar; uint32_t offset, length; } bad[] = {
		{ 4, 0, 3 }, { 4, 0, 0 }, { 4, 0, 8 }, { 4, 1, 2 }, { 4, 2, 4 }, { 0, 0, 4 },
		{ 1, 0, 4 }, { 5, 0, 4 }, { 255, 0, 4 }, { 4, 0x4000, 4 }, { 4, 0xfffffffc, 4 },
		{ 4, 0, 0xffffffff },
	};

	pci_rig_config_write(&f->rig, SLOT, PCI_COMMAND, 2, 0);
	pci_rig_config_write(&f->rig, SLOT, cap + 4, 1, 4);
	pci_rig_config_write(&f->rig, SLOT, cap + 8, 4, VIRTIO_PCI_COMMON_NUMQ);
	pci_rig_config_write(&f->rig, SLOT, cap + 12, 4, 2);
	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, cap + 16, 2), FAKE_DEVICE_QUEUES);
	pci_rig_config_write(&f->rig, SLOT, cap + 8, 4, 0x2008);
	pci_rig_config_write(&f->rig, SLOT, cap + 12, 4, 4);
	pci_rig_config_write(&f->rig, SLOT, cap + 16, 4, 0xcafe1234);
	assert_int_equal(f->device->config[8], 0x34);
	assert_int_equal(pci_rig_config_read(&f->rig, SLOT, cap + 16, 4), 0xcafe1234);
	f->device->config[8] = 0x35;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		pci_rig_config_write(&f->rig, SLOT, cap + 4, 1, bad[i].bar);
		pci_rig_config_write(&f->rig, SLOT, cap + 8, 4, bad[i].offset);
		pci_rig_config_write(&f->rig, SLOT, cap + 12, 4, bad[i].length);
		pci_rig_config_write(&f->rig, SLOT, cap + 16, 4, 0);
		assert_int_equal(pci_rig_config_read(&f->rig, SLOT, cap + 16, 4), 0);
	}
}

static void test_hostile_accesses(void **state)
{
	struct driver *f = *state;

	driver_start_with_msix(f);
	for (unsigned offset = 0; offset < 0x4000; offset++) {
		for (unsigned bytes = 1; bytes <= 8 && offset + bytes <= 0x4000; bytes++) {
			pci_rig_read(&f->rig, BASE + offset, bytes);
			pci_rig_write(&f->rig, BASE + offset, bytes, UINT64_MAX >> bytes);
		}
	}
	pci_rig_run(&f->rig);
	driver_common_write(f, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	driver_start_with_msix(f);
	driver_offer(f, 0, 0);
	driver_kick(f, 0);
	assert_int_equal(pci_rig_messages(&f->rig, 0x41), 1);
}

static void threaded_kicked(struct virtqueue *queue, void *data)
{
	struct fake_device *device = data;

	/* Seen by the test after a register access, which comes after this on the loop. */
	device->config[0] = loop_is_current(device->base.loop);
	fake_device_echo(queue, data);
}

/* With a loop of its own the device code runs there, whoever touches the registers. */
static void test_loop_thread(void **state)
{
	struct driver *f = *state;
	uint64_t seen = 0;

	f->device->kicked = threaded_kicked;
	driver_negotiate(f);
	driver_enable_queue(f, 0);
	driver_offer(f, 0, 0);
	assert_int_equal(loop_start(f->rig.loop), 0);
	driver_set_status(f, VIRTIO_CONFIG_S_DRIVER_OK);
	pci_rig_write(&f->rig, DOORBELL(0), 2, 0);
	for (int i = 0; i < 1000 && !seen; i++)
		seen = pci_rig_read(&f->rig, DEVICE_CONFIG, 1);
	assert_int_equal(seen, 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_null(f->device->queues[0]);
	loop_stop(f->rig.loop);
}

static void test_refused_devices(void **state)
{
	struct driver *f = *state;
	struct fake_device *extra = fake_device_create(f->rig.loop);

	assert_int_equal(virtio_pci_create(f->rig.bus, &extra->base, SLOT), -EBUSY);
	assert_null(extra->base.transport);
	extra->base.config_bytes = 0x1001;
	assert_int_equal(virtio_pci_create(f->rig.bus, &extra->base, 6), -EINVAL);
	extra->base.config_bytes = 0;
	extra->base.queue_count = 0;
	assert_int_equal(virtio_pci_create(f->rig.bus, &extra->base, 6), -EINVAL);
	extra->base.ops->destroy(&extra->base);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity_and_capabilities),
		TEST(test_feature_negotiation),
		TEST(test_queue_registers),
		TEST(test_config_space),
		TEST(test_broken_rings_need_a_reset),
		TEST(test_garbage_queue_addresses),
		TEST(test_reset_forgets),
		TEST(test_machine_reset),
		TEST(test_window),
		TEST(test_hostile_accesses),
		TEST(test_loop_thread),
		TEST(test_refused_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
