/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci_driver.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fake/memory.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pci/virtio_pci.h>
#include <string.h>

uint32_t driver_common_read(struct driver *f, unsigned offset, unsigned bytes)
{
	return (uint32_t)pci_rig_read(&f->rig, BASE + offset, bytes);
}

void driver_common_write(struct driver *f, unsigned offset, unsigned bytes, uint64_t value)
{
	pci_rig_write(&f->rig, BASE + offset, bytes, value);
}

void driver_map_bars(struct driver *f)
{
	pci_rig_config_write(&f->rig, SLOT, PCI_BASE_ADDRESS_1, 4, MSIX_BASE);
	pci_rig_config_write(&f->rig, SLOT, PCI_BASE_ADDRESS_4, 4, (uint32_t)BASE);
	pci_rig_config_write(&f->rig, SLOT, PCI_BASE_ADDRESS_5, 4, BASE >> 32);
	pci_rig_config_write(&f->rig, SLOT, PCI_COMMAND, 2,
			     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

int driver_setup(void **state)
{
	static struct driver driver;
	struct driver *f = &driver;

	memset(f, 0, sizeof(*f));
	pci_rig_init(&f->rig);
	f->device = fake_device_create(f->rig.loop);
	assert_int_equal(virtio_pci_create(f->rig.bus, &f->device->base, SLOT), 0);
	f->msix = pci_rig_find_capability(&f->rig, SLOT, PCI_CAP_ID_MSIX, -1);
	driver_map_bars(f);
	*state = f;
	return 0;
}

int driver_teardown(void **state)
{
	struct driver *f = *state;

	pci_rig_finish(&f->rig);
	return 0;
}

void driver_set_status(struct driver *f, uint8_t bits)
{
	driver_common_write(f, VIRTIO_PCI_COMMON_STATUS, 1,
		     driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1) | bits);
}

void driver_set_features(struct driver *f, uint64_t features)
{
	driver_common_write(f, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	driver_common_write(f, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
	driver_common_write(f, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	driver_common_write(f, VIRTIO_PCI_COMMON_GF, 4, features >> 32);
}

void driver_negotiate(struct driver *f)
{
	driver_set_status(f, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	driver_set_status(f, VIRTIO_CONFIG_S_DRIVER);
	driver_set_features(f, 1ull << VIRTIO_F_VERSION_1 | FEATURES_NEEDED);
	driver_set_status(f, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_true(driver_common_read(f, VIRTIO_PCI_COMMON_STATUS, 1) &
		    VIRTIO_CONFIG_S_FEATURES_OK);
}

void driver_enable_queue(struct driver *f, uint16_t index)
{
	uint64_t gpa = fake_memory_alloc(f->rig.memory, 4096, 4096);

	f->ring_gpa[index] = gpa;
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_DESCLO, 4, (uint32_t)gpa);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_DESCHI, 4, gpa >> 32);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, gpa + 0x400);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_USEDLO, 8, gpa + 0x800);
	driver_common_write(f, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

void driver_offer(struct driver *f, uint16_t index, uint16_t n)
{
	uint64_t gpa = f->ring_gpa[index];
	struct vring_desc desc = { .addr = gpa + 0xc00, .len = 16, .flags = VRING_DESC_F_WRITE };
	uint16_t head = n % 8, next = n + 1;

	fake_memory_write(f->rig.memory, gpa + 16 * head, &desc, sizeof(desc));
	fake_memory_write(f->rig.memory, gpa + 0x404 + 2 * head, &head, sizeof(head));
	fake_memory_write(f->rig.memory, gpa + 0x402, &next, sizeof(next));
}

uint16_t driver_used_index(struct driver *f, uint16_t index)
{
	uint16_t used;

	fake_memory_read(f->rig.memory, f->ring_gpa[index] + 0x802, &used, sizeof(used));
	return used;
}

void driver_kick(struct driver *f, uint16_t index)
{
	pci_rig_write(&f->rig, DOORBELL(index), 2, index);
	pci_rig_run(&f->rig);
}

void driver_start(struct driver *f)
{
	driver_negotiate(f);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++)
		driver_enable_queue(f, i);
	driver_set_status(f, VIRTIO_CONFIG_S_DRIVER_OK);
}

void driver_msix_entry(struct driver *f, unsigned vector, uint32_t data, bool masked)
{
	pci_rig_write(&f->rig, MSIX_BASE + 16 * vector, 4, 0xfee00000);
	pci_rig_write(&f->rig, MSIX_BASE + 16 * vector + 4, 4, 0);
	pci_rig_write(&f->rig, MSIX_BASE + 16 * vector + 8, 4, data);
	pci_rig_write(&f->rig, MSIX_BASE + 16 * vector + 12, 4, masked);
}

void driver_msix_control(struct driver *f, uint32_t control)
{
	pci_rig_config_write(&f->rig, SLOT, f->msix + PCI_MSIX_FLAGS, 2, control);
}

void driver_start_with_msix(struct driver *f)
{
	driver_msix_control(f, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	for (unsigned vector = 0; vector <= FAKE_DEVICE_QUEUES; vector++)
		driver_msix_entry(f, vector, 0x40 + vector, false);
	driver_msix_control(f, PCI_MSIX_FLAGS_ENABLE);
	driver_common_write(f, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	for (unsigned i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_SELECT, 2, i);
		driver_common_write(f, VIRTIO_PCI_COMMON_Q_MSIX, 2, i + 1);
		assert_int_equal(driver_common_read(f, VIRTIO_PCI_COMMON_Q_MSIX, 2), i + 1);
	}
	driver_start(f);
}
