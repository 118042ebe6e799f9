/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format.h"

#include <drm_fourcc.h>
#include <linux/virtio_gpu.h>
#include <stddef.h>

/* virtio names the bytes in memory order, DRM the channels of a little-endian word. */
static const struct {
	uint32_t format, fourcc;
} gpu_formats[] = {
	{ VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, DRM_FORMAT_ARGB8888 },
	{ VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, DRM_FORMAT_XRGB8888 },
	{ VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, DRM_FORMAT_BGRA8888 },
	{ VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, DRM_FORMAT_BGRX8888 },
	{ VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, DRM_FORMAT_ABGR8888 },
	{ VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, DRM_FORMAT_RGBX8888 },
	{ VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, DRM_FORMAT_RGBA8888 },
	{ VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, DRM_FORMAT_XBGR8888 },
};

uint32_t gpu_format_fourcc(uint32_t format)
{
	for (size_t i = 0; i < sizeof(gpu_formats) / sizeof(gpu_formats[0]); i++)
		if (gpu_formats[i].format == format)
			return gpu_formats[i].fourcc;
	return 0;
}
