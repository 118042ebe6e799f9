/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM: one memfd, seen by the guest from 0 to 2 GiB and from 4 GiB on. The room between is
 * for PCI (ECAM at 0xb0000000, BARs), the interrupt controllers and firmware. Main thread.
 */
#ifndef VMM_KVM_MEMORY_H
#define VMM_KVM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_LOW_MAX_BYTES (2ull << 30)
#define MEMORY_HIGH_BASE (4ull << 30)
#define MEMORY_HUGE_PAGE_BYTES (2ull << 20)

struct guest_mem;
struct memory;
struct option_error;

/* NULL with errno and one clear line in the error. Needs no KVM. */
struct memory *memory_create(uint64_t bytes, bool hugepages, struct option_error *error);
/* Every snapshot's user must be done. NULL is ignored. */
void memory_destroy(struct memory *memory);
/* Gives the RAM to the guest, as KVM slots from 0 on. 0 or -errno with the error filled in. */
int memory_attach(struct memory *memory, int vm_fd, struct option_error *error);
/* Borrowed. */
struct guest_mem *memory_guest_mem(const struct memory *memory);

#endif
