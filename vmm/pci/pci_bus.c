/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <pci/pci_bus.h>
#include <virtio/guest_mem.h>

struct pci_bus *pci_bus_create(const struct pci_bus_config *config)
{
	struct pci_bus *bus = calloc(1, sizeof(*bus));
	int error;

	if (!bus)
		return NULL;
	bus->config = *config;
	if (config->mem)
		guest_mem_ref(config->mem);
	pthread_mutex_init(&bus->lock, NULL);
	pci_host_bridge_init(&bus->host_bridge);
	pci_lpc_bridge_init(&bus->lpc_bridge);
	error = pci_function_add(bus, &bus->host_bridge, 0);
	if (error == 0)
		error = pci_function_add(bus, &bus->lpc_bridge, PCI_LPC_SLOT);
	if (error == 0)
		error = pci_config_start(bus);
	if (error < 0) {
		pthread_mutex_destroy(&bus->lock);
		if (config->mem)
			guest_mem_unref(config->mem);
		free(bus);
		errno = -error;
		return NULL;
	}
	return bus;
}

/* Takes every BAR and INTx line back, as COMMAND is 0 after it. */
static void pci_bus_reset_config(struct pci_bus *bus)
{
	pthread_mutex_lock(&bus->lock);
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		struct pci_function *function = bus->functions[slot];

		if (!function)
			continue;
		memcpy(function->config, function->initial, PCI_CONFIG_BYTES);
		function->intx_level = false;
		pci_function_update_intx(function);
	}
	pci_bus_remap(bus);
	pthread_mutex_unlock(&bus->lock);
}

void pci_bus_reset(struct pci_bus *bus)
{
	atomic_store(&bus->address, 0);
	atomic_store(&bus->reset_control, 0);
	pci_bus_reset_config(bus);
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		struct pci_function *function = bus->functions[slot];

		if (function && function->ops->reset)
			function->ops->reset(function);
	}
}

void pci_bus_destroy(struct pci_bus *bus)
{
	if (!bus)
		return;
	pci_bus_reset_config(bus);
	pci_config_stop(bus);
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		struct pci_function *function = bus->functions[slot];

		if (function && function->ops->destroy)
			function->ops->destroy(function);
	}
	pthread_mutex_destroy(&bus->lock);
	if (bus->config.mem)
		guest_mem_unref(bus->config.mem);
	free(bus);
}

const struct pci_bus_config *pci_bus_config(const struct pci_bus *bus)
{
	return &bus->config;
}

int pci_bus_free_slot(struct pci_bus *bus)
{
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		if (!bus->functions[slot])
			return (int)slot;
	}
	return -ENOSPC;
}

bool pci_bus_slot_used(struct pci_bus *bus, unsigned slot)
{
	return slot < PCI_SLOT_COUNT && bus->functions[slot];
}

void pci_bus_ecam(struct pci_bus *bus, uint64_t *base, uint64_t *bytes)
{
	pthread_mutex_lock(&bus->lock);
	pci_host_bridge_ecam(&bus->host_bridge, base, bytes);
	pthread_mutex_unlock(&bus->lock);
}
