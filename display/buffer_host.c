/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plain picture in host memory. */
#include <display/buffer.h>
#include <errno.h>
#include <stdlib.h>

/* The largest width and height: no overflow in width * height * 4, nor in the 32 bit stride. */
#define BUFFER_HOST_MAX_DIMENSION 65536u

struct buffer_host {
	struct display_buffer base;
	struct iovec piece;
};

static int buffer_host_begin_read(struct display_buffer *base, struct display_pixels *pixels)
{
	struct buffer_host *host = (struct buffer_host *)base;

	*pixels = (struct display_pixels){
		.iov = &host->piece,
		.iov_count = 1,
		.stride_bytes = base->width * 4,
	};
	return 0;
}

static void buffer_host_end_read(struct display_buffer *base)
{
}

static void buffer_host_destroy(struct display_buffer *base)
{
	struct buffer_host *host = (struct buffer_host *)base;

	free(host->piece.iov_base);
	free(host);
}

static const struct display_buffer_ops buffer_host_ops = {
	.begin_read = buffer_host_begin_read,
	.end_read = buffer_host_end_read,
	.destroy = buffer_host_destroy,
};

struct display_buffer *display_buffer_create_host(uint32_t width, uint32_t height, uint32_t fourcc)
{
	struct buffer_host *host;

	if (width == 0 || height == 0 || width > BUFFER_HOST_MAX_DIMENSION ||
	    height > BUFFER_HOST_MAX_DIMENSION) {
		errno = EINVAL;
		return NULL;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->piece.iov_len = (size_t)width * height * 4;
	host->piece.iov_base = calloc(1, host->piece.iov_len);
	if (!host->piece.iov_base) {
		free(host);
		return NULL;
	}
	display_buffer_init(&host->base, &buffer_host_ops, width, height, fourcc);
	return &host->base;
}

void *display_buffer_host_pixels(struct display_buffer *buffer)
{
	return ((struct buffer_host *)buffer)->piece.iov_base;
}
