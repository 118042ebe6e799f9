/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GPU_DEVICE_H
#define GPU_DEVICE_H

#include "command.h"
#include "control.h"
#include "resource.h"
#include "scanout.h"

#include <gpu/gpu.h>
#include <virtio/device.h>

struct gpu_frames;
struct gpu_renderer;
struct guest_mem;

struct gpu {
	struct virtio_device base;
	struct gpu_config config;
	struct display *display;
	struct display_resize_listener listener;
	uint64_t features;              /* negotiated */
	uint32_t events_read;           /* of the config space */
	struct gpu_control control;
	struct virtqueue *cursor_queue;
	struct guest_mem *mem;          /* while the control queue runs */
	struct gpu_resources resources;
	struct gpu_renderer *renderer;
	struct gpu_frames *frames;
	struct gpu_scanout scanouts[GPU_MAX_SCANOUTS];
};

/* cmd_cursor.c */
void gpu_cursor_handle(struct virtqueue *queue, void *data);

#endif
