/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <kvm/pci_host.h>
#include <kvm/routes.h>
#include <kvm/vm.h>

static int vm_host_ioeventfd(void *host, int fd, uint64_t address, unsigned bytes, bool pio,
			     bool add)
{
	struct vm *vm = host;
	struct kvm_ioeventfd event = {
		.addr = address,
		.len = bytes,
		.fd = fd,
		.flags = (pio ? KVM_IOEVENTFD_FLAG_PIO : 0u) |
			 (add ? 0u : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	return ioctl(vm_fd(vm), KVM_IOEVENTFD, &event) < 0 ? -errno : 0;
}

static int vm_host_msi_route_add(void *host, uint64_t address, uint32_t data)
{
	return routes_add_msi(vm_routes(host), address, data);
}

static int vm_host_msi_route_set(void *host, int gsi, uint64_t address, uint32_t data)
{
	return routes_set_msi(vm_routes(host), (unsigned)gsi, address, data);
}

static void vm_host_msi_route_remove(void *host, int gsi)
{
	routes_remove_msi(vm_routes(host), (unsigned)gsi);
}

static int vm_host_irqfd(void *host, int fd, int gsi, bool add)
{
	struct vm *vm = host;
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)fd,
		.gsi = (uint32_t)gsi,
		.flags = add ? 0u : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return ioctl(vm_fd(vm), KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

static void vm_host_irq_line(void *host, int gsi, bool level)
{
	vm_irq_line(host, (unsigned)gsi, level);
}

const struct pci_host_ops vm_pci_host_ops = {
	.ioeventfd = vm_host_ioeventfd,
	.msi_route_add = vm_host_msi_route_add,
	.msi_route_set = vm_host_msi_route_set,
	.msi_route_remove = vm_host_msi_route_remove,
	.irqfd = vm_host_irqfd,
	.irq_line = vm_host_irq_line,
};
