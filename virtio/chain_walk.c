/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors to vectors (virtio 1.2, 2.7.5). The guest may rewrite a descriptor while it is being
 * walked, so each one is copied once and only the copy is looked at.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/queue.h>

#include "chain_private.h"

/* All buffers of a chain together (virtio 1.2, 2.7.5.2). */
#define CHAIN_MAX_BYTES ((uint64_t)1 << 32)
#define CHAIN_FIRST_VECTORS 8

struct chain_desc {
	uint64_t gpa;
	uint32_t bytes;
	uint16_t flags;
	uint16_t next;
};

struct chain_walk {
	struct chain *chain;
	const struct chain_table *table;
	uint64_t total_bytes;
	unsigned int descs;      /* looked at so far, in the queue's table and the indirect one */
	const char *reason;
};

static int chain_walk_fail(struct chain_walk *walk, const char *reason)
{
	walk->reason = reason;
	return -EINVAL;
}

static struct chain_desc chain_desc_decode(const struct vring_desc *raw)
{
	return (struct chain_desc){
		.gpa = le64toh(raw->addr),
		.bytes = le32toh(raw->len),
		.flags = le16toh(raw->flags),
		.next = le16toh(raw->next),
	};
}

static int chain_reserve(struct chain *chain, size_t capacity)
{
	struct iovec *iov;

	if (capacity <= chain->iov_capacity)
		return 0;
	if (capacity < 2 * chain->iov_capacity)
		capacity = 2 * chain->iov_capacity;
	iov = realloc(chain->iov, capacity * sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	chain->iov = iov;
	chain->iov_capacity = capacity;
	return 0;
}

/* Adds the vectors of one buffer; it may run on over the border of two regions. */
static int chain_walk_map(struct chain_walk *walk, const struct chain_desc *desc)
{
	struct chain *chain = walk->chain;
	size_t regions = guest_mem_region_count(walk->table->mem);
	int count, result;

	for (size_t room = 1;; room = regions) {
		result = chain_reserve(chain, chain->iov_count + room);
		if (result < 0)
			return result;
		count = guest_mem_iov(walk->table->mem, desc->gpa, desc->bytes,
				      chain->iov + chain->iov_count, (int)room);
		if (count != -E2BIG || room == regions)
			break;
	}
	if (count < 0)
		return chain_walk_fail(walk, "a buffer outside of RAM");
	chain->iov_count += (size_t)count;
	return 0;
}

/* One buffer of the chain: a readable one, or a writable one after all readable ones. */
static int chain_walk_buffer(struct chain_walk *walk, const struct chain_desc *desc)
{
	struct chain *chain = walk->chain;
	bool writable = desc->flags & VRING_DESC_F_WRITE;
	int result;

	if (!writable && chain->writable.left_bytes)
		return chain_walk_fail(walk, "a readable buffer after a writable one");
	if (desc->bytes == 0)
		return 0;   /* nothing to touch, wherever it points */
	walk->total_bytes += desc->bytes;
	if (walk->total_bytes > CHAIN_MAX_BYTES)
		return chain_walk_fail(walk, "a chain of more than 4 GiB");
	if (writable && !chain->writable.left_bytes)
		chain->writable.index = chain->iov_count;
	result = chain_walk_map(walk, desc);
	if (result < 0)
		return result;
	if (writable)
		chain->writable.left_bytes += desc->bytes;
	else
		chain->readable.left_bytes += desc->bytes;
	return 0;
}

static int chain_walk_count(struct chain_walk *walk, unsigned int limit)
{
	if (walk->descs++ == limit)
		return chain_walk_fail(walk, "a chain that is too long or loops");
	return 0;
}

/*
 * The descriptors of an indirect table. It may be longer than the queue: the specification forbids
 * it (2.7.5.3.1), Linux does it all the same with large buffers from vmalloc.
 */
static int chain_walk_indirect(struct chain_walk *walk, const struct chain_desc *table)
{
	uint32_t count = table->bytes / sizeof(struct vring_desc);
	uint32_t index = 0;
	struct vring_desc raw;
	struct chain_desc desc;
	int result;

	if (table->bytes == 0 || table->bytes % sizeof(struct vring_desc))
		return chain_walk_fail(walk, "an indirect table of a bad size");
	for (;;) {
		if (index >= count)
			return chain_walk_fail(walk, "a next index past the indirect table");
		/* And one: the descriptor that names the table was counted, too. */
		result = chain_walk_count(walk, VIRTQUEUE_MAX_SIZE + 1);
		if (result < 0)
			return result;
		if (table->gpa > UINT64_MAX - table->bytes ||
		    guest_mem_read(walk->table->mem, table->gpa + index * sizeof(raw), &raw,
				   sizeof(raw)) < 0)
			return chain_walk_fail(walk, "an indirect table outside of RAM");
		desc = chain_desc_decode(&raw);
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return chain_walk_fail(walk, "an indirect table in an indirect table");
		result = chain_walk_buffer(walk, &desc);
		if (result < 0 || !(desc.flags & VRING_DESC_F_NEXT))
			return result;
		index = desc.next;
	}
}

/* The descriptors of the queue's own table, the last of which may name an indirect one. */
static int chain_walk_direct(struct chain_walk *walk, uint32_t index)
{
	const struct chain_table *table = walk->table;
	struct vring_desc raw;
	struct chain_desc desc;
	int result;

	for (;;) {
		if (index >= table->size)
			return chain_walk_fail(walk, "a descriptor index past the table");
		result = chain_walk_count(walk, table->size);
		if (result < 0)
			return result;
		memcpy(&raw, &table->descs[index], sizeof(raw));
		desc = chain_desc_decode(&raw);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (!table->indirect)
				return chain_walk_fail(walk, "an indirect table not negotiated");
			if (desc.flags & VRING_DESC_F_NEXT)
				return chain_walk_fail(walk, "a chain that goes on after a table");
			return chain_walk_indirect(walk, &desc);
		}
		result = chain_walk_buffer(walk, &desc);
		if (result < 0 || !(desc.flags & VRING_DESC_F_NEXT))
			return result;
		index = desc.next;
	}
}

int chain_walk(struct chain *chain, const struct chain_table *table, uint16_t head,
	       const char **reason)
{
	struct chain_walk walk = { .chain = chain, .table = table };
	int result;

	chain->head = head;
	chain->iov_count = 0;
	chain->readable = chain->writable = (struct chain_cursor){ 0 };
	chain->written_bytes = 0;
	result = chain_walk_direct(&walk, head);
	*reason = walk.reason;
	return result;
}

struct chain *chain_create(void)
{
	struct chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return NULL;
	if (chain_reserve(chain, CHAIN_FIRST_VECTORS) < 0) {
		free(chain);
		errno = ENOMEM;
		return NULL;
	}
	return chain;
}

void chain_destroy(struct chain *chain)
{
	if (!chain)
		return;
	free(chain->iov);
	free(chain);
}
