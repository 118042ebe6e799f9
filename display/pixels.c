/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies rows out of pixel memory that lies in pieces. */
#include <base/rect.h>
#include <display/buffer.h>
#include <string.h>

/* Walks forwards over the pieces; a place before the current piece is never asked for. */
struct pixels_walk {
	const struct iovec *iov;
	size_t left;                 /* pieces from iov on */
	uint64_t start_bytes;        /* where *iov begins in the picture */
};

static void pixels_walk_copy(struct pixels_walk *walk, uint64_t from_bytes, uint8_t *to,
			     size_t bytes)
{
	while (bytes > 0 && walk->left > 0) {
		uint64_t inside = from_bytes - walk->start_bytes;
		size_t now;

		if (inside >= walk->iov->iov_len) {
			walk->start_bytes += walk->iov->iov_len;
			walk->iov++;
			walk->left--;
			continue;
		}
		now = walk->iov->iov_len - (size_t)inside;
		if (now > bytes)
			now = bytes;
		memcpy(to, (const uint8_t *)walk->iov->iov_base + inside, now);
		from_bytes += now;
		to += now;
		bytes -= now;
	}
}

void display_pixels_copy(const struct display_pixels *pixels, const struct rect *rect, void *to,
			 size_t to_stride_bytes)
{
	struct pixels_walk walk = { .iov = pixels->iov, .left = pixels->iov_count };
	uint64_t from_bytes = pixels->offset_bytes + (uint64_t)rect->y * pixels->stride_bytes +
			      (uint64_t)rect->x * 4;
	size_t row_bytes = (size_t)rect->width * 4;
	uint8_t *row = to;

	/* Rows that follow each other without gaps on both sides are one long row. */
	if (row_bytes == pixels->stride_bytes && row_bytes == to_stride_bytes) {
		pixels_walk_copy(&walk, from_bytes, row, row_bytes * rect->height);
		return;
	}
	for (uint32_t y = 0; y < rect->height; y++) {
		pixels_walk_copy(&walk, from_bytes, row, row_bytes);
		from_bytes += pixels->stride_bytes;
		row += to_stride_bytes;
	}
}
