/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-gpu's pixel formats as DRM has them. */
#ifndef GPU_FORMAT_H
#define GPU_FORMAT_H

#include <stdint.h>

#define GPU_PIXEL_BYTES 4u

/* DRM_FORMAT_* of a VIRTIO_GPU_FORMAT_*; 0 when there is no such format. */
uint32_t gpu_format_fourcc(uint32_t format);

#endif
