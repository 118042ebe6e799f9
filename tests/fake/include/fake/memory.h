/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM for tests: memfd pages in three regions. The first two touch at FAKE_MEMORY_BORDER, so
 * that a buffer can run over a border; then comes a hole, then the third.
 *
 * All of it is sparse: only touched pages cost memory. Trouble of the host aborts with a line.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <virtio/guest_mem.h>

#define FAKE_MEMORY_BORDER ((uint64_t)1 << 20)
#define FAKE_MEMORY_BORDER_BYTES ((uint64_t)64 << 10)   /* free for tests, on both sides of it */
#define FAKE_MEMORY_HOLE ((uint64_t)512 << 20)
#define FAKE_MEMORY_HIGH ((uint64_t)4 << 30)
#define FAKE_MEMORY_HIGH_BYTES ((uint64_t)64 << 20)

struct fake_memory;

struct fake_memory *fake_memory_create(void);
/* Snapshots handed out must not be used any more. */
void fake_memory_destroy(struct fake_memory *memory);
/* The map for devices; owned by the memory. */
struct guest_mem *fake_memory_map(struct fake_memory *memory);

/* Fresh zeroed RAM between the border and the hole; align is a power of two. Never freed but all
 * at once by fake_memory_reset. */
uint64_t fake_memory_alloc(struct fake_memory *memory, size_t bytes, size_t align);
/* Everything allocated is free again; what was written in it stays until it is allocated. */
void fake_memory_reset(struct fake_memory *memory);

/* Like the guest's CPU: aborts when the range is not in one region. */
void *fake_memory_host(struct fake_memory *memory, uint64_t gpa, size_t bytes);
void fake_memory_read(struct fake_memory *memory, uint64_t gpa, void *to, size_t bytes);
void fake_memory_write(struct fake_memory *memory, uint64_t gpa, const void *from, size_t bytes);
/* Allocates and fills. */
uint64_t fake_memory_copy_in(struct fake_memory *memory, const void *from, size_t bytes);

#endif
