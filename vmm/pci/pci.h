/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One PCI root bus, q35-like: configuration space through ports 0xcf8/0xcfc and through ECAM, BARs
 * that move, capabilities, INTx lines (PCI Local Bus 3.0, chapter 6; PCI Express 7.2.2).
 *
 * 00:00.0 is the host bridge, 00:1f.0 the LPC bridge. Configuration space is guarded by one lock of
 * the bus; it is held across the leaf calls named below and never while a loop is waited for.
 */
#ifndef VMM_PCI_PCI_H
#define VMM_PCI_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include <bus/bus.h>
#include <pci/host.h>

#define PCI_SLOT_COUNT 32
#define PCI_BAR_COUNT 6
#define PCI_CONFIG_BYTES 256

#define PCI_ECAM_DEFAULT_BASE 0xb0000000u       /* follows the guest's writes to PCIEXBAR */
#define PCI_ECAM_MAX_BYTES (256u << 20)
#define PCI_PM_BASE 0x600u                      /* ACPI ports: what PMBASE of the LPC bridge says */
#define PCI_LPC_SLOT 31
#define PCI_INTX_GSI_BASE 16

struct guest_mem;
struct pci_bus;
struct pci_function;

struct pci_bus_config {
	const struct pci_host_ops *host_ops;
	void *host;
	struct bus *pio;
	struct bus *mmio;
	struct guest_mem *mem;          /* for functions that do DMA; the bus takes a reference */
	/* The guest asked for a reset at port 0xcf9. On a vCPU thread; must not wait for it. */
	void (*reset_requested)(void *data);
	void *reset_data;
};

/* All ops but destroy and reset may come from several vCPU threads at once. */
struct pci_function_ops {
	uint64_t (*bar_read)(struct pci_function *function, unsigned bar, uint64_t offset,
			     unsigned bytes);
	void (*bar_write)(struct pci_function *function, unsigned bar, uint64_t offset,
			  unsigned bytes, uint64_t value);
	/* The guest reads these bytes: refresh them with pci_function_config_store. May be NULL. */
	void (*config_reading)(struct pci_function *function, unsigned offset, unsigned bytes);
	/* The guest wrote these bytes, write mask applied. May be NULL. */
	void (*config_written)(struct pci_function *function, unsigned offset, unsigned bytes);
	/* The BAR answers at base now (mapped), or no longer does at base. Under the bus' lock: a
	 * leaf, calls nothing of this header. May be NULL. */
	void (*bar_moved)(struct pci_function *function, unsigned bar, uint64_t base, bool mapped);
	/* Machine reset: configuration space is already back; vCPUs are stopped. May be NULL. */
	void (*reset)(struct pci_function *function);
	/* Frees the function; vCPUs are gone, its BARs are off the bus. */
	void (*destroy)(struct pci_function *function);
};

struct pci_bar {
	struct bus_region region;       /* region.bytes 0: no such BAR */
	struct pci_function *function;
	bool wide;                      /* takes the next BAR as its upper half */
	bool mapped;
};

struct pci_identity {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint32_t class_code;            /* class, subclass, interface: 0xccsspp */
	uint8_t revision;
	uint8_t interrupt_pin;          /* 0: none, 1: INTA */
};

/* Embedded by its owner. The fields are the bus' own. */
struct pci_function {
	const struct pci_function_ops *ops;
	const char *name;
	struct pci_bus *bus;
	unsigned slot;
	struct pci_bar bars[PCI_BAR_COUNT];
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t initial[PCI_CONFIG_BYTES];      /* what reset puts back */
	uint8_t writable[PCI_CONFIG_BYTES];     /* bits the guest may change */
	unsigned capability_end;
	unsigned last_capability;               /* offset of the capability added last */
	bool intx_level;
};

/* Bus with its two bridges on the ports and ECAM. NULL with errno. */
struct pci_bus *pci_bus_create(const struct pci_bus_config *config);
/* Destroys every function. vCPU threads are gone. NULL is ignored. */
void pci_bus_destroy(struct pci_bus *bus);
/* Everything back to power-on. vCPU threads are stopped; the functions' loops run. */
void pci_bus_reset(struct pci_bus *bus);

const struct pci_bus_config *pci_bus_config(const struct pci_bus *bus);
/* The lowest free slot, or -ENOSPC. */
int pci_bus_free_slot(struct pci_bus *bus);
bool pci_bus_slot_used(struct pci_bus *bus, unsigned slot);
/* Where ECAM is now: 0 bytes when the guest switched it off. */
void pci_bus_ecam(struct pci_bus *bus, uint64_t *base, uint64_t *bytes);
/* Pin 0 is INTA. The same formula stands in the ACPI _PRT. */
static inline int pci_intx_gsi(unsigned slot, unsigned pin)
{
	return PCI_INTX_GSI_BASE + (int)((slot + pin) & 7);
}

/* First build the function (init, BARs, capabilities), then add it. */
void pci_function_init(struct pci_function *function, const struct pci_function_ops *ops,
		       const char *name, const struct pci_identity *identity);
/* A memory BAR of a power-of-two size of at least 4096; wide: 64-bit prefetchable, else 32-bit. */
void pci_function_add_bar(struct pci_function *function, unsigned index, uint64_t bytes, bool wide);
/* Room for a capability of that many bytes, header included. Its offset, or -ENOSPC. */
int pci_function_add_capability(struct pci_function *function, uint8_t id, unsigned bytes);
/* Lets the guest change the bits of mask (1 to 4 bytes, little endian). */
void pci_function_set_writable(struct pci_function *function, unsigned offset, unsigned bytes,
			       uint32_t mask);
/* On success the bus owns the function. -EINVAL: no such slot; -EBUSY: taken. */
int pci_function_add(struct pci_bus *bus, struct pci_function *function, unsigned slot);

/* Any thread, not from bar_moved. Little endian, 1 to 4 bytes. */
uint32_t pci_function_config_load(struct pci_function *function, unsigned offset, unsigned bytes);
void pci_function_config_store(struct pci_function *function, unsigned offset, unsigned bytes,
			       uint32_t value);
/* Any thread, not from bar_moved. Drives the function's INTx pin. */
void pci_function_set_intx(struct pci_function *function, bool level);

#endif
