/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The common configuration structure (virtio 1.2, 4.1.4.3) and the device's life (3.1, 2.1).
 */
#include <base/bytes.h>
#include <base/log.h>
#include <base/loop.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <unistd.h>
#include <pci/virtio_pci_state.h>

#define VIRTIO_PCI_COMMON_BYTES 56
#define VIRTIO_PCI_DRIVER_STATUS                                                                   \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |        \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

static struct virtio_pci_queue *virtio_pci_selected(struct virtio_pci *pci)
{
	return pci->queue_select < pci->device->queue_count ? &pci->queues[pci->queue_select]
							    : NULL;
}

static uint32_t virtio_pci_half(uint64_t value, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(value >> 32 * select);
}

static void virtio_pci_common_image_queue(struct virtio_pci *pci, uint8_t *image)
{
	struct virtio_pci_queue *queue = virtio_pci_selected(pci);

	le16_store(image + VIRTIO_PCI_COMMON_Q_MSIX, VIRTIO_MSI_NO_VECTOR);
	if (!queue)
		return;
	le16_store(image + VIRTIO_PCI_COMMON_Q_SIZE, queue->size);
	le16_store(image + VIRTIO_PCI_COMMON_Q_MSIX,
		   msix_source_vector(&pci->msix, VIRTIO_PCI_QUEUE_SOURCE(pci->queue_select)));
	le16_store(image + VIRTIO_PCI_COMMON_Q_ENABLE, queue->enabled);
	le16_store(image + VIRTIO_PCI_COMMON_Q_NOFF, pci->queue_select);
	le64_store(image + VIRTIO_PCI_COMMON_Q_DESCLO, queue->desc_gpa);
	le64_store(image + VIRTIO_PCI_COMMON_Q_AVAILLO, queue->driver_gpa);
	le64_store(image + VIRTIO_PCI_COMMON_Q_USEDLO, queue->device_gpa);
}

static void virtio_pci_common_image(struct virtio_pci *pci, uint8_t *image)
{
	le32_store(image + VIRTIO_PCI_COMMON_DFSELECT, pci->offered_select);
	le32_store(image + VIRTIO_PCI_COMMON_DF,
		   virtio_pci_half(pci->offered_features, pci->offered_select));
	le32_store(image + VIRTIO_PCI_COMMON_GFSELECT, pci->driver_select);
	le32_store(image + VIRTIO_PCI_COMMON_GF,
		   virtio_pci_half(pci->driver_features, pci->driver_select));
	le16_store(image + VIRTIO_PCI_COMMON_MSIX,
		   msix_source_vector(&pci->msix, VIRTIO_PCI_CONFIG_SOURCE));
	le16_store(image + VIRTIO_PCI_COMMON_NUMQ, pci->device->queue_count);
	image[VIRTIO_PCI_COMMON_STATUS] = pci->status;
	image[VIRTIO_PCI_COMMON_CFGGENERATION] = pci->generation;
	le16_store(image + VIRTIO_PCI_COMMON_Q_SELECT, pci->queue_select);
	virtio_pci_common_image_queue(pci, image);
}

uint64_t virtio_pci_common_read(struct virtio_pci *pci, uint64_t offset, unsigned bytes)
{
	uint8_t image[VIRTIO_PCI_COMMON_BYTES + 8] = { 0 };

	if (offset >= VIRTIO_PCI_COMMON_BYTES)
		return 0;
	virtio_pci_common_image(pci, image);
	return le64_load(image + offset) & (UINT64_MAX >> (64 - 8 * bytes));
}

static void virtio_pci_signal(struct virtio_pci *pci, unsigned source)
{
	uint64_t one = 1;

	/* Fails only when the count is at its end, which is as good as one more. */
	if (write(msix_source_fd(&pci->msix, source), &one, sizeof(one)) < 0)
		return;
}

static void virtio_pci_change_config(void *data)
{
	struct virtio_pci *pci = data;

	pci->generation++;
	if (pci->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_pci_signal(pci, VIRTIO_PCI_CONFIG_SOURCE);
}

static void virtio_pci_need_reset(void *data)
{
	struct virtio_pci *pci = data;

	if (pci->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	pci->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (pci->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_pci_signal(pci, VIRTIO_PCI_CONFIG_SOURCE);
}

static struct virtio_pci *virtio_pci_of_transport(struct virtio_transport *transport)
{
	return (struct virtio_pci *)((char *)transport - offsetof(struct virtio_pci, transport));
}

static void virtio_pci_signal_config(struct virtio_transport *transport)
{
	struct virtio_pci *pci = virtio_pci_of_transport(transport);

	loop_call(pci->device->loop, virtio_pci_change_config, pci);
}

static void virtio_pci_signal_needs_reset(struct virtio_transport *transport)
{
	struct virtio_pci *pci = virtio_pci_of_transport(transport);

	loop_call(pci->device->loop, virtio_pci_need_reset, pci);
}

const struct virtio_transport_ops virtio_pci_transport_ops = {
	.signal_config = virtio_pci_signal_config,
	.signal_needs_reset = virtio_pci_signal_needs_reset,
};

static void virtio_pci_start_queue(struct virtio_pci *pci, uint16_t index)
{
	struct virtio_pci_queue *queue = &pci->queues[index];
	const struct virtqueue_setup setup = {
		.size = queue->size,
		.desc_gpa = queue->desc_gpa,
		.driver_gpa = queue->driver_gpa,
		.device_gpa = queue->device_gpa,
		.features = pci->driver_features,
		.mem = pci_bus_config(pci->function.bus)->mem,
		.kick_fd = queue->kick_fd,
		.call_fd = msix_source_fd(&pci->msix, VIRTIO_PCI_QUEUE_SOURCE(index)),
	};
	int error;

	if (!queue->enabled || queue->running || !(pci->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	error = pci->device->ops->start_queue(pci->device, index, &setup);
	if (error < 0) {
		log_guest_bug("%s: queue %u refused: %s", pci->device->name, index,
			      strerror(-error));
		virtio_pci_need_reset(pci);
		return;
	}
	queue->running = true;
}

void virtio_pci_reset_device(struct virtio_pci *pci)
{
	struct virtio_device *device = pci->device;
	uint64_t count;

	for (uint16_t i = 0; i < device->queue_count; i++) {
		struct virtio_pci_queue *queue = &pci->queues[i];

		if (queue->running)
			device->ops->stop_queue(device, i);
		queue->running = false;
		queue->enabled = false;
		queue->size = device->queue_sizes[i];
		queue->desc_gpa = queue->driver_gpa = queue->device_gpa = 0;
		/* -EAGAIN: no kick was on its way. */
		if (read(queue->kick_fd, &count, sizeof(count)) < 0)
			continue;
	}
	if (pci->status != 0)
		device->ops->reset(device);
	pci->status = 0;
	pci->isr = 0;
	pci->driver_features = 0;
	pci->offered_select = pci->driver_select = 0;
	pci->queue_select = 0;
	msix_reset_sources(&pci->msix);
	pci_function_set_intx(&pci->function, false);
}

/* FEATURES_OK stays clear, for the driver to read back, when the choice is refused. */
static bool virtio_pci_accept_features(struct virtio_pci *pci)
{
	uint64_t features = pci->driver_features;

	if (features & ~pci->offered_features) {
		log_guest_bug("%s: features %#llx were not offered", pci->device->name,
			      (unsigned long long)(features & ~pci->offered_features));
		return false;
	}
	if (!(features & UINT64_C(1) << VIRTIO_F_VERSION_1)) {
		log_guest_bug("%s: a driver without VIRTIO_F_VERSION_1", pci->device->name);
		return false;
	}
	return pci->device->ops->set_features(pci->device, features) == 0;
}

static void virtio_pci_write_status(struct virtio_pci *pci, uint8_t value)
{
	uint8_t added = value & VIRTIO_PCI_DRIVER_STATUS & (uint8_t)~pci->status;

	if (value == 0) {
		virtio_pci_reset_device(pci);
		return;
	}
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !virtio_pci_accept_features(pci))
		added &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    !((pci->status | added) & VIRTIO_CONFIG_S_FEATURES_OK)) {
		log_guest_bug("%s: DRIVER_OK without FEATURES_OK", pci->device->name);
		added &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	}
	pci->status |= added;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK) {
		for (uint16_t i = 0; i < pci->device->queue_count; i++)
			virtio_pci_start_queue(pci, i);
	}
}

static void virtio_pci_write_features(struct virtio_pci *pci, uint32_t value)
{
	unsigned shift = 32 * pci->driver_select;

	if (pci->driver_select > 1)
		return;
	if (pci->status & VIRTIO_CONFIG_S_FEATURES_OK) {
		log_guest_bug("%s: features written after FEATURES_OK", pci->device->name);
		return;
	}
	pci->driver_features &= ~(UINT64_C(0xffffffff) << shift);
	pci->driver_features |= (uint64_t)value << shift;
}

static void virtio_pci_write_half(uint64_t *address, bool upper, uint32_t value)
{
	if (upper)
		*address = (*address & UINT32_MAX) | (uint64_t)value << 32;
	else
		*address = (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void virtio_pci_enable_queue(struct virtio_pci *pci, struct virtio_pci_queue *queue)
{
	if (!(pci->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
		log_guest_bug("%s: queue enabled before FEATURES_OK", pci->device->name);
		return;
	}
	queue->enabled = true;
	virtio_pci_start_queue(pci, pci->queue_select);
}

/* Size and addresses are fixed while the queue is enabled. */
static void virtio_pci_write_queue(struct virtio_pci *pci, uint64_t offset, uint32_t value)
{
	struct virtio_pci_queue *queue = virtio_pci_selected(pci);

	if (!queue || queue->enabled) {
		log_guest_bug("%s: register %llu of queue %u written, which is %s",
			      pci->device->name, (unsigned long long)offset, pci->queue_select,
			      queue ? "enabled" : "none");
		return;
	}
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (value == 0 || (value & (value - 1)) != 0 ||
		    value > pci->device->queue_sizes[pci->queue_select])
			log_guest_bug("%s: queue %u with %u entries", pci->device->name,
				      pci->queue_select, value);
		else
			queue->size = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value == 1)
			virtio_pci_enable_queue(pci, queue);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		virtio_pci_write_half(&queue->desc_gpa, offset & 4, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		virtio_pci_write_half(&queue->driver_gpa, offset & 4, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		virtio_pci_write_half(&queue->device_gpa, offset & 4, value);
		break;
	}
}

static void virtio_pci_write_register(struct virtio_pci *pci, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		pci->offered_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		pci->driver_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_pci_write_features(pci, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		msix_source_set_vector(&pci->msix, VIRTIO_PCI_CONFIG_SOURCE, (uint16_t)value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_pci_write_status(pci, (uint8_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		pci->queue_select = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		if (virtio_pci_selected(pci))
			msix_source_set_vector(&pci->msix,
					       VIRTIO_PCI_QUEUE_SOURCE(pci->queue_select),
					       (uint16_t)value);
		break;
	default:
		virtio_pci_write_queue(pci, offset, value);
		break;
	}
}

/* How wide the writable register at the offset is; 0: there is none. */
static unsigned virtio_pci_register_bytes(uint64_t offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_STATUS:
		return 1;
	case VIRTIO_PCI_COMMON_MSIX:
	case VIRTIO_PCI_COMMON_Q_SELECT:
	case VIRTIO_PCI_COMMON_Q_SIZE:
	case VIRTIO_PCI_COMMON_Q_MSIX:
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return 2;
	case VIRTIO_PCI_COMMON_DFSELECT:
	case VIRTIO_PCI_COMMON_GFSELECT:
	case VIRTIO_PCI_COMMON_GF:
		return 4;
	}
	return offset >= VIRTIO_PCI_COMMON_Q_DESCLO && offset < VIRTIO_PCI_COMMON_BYTES &&
			       offset % 4 == 0 ? 4 : 0;
}

void virtio_pci_common_write(struct virtio_pci *pci, uint64_t offset, unsigned bytes,
			     uint64_t value)
{
	/* The three addresses may be written as a whole. */
	if (bytes == 8 && offset >= VIRTIO_PCI_COMMON_Q_DESCLO &&
	    offset < VIRTIO_PCI_COMMON_BYTES && offset % 8 == 0) {
		virtio_pci_write_register(pci, offset, (uint32_t)value);
		virtio_pci_write_register(pci, offset + 4, (uint32_t)(value >> 32));
	} else if (bytes == virtio_pci_register_bytes(offset)) {
		virtio_pci_write_register(pci, offset, (uint32_t)value);
	} else {
		log_guest_bug("%s: %u bytes written at %llu of the common configuration",
			      pci->device->name, bytes, (unsigned long long)offset);
	}
}
