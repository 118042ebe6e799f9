/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a chain: what the walk fills in and the queue pools. A chain keeps its vectors when
 * it goes back to its queue's pool, so a queue in steady state allocates nothing.
 */
#ifndef VIRTIO_CHAIN_PRIVATE_H
#define VIRTIO_CHAIN_PRIVATE_H

#include <stdbool.h>
#include <virtio/chain.h>
#include <virtio/guest_mem.h>

struct vring_desc;

/* Where the next byte of a part is: never past the last vector while bytes are left. */
struct chain_cursor {
	size_t index;          /* of the vector */
	size_t offset_bytes;   /* into that vector */
	size_t left_bytes;     /* of the part */
};

struct chain {
	struct chain *next;            /* in the pool's free list */
	struct iovec *iov;             /* the readable vectors, then the writable ones */
	size_t iov_count, iov_capacity;
	struct chain_cursor readable, writable;
	size_t written_bytes;
	uint16_t head;                 /* descriptor index: the name of the chain in the used ring */
};

/* What a walk needs to know of its queue. */
struct chain_table {
	const struct vring_desc *descs;   /* host address of the descriptor area */
	uint16_t size;
	bool indirect;                    /* VIRTIO_F_INDIRECT_DESC was negotiated */
	const struct guest_mem *mem;
};

/* Fills a chain with the descriptors from head on. 0; -EINVAL: the guest broke the rules, and
 * *reason says which one; -ENOMEM. */
int chain_walk(struct chain *chain, const struct chain_table *table, uint16_t head,
	       const char **reason);

struct chain *chain_create(void);
void chain_destroy(struct chain *chain);

#endif
