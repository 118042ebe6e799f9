/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making and freeing resources. */
#include "backing.h"
#include "cmd_backing.h"
#include "command.h"
#include "device.h"
#include "format.h"
#include "renderer.h"

#include <errno.h>

#define BLOB_FLAGS                                                                                 \
	(VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE | VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |                  \
	 VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE)

static bool resource_id_free(struct gpu *gpu, uint32_t id)
{
	return id != 0 && !gpu_resources_find(&gpu->resources, id);
}

/* Charges for the pixels and has the renderer make them. 0 or -ENOMEM. */
static int resource_make_pixels(struct gpu *gpu, struct gpu_resource *resource)
{
	int ret = gpu_resource_charge(resource, (uint64_t)resource->width * resource->height *
							GPU_PIXEL_BYTES);

	return ret < 0 ? ret : gpu->renderer->ops->resource_create(gpu->renderer, resource);
}

uint32_t gpu_cmd_resource_create_2d(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_resource_create_2d *body = &request->body.create_2d;
	uint32_t id = le32_load(&body->resource_id);
	uint32_t width = le32_load(&body->width), height = le32_load(&body->height);
	uint32_t fourcc = gpu_format_fourcc(le32_load(&body->format));
	struct gpu_resource *resource;

	if (!resource_id_free(gpu, id))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "id is 0 or taken");
	if (!fourcc)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "format");
	if (width == 0 || width > GPU_MAX_DIMENSION || height == 0 || height > GPU_MAX_DIMENSION)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "size");
	resource = gpu_resource_create(&gpu->resources, id, GPU_RESOURCE_2D);
	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
				  "too many resources");
	resource->width = width;
	resource->height = height;
	resource->fourcc = fourcc;
	if (resource_make_pixels(gpu, resource) < 0) {
		gpu_resource_unref(resource);
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
				  "no host memory left for pixels");
	}
	gpu_resource_insert(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_cmd_resource_create_blob(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_resource_create_blob *body = &request->body.create_blob;
	uint32_t id = le32_load(&body->resource_id), entries = le32_load(&body->nr_entries);
	uint64_t bytes = le64_load(&body->size);
	struct gpu_resource *resource;
	uint32_t error;

	if (!resource_id_free(gpu, id))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "id is 0 or taken");
	if (le32_load(&body->blob_mem) != VIRTIO_GPU_BLOB_MEM_GUEST)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "only guest memory blobs");
	if (le32_load(&body->blob_flags) & ~(uint32_t)BLOB_FLAGS || bytes == 0)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
				  "flags or size");
	resource = gpu_resource_create(&gpu->resources, id, GPU_RESOURCE_BLOB);
	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
				  "too many resources");
	resource->blob_bytes = bytes;
	/* A blob without pages gets them by ATTACH_BACKING. */
	error = entries ? gpu_backing_attach_from_chain(gpu, request, resource, entries) : 0;
	if (error) {
		gpu_resource_unref(resource);
		return error;
	}
	gpu_resource_insert(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_cmd_resource_unref(struct gpu *gpu, struct gpu_request *request)
{
	struct gpu_resource *resource =
		gpu_resources_find(&gpu->resources, le32_load(&request->body.unref.resource_id));

	if (!resource)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
				  "no such resource");
	if (resource->readers > 0)
		return GPU_MUST_WAIT;
	for (uint32_t i = 0; i < gpu->config.scanout_count; i++)
		if (gpu->scanouts[i].resource == resource)
			gpu_scanout_disable(&gpu->scanouts[i]);
	gpu_resource_remove(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}
