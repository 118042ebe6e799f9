/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI bus on a fake host, driven as a guest drives it: ports, ECAM, BARs. The loop is dispatched
 * by the test's thread.
 */
#ifndef TESTS_PCI_RIG_H
#define TESTS_PCI_RIG_H

#include <bus/bus.h>
#include <pci/pci.h>
#include <stdbool.h>
#include <stdint.h>

#define PCI_RIG_ROUTES 32
#define PCI_RIG_BINDINGS 32
#define PCI_RIG_LINES 24

struct fake_memory;
struct loop;

struct pci_rig_route {
	bool used;
	uint64_t address;
	uint32_t data;
	unsigned delivered;             /* messages since the test looked last */
};

struct pci_rig_binding {
	int fd;                         /* -1: free */
	int gsi;                        /* irqfd */
	uint64_t address;               /* ioeventfd */
	unsigned bytes;
};

struct pci_rig {
	struct loop *loop;
	struct bus *pio, *mmio;
	struct fake_memory *memory;
	struct pci_bus *bus;
	struct pci_rig_route routes[PCI_RIG_ROUTES];
	struct pci_rig_binding irqfds[PCI_RIG_BINDINGS];
	struct pci_rig_binding ioeventfds[PCI_RIG_BINDINGS];
	bool lines[PCI_RIG_LINES];
	bool refuse_routes;             /* the host has no route left */
	bool refuse_doorbells;
	unsigned resets_requested;
	unsigned mistakes;              /* calls no well-behaved PCI makes */
};

void pci_rig_init(struct pci_rig *rig);
void pci_rig_finish(struct pci_rig *rig);
/* Runs the loop until nothing is pending. */
void pci_rig_run(struct pci_rig *rig);

uint32_t pci_rig_config_read(struct pci_rig *rig, unsigned slot, unsigned offset, unsigned bytes);
void pci_rig_config_write(struct pci_rig *rig, unsigned slot, unsigned offset, unsigned bytes,
			  uint32_t value);
/* Memory accesses of a vCPU; unassigned reads give all-ones. */
uint64_t pci_rig_read(struct pci_rig *rig, uint64_t address, unsigned bytes);
void pci_rig_write(struct pci_rig *rig, uint64_t address, unsigned bytes, uint64_t value);
/* The offset of the first capability that matches, searched as a driver does; 0: none. type: a
 * vendor capability's, -1: any. */
unsigned pci_rig_find_capability(struct pci_rig *rig, unsigned slot, uint8_t id, int type);
/* Messages with this data that reached the guest since the last call, bound eventfds included. */
unsigned pci_rig_messages(struct pci_rig *rig, uint32_t data);

#endif
