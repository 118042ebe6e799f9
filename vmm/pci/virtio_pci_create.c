/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the PCI function of a virtio device: identity, capabilities, queues (virtio 1.2, 4.1.2
 * and 4.1.4).
 */
#include <base/bytes.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <pci/virtio_pci.h>
#include <pci/virtio_pci_state.h>

#define VIRTIO_PCI_MAX_QUEUES (VIRTIO_PCI_SECTION_BYTES / VIRTIO_PCI_DOORBELL_BYTES)

void virtio_pci_free(struct virtio_pci *pci)
{
	msix_finish(&pci->msix);
	for (unsigned i = 0; pci->queues && i < pci->device->queue_count; i++) {
		if (pci->queues[i].kick_fd >= 0)
			close(pci->queues[i].kick_fd);
	}
	free(pci->queues);
	free(pci);
}

static uint32_t virtio_pci_class(uint16_t type)
{
	switch (type) {
	case VIRTIO_ID_NET:
		return 0x020000;
	case VIRTIO_ID_BLOCK:
		return 0x018000;
	case VIRTIO_ID_CONSOLE:
		return 0x078000;
	case VIRTIO_ID_GPU:
		return 0x038000;
	case VIRTIO_ID_INPUT:
		return 0x098000;
	case VIRTIO_ID_SOUND:
		return 0x040100;
	default:
		return 0x00ff00;
	}
}

/* A capability that says where in the BAR a structure is. Its offset, or -ENOSPC. */
static int virtio_pci_add_capability(struct virtio_pci *pci, uint8_t type, unsigned section,
				     uint32_t length, unsigned extra_bytes)
{
	struct pci_function *function = &pci->function;
	unsigned bytes = sizeof(struct virtio_pci_cap) + extra_bytes;
	int offset = pci_function_add_capability(function, PCI_CAP_ID_VNDR, bytes);
	uint8_t *config = function->config + offset;

	if (offset < 0)
		return offset;
	config[VIRTIO_PCI_CAP_LEN] = (uint8_t)bytes;
	config[VIRTIO_PCI_CAP_CFG_TYPE] = type;
	config[VIRTIO_PCI_CAP_BAR] = VIRTIO_PCI_BAR;
	le32_store(config + VIRTIO_PCI_CAP_OFFSET, section * VIRTIO_PCI_SECTION_BYTES);
	le32_store(config + VIRTIO_PCI_CAP_LENGTH, length);
	return offset;
}

static int virtio_pci_add_capabilities(struct virtio_pci *pci)
{
	struct virtio_device *device = pci->device;
	struct pci_function *function = &pci->function;
	int offset;

	offset = virtio_pci_add_capability(pci, VIRTIO_PCI_CAP_COMMON_CFG,
					   VIRTIO_PCI_SECTION_COMMON,
					   sizeof(struct virtio_pci_common_cfg), 0);
	if (offset < 0)
		return offset;
	offset = virtio_pci_add_capability(pci, VIRTIO_PCI_CAP_NOTIFY_CFG,
					   VIRTIO_PCI_SECTION_NOTIFY,
					   device->queue_count * VIRTIO_PCI_DOORBELL_BYTES, 4);
	if (offset < 0)
		return offset;
	le32_store(function->config + offset + VIRTIO_PCI_NOTIFY_CAP_MULT,
		   VIRTIO_PCI_DOORBELL_BYTES);
	offset = virtio_pci_add_capability(pci, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_SECTION_ISR, 1,
					   0);
	if (offset >= 0 && device->config_bytes > 0)
		offset = virtio_pci_add_capability(pci, VIRTIO_PCI_CAP_DEVICE_CFG,
						   VIRTIO_PCI_SECTION_DEVICE,
						   (uint32_t)device->config_bytes, 0);
	if (offset < 0)
		return offset;
	offset = virtio_pci_add_capability(pci, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 4);
	if (offset < 0)
		return offset;
	pci->window_capability = (unsigned)offset;
	pci_function_set_writable(function, (unsigned)offset + VIRTIO_PCI_CAP_BAR, 1, 0xff);
	pci_function_set_writable(function, (unsigned)offset + VIRTIO_PCI_CAP_OFFSET, 4,
				  UINT32_MAX);
	pci_function_set_writable(function, (unsigned)offset + VIRTIO_PCI_CAP_LENGTH, 4,
				  UINT32_MAX);
	pci_function_set_writable(function, (unsigned)offset + sizeof(struct virtio_pci_cap), 4,
				  UINT32_MAX);
	return 0;
}

static int virtio_pci_create_queues(struct virtio_pci *pci)
{
	struct virtio_device *device = pci->device;

	pci->queues = calloc(device->queue_count, sizeof(*pci->queues));
	if (!pci->queues)
		return -ENOMEM;
	for (unsigned i = 0; i < device->queue_count; i++)
		pci->queues[i].kick_fd = -1;
	for (unsigned i = 0; i < device->queue_count; i++) {
		pci->queues[i].size = device->queue_sizes[i];
		pci->queues[i].kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (pci->queues[i].kick_fd < 0)
			return -errno;
	}
	return 0;
}

static int virtio_pci_build(struct virtio_pci *pci)
{
	struct virtio_device *device = pci->device;
	const struct pci_identity identity = {
		.vendor = 0x1af4,
		.device = (uint16_t)(0x1040 + device->type),
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = virtio_pci_class(device->type),
		.revision = 1,
		.interrupt_pin = 1,
	};
	unsigned sources = device->queue_count + 1u;
	int error;

	pci_function_init(&pci->function, &virtio_pci_function_ops, device->name, &identity);
	pci_function_add_bar(&pci->function, VIRTIO_PCI_BAR, VIRTIO_PCI_BAR_BYTES, true);
	error = virtio_pci_create_queues(pci);
	if (error < 0)
		return error;
	error = msix_init(&pci->msix, &pci->function, device->loop, VIRTIO_PCI_MSIX_BAR,
			  sources < MSIX_MAX_VECTORS ? sources : MSIX_MAX_VECTORS, sources,
			  virtio_pci_intx, pci);
	if (error < 0)
		return error;
	return virtio_pci_add_capabilities(pci);
}

int virtio_pci_create(struct pci_bus *bus, struct virtio_device *device, unsigned slot)
{
	struct virtio_pci *pci;
	int error;

	if (device->queue_count == 0 || device->queue_count > VIRTIO_PCI_MAX_QUEUES ||
	    device->config_bytes > VIRTIO_PCI_SECTION_BYTES)
		return -EINVAL;
	pci = calloc(1, sizeof(*pci));
	if (!pci)
		return -ENOMEM;
	pci->device = device;
	pci->transport.ops = &virtio_pci_transport_ops;
	pci->offered_features = device->ops->features(device) |
				UINT64_C(1) << VIRTIO_F_VERSION_1;
	error = virtio_pci_build(pci);
	if (error == 0)
		error = pci_function_add(bus, &pci->function, slot);
	if (error < 0) {
		virtio_pci_free(pci);
		return error;
	}
	virtio_device_attach(device, &pci->transport);
	return 0;
}
