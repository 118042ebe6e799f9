/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gpu device with a fake guest in front and a recording consumer behind. */
#ifndef TESTS_GPU_RIG_H
#define TESTS_GPU_RIG_H

#include "display_recorder.h"

#include <base/rect.h>
#include <fake/guest.h>
#include <gpu/gpu.h>
#include <linux/virtio_gpu.h>

#define RIG_MAX_ENTRIES 64

struct gpu_rig {
	struct loop *loop;
	struct display *display;
	struct display_recorder recorder;
	struct fake_guest *guest;
	struct fake_queue *control, *cursor;
	bool answered[256];             /* by head, of what was submitted */
};

/* A request that was submitted and not waited for. */
struct gpu_rig_pending {
	uint16_t head;
	uint64_t response_gpa;
};

/* setup and teardown for cmocka: the default device, its queues started, the recorder attached. */
int gpu_rig_setup(void **state);
int gpu_rig_teardown(void **state);
struct gpu_rig *gpu_rig_create(const struct gpu_config *config);
void gpu_rig_destroy(struct gpu_rig *rig);
void gpu_rig_start(struct gpu_rig *rig, uint64_t features);

/* Sends a command and waits; the response type. What follows the header goes to response. */
uint32_t gpu_rig_send(struct gpu_rig *rig, const void *command, size_t bytes, void *response,
		      size_t response_bytes);
/* Offers a command, lets the device work, does not wait for the answer. */
struct gpu_rig_pending gpu_rig_submit(struct gpu_rig *rig, const void *command, size_t bytes);
/* True when its chain was given back; *header is its response then. */
bool gpu_rig_answered(struct gpu_rig *rig, const struct gpu_rig_pending *pending,
		      struct virtio_gpu_ctrl_hdr *header);
/* On the cursor queue, without room for a response, as Linux does. */
void gpu_rig_send_cursor(struct gpu_rig *rig, uint32_t type, uint32_t scanout, uint32_t resource,
			 int32_t x, int32_t y, uint32_t hot_x, uint32_t hot_y);

/* Commands: the response type. */
uint32_t gpu_rig_create_2d(struct gpu_rig *rig, uint32_t id, uint32_t format, uint32_t width,
			   uint32_t height);
uint32_t gpu_rig_unref(struct gpu_rig *rig, uint32_t id);
uint32_t gpu_rig_attach(struct gpu_rig *rig, uint32_t id, const struct fake_buffer *pieces,
			uint32_t count);
uint32_t gpu_rig_detach(struct gpu_rig *rig, uint32_t id);
uint32_t gpu_rig_transfer(struct gpu_rig *rig, uint32_t id, struct rect rect, uint64_t offset);
uint32_t gpu_rig_set_scanout(struct gpu_rig *rig, uint32_t scanout, uint32_t id, struct rect rect);
uint32_t gpu_rig_flush(struct gpu_rig *rig, uint32_t id, struct rect rect);
uint32_t gpu_rig_create_blob(struct gpu_rig *rig, uint32_t id, uint64_t bytes,
			     const struct fake_buffer *pieces, uint32_t count);
uint32_t gpu_rig_set_scanout_blob(struct gpu_rig *rig, uint32_t scanout, uint32_t id,
				  struct rect rect, uint32_t width, uint32_t height,
				  uint32_t stride, uint32_t offset);

/* Wire structs to change before they are sent. */
struct virtio_gpu_resource_flush gpu_rig_flush_command(uint32_t id, struct rect rect);
struct virtio_gpu_transfer_to_host_2d gpu_rig_transfer_command(uint32_t id, struct rect rect,
								uint64_t offset);

/* A 2D resource with one backing of its own, transferred; pixel (x, y) is gpu_rig_pixel(id, x, y).
 * The backing's address. */
uint64_t gpu_rig_picture(struct gpu_rig *rig, uint32_t id, uint32_t width, uint32_t height);
uint32_t gpu_rig_pixel(uint32_t id, uint32_t x, uint32_t y);
/* Fills rows of guest memory in the same way. */
void gpu_rig_fill(struct gpu_rig *rig, uint64_t gpa, uint32_t id, uint32_t width, uint32_t height,
		  uint32_t stride);

#endif
