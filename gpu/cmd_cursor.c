/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cursor queue (virtio 1.2, 5.7.6.10). */
#include "backing.h"
#include "command.h"
#include "device.h"
#include "format.h"
#include "renderer.h"

#include <display/pixel_layout.h>
#include <drm_fourcc.h>
#include <virtio/queue.h>

/* "It must be 64x64 in size." */
#define CURSOR_SIZE 64u
#define CURSOR_STRIDE_BYTES (CURSOR_SIZE * GPU_PIXEL_BYTES)

/* Describes the cursor's pixels; NULL, or why it cannot be one. */
static const char *cursor_check(const struct gpu_resource *resource)
{
	if (resource->kind == GPU_RESOURCE_2D)
		return resource->width == CURSOR_SIZE && resource->height == CURSOR_SIZE ?
			       NULL : "a cursor is 64x64";
	if (!resource->backing)
		return "has no backing";
	return resource->blob_bytes >= (uint64_t)CURSOR_STRIDE_BYTES * CURSOR_SIZE ?
		       NULL : "a cursor is 64x64";
}

/* Drivers make cursors in a format without alpha and mean one with it. A blob has no format: Linux,
 * the one driver that has them here, puts ARGB8888 into it. */
static uint32_t cursor_fourcc(const struct gpu_resource *resource)
{
	const struct pixel_layout *layout = resource->kind == GPU_RESOURCE_2D ?
						    pixel_layout_find(resource->fourcc) : NULL;

	return layout ? layout->fourcc_alpha : DRM_FORMAT_ARGB8888;
}

static void cursor_copy_2d(struct gpu *gpu, struct gpu_resource *resource, void *to)
{
	const struct rect all = { 0, 0, CURSOR_SIZE, CURSOR_SIZE };
	struct display_buffer *from = gpu->renderer->ops->export_buffer(gpu->renderer, resource);
	struct display_pixels pixels;

	if (display_buffer_begin_read(from, &pixels) == 0) {
		display_pixels_copy(&pixels, &all, to, CURSOR_STRIDE_BYTES);
		display_buffer_end_read(from);
	}
	display_buffer_unref(from);
}

static void cursor_copy_blob(struct gpu_resource *resource, void *to)
{
	const struct rect all = { 0, 0, CURSOR_SIZE, CURSOR_SIZE };
	const struct display_pixels pixels = {
		.iov = resource->backing->iov,
		.iov_count = resource->backing->iov_count,
		.stride_bytes = CURSOR_STRIDE_BYTES,
	};

	display_pixels_copy(&pixels, &all, to, CURSOR_STRIDE_BYTES);
}

/* A copy of the resource's pixels as they are now. NULL with errno ENOMEM. */
static struct display_buffer *cursor_create(struct gpu *gpu, struct gpu_resource *resource)
{
	struct display_buffer *image =
		display_buffer_create_host(CURSOR_SIZE, CURSOR_SIZE, cursor_fourcc(resource));

	if (!image)
		return NULL;
	if (resource->kind == GPU_RESOURCE_2D)
		cursor_copy_2d(gpu, resource, display_buffer_host_pixels(image));
	else
		cursor_copy_blob(resource, display_buffer_host_pixels(image));
	return image;
}

static struct gpu_scanout *cursor_scanout(struct gpu *gpu, struct gpu_request *request)
{
	uint32_t index = le32_load(&request->body.cursor.pos.scanout_id);

	if (index < gpu->config.scanout_count)
		return &gpu->scanouts[index];
	request->refusal = "no such scanout";
	return NULL;
}

/* The guest's programs may say anything here; the image stays where it is whatever we make of it. */
static uint32_t cursor_hot(const __le32 *wire)
{
	uint32_t hot = le32_load(wire);

	return hot < CURSOR_SIZE ? hot : CURSOR_SIZE - 1;
}

/* The wire has the image's top left corner, a signed number; we keep where the hotspot is. */
static int32_t cursor_position(const __le32 *wire, uint32_t hot)
{
	return (int32_t)(le32_load(wire) + hot);
}

uint32_t gpu_cmd_update_cursor(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_update_cursor *body = &request->body.cursor;
	struct gpu_scanout *scanout = cursor_scanout(gpu, request);
	uint32_t id = le32_load(&body->resource_id);
	struct display_cursor cursor = {
		.hot_x = cursor_hot(&body->hot_x),
		.hot_y = cursor_hot(&body->hot_y),
	};

	if (!scanout)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	if (id != 0) {
		struct gpu_resource *resource = gpu_resources_find(&gpu->resources, id);

		if (!resource)
			return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
					  "no such resource");
		request->refusal = cursor_check(resource);
		if (request->refusal)
			return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
		cursor.buffer = cursor_create(gpu, resource);
		if (!cursor.buffer)
			return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
					  "no host memory for a cursor");
	}
	cursor.x = cursor_position(&body->pos.x, cursor.hot_x);
	cursor.y = cursor_position(&body->pos.y, cursor.hot_y);
	gpu_scanout_set_cursor(scanout, &cursor);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_cmd_move_cursor(struct gpu *gpu, struct gpu_request *request)
{
	const struct virtio_gpu_cursor_pos *pos = &request->body.cursor.pos;
	struct gpu_scanout *scanout = cursor_scanout(gpu, request);

	if (!scanout)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	gpu_scanout_move_cursor(scanout, cursor_position(&pos->x, scanout->cursor.hot_x),
				cursor_position(&pos->y, scanout->cursor.hot_y));
	return VIRTIO_GPU_RESP_OK_NODATA;
}

void gpu_cursor_handle(struct virtqueue *queue, void *data)
{
	struct gpu *gpu = data;
	unsigned int budget = GPU_BATCH_COMMANDS;
	struct gpu_request request;
	struct chain *chain;

	while (budget-- > 0 && (chain = virtqueue_pop(queue))) {
		uint32_t type = gpu_decode(&request, GPU_QUEUE_CURSOR, gpu->features, chain);

		gpu_respond(&request, type ? type : request.command->run(gpu, &request));
		virtqueue_push(queue, chain);
	}
	if (virtqueue_has_chain(queue))
		virtqueue_kick_self(queue);
	virtqueue_notify(queue);
}
