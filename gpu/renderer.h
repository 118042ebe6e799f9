/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the pixels of 2D resources live and how they get there. On the gpu loop. Guest memory blobs
 * need no renderer: their pixels are the guest's pages.
 */
#ifndef GPU_RENDERER_H
#define GPU_RENDERER_H

#include <stdint.h>

struct display_buffer;
struct gpu_renderer;
struct gpu_resource;
struct rect;

struct gpu_renderer_ops {
	/* Makes zeroed pixels of resource->width x height in resource->fourcc. 0 or -ENOMEM. */
	int (*resource_create)(struct gpu_renderer *renderer, struct gpu_resource *resource);
	void (*resource_destroy)(struct gpu_renderer *renderer, struct gpu_resource *resource);
	/* Copies a rectangle (inside the resource) from its backing; its first pixel is offset_bytes
	 * into that, rows are resource->width pixels apart. The caller has checked that
	 * the backing has all of them, and that nobody reads the resource. */
	void (*transfer_in)(struct gpu_renderer *renderer, struct gpu_resource *resource,
			    const struct rect *rect, uint64_t offset_bytes);
	/* A new reference of a buffer that shows the resource as it is transferred into. */
	struct display_buffer *(*export_buffer)(struct gpu_renderer *renderer,
						struct gpu_resource *resource);
	void (*destroy)(struct gpu_renderer *renderer);
};

struct gpu_renderer {
	const struct gpu_renderer_ops *ops;
};

/* Pixels in host memory. NULL with errno ENOMEM. */
struct gpu_renderer *gpu_renderer_soft_create(void);

#endif
