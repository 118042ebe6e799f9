/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gpu_rig.h"

#include <base/log.h>
#include <base/loop.h>
#include <stdlib.h>
#include <string.h>

struct gpu_rig *gpu_rig_create(const struct gpu_config *config)
{
	struct gpu_rig *rig = calloc(1, sizeof(*rig));
	struct virtio_device *device;

	if (!rig)
		fake_fail("no memory for a rig");
	/* The tests' broken commands are no news, unless asked for. */
	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	rig->loop = loop_create("gpu");
	rig->display = rig->loop ? display_create(rig->loop, DISPLAY_MAX_SURFACES) : NULL;
	device = rig->display ? gpu_create(rig->loop, rig->display, config) : NULL;
	if (!device)
		fake_fail("cannot create a gpu");
	display_recorder_init(&rig->recorder);
	display_add_consumer(rig->display, &rig->recorder.consumer);
	rig->guest = fake_guest_create(device, FAKE_LOOP_DISPATCHED);
	return rig;
}

void gpu_rig_start(struct gpu_rig *rig, uint64_t features)
{
	if (fake_guest_start(rig->guest, features) < 0)
		fake_fail("the gpu does not start");
	rig->control = fake_guest_queue(rig->guest, 0);
	rig->cursor = fake_guest_queue(rig->guest, 1);
	memset(rig->answered, 0, sizeof(rig->answered));
}

void gpu_rig_destroy(struct gpu_rig *rig)
{
	fake_guest_destroy(rig->guest);
	display_remove_consumer(rig->display, &rig->recorder.consumer);
	display_recorder_finish(&rig->recorder);
	display_destroy(rig->display);
	loop_destroy(rig->loop);
	free(rig);
}

int gpu_rig_setup(void **state)
{
	struct gpu_config config;
	struct gpu_rig *rig;

	gpu_config_init(&config);
	rig = gpu_rig_create(&config);
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	*state = rig;
	return 0;
}

int gpu_rig_teardown(void **state)
{
	gpu_rig_destroy(*state);
	return 0;
}

uint32_t gpu_rig_send(struct gpu_rig *rig, const void *command, size_t bytes, void *response,
		      size_t response_bytes)
{
	struct virtio_gpu_ctrl_hdr header = { 0 };
	void *room = response_bytes > sizeof(header) ? response : &header;
	size_t room_bytes = response_bytes > sizeof(header) ? response_bytes : sizeof(header);
	int64_t written = fake_queue_request(rig->control, command, bytes, room, room_bytes);

	if (written < (int64_t)sizeof(header))
		fake_fail("command got %lld bytes of response", (long long)written);
	memcpy(&header, room, sizeof(header));
	return header.type;
}

struct gpu_rig_pending gpu_rig_submit(struct gpu_rig *rig, const void *command, size_t bytes)
{
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	struct fake_buffer buffers[2] = {
		{ .gpa = fake_memory_copy_in(memory, command, bytes), .bytes = (uint32_t)bytes },
		{ .bytes = sizeof(struct virtio_gpu_ctrl_hdr), .writable = true },
	};
	struct gpu_rig_pending pending;
	int head;

	buffers[1].gpa = fake_memory_alloc(memory, buffers[1].bytes, 8);
	head = fake_queue_add(rig->control, buffers, 2);
	if (head < 0)
		fake_fail("the control queue is full");
	pending = (struct gpu_rig_pending){ (uint16_t)head, buffers[1].gpa };
	rig->answered[pending.head] = false;
	fake_queue_kick(rig->control);
	fake_guest_run(rig->guest);
	return pending;
}

bool gpu_rig_answered(struct gpu_rig *rig, const struct gpu_rig_pending *pending,
		      struct virtio_gpu_ctrl_hdr *header)
{
	struct fake_used used;

	fake_guest_run(rig->guest);
	while (fake_queue_get_used(rig->control, &used))
		rig->answered[used.head] = true;
	if (header)
		fake_memory_read(fake_guest_memory(rig->guest), pending->response_gpa, header,
				 sizeof(*header));
	return rig->answered[pending->head];
}

void gpu_rig_send_cursor(struct gpu_rig *rig, uint32_t type, uint32_t scanout, uint32_t resource,
			 int32_t x, int32_t y, uint32_t hot_x, uint32_t hot_y)
{
	struct virtio_gpu_update_cursor command = {
		.hdr.type = type,
		.pos = { .scanout_id = scanout, .x = (uint32_t)x, .y = (uint32_t)y },
		.resource_id = resource,
		.hot_x = hot_x,
		.hot_y = hot_y,
	};
	char none;

	if (fake_queue_request(rig->cursor, &command, sizeof(command), &none, 0) != 0)
		fake_fail("cursor command was not taken");
}

uint32_t gpu_rig_create_2d(struct gpu_rig *rig, uint32_t id, uint32_t format, uint32_t width,
			   uint32_t height)
{
	struct virtio_gpu_resource_create_2d command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = id,
		.format = format,
		.width = width,
		.height = height,
	};

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

uint32_t gpu_rig_unref(struct gpu_rig *rig, uint32_t id)
{
	struct virtio_gpu_resource_unref command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF,
		.resource_id = id,
	};

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

/* Puts entries behind a command in one buffer. The bytes of both. */
static size_t rig_append_entries(uint8_t *to, const void *command, size_t bytes,
				 const struct fake_buffer *pieces, uint32_t count)
{
	if (count > RIG_MAX_ENTRIES)
		fake_fail("too many entries for the rig");
	memcpy(to, command, bytes);
	for (uint32_t i = 0; i < count; i++) {
		struct virtio_gpu_mem_entry entry = {
			.addr = pieces[i].gpa,
			.length = pieces[i].bytes,
		};

		memcpy(to + bytes + i * sizeof(entry), &entry, sizeof(entry));
	}
	return bytes + count * sizeof(struct virtio_gpu_mem_entry);
}

uint32_t gpu_rig_attach(struct gpu_rig *rig, uint32_t id, const struct fake_buffer *pieces,
			uint32_t count)
{
	struct virtio_gpu_resource_attach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = id,
		.nr_entries = count,
	};
	uint8_t bytes[sizeof(command) + RIG_MAX_ENTRIES * sizeof(struct virtio_gpu_mem_entry)];

	return gpu_rig_send(rig, bytes,
			    rig_append_entries(bytes, &command, sizeof(command), pieces, count),
			    NULL, 0);
}

uint32_t gpu_rig_detach(struct gpu_rig *rig, uint32_t id)
{
	struct virtio_gpu_resource_detach_backing command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		.resource_id = id,
	};

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

static struct virtio_gpu_rect rig_rect(struct rect rect)
{
	return (struct virtio_gpu_rect){ rect.x, rect.y, rect.width, rect.height };
}

struct virtio_gpu_transfer_to_host_2d gpu_rig_transfer_command(uint32_t id, struct rect rect,
								uint64_t offset)
{
	return (struct virtio_gpu_transfer_to_host_2d){
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = rig_rect(rect),
		.offset = offset,
		.resource_id = id,
	};
}

uint32_t gpu_rig_transfer(struct gpu_rig *rig, uint32_t id, struct rect rect, uint64_t offset)
{
	struct virtio_gpu_transfer_to_host_2d command =
		gpu_rig_transfer_command(id, rect, offset);

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

uint32_t gpu_rig_set_scanout(struct gpu_rig *rig, uint32_t scanout, uint32_t id, struct rect rect)
{
	struct virtio_gpu_set_scanout command = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = rig_rect(rect),
		.scanout_id = scanout,
		.resource_id = id,
	};

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

struct virtio_gpu_resource_flush gpu_rig_flush_command(uint32_t id, struct rect rect)
{
	return (struct virtio_gpu_resource_flush){
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = rig_rect(rect),
		.resource_id = id,
	};
}

uint32_t gpu_rig_flush(struct gpu_rig *rig, uint32_t id, struct rect rect)
{
	struct virtio_gpu_resource_flush command = gpu_rig_flush_command(id, rect);

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

uint32_t gpu_rig_create_blob(struct gpu_rig *rig, uint32_t id, uint64_t size,
			     const struct fake_buffer *pieces, uint32_t count)
{
	struct virtio_gpu_resource_create_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		.resource_id = id,
		.blob_mem = VIRTIO_GPU_BLOB_MEM_GUEST,
		.blob_flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
		.nr_entries = count,
		.size = size,
	};
	uint8_t bytes[sizeof(command) + RIG_MAX_ENTRIES * sizeof(struct virtio_gpu_mem_entry)];

	return gpu_rig_send(rig, bytes,
			    rig_append_entries(bytes, &command, sizeof(command), pieces, count),
			    NULL, 0);
}

uint32_t gpu_rig_set_scanout_blob(struct gpu_rig *rig, uint32_t scanout, uint32_t id,
				  struct rect rect, uint32_t width, uint32_t height,
				  uint32_t stride, uint32_t offset)
{
	struct virtio_gpu_set_scanout_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
		.r = rig_rect(rect),
		.scanout_id = scanout,
		.resource_id = id,
		.width = width,
		.height = height,
		.format = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
		.strides = { stride },
		.offsets = { offset },
	};

	return gpu_rig_send(rig, &command, sizeof(command), NULL, 0);
}

uint32_t gpu_rig_pixel(uint32_t id, uint32_t x, uint32_t y)
{
	return id << 24 | (y & 0xfff) << 12 | (x & 0xfff);
}

void gpu_rig_fill(struct gpu_rig *rig, uint64_t gpa, uint32_t id, uint32_t width, uint32_t height,
		  uint32_t stride)
{
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			uint32_t pixel = gpu_rig_pixel(id, x, y);

			fake_memory_write(fake_guest_memory(rig->guest),
					  gpa + (uint64_t)y * stride + x * 4, &pixel, 4);
		}
}

uint64_t gpu_rig_picture(struct gpu_rig *rig, uint32_t id, uint32_t width, uint32_t height)
{
	uint32_t bytes = width * height * 4;
	uint64_t gpa = fake_memory_alloc(fake_guest_memory(rig->guest), bytes, 4096);
	struct fake_buffer piece = { .gpa = gpa, .bytes = bytes };

	gpu_rig_fill(rig, gpa, id, width, height, width * 4);
	if (gpu_rig_create_2d(rig, id, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, width, height) !=
		    VIRTIO_GPU_RESP_OK_NODATA ||
	    gpu_rig_attach(rig, id, &piece, 1) != VIRTIO_GPU_RESP_OK_NODATA ||
	    gpu_rig_transfer(rig, id, (struct rect){ 0, 0, width, height }, 0) !=
		    VIRTIO_GPU_RESP_OK_NODATA)
		fake_fail("cannot make picture %u", id);
	return gpa;
}
