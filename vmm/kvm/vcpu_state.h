/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that KVM knows of a vCPU, as it was after creation: a reset puts it back, whatever the guest
 * had switched on. The vCPU must not be in KVM_RUN.
 */
#ifndef VMM_KVM_VCPU_STATE_H
#define VMM_KVM_VCPU_STATE_H

#include <stdint.h>

struct vcpu_state;

/* Where a 64-bit guest begins: flat segments, paging on, interrupts off. */
struct vcpu_entry {
	uint64_t rip;
	uint64_t rsi;
	uint64_t rsp;
	uint64_t page_table_gpa;
	uint64_t gdt_gpa;
	uint16_t gdt_bytes;
	uint16_t code_selector;
	uint16_t data_selector;
};

/* Reads the state of a new vCPU. NULL with errno. */
struct vcpu_state *vcpu_state_save(int kvm_fd, int vcpu_fd);
void vcpu_state_destroy(struct vcpu_state *state);
/* Back to that state: the boot CPU runnable at the entry, the others (NULL) waiting for INIT. 0 or
 * -errno. */
int vcpu_state_restore(const struct vcpu_state *state, int vcpu_fd, const struct vcpu_entry *entry);

#endif
