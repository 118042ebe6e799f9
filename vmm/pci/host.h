/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What PCI needs from whoever runs the machine (KVM, or the tests' fake): doorbells and interrupts.
 *
 * All ops may be called from any thread, and must not call back into PCI. The object comes first.
 */
#ifndef VMM_PCI_HOST_H
#define VMM_PCI_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct pci_host_ops {
	/* A guest write of that many bytes at the port or address signals the eventfd instead of
	 * leaving the guest; add false takes it back. 0 or -errno: then the write comes to the bus. */
	int (*ioeventfd)(void *host, int fd, uint64_t address, unsigned bytes, bool pio, bool add);
	/* A new interrupt route to an MSI message: its GSI (>= 0), or -errno. */
	int (*msi_route_add)(void *host, uint64_t address, uint32_t data);
	/* Changes the message of a route. 0 or -errno. */
	int (*msi_route_set)(void *host, int gsi, uint64_t address, uint32_t data);
	void (*msi_route_remove)(void *host, int gsi);
	/* Writing the eventfd raises the GSI; a count that is already there counts. 0 or -errno. */
	int (*irqfd)(void *host, int fd, int gsi, bool add);
	/* Level-triggered interrupt line. */
	void (*irq_line)(void *host, int gsi, bool level);
};

#endif
