/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest pages behind a resource: an immutable counted list of pieces of guest RAM. It keeps
 * the memory map it was made from alive. ref and unref: any thread.
 */
#ifndef GPU_BACKING_H
#define GPU_BACKING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define GPU_BACKING_MAX_ENTRIES 65536u

struct chain;
struct guest_mem;

struct gpu_backing {
	_Atomic unsigned int references;
	struct guest_mem *mem;
	uint64_t bytes;         /* of all pieces */
	struct iovec *iov;
	size_t iov_count;
};

/* Reads count entries (struct virtio_gpu_mem_entry) from the chain. NULL with errno: E2BIG too many
 * entries, EINVAL the chain has fewer, EFAULT an entry is not guest RAM, ENOMEM. */
struct gpu_backing *gpu_backing_read(struct chain *chain, struct guest_mem *mem, uint32_t count);
struct gpu_backing *gpu_backing_ref(struct gpu_backing *backing);
void gpu_backing_unref(struct gpu_backing *backing);
/* Host memory the list itself takes. */
uint64_t gpu_backing_host_bytes(const struct gpu_backing *backing);

#endif
