/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame_path.h"

#include <base/clock.h>
#include <display/surface.h>
#include <fake/guest.h>
#include <gpu/gpu.h>
#include <linux/virtio_gpu.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_SMALL_EXTENT 64u
#define GUEST_PAGE_BYTES 4096u
#define GUEST_BUFFERS 2u                /* a desktop draws into the one that is not shown */

/* One resource and its memory. With small damage the guest draws into what is shown. */
struct frame_guest_buffer {
	uint32_t resource;
	uint64_t gpa;
	uint8_t *pixels;
};

struct frame_guest {
	struct frame_case what;
	size_t bytes;
	struct fake_guest *guest;
	struct fake_queue *control;
	struct frame_guest_buffer buffers[GUEST_BUFFERS];
	uint32_t current;
	uint32_t frames;
	struct frame_rect drawn;
	uint64_t transfer_gpa, flush_gpa, response_gpa;
};

static size_t guest_pages(const struct frame_guest *guest)
{
	return (guest->bytes + GUEST_PAGE_BYTES - 1) / GUEST_PAGE_BYTES;
}

static void guest_send(struct frame_guest *guest, const void *command, size_t bytes)
{
	struct virtio_gpu_ctrl_hdr answer = { 0 };

	fake_queue_request(guest->control, command, bytes, &answer, sizeof(answer));
	if (answer.type != VIRTIO_GPU_RESP_OK_NODATA)
		fake_fail("gpu command answered 0x%x", answer.type);
}

/* A command and the list of the buffer's pages after it, each of its own: as scattered as a guest's
 * memory can be. */
static void guest_send_pages(struct frame_guest *guest, const struct frame_guest_buffer *buffer,
			     const void *command, size_t command_bytes)
{
	size_t pages = guest_pages(guest);
	size_t bytes = command_bytes + pages * sizeof(struct virtio_gpu_mem_entry);
	uint8_t *request = malloc(bytes);
	struct virtio_gpu_mem_entry *entries;

	if (!request)
		fake_fail("no memory for a list of pages");
	memcpy(request, command, command_bytes);
	entries = (struct virtio_gpu_mem_entry *)(request + command_bytes);
	for (size_t i = 0; i < pages; i++)
		entries[i] = (struct virtio_gpu_mem_entry){
			.addr = buffer->gpa + i * GUEST_PAGE_BYTES,
			.length = GUEST_PAGE_BYTES,
		};
	guest_send(guest, request, bytes);
	free(request);
}

static void guest_create_blob(struct frame_guest *guest, const struct frame_guest_buffer *buffer)
{
	const struct virtio_gpu_resource_create_blob command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		.resource_id = buffer->resource,
		.blob_mem = VIRTIO_GPU_BLOB_MEM_GUEST,
		.blob_flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
		.nr_entries = (uint32_t)guest_pages(guest),
		.size = guest_pages(guest) * GUEST_PAGE_BYTES,
	};

	guest_send_pages(guest, buffer, &command, sizeof(command));
}

static void guest_create_2d(struct frame_guest *guest, const struct frame_guest_buffer *buffer)
{
	const struct virtio_gpu_resource_create_2d create = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = buffer->resource,
		.format = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
		.width = guest->what.width,
		.height = guest->what.height,
	};
	const struct virtio_gpu_resource_attach_backing attach = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = buffer->resource,
		.nr_entries = (uint32_t)guest_pages(guest),
	};

	guest_send(guest, &create, sizeof(create));
	guest_send_pages(guest, buffer, &attach, sizeof(attach));
}

static void guest_show(struct frame_guest *guest)
{
	const struct frame_guest_buffer *buffer = &guest->buffers[guest->current];
	const struct virtio_gpu_rect all = { .width = guest->what.width,
					     .height = guest->what.height };
	const struct virtio_gpu_set_scanout plain = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = all,
		.resource_id = buffer->resource,
	};
	const struct virtio_gpu_set_scanout_blob blob = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
		.r = all,
		.resource_id = buffer->resource,
		.width = all.width,
		.height = all.height,
		.format = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
		.strides = { all.width * 4 },
	};

	if (guest->what.blob)
		guest_send(guest, &blob, sizeof(blob));
	else
		guest_send(guest, &plain, sizeof(plain));
}

static void guest_create_buffers(struct frame_guest *guest)
{
	struct fake_memory *memory = fake_guest_memory(guest->guest);

	for (uint32_t i = 0; i < GUEST_BUFFERS; i++) {
		struct frame_guest_buffer *buffer = &guest->buffers[i];

		buffer->resource = 1 + i;
		buffer->gpa = fake_memory_alloc(memory, guest_pages(guest) * GUEST_PAGE_BYTES,
						GUEST_PAGE_BYTES);
		buffer->pixels = fake_memory_host(memory, buffer->gpa, guest->bytes);
		memset(buffer->pixels, 0, guest->bytes);
		if (guest->what.blob)
			guest_create_blob(guest, buffer);
		else
			guest_create_2d(guest, buffer);
	}
	guest->transfer_gpa = fake_memory_alloc(memory, 4096, 4096);
	guest->flush_gpa = guest->transfer_gpa + 1024;
	guest->response_gpa = guest->transfer_gpa + 2048;
}

struct frame_guest *frame_guest_create(struct loop *loop, struct display *display,
				       const struct frame_case *what)
{
	struct frame_guest *guest = calloc(1, sizeof(*guest));
	struct gpu_config config;
	struct virtio_device *device;

	gpu_config_init(&config);
	config.scanout_count = 1;
	device = guest ? gpu_create(loop, display, &config) : NULL;
	if (!device)
		fake_fail("cannot create a gpu: %m");
	guest->what = *what;
	guest->bytes = (size_t)what->width * what->height * 4;
	guest->guest = fake_guest_create(device, FAKE_LOOP_THREADED);
	if (fake_guest_start(guest->guest, FAKE_ALL_FEATURES))
		fake_fail("the gpu does not start");
	guest->control = fake_guest_queue(guest->guest, 0);
	guest_create_buffers(guest);
	guest_show(guest);
	return guest;
}

void frame_guest_destroy(struct frame_guest *guest)
{
	fake_guest_destroy(guest->guest);
	free(guest);
}

struct frame_rect frame_guest_draw(struct frame_guest *guest, uint64_t base)
{
	const struct frame_case *what = &guest->what;
	struct frame_rect rect = { .width = what->width, .height = what->height };

	/* The first frame draws everything in any case. */
	if (what->full) {
		guest->current = guest->frames % GUEST_BUFFERS;
		guest_show(guest);
	} else if (guest->frames) {
		rect = (struct frame_rect){
			.x = guest->frames * 97 % (what->width - GUEST_SMALL_EXTENT) & ~1u,
			.y = guest->frames * 61 % (what->height - GUEST_SMALL_EXTENT),
			.width = GUEST_SMALL_EXTENT,
			.height = GUEST_SMALL_EXTENT,
		};
	}
	guest->frames++;
	guest->drawn = rect;
	frame_pattern_fill(guest->buffers[guest->current].pixels, (size_t)what->width * 4, &rect,
			   base);
	return rect;
}

const uint8_t *frame_guest_pixels(const struct frame_guest *guest)
{
	return guest->buffers[guest->current].pixels;
}

static void guest_offer(struct frame_guest *guest, uint64_t gpa, const void *command,
			uint32_t bytes)
{
	struct fake_memory *memory = fake_guest_memory(guest->guest);
	const struct fake_buffer buffers[2] = {
		{ .gpa = gpa, .bytes = bytes },
		{ .gpa = guest->response_gpa, .bytes = sizeof(struct virtio_gpu_ctrl_hdr),
		  .writable = true },
	};

	fake_memory_write(memory, gpa, command, bytes);
	if (fake_queue_add(guest->control, buffers, 2) < 0)
		fake_fail("the control queue is full");
}

/* As Linux does: a transfer unless it is a blob, the flush, one kick. */
uint64_t frame_guest_flush(struct frame_guest *guest)
{
	const struct frame_rect *drawn = &guest->drawn;
	const struct virtio_gpu_rect rect = { drawn->x, drawn->y, drawn->width, drawn->height };
	const struct virtio_gpu_transfer_to_host_2d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = rect,
		.offset = ((uint64_t)drawn->y * guest->what.width + drawn->x) * 4,
		.resource_id = guest->buffers[guest->current].resource,
	};
	const struct virtio_gpu_resource_flush flush = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = rect,
		.resource_id = guest->buffers[guest->current].resource,
	};
	int pending = guest->what.blob ? 1 : 2;
	uint64_t start_ns = clock_now_ns();
	struct fake_used used;

	if (!guest->what.blob)
		guest_offer(guest, guest->transfer_gpa, &transfer, sizeof(transfer));
	guest_offer(guest, guest->flush_gpa, &flush, sizeof(flush));
	fake_queue_kick(guest->control);
	while (pending--)
		if (!fake_queue_wait_used(guest->control, &used))
			fake_fail("a flush was not answered");
	return start_ns;
}
