/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table from GSI to interrupt: 0..23 are the pins of the PICs and the I/O APIC, the others are
 * MSI messages that come and go. Any thread.
 */
#ifndef VMM_KVM_ROUTES_H
#define VMM_KVM_ROUTES_H

#include <stdint.h>

#define ROUTES_PIN_COUNT 24

struct routes;

/* max_gsis: what KVM_CAP_IRQ_ROUTING says. vm_fd is borrowed. NULL with errno. */
struct routes *routes_create(int vm_fd, unsigned int max_gsis);
void routes_destroy(struct routes *routes);

/* A free GSI (>= ROUTES_PIN_COUNT) now leads to the message; or -ENOSPC, -errno of KVM. */
int routes_add_msi(struct routes *routes, uint64_t address, uint32_t data);
/* -EINVAL when the GSI is none of routes_add_msi's. */
int routes_set_msi(struct routes *routes, unsigned int gsi, uint64_t address, uint32_t data);
void routes_remove_msi(struct routes *routes, unsigned int gsi);

#endif
