/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM as a map from guest-physical addresses to this process' memory.
 *
 * A guest_mem is an immutable snapshot with a reference count: whoever changes the map makes a
 * new one. All functions are for any thread. The bytes behind it may change at any time: copy
 * in, then parse the copy.
 */
#ifndef VIRTIO_GUEST_MEM_H
#define VIRTIO_GUEST_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct guest_mem_region {
	uint64_t gpa;
	uint64_t bytes;
	void *host;        /* mapping of the region; outlives every snapshot that names it */
	int fd;            /* memfd behind it, or -1 */
	uint64_t fd_offset;
};

struct guest_mem;

/* Copies the regions; they must not overlap nor wrap. NULL with errno (EINVAL, ENOMEM). */
struct guest_mem *guest_mem_create(const struct guest_mem_region *regions, size_t count);
struct guest_mem *guest_mem_ref(struct guest_mem *mem);
void guest_mem_unref(struct guest_mem *mem);

size_t guest_mem_region_count(const struct guest_mem *mem);
const struct guest_mem_region *guest_mem_region(const struct guest_mem *mem, size_t index);

/* 0 or -EFAULT when any byte of the range is not guest RAM (then nothing was copied). */
int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *to, size_t bytes);
int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *from, size_t bytes);

/* The host address of [gpa, gpa+bytes) when it lies inside one region, else NULL. */
void *guest_mem_map(const struct guest_mem *mem, uint64_t gpa, uint64_t bytes);

/* Describes [gpa, gpa+bytes) with at most max vectors. Their number, -EFAULT or -E2BIG. */
int guest_mem_iov(const struct guest_mem *mem, uint64_t gpa, uint64_t bytes, struct iovec *iov,
		  int max);

#endif
