/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map is a sorted array: a guest has a handful of regions, so a binary search beats a tree.
 */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/guest_mem.h>

struct guest_mem {
	_Atomic unsigned int references;
	size_t count;
	struct guest_mem_region regions[];
};

static int guest_mem_compare(const void *a, const void *b)
{
	const struct guest_mem_region *first = a, *second = b;

	return first->gpa < second->gpa ? -1 : first->gpa > second->gpa;
}

/* Sorted regions: none empty, none past the end of the address space, none over the next one. */
static bool guest_mem_regions_valid(const struct guest_mem_region *regions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct guest_mem_region *region = &regions[i];

		if (!region->host || region->bytes == 0 || region->bytes - 1 > UINT64_MAX - region->gpa)
			return false;
		if (i + 1 < count && regions[i + 1].gpa - region->gpa < region->bytes)
			return false;
	}
	return true;
}

struct guest_mem *guest_mem_create(const struct guest_mem_region *regions, size_t count)
{
	struct guest_mem *mem;

	if (count > (SIZE_MAX - sizeof(*mem)) / sizeof(*regions)) {
		errno = EINVAL;
		return NULL;
	}
	mem = malloc(sizeof(*mem) + count * sizeof(*regions));
	if (!mem)
		return NULL;
	atomic_init(&mem->references, 1);
	mem->count = count;
	if (count) {
		memcpy(mem->regions, regions, count * sizeof(*regions));
		qsort(mem->regions, count, sizeof(*regions), guest_mem_compare);
	}
	if (!guest_mem_regions_valid(mem->regions, count)) {
		free(mem);
		errno = EINVAL;
		return NULL;
	}
	return mem;
}

struct guest_mem *guest_mem_ref(struct guest_mem *mem)
{
	atomic_fetch_add_explicit(&mem->references, 1, memory_order_relaxed);
	return mem;
}

void guest_mem_unref(struct guest_mem *mem)
{
	/* Orders every use of the snapshot, on whichever thread, before the free. */
	if (mem && atomic_fetch_sub_explicit(&mem->references, 1, memory_order_acq_rel) == 1)
		free(mem);
}

size_t guest_mem_region_count(const struct guest_mem *mem)
{
	return mem->count;
}

const struct guest_mem_region *guest_mem_region(const struct guest_mem *mem, size_t index)
{
	assert(index < mem->count);
	return &mem->regions[index];
}

/* The region that holds the byte at gpa, or NULL. */
static const struct guest_mem_region *guest_mem_find(const struct guest_mem *mem, uint64_t gpa)
{
	size_t low = 0, high = mem->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct guest_mem_region *region = &mem->regions[middle];

		if (gpa < region->gpa)
			high = middle;
		else if (gpa - region->gpa >= region->bytes)
			low = middle + 1;
		else
			return region;
	}
	return NULL;
}

/*
 * The host address of the byte at gpa, and how many of the wanted bytes follow it in the same
 * region. bytes > 0. NULL when gpa is not RAM.
 */
static void *guest_mem_piece(const struct guest_mem *mem, uint64_t gpa, uint64_t bytes,
			     uint64_t *piece_bytes)
{
	const struct guest_mem_region *region = guest_mem_find(mem, gpa);
	uint64_t left;

	if (!region)
		return NULL;
	left = region->bytes - (gpa - region->gpa);
	*piece_bytes = bytes < left ? bytes : left;
	return (uint8_t *)region->host + (gpa - region->gpa);
}

/* True when every byte of the range is RAM; a range may run on into a neighbour region. */
static bool guest_mem_covers(const struct guest_mem *mem, uint64_t gpa, uint64_t bytes)
{
	uint64_t piece_bytes;

	if (bytes && bytes - 1 > UINT64_MAX - gpa)
		return false;
	while (bytes) {
		if (!guest_mem_piece(mem, gpa, bytes, &piece_bytes))
			return false;
		gpa += piece_bytes;
		bytes -= piece_bytes;
	}
	return true;
}

int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *to, size_t bytes)
{
	uint64_t piece_bytes;

	if (!guest_mem_covers(mem, gpa, bytes))
		return -EFAULT;
	for (size_t done = 0; done < bytes; done += piece_bytes) {
		const void *host = guest_mem_piece(mem, gpa + done, bytes - done, &piece_bytes);

		memcpy((uint8_t *)to + done, host, piece_bytes);
	}
	return 0;
}

int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *from, size_t bytes)
{
	uint64_t piece_bytes;

	if (!guest_mem_covers(mem, gpa, bytes))
		return -EFAULT;
	for (size_t done = 0; done < bytes; done += piece_bytes) {
		void *host = guest_mem_piece(mem, gpa + done, bytes - done, &piece_bytes);

		memcpy(host, (const uint8_t *)from + done, piece_bytes);
	}
	return 0;
}

void *guest_mem_map(const struct guest_mem *mem, uint64_t gpa, uint64_t bytes)
{
	uint64_t piece_bytes;
	void *host;

	if (bytes == 0)
		return NULL;
	host = guest_mem_piece(mem, gpa, bytes, &piece_bytes);
	return host && piece_bytes == bytes ? host : NULL;
}

int guest_mem_iov(const struct guest_mem *mem, uint64_t gpa, uint64_t bytes, struct iovec *iov,
		  int max)
{
	int count = 0;

	if (bytes && bytes - 1 > UINT64_MAX - gpa)
		return -EFAULT;
	while (bytes) {
		uint64_t piece_bytes;
		void *host = guest_mem_piece(mem, gpa, bytes, &piece_bytes);

		if (!host)
			return -EFAULT;
		if (count == max)
			return -E2BIG;
		iov[count++] = (struct iovec){ .iov_base = host, .iov_len = piece_bytes };
		gpa += piece_bytes;
		bytes -= piece_bytes;
	}
	return count;
}
