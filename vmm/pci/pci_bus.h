/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of struct pci_bus, for the files that make it up.
 */
#ifndef VMM_PCI_PCI_BUS_H
#define VMM_PCI_PCI_BUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <pci/pci.h>

#define PCI_INTX_LINES 8

struct pci_bus {
	struct pci_bus_config config;
	pthread_mutex_t lock;                   /* guards the functions' configuration space */
	struct pci_function *functions[PCI_SLOT_COUNT];   /* fixed once the vCPUs run */
	struct pci_function host_bridge;
	struct pci_function lpc_bridge;

	struct bus_region address_port;         /* 0xcf8, with the reset port 0xcf9 inside */
	struct bus_region data_port;            /* 0xcfc */
	struct bus_region ecam;
	bool ecam_mapped;
	_Atomic uint32_t address;               /* what was written to 0xcf8 */
	_Atomic uint8_t reset_control;

	bool lines[PCI_INTX_LINES];
};

/* pci_config.c: the ports and ECAM. 0 or -errno; stop is for a started one only. */
int pci_config_start(struct pci_bus *bus);
void pci_config_stop(struct pci_bus *bus);

/* pci_chipset.c */
void pci_host_bridge_init(struct pci_function *function);
void pci_lpc_bridge_init(struct pci_function *function);
/* What PCIEXBAR of the host bridge says; 0 bytes when it is off. Lock held. */
void pci_host_bridge_ecam(const struct pci_function *function, uint64_t *base, uint64_t *bytes);
/* True when the bytes hold part of PCIEXBAR. */
bool pci_host_bridge_moves_ecam(unsigned offset, unsigned bytes);

/* pci_bar.c: makes the buses say what configuration space says. Lock held. */
void pci_bus_remap(struct pci_bus *bus);
/* True when a write to these bytes may move a BAR. */
bool pci_function_moves_bars(unsigned offset, unsigned bytes);

/* pci_function.c: the pin, the status bit and the line follow intx_level and COMMAND. Lock held. */
void pci_function_update_intx(struct pci_function *function);

#endif
