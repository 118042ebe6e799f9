/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <virtio/chain.h>

#include "chain_private.h"

/* What is done with each piece of host memory a cursor passes over. */
typedef void chain_piece_func(void *host, void *data, size_t bytes);

static void chain_piece_read(void *host, void *data, size_t bytes)
{
	memcpy(data, host, bytes);
}

static void chain_piece_write(void *host, void *data, size_t bytes)
{
	memcpy(host, data, bytes);
}

/* Moves a cursor by at most bytes; data, unless func is NULL, moves along. The bytes moved. */
static size_t chain_advance(struct chain *chain, struct chain_cursor *cursor, size_t bytes,
			    chain_piece_func *func, uint8_t *data)
{
	size_t done = 0;

	if (bytes > cursor->left_bytes)
		bytes = cursor->left_bytes;
	while (done < bytes) {
		const struct iovec *iov = &chain->iov[cursor->index];
		size_t piece = iov->iov_len - cursor->offset_bytes;

		if (piece > bytes - done)
			piece = bytes - done;
		if (func)
			func((uint8_t *)iov->iov_base + cursor->offset_bytes, data + done, piece);
		done += piece;
		cursor->offset_bytes += piece;
		if (cursor->offset_bytes == iov->iov_len) {
			cursor->index++;
			cursor->offset_bytes = 0;
		}
	}
	cursor->left_bytes -= done;
	return done;
}

static int chain_cursor_iov(const struct chain *chain, const struct chain_cursor *cursor,
			    size_t bytes, struct iovec *iov, int max)
{
	size_t index = cursor->index;
	size_t offset_bytes = cursor->offset_bytes;
	int count = 0;

	if (bytes > cursor->left_bytes)
		return -EINVAL;
	while (bytes) {
		const struct iovec *from = &chain->iov[index++];
		size_t piece = from->iov_len - offset_bytes;

		if (count == max)
			return -E2BIG;
		if (piece > bytes)
			piece = bytes;
		iov[count++] = (struct iovec){
			.iov_base = (uint8_t *)from->iov_base + offset_bytes,
			.iov_len = piece,
		};
		bytes -= piece;
		offset_bytes = 0;
	}
	return count;
}

size_t chain_readable(const struct chain *chain)
{
	return chain->readable.left_bytes;
}

size_t chain_writable(const struct chain *chain)
{
	return chain->writable.left_bytes;
}

size_t chain_written(const struct chain *chain)
{
	return chain->written_bytes;
}

size_t chain_read(struct chain *chain, void *to, size_t bytes)
{
	return chain_advance(chain, &chain->readable, bytes, chain_piece_read, to);
}

size_t chain_write(struct chain *chain, const void *from, size_t bytes)
{
	size_t done = chain_advance(chain, &chain->writable, bytes, chain_piece_write,
				    (uint8_t *)from);

	chain->written_bytes += done;
	return done;
}

size_t chain_skip_readable(struct chain *chain, size_t bytes)
{
	return chain_advance(chain, &chain->readable, bytes, NULL, NULL);
}

size_t chain_skip_writable(struct chain *chain, size_t bytes)
{
	size_t done = chain_advance(chain, &chain->writable, bytes, NULL, NULL);

	chain->written_bytes += done;
	return done;
}

int chain_readable_iov(const struct chain *chain, size_t bytes, struct iovec *iov, int max)
{
	return chain_cursor_iov(chain, &chain->readable, bytes, iov, max);
}

int chain_writable_iov(const struct chain *chain, size_t bytes, struct iovec *iov, int max)
{
	return chain_cursor_iov(chain, &chain->writable, bytes, iov, max);
}
