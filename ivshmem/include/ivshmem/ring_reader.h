/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMM's end of the input ring. One thread. Records are copies; what is in them is whatever
 * the client wrote: type, code and ranges are the caller's to check.
 */
#ifndef IVSHMEM_RING_READER_H
#define IVSHMEM_RING_READER_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

struct segment;
struct ring_reader;

/* Records already in the ring are skipped. NULL with errno (ENOENT, ENOMEM). */
struct ring_reader *ring_reader_create(struct segment *segment);
void ring_reader_destroy(struct ring_reader *reader);

/* 1: a record; 0: empty; -EPROTO: the producer's head lies: the ring was emptied, release what is
 * held and go on. */
int ring_reader_pop(struct ring_reader *reader, struct input_record *record);
/* Once per drain, and at least once a second while anything is held. True when the owner changed,
 * left, or went stale since the last call: release what is held. now_ns: CLOCK_MONOTONIC. */
bool ring_reader_owner_changed(struct ring_reader *reader, uint64_t now_ns);
/* Somebody owns the ring and beats, as of the last ring_reader_owner_changed. */
bool ring_reader_has_owner(const struct ring_reader *reader);

#endif
