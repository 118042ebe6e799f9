/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gpu/gpu.h>

#include "device.h"
#include "frame.h"
#include "renderer.h"

#include <base/log.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define GPU_DEFAULT_HOSTMEM_BYTES (256ull << 20)
#define GPU_DEFAULT_MAX_RESOURCES 16384u
/* Linux makes no framebuffer smaller than 32 pixels; smaller windows get a larger monitor. */
#define GPU_MIN_MONITOR 64u

static const uint16_t gpu_queue_sizes[GPU_QUEUE_COUNT] = { 256, 16 };

void gpu_config_init(struct gpu_config *config)
{
	*config = (struct gpu_config){
		.scanout_count = 2,
		.monitors = { { 1280, 800 } },
		.max_hostmem_bytes = GPU_DEFAULT_HOSTMEM_BYTES,
		.max_resources = GPU_DEFAULT_MAX_RESOURCES,
		.blob = true,
	};
}

static uint64_t gpu_features(struct virtio_device *device)
{
	struct gpu *gpu = (struct gpu *)device;
	uint64_t features = virtqueue_features() | 1ull << VIRTIO_GPU_F_EDID;

	if (gpu->config.blob)
		features |= 1ull << VIRTIO_GPU_F_RESOURCE_BLOB;
	return features;
}

static int gpu_set_features(struct virtio_device *device, uint64_t features)
{
	((struct gpu *)device)->features = features;
	return 0;
}

static void gpu_read_config(struct virtio_device *device, size_t offset, void *to, size_t bytes)
{
	struct gpu *gpu = (struct gpu *)device;
	struct virtio_gpu_config config = { 0 };

	le32_store(&config.events_read, gpu->events_read);
	le32_store(&config.num_scanouts, gpu->config.scanout_count);
	memcpy(to, (const uint8_t *)&config + offset, bytes);
}

/* Only events_clear can be written: each bit set there clears an event. */
static void gpu_write_config(struct virtio_device *device, size_t offset, const void *from,
			     size_t bytes)
{
	struct gpu *gpu = (struct gpu *)device;
	struct virtio_gpu_config config = { 0 };

	memcpy((uint8_t *)&config + offset, from, bytes);
	gpu->events_read &= ~le32_load(&config.events_clear);
}

static int gpu_start_queue(struct virtio_device *device, uint16_t index,
			   const struct virtqueue_setup *setup)
{
	struct gpu *gpu = (struct gpu *)device;

	if (index == GPU_QUEUE_CONTROL)
		return gpu_control_start(gpu, setup);
	if (index != GPU_QUEUE_CURSOR || gpu->cursor_queue)
		return -EINVAL;
	gpu->cursor_queue = virtqueue_create(device, index, setup, gpu_cursor_handle, gpu);
	return gpu->cursor_queue ? 0 : -errno;
}

static void gpu_stop_queue(struct virtio_device *device, uint16_t index)
{
	struct gpu *gpu = (struct gpu *)device;

	if (index == GPU_QUEUE_CONTROL) {
		gpu_control_stop(gpu);
	} else {
		virtqueue_destroy(gpu->cursor_queue);
		gpu->cursor_queue = NULL;
	}
}

static void gpu_reset(struct virtio_device *device)
{
	static const struct display_cursor no_cursor;
	struct gpu *gpu = (struct gpu *)device;

	for (uint32_t i = 0; i < gpu->config.scanout_count; i++) {
		gpu_scanout_disable(&gpu->scanouts[i]);
		gpu_scanout_set_cursor(&gpu->scanouts[i], &no_cursor);
	}
	gpu_resources_clear(&gpu->resources);
	gpu->features = 0;
	gpu->events_read = 0;
}

static void gpu_destroy(struct virtio_device *device)
{
	struct gpu *gpu = (struct gpu *)device;

	display_set_resize_listener(gpu->display, NULL);
	gpu_reset(device);
	gpu_frames_destroy(gpu->frames);
	gpu_control_finish(&gpu->control);
	gpu->renderer->ops->destroy(gpu->renderer);
	free(gpu);
}

static const struct virtio_device_ops gpu_ops = {
	.features = gpu_features,
	.set_features = gpu_set_features,
	.read_config = gpu_read_config,
	.write_config = gpu_write_config,
	.start_queue = gpu_start_queue,
	.stop_queue = gpu_stop_queue,
	.reset = gpu_reset,
	.destroy = gpu_destroy,
};

static uint32_t gpu_clamp_monitor(uint32_t pixels)
{
	if (pixels < GPU_MIN_MONITOR)
		return GPU_MIN_MONITOR;
	return pixels > GPU_MAX_DIMENSION ? GPU_MAX_DIMENSION : pixels;
}

/* True when that is a change. */
static bool gpu_plug_monitor(struct gpu *gpu, uint32_t index, uint32_t width, uint32_t height)
{
	struct gpu_scanout *scanout = &gpu->scanouts[index];
	bool plugged = width > 0 && height > 0;

	width = plugged ? gpu_clamp_monitor(width) : 0;
	height = plugged ? gpu_clamp_monitor(height) : 0;
	if (scanout->monitor_width == width && scanout->monitor_height == height)
		return false;
	scanout->monitor_width = width;
	scanout->monitor_height = height;
	return true;
}

static void gpu_on_monitor(struct display_resize_listener *listener, uint32_t index, uint32_t width,
			   uint32_t height)
{
	struct gpu *gpu = (struct gpu *)((char *)listener - offsetof(struct gpu, listener));

	if (index >= gpu->config.scanout_count || !gpu_plug_monitor(gpu, index, width, height))
		return;
	log_debug("monitor %u: %ux%u", index, gpu->scanouts[index].monitor_width,
		  gpu->scanouts[index].monitor_height);
	gpu->events_read |= VIRTIO_GPU_EVENT_DISPLAY;
	virtio_device_signal_config(&gpu->base);
}

static void gpu_init_device(struct gpu *gpu, struct loop *loop)
{
	gpu->base = (struct virtio_device){
		.ops = &gpu_ops,
		.loop = loop,
		.name = "gpu0",
		.type = VIRTIO_ID_GPU,
		.queue_count = GPU_QUEUE_COUNT,
		.queue_sizes = gpu_queue_sizes,
		.config_bytes = sizeof(struct virtio_gpu_config),
	};
	gpu_control_init(&gpu->control);
	gpu_resources_init(&gpu->resources, gpu->renderer, gpu->config.max_resources,
			   gpu->config.max_hostmem_bytes);
	for (uint32_t i = 0; i < gpu->config.scanout_count; i++) {
		gpu->scanouts[i].surface = display_surface_get(gpu->display, i);
		gpu_plug_monitor(gpu, i, gpu->config.monitors[i].width,
				 gpu->config.monitors[i].height);
	}
	gpu->listener.monitor = gpu_on_monitor;
	display_set_resize_listener(gpu->display, &gpu->listener);
}

struct virtio_device *gpu_create(struct loop *gpu_loop, struct display *display,
				 const struct gpu_config *config)
{
	struct gpu *gpu;
	int saved;

	if (config->scanout_count == 0 || config->scanout_count > GPU_MAX_SCANOUTS ||
	    config->scanout_count > display_surface_count(display) ||
	    display_loop(display) != gpu_loop) {
		errno = EINVAL;
		return NULL;
	}
	gpu = calloc(1, sizeof(*gpu));
	if (!gpu)
		return NULL;
	gpu->config = *config;
	gpu->display = display;
	gpu->renderer = gpu_renderer_soft_create();
	if (!gpu->renderer)
		goto fail_free;
	gpu->frames = gpu_frames_create(gpu_loop, gpu_control_frame_returned,
					gpu_control_frames_woken, gpu);
	if (!gpu->frames)
		goto fail_renderer;
	gpu_init_device(gpu, gpu_loop);
	return &gpu->base;

fail_renderer:
	saved = errno;
	gpu->renderer->ops->destroy(gpu->renderer);
	errno = saved;
fail_free:
	free(gpu);
	return NULL;
}
