/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One descriptor chain: a readable part (driver to device), then a writable part.
 *
 * Reads and writes walk forwards with bounds; no raw guest pointer leaves but the iovecs meant for
 * readv/writev/memcpy. Same loop as the queue it came from.
 */
#ifndef VIRTIO_CHAIN_H
#define VIRTIO_CHAIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct chain;

/* Bytes not yet read, or written, of each part. */
size_t chain_readable(const struct chain *chain);
size_t chain_writable(const struct chain *chain);
/* Bytes written so far: what the used ring will say. */
size_t chain_written(const struct chain *chain);

/* Copies up to bytes and moves on; the number copied. */
size_t chain_read(struct chain *chain, void *to, size_t bytes);
size_t chain_write(struct chain *chain, const void *from, size_t bytes);
/* Moves on without copying; the number skipped. Skipped writable bytes count as written. */
size_t chain_skip_readable(struct chain *chain, size_t bytes);
size_t chain_skip_writable(struct chain *chain, size_t bytes);

/* Describes the next bytes of a part without moving on. Number of vectors, or -E2BIG when they do
 * not fit in max, -EINVAL when the part has fewer bytes. */
int chain_readable_iov(const struct chain *chain, size_t bytes, struct iovec *iov, int max);
int chain_writable_iov(const struct chain *chain, size_t bytes, struct iovec *iov, int max);

#endif
