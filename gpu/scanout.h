/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One scanout: its monitor, what the guest shows on it, its cursor. On the gpu loop. */
#ifndef GPU_SCANOUT_H
#define GPU_SCANOUT_H

#include "blob_buffer.h"

#include <display/surface.h>

struct gpu_flight;
struct gpu_frames;
struct gpu_resource;

struct gpu_scanout {
	struct display_surface *surface;
	uint32_t monitor_width, monitor_height;         /* 0: unplugged */
	struct gpu_resource *resource;  /* borrowed from the table; NULL: off */
	struct gpu_blob_layout layout;  /* of a blob */
	struct display_buffer *buffer;  /* NULL: off, or a blob that lost its backing */
	struct rect source;             /* the part of the buffer on show */
	bool whole;                     /* nothing of source was shown yet */
	struct display_cursor cursor;   /* survives the surface being off for a while */
};

/* Shows the source part of the resource from the next flush on. Takes over the caller's
 * reference of the buffer. */
void gpu_scanout_set(struct gpu_scanout *scanout, struct gpu_resource *resource,
		     struct display_buffer *buffer, const struct rect *source);
/* Shows nothing. */
void gpu_scanout_disable(struct gpu_scanout *scanout);
/* The blob's pages are gone: shows nothing until it has new ones. */
void gpu_scanout_drop_pages(struct gpu_scanout *scanout);
/* The blob on show has pages again. 0 or -ENOMEM. */
int gpu_scanout_new_pages(struct gpu_scanout *scanout);
/* Commits what a flush of rect (in the resource) changed here. 0 or -ENOMEM. */
int gpu_scanout_flush(struct gpu_scanout *scanout, struct gpu_frames *frames,
		      const struct rect *rect, uint64_t flush_ns, struct gpu_flight *flight);
/* True when a flush of rect would change anything here. */
bool gpu_scanout_touched(const struct gpu_scanout *scanout, const struct gpu_resource *resource,
			 const struct rect *rect);
/* Takes over the caller's reference of the buffer; NULL hides the cursor. */
void gpu_scanout_set_cursor(struct gpu_scanout *scanout, const struct display_cursor *cursor);
void gpu_scanout_move_cursor(struct gpu_scanout *scanout, int32_t x, int32_t y);

#endif
