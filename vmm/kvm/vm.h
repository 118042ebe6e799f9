/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A KVM virtual machine: RAM, the in-kernel interrupt controllers and their wiring.
 *
 * Created, reset and destroyed on the main thread; vm_irq_line and the ops of kvm/pci_host.h are
 * for any thread. The vCPUs are kvm/vcpus.h.
 */
#ifndef VMM_KVM_VM_H
#define VMM_KVM_VM_H

#include <stdbool.h>
#include <stdint.h>

struct bus;
struct guest_mem;
struct option_error;
struct routes;
struct vm;

struct vm_config {
	uint64_t memory_bytes;  /* a multiple of 4 KiB (2 MiB with hugepages) */
	uint32_t cpus;
	bool hugepages;
};

/* NULL with errno and one clear line in the error. */
struct vm *vm_create(const struct vm_config *config, struct option_error *error);
/* All vCPUs must be gone. NULL is ignored. */
void vm_destroy(struct vm *vm);

int vm_kvm_fd(const struct vm *vm);
int vm_fd(const struct vm *vm);
/* Borrowed, all of them; they live as long as the vm. */
struct guest_mem *vm_guest_mem(const struct vm *vm);
struct routes *vm_routes(const struct vm *vm);
struct bus *vm_pio(const struct vm *vm);
struct bus *vm_mmio(const struct vm *vm);

/* Drives a wire of the PICs and the I/O APIC (GSI 0..23). */
void vm_irq_line(struct vm *vm, unsigned int gsi, bool level);

/* Puts the interrupt controllers and the timer back to the state after creation. No vCPU runs.
 * 0 or -errno, logged. */
int vm_reset(struct vm *vm);

#endif
