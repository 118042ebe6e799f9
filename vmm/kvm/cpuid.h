/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID says in the guest: what KVM supports, with the topology of this machine (one package
 * of cores with one thread each) and without what this VMM does not offer. Plain data, any thread.
 */
#ifndef VMM_KVM_CPUID_H
#define VMM_KVM_CPUID_H

#include <stdbool.h>
#include <stdint.h>

struct kvm_cpuid2;

struct cpuid_config {
	uint32_t cpus;
	bool tsc_deadline;      /* KVM_CAP_TSC_DEADLINE_TIMER */
};

/* KVM's supported entries with room for what cpuid_patch adds. free() it. NULL with errno. */
struct kvm_cpuid2 *cpuid_supported(int kvm_fd);

/* Makes the table that of the CPU with this APIC id. capacity: entries that fit in the table. 0 or
 * -ENOSPC. */
int cpuid_patch(struct kvm_cpuid2 *table, uint32_t capacity, const struct cpuid_config *config,
		uint32_t apic_id);

/* The table's room, as cpuid_supported made it. */
#define CPUID_CAPACITY 256u

/* Physical address bits of a table; 36 when it does not say. */
unsigned int cpuid_address_bits(const struct kvm_cpuid2 *table);

#endif
