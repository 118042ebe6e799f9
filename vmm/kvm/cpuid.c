/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <kvm/cpuid.h>

/* Leaf 1 */
#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_1_EDX_HTT (1u << 28)
/* Leaf 0x80000001 */
#define CPUID_81_ECX_CMP_LEGACY (1u << 1)
#define CPUID_81_ECX_SVM (1u << 2)

#define CPUID_LEVEL_SMT 1u
#define CPUID_LEVEL_CORE 2u

/* "Auth"enticAMD and "Hygo"nGenuine, which is the same. */
static bool cpuid_is_amd(const struct kvm_cpuid2 *table)
{
	uint32_t i;

	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == 0)
			return table->entries[i].ebx == 0x68747541 ||
			       table->entries[i].ebx == 0x6f677948;
	return false;
}

/* Bits of an APIC id that number the cores. */
static uint32_t cpuid_core_bits(uint32_t cpus)
{
	uint32_t bits = 0;

	while (1u << bits < cpus)
		bits++;
	return bits;
}

static void cpuid_remove(struct kvm_cpuid2 *table, uint32_t function)
{
	uint32_t from;
	uint32_t to = 0;

	for (from = 0; from < table->nent; from++)
		if (table->entries[from].function != function)
			table->entries[to++] = table->entries[from];
	table->nent = to;
}

static bool cpuid_has(const struct kvm_cpuid2 *table, uint32_t function)
{
	uint32_t i;

	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == function)
			return true;
	return false;
}

/* Leaves 0xb and 0x1f: level 0 is the one thread of a core, level 1 the cores of the package. */
static int cpuid_set_levels(struct kvm_cpuid2 *table, uint32_t capacity, uint32_t function,
			    uint32_t cpus, uint32_t apic_id)
{
	uint32_t level;

	if (!cpuid_has(table, function))
		return 0;
	cpuid_remove(table, function);
	if (capacity - table->nent < 3)
		return -ENOSPC;
	for (level = 0; level < 3; level++) {
		struct kvm_cpuid_entry2 entry = {
			.function = function,
			.index = level,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.ecx = level,
			.edx = apic_id,
		};

		if (level == 0) {
			entry.ebx = 1;
			entry.ecx |= CPUID_LEVEL_SMT << 8;
		} else if (level == 1) {
			entry.eax = cpuid_core_bits(cpus);
			entry.ebx = cpus;
			entry.ecx |= CPUID_LEVEL_CORE << 8;
		}
		table->entries[table->nent++] = entry;
	}
	return 0;
}

static void cpuid_patch_features(struct kvm_cpuid_entry2 *entry, const struct cpuid_config *config,
				 uint32_t apic_id)
{
	entry->ebx = (entry->ebx & 0xffff) | config->cpus << 16 | apic_id << 24;
	entry->ecx &= ~CPUID_1_ECX_VMX;
	entry->ecx |= CPUID_1_ECX_HYPERVISOR;
	if (config->tsc_deadline)
		entry->ecx |= CPUID_1_ECX_TSC_DEADLINE;
	entry->edx &= ~CPUID_1_EDX_HTT;
	if (config->cpus > 1)
		entry->edx |= CPUID_1_EDX_HTT;
}

/* Leaf 4 (Intel) and 0x8000001d (AMD): caches from the third level on are shared by all cores. */
static void cpuid_patch_cache(struct kvm_cpuid_entry2 *entry, uint32_t cpus)
{
	uint32_t level = entry->eax >> 5 & 7;

	if ((entry->eax & 0x1f) == 0)
		return;
	entry->eax &= 0x3fff;
	if (level >= 3)
		entry->eax |= (cpus - 1) << 14;
	if (entry->function == 4)
		entry->eax |= (cpus - 1 < 63 ? cpus - 1 : 63) << 26;
}

static void cpuid_patch_entry(struct kvm_cpuid_entry2 *entry, const struct cpuid_config *config,
			      uint32_t apic_id, bool amd)
{
	uint32_t cpus = config->cpus;

	switch (entry->function) {
	case 1:
		cpuid_patch_features(entry, config, apic_id);
		break;
	case 4:
	case 0x8000001d:
		cpuid_patch_cache(entry, cpus);
		break;
	case 0x80000001:
		entry->ecx &= ~(CPUID_81_ECX_SVM | CPUID_81_ECX_CMP_LEGACY);
		/* Intel reserves this bit; AMD's leaf 0x80000008 counts cores only with it. */
		if (amd && cpus > 1)
			entry->ecx |= CPUID_81_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		entry->ecx = amd ? cpuid_core_bits(cpus) << 12 | (cpus - 1) : 0;
		break;
	case 0x8000000a:        /* SVM, which leaf 0x80000001 does not offer */
		entry->eax = entry->ebx = entry->ecx = entry->edx = 0;
		break;
	case 0x8000001e:
		entry->eax = apic_id;
		entry->ebx = apic_id & 0xff;    /* core number, one thread per core */
		entry->ecx = 0;                 /* one node */
		break;
	}
}

int cpuid_patch(struct kvm_cpuid2 *table, uint32_t capacity, const struct cpuid_config *config,
		uint32_t apic_id)
{
	bool amd = cpuid_is_amd(table);
	uint32_t i;
	int err;

	for (i = 0; i < table->nent; i++)
		cpuid_patch_entry(&table->entries[i], config, apic_id, amd);
	err = cpuid_set_levels(table, capacity, 0xb, config->cpus, apic_id);
	if (err == 0)
		err = cpuid_set_levels(table, capacity, 0x1f, config->cpus, apic_id);
	return err;
}

unsigned int cpuid_address_bits(const struct kvm_cpuid2 *table)
{
	uint32_t i;

	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == 0x80000008 && (table->entries[i].eax & 0xff) != 0)
			return table->entries[i].eax & 0xff;
	return 36;
}

struct kvm_cpuid2 *cpuid_supported(int kvm_fd)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) +
					  CPUID_CAPACITY * sizeof(table->entries[0]));
	int err;

	if (!table)
		return NULL;
	table->nent = CPUID_CAPACITY;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, table) < 0) {
		err = errno;
		free(table);
		errno = err;
		return NULL;
	}
	return table;
}
