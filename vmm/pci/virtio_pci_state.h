/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a virtio-pci function, for the files that make it up. Everything belongs to the
 * device's loop but what a comment says otherwise of.
 */
#ifndef VMM_PCI_VIRTIO_PCI_STATE_H
#define VMM_PCI_VIRTIO_PCI_STATE_H

#include <pci/msix.h>
#include <pci/pci.h>
#include <virtio/device.h>

#define VIRTIO_PCI_MSIX_BAR 1
#define VIRTIO_PCI_BAR 4                /* 2 and 3 stay free for a device's shared memory */
#define VIRTIO_PCI_BAR_BYTES 0x4000u
#define VIRTIO_PCI_SECTION_BYTES 0x1000u
#define VIRTIO_PCI_DOORBELL_BYTES 4u    /* notify_off_multiplier */
#define VIRTIO_PCI_KICK_BYTES 2u        /* the driver writes the queue's index */

enum virtio_pci_section {
	VIRTIO_PCI_SECTION_COMMON,
	VIRTIO_PCI_SECTION_ISR,
	VIRTIO_PCI_SECTION_DEVICE,
	VIRTIO_PCI_SECTION_NOTIFY,
};

/* The configuration change interrupt is source 0, queue n is source n + 1. */
#define VIRTIO_PCI_CONFIG_SOURCE 0
#define VIRTIO_PCI_QUEUE_SOURCE(index) ((index) + 1u)

struct virtio_pci_queue {
	uint16_t size;
	bool enabled;
	bool running;
	uint64_t desc_gpa, driver_gpa, device_gpa;
	int kick_fd;            /* fixed for the function's life; any thread may write it */
	bool doorbell;          /* the host signals kick_fd; guarded by the PCI bus' lock */
};

struct virtio_pci {
	struct virtio_transport transport;
	struct pci_function function;
	struct virtio_device *device;
	struct msix msix;
	unsigned window_capability;     /* offset of VIRTIO_PCI_CAP_PCI_CFG; fixed */

	uint64_t offered_features;
	uint64_t driver_features;
	uint32_t offered_select;
	uint32_t driver_select;
	uint8_t status;
	uint8_t generation;
	uint8_t isr;
	uint16_t queue_select;
	struct virtio_pci_queue *queues;
};

/* virtio_pci.c: what the PCI bus calls. */
extern const struct pci_function_ops virtio_pci_function_ops;
/* virtio_pci_create.c: frees all but the device; also half-made ones. */
void virtio_pci_free(struct virtio_pci *pci);
/* virtio_pci.c: a source was written and MSI-X is off. */
void virtio_pci_intx(void *data, unsigned source);

/* virtio_pci_common.c: the common configuration structure and what it does. On the loop. */
uint64_t virtio_pci_common_read(struct virtio_pci *pci, uint64_t offset, unsigned bytes);
void virtio_pci_common_write(struct virtio_pci *pci, uint64_t offset, unsigned bytes,
			     uint64_t value);
/* Stops the queues and goes back to the state after creation. */
void virtio_pci_reset_device(struct virtio_pci *pci);
/* The transport's services. */
extern const struct virtio_transport_ops virtio_pci_transport_ops;

#endif
