/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's end of the input ring. One thread. Only the owner may push: acquire first, beat
 * once a second, release when leaving.
 */
#ifndef IVSHMEM_RING_WRITER_H
#define IVSHMEM_RING_WRITER_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

struct segment;
struct ring_writer;

/* NULL with errno (ENOENT, ENOMEM). */
struct ring_writer *ring_writer_create(struct segment *segment);
/* Releases first. NULL is ignored. */
void ring_writer_destroy(struct ring_writer *writer);

/* Tries to become the owner. 0: we are; -EBUSY: somebody else is: call again, at least once a
 * second, to take over from one whose beat has stood still for 3 s. now_ns: CLOCK_MONOTONIC. */
int ring_writer_acquire(struct ring_writer *writer, uint64_t now_ns);
/* Also false when another took over. */
bool ring_writer_owns(const struct ring_writer *writer);
/* Once a second while owning. */
void ring_writer_beat(struct ring_writer *writer);
void ring_writer_release(struct ring_writer *writer);

/* Then ring the input doorbell, if there is one. 0; -EPERM: not the owner; -EAGAIN: full, the
 * record is lost (and once there is room again a RELEASE_ALL goes first, so that no key stays
 * down); -EPROTO: the consumer's tail lies. */
int ring_writer_push(struct ring_writer *writer, const struct input_record *record);

#endif
