/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BARs and ECAM on the memory bus: after every write that may move one, what is there is compared
 * with what configuration space asks for. A window that finds its place taken waits for it to be
 * free.
 */
#include <base/bytes.h>
#include <base/log.h>
#include <linux/pci_regs.h>
#include <pci/pci_bus.h>

static unsigned pci_bar_index(const struct pci_bar *bar)
{
	return (unsigned)(bar - bar->function->bars);
}

/* Where the guest wants the BAR; false: nowhere. The last byte of 4 GiB is the sizing pattern of a
 * driver that left decoding on. */
static bool pci_bar_wanted(const struct pci_bar *bar, uint64_t *base)
{
	const uint8_t *config = bar->function->config;
	const uint8_t *raw = config + PCI_BASE_ADDRESS_0 + 4 * pci_bar_index(bar);
	uint64_t last;

	if (bar->region.bytes == 0 || !(le16_load(config + PCI_COMMAND) & PCI_COMMAND_MEMORY))
		return false;
	*base = bar->wide ? le64_load(raw) : le32_load(raw);
	*base &= PCI_BASE_ADDRESS_MEM_MASK;
	last = *base + bar->region.bytes - 1;
	return *base != 0 && last > *base && last != UINT32_MAX && last >> 52 == 0;
}

static void pci_bar_unmap_stale(struct pci_bus *bus, struct pci_bar *bar)
{
	struct pci_function *function = bar->function;
	uint64_t base;

	if (!bar->mapped || (pci_bar_wanted(bar, &base) && base == bar->region.base))
		return;
	if (function->ops->bar_moved)
		function->ops->bar_moved(function, pci_bar_index(bar), bar->region.base, false);
	bus_remove(bus->config.mmio, &bar->region);
	bar->mapped = false;
}

static void pci_bar_map_wanted(struct pci_bus *bus, struct pci_bar *bar)
{
	struct pci_function *function = bar->function;
	uint64_t base;
	int error;

	if (bar->mapped || !pci_bar_wanted(bar, &base))
		return;
	bar->region.base = base;
	error = bus_add(bus->config.mmio, &bar->region);
	if (error < 0) {
		log_guest_bug("%s: BAR %u cannot answer at %#llx: the place is taken",
			      function->name, pci_bar_index(bar), (unsigned long long)base);
		return;
	}
	bar->mapped = true;
	if (function->ops->bar_moved)
		function->ops->bar_moved(function, pci_bar_index(bar), base, true);
}

static void pci_bus_each_bar(struct pci_bus *bus, void (*func)(struct pci_bus *, struct pci_bar *))
{
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		for (unsigned i = 0; bus->functions[slot] && i < PCI_BAR_COUNT; i++) {
			if (bus->functions[slot]->bars[i].region.bytes > 0)
				func(bus, &bus->functions[slot]->bars[i]);
		}
	}
}

void pci_bus_remap(struct pci_bus *bus)
{
	uint64_t base, bytes;

	pci_host_bridge_ecam(&bus->host_bridge, &base, &bytes);
	if (bus->ecam_mapped && (base != bus->ecam.base || bytes != bus->ecam.bytes)) {
		bus_remove(bus->config.mmio, &bus->ecam);
		bus->ecam_mapped = false;
	}
	pci_bus_each_bar(bus, pci_bar_unmap_stale);
	if (!bus->ecam_mapped && bytes > 0) {
		bus->ecam.base = base;
		bus->ecam.bytes = bytes;
		bus->ecam_mapped = bus_add(bus->config.mmio, &bus->ecam) == 0;
		if (!bus->ecam_mapped)
			log_guest_bug("ECAM cannot answer at %#llx: the place is taken",
				      (unsigned long long)base);
	}
	pci_bus_each_bar(bus, pci_bar_map_wanted);
}

bool pci_function_moves_bars(unsigned offset, unsigned bytes)
{
	unsigned end = offset + bytes;

	return (offset < PCI_COMMAND + 2 && end > PCI_COMMAND) ||
	       (offset < PCI_CARDBUS_CIS && end > PCI_BASE_ADDRESS_0);
}
