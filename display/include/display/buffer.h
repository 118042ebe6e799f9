/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pixels on their way out: one producer, many counted readers.
 *
 * A buffer keeps its size and format for life; the producer may change the pixels behind it. Readers
 * map it for the shortest time and treat the pixels as hostile data, never as anything else.
 * ref, unref, begin_read and end_read: any thread.
 */
#ifndef DISPLAY_BUFFER_H
#define DISPLAY_BUFFER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct display_buffer;

/* Pixel memory, possibly in pieces: the picture is the concatenation of the pieces, from which the
 * first pixel is offset_bytes away; rows are stride_bytes apart. The pieces cover
 * offset + stride * (height - 1) + width * 4 bytes: the producer's promise, checked by it. */
struct display_pixels {
	const struct iovec *iov;
	size_t iov_count;
	uint64_t offset_bytes;
	uint32_t stride_bytes;
};

struct display_buffer_ops {
	/* 0 or -errno; the pieces stay valid until end_read. */
	int (*begin_read)(struct display_buffer *buffer, struct display_pixels *pixels);
	void (*end_read)(struct display_buffer *buffer);
	/* Last reference gone, on whichever thread dropped it. */
	void (*destroy)(struct display_buffer *buffer);
};

struct display_buffer {
	const struct display_buffer_ops *ops;
	_Atomic unsigned int references;
	uint32_t width, height;     /* pixels */
	uint32_t fourcc;            /* DRM_FORMAT_*, 32 bits per pixel */
};

void display_buffer_init(struct display_buffer *buffer, const struct display_buffer_ops *ops,
			 uint32_t width, uint32_t height, uint32_t fourcc);
struct display_buffer *display_buffer_ref(struct display_buffer *buffer);
void display_buffer_unref(struct display_buffer *buffer);
int display_buffer_begin_read(struct display_buffer *buffer, struct display_pixels *pixels);
void display_buffer_end_read(struct display_buffer *buffer);

/* Copies rows of a rectangle (inside the buffer) out of mapped pixels. Any thread. */
struct rect;
void display_pixels_copy(const struct display_pixels *pixels, const struct rect *rect, void *to,
			 size_t to_stride_bytes);

/* A plain picture in host memory, zeroed, stride = width * 4. NULL with errno (ENOMEM, EINVAL). */
struct display_buffer *display_buffer_create_host(uint32_t width, uint32_t height, uint32_t fourcc);
/* Its pixels, for the producer. */
void *display_buffer_host_pixels(struct display_buffer *buffer);

#endif
