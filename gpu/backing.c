/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backing.h"

#include <errno.h>
#include <base/bytes.h>
#include <linux/virtio_gpu.h>
#include <stdlib.h>
#include <virtio/chain.h>
#include <virtio/guest_mem.h>

/* Entries copied in at a time; regions of guest RAM that one entry may touch. */
#define BACKING_BATCH 64
#define BACKING_MAX_REGIONS 16

static int backing_grow(struct gpu_backing *backing, size_t *capacity)
{
	size_t wanted = *capacity ? *capacity * 2 : BACKING_BATCH;
	struct iovec *iov = realloc(backing->iov, wanted * sizeof(*iov));

	if (!iov)
		return -ENOMEM;
	backing->iov = iov;
	*capacity = wanted;
	return 0;
}

/* Appends a piece; pieces that follow each other in host memory become one. */
static int backing_append(struct gpu_backing *backing, size_t *capacity, const struct iovec *piece)
{
	struct iovec *last = backing->iov_count ? &backing->iov[backing->iov_count - 1] : NULL;
	int ret;

	backing->bytes += piece->iov_len;
	if (last && (uint8_t *)last->iov_base + last->iov_len == piece->iov_base) {
		last->iov_len += piece->iov_len;
		return 0;
	}
	if (backing->iov_count == *capacity) {
		ret = backing_grow(backing, capacity);
		if (ret < 0)
			return ret;
	}
	backing->iov[backing->iov_count++] = *piece;
	return 0;
}

static int backing_add_entry(struct gpu_backing *backing, size_t *capacity,
			     const struct virtio_gpu_mem_entry *entry)
{
	uint64_t gpa = le64_load(&entry->addr);
	uint32_t bytes = le32_load(&entry->length);
	struct iovec pieces[BACKING_MAX_REGIONS];
	int count, ret;

	if (bytes == 0)
		return 0;
	count = guest_mem_iov(backing->mem, gpa, bytes, pieces, BACKING_MAX_REGIONS);
	if (count < 0)
		return -EFAULT;
	for (int i = 0; i < count; i++) {
		ret = backing_append(backing, capacity, &pieces[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int backing_read_entries(struct gpu_backing *backing, struct chain *chain, uint32_t count)
{
	struct virtio_gpu_mem_entry batch[BACKING_BATCH];
	size_t capacity = 0;
	int ret;

	while (count > 0) {
		uint32_t now = count < BACKING_BATCH ? count : BACKING_BATCH;
		size_t bytes = now * sizeof(batch[0]);

		if (chain_read(chain, batch, bytes) != bytes)
			return -EINVAL;
		for (uint32_t i = 0; i < now; i++) {
			ret = backing_add_entry(backing, &capacity, &batch[i]);
			if (ret < 0)
				return ret;
		}
		count -= now;
	}
	return 0;
}

/* Gives back what growing took too much. */
static void backing_trim(struct gpu_backing *backing)
{
	struct iovec *iov;

	if (backing->iov_count == 0)
		return;
	iov = realloc(backing->iov, backing->iov_count * sizeof(*iov));
	if (iov)
		backing->iov = iov;
}

struct gpu_backing *gpu_backing_read(struct chain *chain, struct guest_mem *mem, uint32_t count)
{
	struct gpu_backing *backing;
	int ret;

	if (count > GPU_BACKING_MAX_ENTRIES) {
		errno = E2BIG;
		return NULL;
	}
	if (chain_readable(chain) / sizeof(struct virtio_gpu_mem_entry) < count) {
		errno = EINVAL;
		return NULL;
	}
	backing = calloc(1, sizeof(*backing));
	if (!backing)
		return NULL;
	atomic_init(&backing->references, 1);
	backing->mem = guest_mem_ref(mem);
	ret = backing_read_entries(backing, chain, count);
	if (ret < 0) {
		gpu_backing_unref(backing);
		errno = -ret;
		return NULL;
	}
	backing_trim(backing);
	return backing;
}

struct gpu_backing *gpu_backing_ref(struct gpu_backing *backing)
{
	atomic_fetch_add_explicit(&backing->references, 1, memory_order_relaxed);
	return backing;
}

void gpu_backing_unref(struct gpu_backing *backing)
{
	/* Acquire and release: freed after every thread's last use. */
	if (!backing ||
	    atomic_fetch_sub_explicit(&backing->references, 1, memory_order_acq_rel) != 1)
		return;
	guest_mem_unref(backing->mem);
	free(backing->iov);
	free(backing);
}

uint64_t gpu_backing_host_bytes(const struct gpu_backing *backing)
{
	return sizeof(*backing) + backing->iov_count * sizeof(backing->iov[0]);
}
