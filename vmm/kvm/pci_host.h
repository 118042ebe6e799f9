/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM as the host of a PCI bus: give these ops and the struct vm to pci_bus_create. Any thread. */
#ifndef VMM_KVM_PCI_HOST_H
#define VMM_KVM_PCI_HOST_H

#include <pci/host.h>

extern const struct pci_host_ops vm_pci_host_ops;

#endif
