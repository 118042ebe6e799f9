/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's accesses to a virtio device do: BARs, doorbells, the configuration window.
 */
#include <base/bytes.h>
#include <base/loop.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <unistd.h>
#include <pci/virtio_pci_state.h>

struct virtio_pci_access {
	struct virtio_pci *pci;
	unsigned bar;
	uint64_t offset;
	unsigned bytes;
	uint64_t value;
};

static struct virtio_pci *virtio_pci_of_function(struct pci_function *function)
{
	return (struct virtio_pci *)((char *)function - offsetof(struct virtio_pci, function));
}

/* The part of an access that lies in the device's configuration space. */
static unsigned virtio_pci_device_bytes(const struct virtio_pci *pci, uint64_t offset,
					unsigned bytes)
{
	size_t config_bytes = pci->device->config_bytes;

	if (offset >= config_bytes)
		return 0;
	return bytes < config_bytes - offset ? bytes : (unsigned)(config_bytes - offset);
}

static uint64_t virtio_pci_device_read(struct virtio_pci *pci, uint64_t offset, unsigned bytes)
{
	unsigned inside = virtio_pci_device_bytes(pci, offset, bytes);
	uint8_t copy[8] = { 0 };

	if (inside > 0 && pci->device->ops->read_config)
		pci->device->ops->read_config(pci->device, offset, copy, inside);
	return le64_load(copy);
}

static void virtio_pci_device_write(struct virtio_pci *pci, uint64_t offset, unsigned bytes,
				    uint64_t value)
{
	unsigned inside = virtio_pci_device_bytes(pci, offset, bytes);
	uint8_t copy[8];

	le64_store(copy, value);
	if (inside > 0 && pci->device->ops->write_config)
		pci->device->ops->write_config(pci->device, offset, copy, inside);
}

/* Reading acknowledges (virtio 1.2, 4.1.4.5). */
static uint8_t virtio_pci_take_isr(struct virtio_pci *pci)
{
	uint8_t isr = pci->isr;

	pci->isr = 0;
	pci_function_set_intx(&pci->function, false);
	return isr;
}

static void virtio_pci_read_on_loop(void *data)
{
	struct virtio_pci_access *access = data;
	uint64_t offset = access->offset % VIRTIO_PCI_SECTION_BYTES;

	if (access->bar == VIRTIO_PCI_MSIX_BAR) {
		access->value = msix_bar_read(&access->pci->msix, access->offset, access->bytes);
		return;
	}
	switch (access->offset / VIRTIO_PCI_SECTION_BYTES) {
	case VIRTIO_PCI_SECTION_COMMON:
		access->value = virtio_pci_common_read(access->pci, offset, access->bytes);
		break;
	case VIRTIO_PCI_SECTION_ISR:
		access->value = offset == 0 ? virtio_pci_take_isr(access->pci) : 0;
		break;
	case VIRTIO_PCI_SECTION_DEVICE:
		access->value = virtio_pci_device_read(access->pci, offset, access->bytes);
		break;
	}
}

static void virtio_pci_write_on_loop(void *data)
{
	struct virtio_pci_access *access = data;
	uint64_t offset = access->offset % VIRTIO_PCI_SECTION_BYTES;

	if (access->bar == VIRTIO_PCI_MSIX_BAR) {
		msix_bar_write(&access->pci->msix, access->offset, access->bytes, access->value);
		return;
	}
	switch (access->offset / VIRTIO_PCI_SECTION_BYTES) {
	case VIRTIO_PCI_SECTION_COMMON:
		virtio_pci_common_write(access->pci, offset, access->bytes, access->value);
		break;
	case VIRTIO_PCI_SECTION_DEVICE:
		virtio_pci_device_write(access->pci, offset, access->bytes, access->value);
		break;
	}
}

static uint64_t virtio_pci_bar_read(struct pci_function *function, unsigned bar, uint64_t offset,
				    unsigned bytes)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);
	struct virtio_pci_access access = { pci, bar, offset, bytes, 0 };

	loop_call(pci->device->loop, virtio_pci_read_on_loop, &access);
	return access.value;
}

/* A kick that the host did not take: on the vCPU thread, for it is one write. */
static void virtio_pci_kick(struct virtio_pci *pci, uint64_t offset)
{
	uint64_t index = offset / VIRTIO_PCI_DOORBELL_BYTES;
	uint64_t one = 1;

	if (index >= pci->device->queue_count || offset % VIRTIO_PCI_DOORBELL_BYTES != 0)
		return;
	/* Fails only when the count is at its end, which is as good as one more. */
	if (write(pci->queues[index].kick_fd, &one, sizeof(one)) < 0)
		return;
}

static void virtio_pci_bar_write(struct pci_function *function, unsigned bar, uint64_t offset,
				 unsigned bytes, uint64_t value)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);
	struct virtio_pci_access access = { pci, bar, offset, bytes, value };

	if (bar == VIRTIO_PCI_BAR &&
	    offset / VIRTIO_PCI_SECTION_BYTES == VIRTIO_PCI_SECTION_NOTIFY)
		virtio_pci_kick(pci, offset % VIRTIO_PCI_SECTION_BYTES);
	else
		loop_call(pci->device->loop, virtio_pci_write_on_loop, &access);
}

static void virtio_pci_bar_moved(struct pci_function *function, unsigned bar, uint64_t base,
				 bool mapped)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);
	const struct pci_bus_config *config = pci_bus_config(function->bus);
	uint64_t address = base + VIRTIO_PCI_SECTION_NOTIFY * VIRTIO_PCI_SECTION_BYTES;

	if (bar != VIRTIO_PCI_BAR)
		return;
	for (unsigned i = 0; i < pci->device->queue_count; i++) {
		struct virtio_pci_queue *queue = &pci->queues[i];

		if (mapped || queue->doorbell)
			queue->doorbell = config->host_ops->ioeventfd(
				config->host, queue->kick_fd,
				address + i * VIRTIO_PCI_DOORBELL_BYTES, VIRTIO_PCI_KICK_BYTES,
				false, mapped) == 0 && mapped;
	}
}

/* The access the window capability asks for (virtio 1.2, 4.1.4.9); false when it is nonsense. */
static bool virtio_pci_window(struct virtio_pci *pci, uint64_t *offset, unsigned *bytes)
{
	struct pci_function *function = &pci->function;
	unsigned cap = pci->window_capability;

	*offset = pci_function_config_load(function, cap + VIRTIO_PCI_CAP_OFFSET, 4);
	*bytes = pci_function_config_load(function, cap + VIRTIO_PCI_CAP_LENGTH, 4);
	return pci_function_config_load(function, cap + VIRTIO_PCI_CAP_BAR, 1) == VIRTIO_PCI_BAR &&
	       (*bytes == 1 || *bytes == 2 || *bytes == 4) && *offset % *bytes == 0 &&
	       *offset < VIRTIO_PCI_BAR_BYTES;
}

static bool virtio_pci_window_touched(const struct virtio_pci *pci, unsigned offset, unsigned bytes)
{
	unsigned data = pci->window_capability + sizeof(struct virtio_pci_cap);

	return offset < data + 4 && offset + bytes > data;
}

static void virtio_pci_config_reading(struct pci_function *function, unsigned offset,
				      unsigned bytes)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);
	unsigned data = pci->window_capability + sizeof(struct virtio_pci_cap);
	uint64_t bar_offset;
	unsigned bar_bytes;

	if (!virtio_pci_window_touched(pci, offset, bytes) ||
	    !virtio_pci_window(pci, &bar_offset, &bar_bytes))
		return;
	pci_function_config_store(function, data, bar_bytes,
				  (uint32_t)virtio_pci_bar_read(function, VIRTIO_PCI_BAR,
								bar_offset, bar_bytes));
}

static void virtio_pci_update_msix(void *data)
{
	struct virtio_pci *pci = data;

	msix_update(&pci->msix);
	if (pci->msix.enabled)
		pci_function_set_intx(&pci->function, false);
}

static void virtio_pci_config_written(struct pci_function *function, unsigned offset,
				      unsigned bytes)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);
	unsigned data = pci->window_capability + sizeof(struct virtio_pci_cap);
	uint64_t bar_offset;
	unsigned bar_bytes;

	if (msix_is_control(&pci->msix, offset, bytes))
		loop_call(pci->device->loop, virtio_pci_update_msix, pci);
	if (virtio_pci_window_touched(pci, offset, bytes) &&
	    virtio_pci_window(pci, &bar_offset, &bar_bytes))
		virtio_pci_bar_write(function, VIRTIO_PCI_BAR, bar_offset, bar_bytes,
				     pci_function_config_load(function, data, bar_bytes));
}

/* The guest does without MSI-X: a bit for it to read and the shared line. */
void virtio_pci_intx(void *data, unsigned source)
{
	struct virtio_pci *pci = data;

	if (!(pci->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	pci->isr |= source == VIRTIO_PCI_CONFIG_SOURCE ? VIRTIO_PCI_ISR_CONFIG : 1;
	pci_function_set_intx(&pci->function, true);
}

static void virtio_pci_reset_on_loop(void *data)
{
	struct virtio_pci *pci = data;

	virtio_pci_reset_device(pci);
	msix_reset(&pci->msix);
}

static void virtio_pci_reset(struct pci_function *function)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);

	loop_call(pci->device->loop, virtio_pci_reset_on_loop, pci);
}

static void virtio_pci_destroy_on_loop(void *data)
{
	struct virtio_pci *pci = data;
	struct virtio_device *device = pci->device;

	virtio_pci_reset_device(pci);
	virtio_pci_free(pci);
	device->ops->destroy(device);
}

static void virtio_pci_destroy(struct pci_function *function)
{
	struct virtio_pci *pci = virtio_pci_of_function(function);

	loop_call(pci->device->loop, virtio_pci_destroy_on_loop, pci);
}

const struct pci_function_ops virtio_pci_function_ops = {
	.bar_read = virtio_pci_bar_read,
	.bar_write = virtio_pci_bar_write,
	.config_reading = virtio_pci_config_reading,
	.config_written = virtio_pci_config_written,
	.bar_moved = virtio_pci_bar_moved,
	.reset = virtio_pci_reset,
	.destroy = virtio_pci_destroy,
};
