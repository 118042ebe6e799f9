/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One vCPU without its thread: for vcpus.c only. */
#ifndef VMM_KVM_VCPU_H
#define VMM_KVM_VCPU_H

#include <stdint.h>

struct kvm_cpuid2;
struct vcpu;
struct vcpu_entry;
struct vm;

enum vcpu_stop {
	VCPU_STOP_KICKED,
	VCPU_STOP_TRIPLE_FAULT,
	VCPU_STOP_FAILED,
};

/* cpuid is that of this vCPU; index is its APIC id. NULL with errno. */
struct vcpu *vcpu_create(struct vm *vm, uint32_t index, struct kvm_cpuid2 *cpuid);
void vcpu_destroy(struct vcpu *vcpu);
/* Runs the guest on the calling thread until there is a reason to stop. */
enum vcpu_stop vcpu_run(struct vcpu *vcpu);
/* Any thread: the next KVM_RUN returns at once. A thread that is in one needs a signal too. */
void vcpu_interrupt(struct vcpu *vcpu);
/* Not while it runs. entry: NULL for all but the first. 0 or -errno. */
int vcpu_reset(struct vcpu *vcpu, const struct vcpu_entry *entry);

#endif
