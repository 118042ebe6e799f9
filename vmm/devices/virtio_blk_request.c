/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a descriptor chain to io_uring and back. A request is a row of steps, each of which the host
 * may do only in part: then the rest is submitted again.
 */
#include <base/bytes.h>
#include <base/log.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <devices/virtio_blk_private.h>
#include <devices/virtio_wire.h>

#define BLK_ZERO_BYTES (64u << 10)

static const uint8_t blk_zeros[BLK_ZERO_BYTES];

/* The status is the last of the writable bytes. */
static void blk_request_answer(struct virtio_blk *blk, struct chain *chain, uint8_t status)
{
	size_t writable = chain_writable(chain);

	chain_skip_writable(chain, writable - 1);
	chain_write(chain, &status, 1);
	virtqueue_push(blk->queue, chain);
}

static void blk_request_finish(struct blk_request *request, uint8_t status)
{
	struct virtio_blk *blk = request->blk;

	blk_request_answer(blk, request->chain, status);
	request->chain = NULL;
	request->next_free = blk->free_requests;
	blk->free_requests = request;
}

static struct io_uring_sqe *blk_request_entry(struct virtio_blk *blk)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&blk->ring);

	if (entry)
		return entry;
	/* The submission ring has room for every request: full means only not handed over yet. */
	blk_requests_submit(blk);
	return io_uring_get_sqe(&blk->ring);
}

static void blk_request_prepare_zeros(struct blk_request *request, struct io_uring_sqe *entry)
{
	uint64_t left = request->left;
	unsigned count = 0;

	while (left > 0 && count < BLK_MAX_VECTORS) {
		size_t bytes = left < BLK_ZERO_BYTES ? (size_t)left : BLK_ZERO_BYTES;

		request->vectors[count++] = (struct iovec){ (void *)(uintptr_t)blk_zeros, bytes };
		left -= bytes;
	}
	io_uring_prep_writev(entry, request->blk->image.fd, request->vectors, count,
			     request->offset);
}

static void blk_request_submit_step(struct blk_request *request)
{
	struct virtio_blk *blk = request->blk;
	struct io_uring_sqe *entry = blk_request_entry(blk);
	struct iovec *vectors = request->vectors + request->vector_first;
	int fd = blk->image.fd;

	if (!entry) {
		blk_request_finish(request, VIRTIO_BLK_S_IOERR);
		return;
	}
	switch (request->step) {
	case BLK_STEP_READ:
		io_uring_prep_readv(entry, fd, vectors, request->vector_count, request->offset);
		break;
	case BLK_STEP_WRITE:
		io_uring_prep_writev(entry, fd, vectors, request->vector_count, request->offset);
		break;
	case BLK_STEP_PUNCH:
		io_uring_prep_fallocate(entry, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)request->offset, (off_t)request->left);
		break;
	case BLK_STEP_ZERO:
		io_uring_prep_fallocate(entry, fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
					(off_t)request->offset, (off_t)request->left);
		break;
	case BLK_STEP_ZERO_WRITE:
		blk_request_prepare_zeros(request, entry);
		break;
	case BLK_STEP_SYNC:
		io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
		break;
	}
	io_uring_sqe_set_data(entry, request);
	blk->in_flight++;
}

static void blk_request_advance(struct blk_request *request, uint64_t bytes)
{
	request->offset += bytes;
	request->left -= bytes;
	if (request->step == BLK_STEP_ZERO_WRITE)
		return;
	while (bytes > 0) {
		struct iovec *vector = &request->vectors[request->vector_first];
		size_t part = bytes < vector->iov_len ? (size_t)bytes : vector->iov_len;

		vector->iov_base = (uint8_t *)vector->iov_base + part;
		vector->iov_len -= part;
		bytes -= part;
		if (vector->iov_len == 0) {
			request->vector_first++;
			request->vector_count--;
		}
	}
}

/* The host refused the step. True when another way was found. */
static bool blk_request_fall_back(struct blk_request *request, int error)
{
	if (error == -EINTR)
		return true;
	if ((error != -EOPNOTSUPP && error != -EINVAL) ||
	    (request->step != BLK_STEP_PUNCH && request->step != BLK_STEP_ZERO))
		return false;
	if (request->hint) {
		/* Nothing is lost when a discard does nothing. */
		request->left = 0;
		return true;
	}
	request->step = BLK_STEP_ZERO_WRITE;
	return true;
}

static void blk_request_next(struct blk_request *request)
{
	if (request->left > 0) {
		blk_request_submit_step(request);
	} else if (request->sync_after) {
		request->sync_after = false;
		request->step = BLK_STEP_SYNC;
		blk_request_submit_step(request);
	} else {
		blk_request_finish(request, VIRTIO_BLK_S_OK);
	}
}

static void blk_request_done(struct blk_request *request, int result)
{
	bool whole = request->step == BLK_STEP_SYNC || request->step == BLK_STEP_PUNCH ||
		     request->step == BLK_STEP_ZERO;

	if (result < 0) {
		if (blk_request_fall_back(request, result)) {
			blk_request_next(request);
			return;
		}
		log_blame("host", "%s: %s", request->blk->name, strerror(-result));
		blk_request_finish(request, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (!whole && result == 0) {
		log_blame("host", "%s: the image became shorter", request->blk->name);
		blk_request_finish(request, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (whole)
		request->left = 0;
	else
		blk_request_advance(request, (uint64_t)result);
	blk_request_next(request);
}

void blk_requests_reap(struct virtio_blk *blk)
{
	struct io_uring_cqe *entry;

	while (io_uring_peek_cqe(&blk->ring, &entry) == 0) {
		struct blk_request *request = io_uring_cqe_get_data(entry);
		int result = entry->res;

		io_uring_cqe_seen(&blk->ring, entry);
		blk->in_flight--;
		blk_request_done(request, result);
	}
}

void blk_requests_submit(struct virtio_blk *blk)
{
	int result;

	do {
		result = io_uring_submit(&blk->ring);
		/* -EBUSY, -EAGAIN: the kernel wants its completions taken, or memory, first. */
		if (result == -EBUSY || result == -EAGAIN)
			blk_requests_reap(blk);
	} while (result == -EINTR || result == -EBUSY || result == -EAGAIN);
	if (result < 0)
		log_error("%s: io_uring: %s", blk->name, strerror(-result));
}

void blk_requests_drain(struct virtio_blk *blk)
{
	blk_requests_submit(blk);
	while (blk->in_flight > 0) {
		io_uring_submit_and_wait(&blk->ring, 1);
		blk_requests_reap(blk);
	}
}

/* --- parsing ----------------------------------------------------------------------------- */

struct blk_header {
	uint32_t type;
	uint64_t sector;
};

static bool blk_range_inside(const struct virtio_blk *blk, uint64_t sector, uint64_t sectors)
{
	return sectors <= blk->image.sectors && sector <= blk->image.sectors - sectors;
}

/* With no volatile cache in the guest's eyes every change is made durable before its answer. */
static bool blk_writes_through(const struct virtio_blk *blk)
{
	return !blk->flush_negotiated || !blk->writeback;
}

/* Each parser fills the request in and returns VIRTIO_BLK_S_OK to start it, or the answer. */
static uint8_t blk_parse_transfer(struct blk_request *request, const struct blk_header *header,
				  size_t bytes)
{
	struct virtio_blk *blk = request->blk;
	bool out = header->type == VIRTIO_BLK_T_OUT;
	int count;

	if (bytes % BLK_SECTOR_BYTES != 0 ||
	    !blk_range_inside(blk, header->sector, bytes / BLK_SECTOR_BYTES)) {
		log_guest_bug("%s: %zu bytes at sector %llu are outside the disk", blk->name, bytes,
			      (unsigned long long)header->sector);
		return VIRTIO_BLK_S_IOERR;
	}
	if (out && blk->image.readonly)
		return VIRTIO_BLK_S_IOERR;
	count = out ? chain_readable_iov(request->chain, bytes, request->vectors, BLK_MAX_VECTORS)
		    : chain_writable_iov(request->chain, bytes, request->vectors, BLK_MAX_VECTORS);
	if (count < 0) {
		log_guest_bug("%s: a request of more than %u segments", blk->name,
			      BLK_MAX_SEGMENTS);
		return VIRTIO_BLK_S_IOERR;
	}
	request->step = out ? BLK_STEP_WRITE : BLK_STEP_READ;
	request->sync_after = out && blk_writes_through(blk);
	request->offset = header->sector * BLK_SECTOR_BYTES;
	request->left = bytes;
	request->vector_count = (unsigned)count;
	return VIRTIO_BLK_S_OK;
}

static uint8_t blk_parse_zero(struct blk_request *request, const struct blk_header *header,
			      size_t bytes)
{
	struct virtio_blk *blk = request->blk;
	bool discard = header->type == VIRTIO_BLK_T_DISCARD;
	uint8_t copy[sizeof(struct virtio_blk_discard_write_zeroes)];
	uint64_t sector;
	uint32_t sectors, flags;

	if (blk->image.readonly)
		return VIRTIO_BLK_S_UNSUPP;
	/* One segment is what configuration space offers. */
	if (bytes != sizeof(copy) || chain_read(request->chain, copy, sizeof(copy)) != sizeof(copy))
		return VIRTIO_BLK_S_IOERR;
	sector = le64_load(copy);
	sectors = le32_load(copy + 8);
	flags = le32_load(copy + 12);
	if (flags & ~(discard ? 0u : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return VIRTIO_BLK_S_UNSUPP;
	if (!blk_range_inside(blk, sector, sectors)) {
		log_guest_bug("%s: %u sectors at %llu are outside the disk", blk->name, sectors,
			      (unsigned long long)sector);
		return VIRTIO_BLK_S_IOERR;
	}
	request->step = discard || flags ? BLK_STEP_PUNCH : BLK_STEP_ZERO;
	request->hint = discard;
	request->sync_after = !discard && blk_writes_through(blk);
	request->offset = sector * BLK_SECTOR_BYTES;
	request->left = (uint64_t)sectors * BLK_SECTOR_BYTES;
	return VIRTIO_BLK_S_OK;
}

static uint8_t blk_parse(struct blk_request *request, const struct blk_header *header)
{
	switch (header->type) {
	case VIRTIO_BLK_T_IN:
		return blk_parse_transfer(request, header, chain_writable(request->chain) - 1);
	case VIRTIO_BLK_T_OUT:
		return blk_parse_transfer(request, header, chain_readable(request->chain));
	case VIRTIO_BLK_T_FLUSH:
		request->sync_after = true;
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return blk_parse_zero(request, header, chain_readable(request->chain));
	case VIRTIO_BLK_T_GET_ID:
		if (chain_writable(request->chain) <= BLK_SERIAL_BYTES)
			return VIRTIO_BLK_S_IOERR;
		chain_write(request->chain, request->blk->serial, BLK_SERIAL_BYTES);
		return VIRTIO_BLK_S_OK;
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

void blk_request_start(struct virtio_blk *blk, struct chain *chain)
{
	struct blk_request *request = blk->free_requests;
	uint8_t raw[sizeof(struct virtio_blk_outhdr)];
	struct blk_header header;
	uint8_t status;

	if (chain_writable(chain) == 0 || chain_read(chain, raw, sizeof(raw)) != sizeof(raw)) {
		log_guest_bug("%s: a request without header or status", blk->name);
		virtqueue_push(blk->queue, chain);
		return;
	}
	header.type = le32_load(raw);
	header.sector = le64_load(raw + 8);
	/* There are as many requests as the queue has entries. */
	blk->free_requests = request->next_free;
	request->chain = chain;
	request->sync_after = request->hint = false;
	request->left = 0;
	request->vector_first = request->vector_count = 0;
	status = blk_parse(request, &header);
	if (status == VIRTIO_BLK_S_OK)
		blk_request_next(request);
	else
		blk_request_finish(request, status);
}
