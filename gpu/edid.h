/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EDID of a virtual monitor: VESA E-EDID 1.4, with a DisplayID 1.2 extension for sizes that
 * a base block cannot hold. Any thread.
 */
#ifndef GPU_EDID_H
#define GPU_EDID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPU_EDID_BLOCK_BYTES 128u
#define GPU_EDID_MAX_BYTES (2 * GPU_EDID_BLOCK_BYTES)

/* CVT with reduced blanking at 60 Hz. */
struct gpu_edid_timing {
	uint32_t width, height;
	uint32_t horizontal_blank, vertical_blank;
	uint32_t horizontal_front, horizontal_sync;
	uint32_t vertical_front, vertical_sync;
	uint32_t clock_khz;
};

/* Writes at most GPU_EDID_MAX_BYTES for the monitor of scanout index; their number. A monitor of
 * 0 x 0 gets the timing of 1024 x 768. */
size_t gpu_edid_build(uint32_t index, uint32_t width, uint32_t height, uint8_t *edid);

/* edid_timing.c. Width and height are at most GPU_MAX_DIMENSION. */
void gpu_edid_timing(struct gpu_edid_timing *timing, uint32_t width, uint32_t height);
bool gpu_edid_timing_fits_base(const struct gpu_edid_timing *timing);
/* 18 bytes of a base block's detailed timing descriptor. */
void gpu_edid_timing_write_base(const struct gpu_edid_timing *timing, uint32_t width_mm,
				uint32_t height_mm, uint8_t *descriptor);
/* 20 bytes of a DisplayID type I detailed timing, preferred. */
void gpu_edid_timing_write_displayid(const struct gpu_edid_timing *timing, uint8_t *descriptor);

#endif
