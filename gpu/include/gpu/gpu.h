/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio-gpu device (virtio 1.2, 5.7): 2D commands, EDID, guest memory blobs, cursor queue.
 *
 * It shows what the guest flushes on the surfaces of a display, and listens to what monitors that
 * has. It lives on the display's loop.
 */
#ifndef GPU_GPU_H
#define GPU_GPU_H

#include <stdbool.h>
#include <stdint.h>

#define GPU_MAX_SCANOUTS 16
#define GPU_MAX_DIMENSION 16384

struct display;
struct loop;
struct virtio_device;

struct gpu_monitor {
	uint32_t width, height;     /* pixels; 0 x 0: none is plugged in */
};

struct gpu_config {
	uint32_t scanout_count;     /* 1..GPU_MAX_SCANOUTS, at most the display's surfaces */
	struct gpu_monitor monitors[GPU_MAX_SCANOUTS];  /* at the start */
	uint64_t max_hostmem_bytes; /* for the guest's resources: pixels and lists of pages */
	uint32_t max_resources;
	bool blob;                  /* offer guest memory blobs: frames without a copy */
};

/* Two scanouts, a monitor of 1280 x 800 at the first, 256 MiB, 16384 resources, blobs. */
void gpu_config_init(struct gpu_config *config);

/* NULL with errno: EINVAL (config, or the display is of another loop), ENOMEM, EMFILE. Destroyed
 * through its virtio_device_ops; before the display. Frames that a consumer still holds then stay
 * valid until it drops them. */
struct virtio_device *gpu_create(struct loop *gpu_loop, struct display *display,
				 const struct gpu_config *config);

#endif
