/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's ways into configuration space: ports 0xcf8/0xcfc and ECAM. Functions other than 0 and
 * buses other than 0 do not exist; conventional functions have 256 bytes.
 */
#include <base/bytes.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <pci/pci_bus.h>

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT 0xcfc
#define PCI_ADDRESS_ENABLE 0x80000000u
#define PCI_ADDRESS_BITS 0x80fffffcu
#define PCI_RESET_PORT_OFFSET 1                 /* 0xcf9: reset control of the LPC bridge */
#define PCI_RESET_CPU 0x04
#define PCI_RESET_STORED 0x0a

/* bdf: bus number, slot and function as in the ECAM address. */
static struct pci_function *pci_config_target(struct pci_bus *bus, uint32_t bdf, unsigned offset)
{
	if (bdf >> 3 >= PCI_SLOT_COUNT || (bdf & 7) != 0 || offset >= PCI_CONFIG_BYTES)
		return NULL;
	return bus->functions[bdf >> 3];
}

/* 1 to 4 bytes that do not cross a multiple of 4. */
static uint32_t pci_config_read(struct pci_bus *bus, uint32_t bdf, unsigned offset, unsigned bytes)
{
	struct pci_function *function = pci_config_target(bus, bdf, offset);

	if (!function)
		return UINT32_MAX;
	if (function->ops->config_reading)
		function->ops->config_reading(function, offset, bytes);
	return pci_function_config_load(function, offset, bytes);
}

static void pci_config_write(struct pci_bus *bus, uint32_t bdf, unsigned offset, unsigned bytes,
			     uint32_t value)
{
	struct pci_function *function = pci_config_target(bus, bdf, offset);

	if (!function)
		return;
	pthread_mutex_lock(&bus->lock);
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t *byte = &function->config[offset + i];
		uint8_t writable = function->writable[offset + i];

		*byte = (uint8_t)((*byte & ~writable) | ((value >> 8 * i) & writable));
	}
	if (pci_function_moves_bars(offset, bytes)) {
		pci_bus_remap(bus);
		pci_function_update_intx(function);
	} else if (function == &bus->host_bridge && pci_host_bridge_moves_ecam(offset, bytes)) {
		pci_bus_remap(bus);
	}
	pthread_mutex_unlock(&bus->lock);
	if (function->ops->config_written)
		function->ops->config_written(function, offset, bytes);
}

static struct pci_bus *pci_address_port_bus(struct bus_region *region)
{
	return (struct pci_bus *)((char *)region - offsetof(struct pci_bus, address_port));
}

static uint64_t pci_address_port_read(struct bus_region *region, uint64_t offset, unsigned bytes)
{
	struct pci_bus *bus = pci_address_port_bus(region);

	if (offset == 0 && bytes == 4)
		return atomic_load(&bus->address);
	if (offset == PCI_RESET_PORT_OFFSET && bytes == 1)
		return atomic_load(&bus->reset_control);
	return UINT64_MAX;
}

static void pci_address_port_write(struct bus_region *region, uint64_t offset, unsigned bytes,
				   uint64_t value)
{
	struct pci_bus *bus = pci_address_port_bus(region);

	if (offset == 0 && bytes == 4) {
		atomic_store(&bus->address, (uint32_t)value & PCI_ADDRESS_BITS);
	} else if (offset == PCI_RESET_PORT_OFFSET && bytes == 1) {
		atomic_store(&bus->reset_control, (uint8_t)(value & PCI_RESET_STORED));
		if ((value & PCI_RESET_CPU) && bus->config.reset_requested)
			bus->config.reset_requested(bus->config.reset_data);
	}
}

static const struct bus_region_ops pci_address_port_ops = {
	.read = pci_address_port_read,
	.write = pci_address_port_write,
};

static struct pci_bus *pci_data_port_bus(struct bus_region *region)
{
	return (struct pci_bus *)((char *)region - offsetof(struct pci_bus, data_port));
}

static uint64_t pci_data_port_read(struct bus_region *region, uint64_t offset, unsigned bytes)
{
	struct pci_bus *bus = pci_data_port_bus(region);
	uint32_t address = atomic_load(&bus->address);

	if (!(address & PCI_ADDRESS_ENABLE))
		return UINT64_MAX;
	address &= ~PCI_ADDRESS_ENABLE;
	return pci_config_read(bus, address >> 8, (address & 0xff) + (unsigned)offset, bytes);
}

static void pci_data_port_write(struct bus_region *region, uint64_t offset, unsigned bytes,
				uint64_t value)
{
	struct pci_bus *bus = pci_data_port_bus(region);
	uint32_t address = atomic_load(&bus->address);

	if (!(address & PCI_ADDRESS_ENABLE))
		return;
	address &= ~PCI_ADDRESS_ENABLE;
	pci_config_write(bus, address >> 8, (address & 0xff) + (unsigned)offset, bytes,
			 (uint32_t)value);
}

static const struct bus_region_ops pci_data_port_ops = {
	.read = pci_data_port_read,
	.write = pci_data_port_write,
};

static struct pci_bus *pci_ecam_bus(struct bus_region *region)
{
	return (struct pci_bus *)((char *)region - offsetof(struct pci_bus, ecam));
}

/* How much of an access lies in the 4 bytes that its first byte is in. */
static unsigned pci_ecam_step(uint64_t offset, unsigned bytes)
{
	unsigned step = 4 - (unsigned)(offset & 3);

	return step < bytes ? step : bytes;
}

static uint64_t pci_ecam_read(struct bus_region *region, uint64_t offset, unsigned bytes)
{
	struct pci_bus *bus = pci_ecam_bus(region);
	uint64_t value = 0;

	for (unsigned done = 0, step; done < bytes; done += step) {
		uint64_t at = offset + done;
		uint64_t part;

		step = pci_ecam_step(at, bytes - done);
		part = pci_config_read(bus, (uint32_t)(at >> 12), at & 0xfff, step);
		value |= (part & (UINT64_MAX >> (64 - 8 * step))) << 8 * done;
	}
	return value;
}

static void pci_ecam_write(struct bus_region *region, uint64_t offset, unsigned bytes,
			   uint64_t value)
{
	struct pci_bus *bus = pci_ecam_bus(region);

	for (unsigned done = 0, step; done < bytes; done += step) {
		uint64_t at = offset + done;

		step = pci_ecam_step(at, bytes - done);
		pci_config_write(bus, (uint32_t)(at >> 12), at & 0xfff, step,
				 (uint32_t)(value >> 8 * done));
	}
}

static const struct bus_region_ops pci_ecam_ops = {
	.read = pci_ecam_read,
	.write = pci_ecam_write,
};

int pci_config_start(struct pci_bus *bus)
{
	int error;

	bus->address_port = (struct bus_region){ .ops = &pci_address_port_ops,
						 .base = PCI_ADDRESS_PORT,
						 .bytes = 4,
						 .name = "pci address" };
	bus->data_port = (struct bus_region){ .ops = &pci_data_port_ops,
					      .base = PCI_DATA_PORT,
					      .bytes = 4,
					      .name = "pci data" };
	bus->ecam = (struct bus_region){ .ops = &pci_ecam_ops, .name = "pci ecam" };
	error = bus_add(bus->config.pio, &bus->address_port);
	if (error < 0)
		return error;
	error = bus_add(bus->config.pio, &bus->data_port);
	if (error < 0) {
		bus_remove(bus->config.pio, &bus->address_port);
		return error;
	}
	pthread_mutex_lock(&bus->lock);
	pci_bus_remap(bus);
	pthread_mutex_unlock(&bus->lock);
	return 0;
}

void pci_config_stop(struct pci_bus *bus)
{
	bus_remove(bus->config.mmio, &bus->ecam);
	bus_remove(bus->config.pio, &bus->data_port);
	bus_remove(bus->config.pio, &bus->address_port);
}
