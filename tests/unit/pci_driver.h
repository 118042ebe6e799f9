/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's driver of one virtio-pci function that carries a fake device, register by register.
 */
#ifndef TESTS_PCI_DRIVER_H
#define TESTS_PCI_DRIVER_H

#include <fake/device.h>
#include <stdbool.h>
#include <stdint.h>
#include "pci_rig.h"

#define SLOT 5
#define GSI pci_intx_gsi(SLOT, 0)
#define MSIX_BASE 0xfe000000u
#define BASE 0x900000000u
#define ISR (BASE + 0x1000)
#define DEVICE_CONFIG (BASE + 0x2000)
#define DOORBELL(queue) (BASE + 0x3000 + 4u * (queue))
#define FEATURES_NEEDED (1u << FAKE_DEVICE_F_NEEDED)

struct driver {
	struct pci_rig rig;
	struct fake_device *device;
	uint64_t ring_gpa[FAKE_DEVICE_QUEUES];
	unsigned msix;                          /* offset of the capability */
};

/* For cmocka: *state is the driver; BARs are mapped. */
int driver_setup(void **state);
int driver_teardown(void **state);
void driver_map_bars(struct driver *f);

/* Registers of the common configuration. */
uint32_t driver_common_read(struct driver *f, unsigned offset, unsigned bytes);
void driver_common_write(struct driver *f, unsigned offset, unsigned bytes, uint64_t value);
void driver_set_status(struct driver *f, uint8_t bits);
void driver_set_features(struct driver *f, uint64_t features);
/* Up to FEATURES_OK. */
void driver_negotiate(struct driver *f);
/* Rings of 8 entries in one page each: descriptors, available at 0x400, used at 0x800. */
void driver_enable_queue(struct driver *f, uint16_t index);
/* Everything up to DRIVER_OK. */
void driver_start(struct driver *f);
/* The same with vector 0 for the configuration, 1 and 2 for the queues, data 0x40 and up. */
void driver_start_with_msix(struct driver *f);

void driver_msix_entry(struct driver *f, unsigned vector, uint32_t data, bool masked);
void driver_msix_control(struct driver *f, uint32_t control);

/* Makes the n-th chain available (one writable buffer) without a kick. */
void driver_offer(struct driver *f, uint16_t index, uint16_t n);
void driver_kick(struct driver *f, uint16_t index);
uint16_t driver_used_index(struct driver *f, uint16_t index);

#endif
