/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X of one function (PCI Local Bus 3.0, 6.8.2), and INTx where the guest does not use it.
 *
 * Interrupts start at sources: eventfds that devices write. A source whose vector can be delivered
 * is bound to it in the host (irqfd); otherwise it is relayed here: a masked vector becomes
 * pending, and without MSI-X the owner is told. Everything belongs to the function's loop.
 */
#ifndef VMM_PCI_MSIX_H
#define VMM_PCI_MSIX_H

#include <stdbool.h>
#include <stdint.h>

#define MSIX_BAR_BYTES 4096
#define MSIX_MAX_VECTORS 64
#define MSIX_NO_VECTOR 0xffffu

struct loop;
struct loop_fd;
struct msix;
struct pci_function;

struct msix_source {
	struct msix *msix;
	int fd;                         /* eventfd: write it to interrupt */
	uint16_t vector;
	int bound_gsi;                  /* -1: relayed */
	struct loop_fd *relay;
};

struct msix_vector {
	uint32_t entry[4];              /* as written: address, upper address, data, control */
	bool pending;
	int gsi;                        /* -1: no route yet */
	uint64_t routed_address;
	uint32_t routed_data;
};

/* The source was written while MSI-X is off. */
typedef void msix_intx_func(void *data, unsigned source);

struct msix {
	struct pci_function *function;
	struct loop *loop;
	msix_intx_func *intx;
	void *data;
	unsigned capability;            /* offset in configuration space */
	bool enabled;
	bool function_masked;
	unsigned vector_count;
	unsigned source_count;
	struct msix_vector *vectors;
	struct msix_source *sources;
};

/* Adds BAR and capability to a function that is not on its bus yet. On the loop or while it does
 * not run. 0 or -errno: then call msix_finish. */
int msix_init(struct msix *msix, struct pci_function *function, struct loop *loop, unsigned bar,
	      unsigned vector_count, unsigned source_count, msix_intx_func *intx, void *data);
/* For a msix that is all zeros too. */
void msix_finish(struct msix *msix);

/* Table and pending bits as the BAR shows them. */
uint64_t msix_bar_read(struct msix *msix, uint64_t offset, unsigned bytes);
void msix_bar_write(struct msix *msix, uint64_t offset, unsigned bytes, uint64_t value);
/* True when the bytes of configuration space hold the control word; then call msix_update. */
bool msix_is_control(const struct msix *msix, unsigned offset, unsigned bytes);
/* Follows the control word in configuration space. */
void msix_update(struct msix *msix);

int msix_source_fd(const struct msix *msix, unsigned source);
uint16_t msix_source_vector(const struct msix *msix, unsigned source);
/* A vector that does not exist becomes MSIX_NO_VECTOR. */
void msix_source_set_vector(struct msix *msix, unsigned source, uint16_t vector);
/* Forgets the sources' vectors and everything that waits for delivery. */
void msix_reset_sources(struct msix *msix);
/* Machine reset: the table too. */
void msix_reset(struct msix *msix);

#endif
