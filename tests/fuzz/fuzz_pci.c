/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that writes anything anywhere in configuration space, virtio registers and the MSI-X
 * table. Input: 8-byte steps {what, offset low, offset high, bytes, value[4]}.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <base/loop.h>
#include <fake/device.h>
#include <linux/pci_regs.h>
#include <pci/virtio_pci.h>
#include "pci_rig.h"

#define FUZZ_SLOT 3
#define FUZZ_MSIX_BASE 0xfe000000u
#define FUZZ_BASE 0xf0000000u
#define FUZZ_MAX_STEPS 512

static void fuzz_map(struct pci_rig *rig)
{
	pci_rig_config_write(rig, FUZZ_SLOT, PCI_BASE_ADDRESS_1, 4, FUZZ_MSIX_BASE);
	pci_rig_config_write(rig, FUZZ_SLOT, PCI_BASE_ADDRESS_4, 4, FUZZ_BASE);
	pci_rig_config_write(rig, FUZZ_SLOT, PCI_BASE_ADDRESS_5, 4, 0);
	pci_rig_config_write(rig, FUZZ_SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void fuzz_step(struct pci_rig *rig, struct virtio_device *device, const uint8_t *step)
{
	uint32_t offset = le16_load(step + 1);
	unsigned bytes = 1 + step[3] % 8;
	uint32_t value = le32_load(step + 4);

	switch (step[0] % 8) {
	case 0:
		pci_rig_config_write(rig, FUZZ_SLOT, offset & 0xff, bytes, value);
		break;
	case 1:
		pci_rig_config_read(rig, FUZZ_SLOT, offset & 0xff, bytes);
		break;
	case 2:
		pci_rig_write(rig, PCI_ECAM_DEFAULT_BASE + (step[3] & 0xf8) * 4096u + offset % 4096,
			      bytes, value);
		break;
	case 3:
		pci_rig_write(rig, FUZZ_MSIX_BASE + offset % 4096, bytes, value * 0x100000001u);
		break;
	case 4:
		pci_rig_write(rig, FUZZ_BASE + offset % 64, bytes, value);
		break;
	case 5:
		pci_rig_write(rig, FUZZ_BASE + offset % 0x4000, bytes, value);
		break;
	case 6:
		pci_rig_read(rig, FUZZ_BASE + offset % 0x4000, bytes);
		break;
	default:
		if (value & 1)
			fuzz_map(rig);
		if (value & 2)
			virtio_device_signal_config(device);
		if ((value & 0xff) == 0xfc)
			pci_bus_reset(rig->bus);
		pci_rig_messages(rig, value >> 8);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pci_rig rig;
	struct fake_device *device;

	pci_rig_init(&rig);
	device = fake_device_create(rig.loop);
	if (device && virtio_pci_create(rig.bus, &device->base, FUZZ_SLOT) == 0) {
		fuzz_map(&rig);
		for (size_t i = 0; i + 8 <= size && i < 8 * FUZZ_MAX_STEPS; i += 8)
			fuzz_step(&rig, &device->base, data + i);
		pci_rig_run(&rig);
	}
	pci_rig_finish(&rig);
	return 0;
}
