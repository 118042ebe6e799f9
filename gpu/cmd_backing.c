/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's pages behind resources, and copying from them. */
#include "cmd_backing.h"

#include "backing.h"
#include "command.h"
#include "device.h"
#include "format.h"
#include "renderer.h"

#include <errno.h>

static uint32_t backing_refuse(struct gpu_request *request, int error)
{
	switch (error) {
	case ENOMEM:
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
				  "no host memory left for a list of pages");
	case E2BIG:
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "too many entries");
	case EFAULT:
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "an entry is not guest memory");
	default:
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "fewer entries than announced");
	}
}

uint32_t gpu_backing_attach_from_chain(struct gpu *gpu, struct gpu_request *request,
				       struct gpu_resource *resource, uint32_t entries)
{
	struct gpu_backing *backing = gpu_backing_read(request->chain, gpu->mem, entries);

	if (!backing)
		return backing_refuse(request, errno);
	if (resource->kind == GPU_RESOURCE_BLOB && backing->bytes < resource->blob_bytes) {
		gpu_backing_unref(backing);
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "fewer pages than the blob's size");
	}
	if (gpu_resource_attach_backing(resource, backing) < 0) {
		gpu_backing_unref(backing);
		return backing_refuse(request, ENOMEM);
	}
	return 0;
}

/* A blob on show gets its pages. */
static int backing_show(struct gpu *gpu, struct gpu_resource *resource)
{
	for (uint32_t i = 0; i < gpu->config.scanout_count; i++) {
		int ret = gpu->scanouts[i].resource == resource ?
				  gpu_scanout_new_pages(&gpu->scanouts[i]) : 0;

		if (ret < 0)
			return ret;
	}
	return 0;
}

static void backing_hide(struct gpu *gpu, struct gpu_resource *resource)
{
	for (uint32_t i = 0; i < gpu->config.scanout_count; i++)
		if (gpu->scanouts[i].resource == resource)
			gpu_scanout_drop_pages(&gpu->scanouts[i]);
}

uint32_t gpu_cmd_resource_attach_backing(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_resource_attach_backing *body = &request->body.attach_backing;
	struct gpu_resource *resource =
		gpu_resources_find(&gpu->resources, le32_load(&body->resource_id));
	uint32_t error;

	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "no such resource");
	if (resource->backing)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "has a backing already");
	error = gpu_backing_attach_from_chain(gpu, request, resource,
					      le32_load(&body->nr_entries));
	if (error)
		return error;
	if (resource->kind == GPU_RESOURCE_BLOB && backing_show(gpu, resource) < 0) {
		backing_hide(gpu, resource);
		gpu_resource_detach_backing(resource);
		return backing_refuse(request, ENOMEM);
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_cmd_resource_detach_backing(struct gpu *gpu, struct gpu_request *request)
{
	struct gpu_resource *resource = gpu_resources_find(
		&gpu->resources, le32_load(&request->body.detach_backing.resource_id));

	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "no such resource");
	if (!resource->backing)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "has no backing");
	if (resource->kind == GPU_RESOURCE_BLOB) {
		/* The guest uses the pages for something else once we have answered. */
		if (resource->readers > 0)
			return GPU_MUST_WAIT;
		backing_hide(gpu, resource);
	}
	gpu_resource_detach_backing(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* True when all rows of the rectangle lie inside the backing; inside the resource it is already. */
static bool transfer_inside(const struct gpu_resource *resource, const struct rect *rect,
			    uint64_t offset_bytes)
{
	uint64_t bytes = ((uint64_t)resource->width * (rect->height - 1) + rect->width) *
			 GPU_PIXEL_BYTES;

	return offset_bytes <= resource->backing->bytes &&
	       bytes <= resource->backing->bytes - offset_bytes;
}

uint32_t gpu_cmd_transfer_to_host_2d(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_transfer_to_host_2d *body = &request->body.transfer;
	struct gpu_resource *resource =
		gpu_resources_find(&gpu->resources, le32_load(&body->resource_id));
	struct rect rect = gpu_rect_load(&body->r);
	uint64_t offset_bytes = le64_load(&body->offset);

	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "no such resource");
	/* Linux asks for it with blobs, too; their pixels are already where they are read. */
	if (resource->kind == GPU_RESOURCE_BLOB)
		return VIRTIO_GPU_RESP_OK_NODATA;
	if (!resource->backing)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "has no backing");
	if (!rect_inside(&rect, resource->width, resource->height))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "rectangle outside the resource");
	if (!transfer_inside(resource, &rect, offset_bytes))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "rows outside the backing");
	if (resource->readers > 0)
		return GPU_MUST_WAIT;
	gpu->renderer->ops->transfer_in(gpu->renderer, resource, &rect, offset_bytes);
	return VIRTIO_GPU_RESP_OK_NODATA;
}
