/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries a virtio device over PCI, modern interface only (virtio 1.2, 4.1).
 *
 * Registers belong to the device's loop: accesses of vCPU threads get there with loop_call. Kicks
 * go from KVM straight to the queues' eventfds, interrupts straight back.
 */
#ifndef VMM_PCI_VIRTIO_PCI_H
#define VMM_PCI_VIRTIO_PCI_H

#include <stdint.h>

struct pci_bus;
struct virtio_device;

/* Puts the device into the slot; from then on the bus owns it (pci_bus_destroy destroys it). On the
 * device's loop or while it does not run. 0 or -errno: then the device is still the caller's. */
int virtio_pci_create(struct pci_bus *bus, struct virtio_device *device, unsigned slot);

#endif
