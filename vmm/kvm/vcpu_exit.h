/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a vCPU leaves the guest for: port and memory accesses go to the buses. vCPU threads. */
#ifndef VMM_KVM_VCPU_EXIT_H
#define VMM_KVM_VCPU_EXIT_H

struct bus;
struct kvm_run;

/* KVM_EXIT_IO; string instructions come as one exit with a count. */
void vcpu_exit_io(struct kvm_run *run, struct bus *pio);
/* KVM_EXIT_MMIO */
void vcpu_exit_mmio(struct kvm_run *run, struct bus *mmio);
/* One or more error lines on why KVM cannot go on with this vCPU, registers included. */
void vcpu_exit_log(const struct kvm_run *run, unsigned int index, int vcpu_fd);

#endif
