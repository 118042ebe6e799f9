/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <base/bytes.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <pci/pci_bus.h>

#define PCI_COMMAND_WRITABLE                                                                       \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)
#define PCI_CAPABILITIES_START 0x40

void pci_function_init(struct pci_function *function, const struct pci_function_ops *ops,
		       const char *name, const struct pci_identity *identity)
{
	uint8_t *config = function->config;

	memset(function, 0, sizeof(*function));
	function->ops = ops;
	function->name = name;
	function->capability_end = PCI_CAPABILITIES_START;
	le16_store(config + PCI_VENDOR_ID, identity->vendor);
	le16_store(config + PCI_DEVICE_ID, identity->device);
	le32_store(config + PCI_CLASS_REVISION, identity->class_code << 8 | identity->revision);
	le16_store(config + PCI_SUBSYSTEM_VENDOR_ID, identity->subsystem_vendor);
	le16_store(config + PCI_SUBSYSTEM_ID, identity->subsystem);
	config[PCI_INTERRUPT_PIN] = identity->interrupt_pin;
	pci_function_set_writable(function, PCI_COMMAND, 2, PCI_COMMAND_WRITABLE);
	pci_function_set_writable(function, PCI_CACHE_LINE_SIZE, 2, 0xffff);
	pci_function_set_writable(function, PCI_INTERRUPT_LINE, 1, 0xff);
}

static struct pci_bar *pci_bar_of_region(struct bus_region *region)
{
	return (struct pci_bar *)((char *)region - offsetof(struct pci_bar, region));
}

static uint64_t pci_bar_region_read(struct bus_region *region, uint64_t offset, unsigned bytes)
{
	struct pci_bar *bar = pci_bar_of_region(region);
	struct pci_function *function = bar->function;

	return function->ops->bar_read(function, (unsigned)(bar - function->bars), offset, bytes);
}

static void pci_bar_region_write(struct bus_region *region, uint64_t offset, unsigned bytes,
				 uint64_t value)
{
	struct pci_bar *bar = pci_bar_of_region(region);
	struct pci_function *function = bar->function;

	function->ops->bar_write(function, (unsigned)(bar - function->bars), offset, bytes, value);
}

static const struct bus_region_ops pci_bar_region_ops = {
	.read = pci_bar_region_read,
	.write = pci_bar_region_write,
};

void pci_function_add_bar(struct pci_function *function, unsigned index, uint64_t bytes, bool wide)
{
	struct pci_bar *bar = &function->bars[index];
	unsigned offset = PCI_BASE_ADDRESS_0 + 4 * index;
	uint64_t mask = ~(bytes - 1);

	assert(bytes >= 4096 && (bytes & (bytes - 1)) == 0);
	assert(index + wide < PCI_BAR_COUNT && (wide || bytes <= UINT32_C(1) << 31));
	bar->region.ops = &pci_bar_region_ops;
	bar->region.bytes = bytes;
	bar->region.name = function->name;
	bar->function = function;
	bar->wide = wide;
	if (wide)
		le32_store(function->config + offset, PCI_BASE_ADDRESS_MEM_TYPE_64 |
							      PCI_BASE_ADDRESS_MEM_PREFETCH);
	pci_function_set_writable(function, offset, 4, (uint32_t)mask);
	if (wide)
		pci_function_set_writable(function, offset + 4, 4, (uint32_t)(mask >> 32));
}

int pci_function_add_capability(struct pci_function *function, uint8_t id, unsigned bytes)
{
	unsigned offset = function->capability_end;
	uint8_t *config = function->config;

	if (bytes > PCI_CONFIG_BYTES - offset)
		return -ENOSPC;
	config[offset + PCI_CAP_LIST_ID] = id;
	if (function->last_capability)
		config[function->last_capability + PCI_CAP_LIST_NEXT] = (uint8_t)offset;
	else
		config[PCI_CAPABILITY_LIST] = (uint8_t)offset;
	config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	function->last_capability = offset;
	function->capability_end = offset + ((bytes + 3) & ~3u);
	return (int)offset;
}

void pci_function_set_writable(struct pci_function *function, unsigned offset, unsigned bytes,
			       uint32_t mask)
{
	for (unsigned i = 0; i < bytes; i++)
		function->writable[offset + i] = (uint8_t)(mask >> 8 * i);
}

int pci_function_add(struct pci_bus *bus, struct pci_function *function, unsigned slot)
{
	if (slot >= PCI_SLOT_COUNT)
		return -EINVAL;
	if (bus->functions[slot])
		return -EBUSY;
	memcpy(function->initial, function->config, PCI_CONFIG_BYTES);
	function->bus = bus;
	function->slot = slot;
	bus->functions[slot] = function;
	return 0;
}

uint32_t pci_function_config_load(struct pci_function *function, unsigned offset, unsigned bytes)
{
	uint8_t copy[4] = { 0 };

	pthread_mutex_lock(&function->bus->lock);
	memcpy(copy, function->config + offset, bytes);
	pthread_mutex_unlock(&function->bus->lock);
	return le32_load(copy);
}

void pci_function_config_store(struct pci_function *function, unsigned offset, unsigned bytes,
			       uint32_t value)
{
	uint8_t copy[4];

	le32_store(copy, value);
	pthread_mutex_lock(&function->bus->lock);
	memcpy(function->config + offset, copy, bytes);
	pthread_mutex_unlock(&function->bus->lock);
}

static bool pci_function_intx_drives(const struct pci_function *function)
{
	return function->intx_level &&
	       !(le16_load(function->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

/* Functions share lines: a line is high while any of its functions drives it. */
static bool pci_bus_line_level(const struct pci_bus *bus, int gsi)
{
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		const struct pci_function *function = bus->functions[slot];

		if (function && pci_intx_gsi(slot, 0) == gsi && pci_function_intx_drives(function))
			return true;
	}
	return false;
}

void pci_function_update_intx(struct pci_function *function)
{
	struct pci_bus *bus = function->bus;
	int gsi = pci_intx_gsi(function->slot, 0);
	bool *line = &bus->lines[gsi - PCI_INTX_GSI_BASE];
	bool level = pci_bus_line_level(bus, gsi);

	if (function->intx_level)
		function->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		function->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	if (level == *line)
		return;
	*line = level;
	bus->config.host_ops->irq_line(bus->config.host, gsi, level);
}

void pci_function_set_intx(struct pci_function *function, bool level)
{
	pthread_mutex_lock(&function->bus->lock);
	function->intx_level = level;
	pci_function_update_intx(function);
	pthread_mutex_unlock(&function->bus->lock);
}
