/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/options.h>
#include <kvm/memory.h>
#include <virtio/guest_mem.h>

struct memory {
	uint64_t bytes;
	int fd;
	void *host;
	struct guest_mem *guest_mem;
};

/* -errno, with one line that says how to get what is missing. */
static int memory_fail(uint64_t bytes, bool hugepages, struct option_error *error)
{
	int reason = errno;
	unsigned long long mib = bytes >> 20;

	if (hugepages && (reason == ENOMEM || reason == ENOSPC))
		option_error_set(error, "not enough free huge pages for %llu MiB of guest memory: "
				 "raise /proc/sys/vm/nr_hugepages by %llu, or leave hugepages off",
				 mib, bytes / MEMORY_HUGE_PAGE_BYTES);
	else if (hugepages && (reason == ENOSYS || reason == EINVAL))
		option_error_set(error, "this kernel has no 2 MiB huge pages: leave hugepages off");
	else
		option_error_set(error, "cannot get %llu MiB of guest memory: %s; ask for less",
				 mib, strerror(reason));
	return -reason;
}

static int memory_map(struct memory *memory, bool hugepages)
{
	unsigned int flags = MFD_CLOEXEC | (hugepages ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
	void *host;

	memory->fd = memfd_create("vitrine-ram", flags);
	if (memory->fd < 0)
		return -errno;
	if (ftruncate(memory->fd, (off_t)memory->bytes) < 0)
		return -errno;
	host = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (host == MAP_FAILED)
		return -errno;
	memory->host = host;
	/* A core dump of the VMM is about the VMM, and should not hold the guest's secrets. */
	madvise(host, memory->bytes, MADV_DONTDUMP);
	/* Fewer page faults and shorter walks, where the host's shmem_enabled says "advise". */
	madvise(host, memory->bytes, MADV_HUGEPAGE);
	return 0;
}

static int memory_snapshot(struct memory *memory)
{
	uint64_t low = memory->bytes < MEMORY_LOW_MAX_BYTES ? memory->bytes : MEMORY_LOW_MAX_BYTES;
	struct guest_mem_region regions[2] = {
		{ .gpa = 0, .bytes = low, .host = memory->host, .fd = memory->fd },
		{ .gpa = MEMORY_HIGH_BASE, .bytes = memory->bytes - low,
		  .host = (uint8_t *)memory->host + low, .fd = memory->fd, .fd_offset = low },
	};

	memory->guest_mem = guest_mem_create(regions, memory->bytes > low ? 2 : 1);
	return memory->guest_mem ? 0 : -errno;
}

struct memory *memory_create(uint64_t bytes, bool hugepages, struct option_error *error)
{
	uint64_t unit = hugepages ? MEMORY_HUGE_PAGE_BYTES : 4096;
	struct memory *memory;
	int err;

	if (bytes == 0 || bytes % unit != 0) {
		option_error_set(error, "memory must be a multiple of %llu KiB",
				 (unsigned long long)unit / 1024);
		errno = EINVAL;
		return NULL;
	}
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return NULL;
	memory->bytes = bytes;
	memory->fd = -1;
	err = memory_map(memory, hugepages);
	if (err == 0)
		err = memory_snapshot(memory);
	if (err < 0) {
		errno = -err;
		memory_fail(bytes, hugepages, error);
		memory_destroy(memory);
		errno = -err;
		return NULL;
	}
	return memory;
}

void memory_destroy(struct memory *memory)
{
	if (!memory)
		return;
	guest_mem_unref(memory->guest_mem);
	if (memory->host)
		munmap(memory->host, memory->bytes);
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory);
}

int memory_attach(struct memory *memory, int vm_fd, struct option_error *error)
{
	size_t i;

	for (i = 0; i < guest_mem_region_count(memory->guest_mem); i++) {
		const struct guest_mem_region *region = guest_mem_region(memory->guest_mem, i);
		struct kvm_userspace_memory_region slot = {
			.slot = (uint32_t)i,
			.guest_phys_addr = region->gpa,
			.memory_size = region->bytes,
			.userspace_addr = (uintptr_t)region->host,
		};

		if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0) {
			int err = -errno;

			option_error_set(error, "KVM refuses the guest's memory: %s",
					 strerror(-err));
			return err;
		}
	}
	return 0;
}

struct guest_mem *memory_guest_mem(const struct memory *memory)
{
	return memory->guest_mem;
}
