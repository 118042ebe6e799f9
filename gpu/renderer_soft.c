/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 2D resources as plain pictures in host memory. */
#include "backing.h"
#include "format.h"
#include "renderer.h"
#include "resource.h"

#include <base/rect.h>
#include <display/buffer.h>
#include <errno.h>
#include <stdlib.h>

static int renderer_soft_resource_create(struct gpu_renderer *renderer,
					 struct gpu_resource *resource)
{
	resource->pixels = display_buffer_create_host(resource->width, resource->height,
						      resource->fourcc);
	return resource->pixels ? 0 : -errno;
}

static void renderer_soft_resource_destroy(struct gpu_renderer *renderer,
					   struct gpu_resource *resource)
{
	display_buffer_unref(resource->pixels);
	resource->pixels = NULL;
}

static void renderer_soft_transfer_in(struct gpu_renderer *renderer, struct gpu_resource *resource,
				      const struct rect *rect, uint64_t offset_bytes)
{
	uint32_t stride_bytes = resource->width * GPU_PIXEL_BYTES;
	const struct display_pixels from = {
		.iov = resource->backing->iov,
		.iov_count = resource->backing->iov_count,
		.offset_bytes = offset_bytes,
		.stride_bytes = stride_bytes,
	};
	/* The offset names the rectangle's own first pixel. */
	const struct rect from_rect = { 0, 0, rect->width, rect->height };
	uint8_t *to = display_buffer_host_pixels(resource->pixels);

	to += (size_t)rect->y * stride_bytes + (size_t)rect->x * GPU_PIXEL_BYTES;
	display_pixels_copy(&from, &from_rect, to, stride_bytes);
}

static struct display_buffer *renderer_soft_export_buffer(struct gpu_renderer *renderer,
							  struct gpu_resource *resource)
{
	return display_buffer_ref(resource->pixels);
}

static void renderer_soft_destroy(struct gpu_renderer *renderer)
{
	free(renderer);
}

static const struct gpu_renderer_ops renderer_soft_ops = {
	.resource_create = renderer_soft_resource_create,
	.resource_destroy = renderer_soft_resource_destroy,
	.transfer_in = renderer_soft_transfer_in,
	.export_buffer = renderer_soft_export_buffer,
	.destroy = renderer_soft_destroy,
};

struct gpu_renderer *gpu_renderer_soft_create(void)
{
	struct gpu_renderer *renderer = calloc(1, sizeof(*renderer));

	if (renderer)
		renderer->ops = &renderer_soft_ops;
	return renderer;
}
