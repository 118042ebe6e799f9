/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which resource a scanout shows, and what of it changed. */
#include "backing.h"
#include "command.h"
#include "device.h"
#include "format.h"
#include "renderer.h"

/* Checks the scanout and handles resource 0. False: *answer is the response. */
static bool scanout_prepare(struct gpu *gpu, struct gpu_request *request, uint32_t index,
			    uint32_t resource_id, struct gpu_resource **resource, uint32_t *answer)
{
	if (index >= gpu->config.scanout_count) {
		*answer = gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
				     "no such scanout");
		return false;
	}
	if (resource_id == 0) {
		gpu_scanout_disable(&gpu->scanouts[index]);
		*answer = VIRTIO_GPU_RESP_OK_NODATA;
		return false;
	}
	*resource = gpu_resources_find(&gpu->resources, resource_id);
	if (!*resource) {
		*answer = gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				     "no such resource");
		return false;
	}
	return true;
}

uint32_t gpu_cmd_set_scanout(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_set_scanout *body = &request->body.set_scanout;
	uint32_t index = le32_load(&body->scanout_id);
	struct rect rect = gpu_rect_load(&body->r);
	struct gpu_resource *resource;
	uint32_t answer;

	if (!scanout_prepare(gpu, request, index, le32_load(&body->resource_id), &resource,
			     &answer))
		return answer;
	if (resource->kind != GPU_RESOURCE_2D)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "a blob needs a layout: SET_SCANOUT_BLOB");
	if (!rect_inside(&rect, resource->width, resource->height))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "rectangle outside the resource");
	gpu_scanout_set(&gpu->scanouts[index], resource,
			gpu->renderer->ops->export_buffer(gpu->renderer, resource), &rect);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t scanout_load_layout(struct gpu_request *request,
				    const struct gpu_resource *resource,
				    struct gpu_blob_layout *layout)
{
	const struct virtio_gpu_set_scanout_blob *body = &request->body.set_scanout_blob;

	*layout = (struct gpu_blob_layout){
		.width = le32_load(&body->width),
		.height = le32_load(&body->height),
		.fourcc = gpu_format_fourcc(le32_load(&body->format)),
		.stride_bytes = le32_load(&body->strides[0]),
		.offset_bytes = le32_load(&body->offsets[0]),
	};
	if (!layout->fourcc)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "format");
	if (layout->width == 0 || layout->width > GPU_MAX_DIMENSION || layout->height == 0 ||
	    layout->height > GPU_MAX_DIMENSION)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "size");
	if (!gpu_blob_layout_fits(layout, resource->blob_bytes))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "rows outside the blob");
	return 0;
}

uint32_t gpu_cmd_set_scanout_blob(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_set_scanout_blob *body = &request->body.set_scanout_blob;
	uint32_t index = le32_load(&body->scanout_id);
	struct rect rect = gpu_rect_load(&body->r);
	struct gpu_blob_layout layout;
	struct gpu_resource *resource;
	struct display_buffer *buffer;
	uint32_t answer;

	if (!scanout_prepare(gpu, request, index, le32_load(&body->resource_id), &resource,
			     &answer))
		return answer;
	if (resource->kind != GPU_RESOURCE_BLOB)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "not a blob");
	if (!resource->backing)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "has no backing");
	answer = scanout_load_layout(request, resource, &layout);
	if (answer)
		return answer;
	if (!rect_inside(&rect, layout.width, layout.height))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "rectangle outside the picture");
	buffer = gpu_blob_buffer_create(resource->backing, &layout);
	if (!buffer)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "no host memory");
	gpu->scanouts[index].layout = layout;
	gpu_scanout_set(&gpu->scanouts[index], resource, buffer, &rect);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_cmd_resource_flush(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_resource_flush *body = &request->body.flush;
	struct gpu_resource *resource =
		gpu_resources_find(&gpu->resources, le32_load(&body->resource_id));
	struct rect rect = gpu_rect_load(&body->r);

	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "no such resource");
	/* A blob has no size in pixels: each scanout clips to what it shows. */
	if (resource->kind == GPU_RESOURCE_2D &&
	    !rect_inside(&rect, resource->width, resource->height))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "rectangle outside the resource");
	for (uint32_t i = 0; i < gpu->config.scanout_count; i++) {
		struct gpu_scanout *scanout = &gpu->scanouts[i];

		if (!gpu_scanout_touched(scanout, resource, &rect))
			continue;
		if (!gpu_control_flight(request) ||
		    gpu_scanout_flush(scanout, gpu->frames, &rect, request->received_ns,
				      request->flight) < 0)
			return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
					  "no host memory for a frame");
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}
