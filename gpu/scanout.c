/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scanout.h"

#include "control.h"
#include "frame.h"
#include "resource.h"

#include <errno.h>

static void scanout_set_buffer(struct gpu_scanout *scanout, struct display_buffer *buffer)
{
	display_buffer_unref(scanout->buffer);
	scanout->buffer = buffer;
	scanout->whole = true;
}

void gpu_scanout_set(struct gpu_scanout *scanout, struct gpu_resource *resource,
		     struct display_buffer *buffer, const struct rect *source)
{
	scanout_set_buffer(scanout, buffer);
	scanout->resource = resource;
	scanout->source = *source;
}

void gpu_scanout_disable(struct gpu_scanout *scanout)
{
	gpu_scanout_drop_pages(scanout);
	scanout->resource = NULL;
}

void gpu_scanout_drop_pages(struct gpu_scanout *scanout)
{
	scanout_set_buffer(scanout, NULL);
	display_surface_disable(scanout->surface);
}

int gpu_scanout_new_pages(struct gpu_scanout *scanout)
{
	struct display_buffer *buffer =
		gpu_blob_buffer_create(scanout->resource->backing, &scanout->layout);

	if (!buffer)
		return -ENOMEM;
	scanout_set_buffer(scanout, buffer);
	return 0;
}

/* The common part of a rectangle in the resource and what is on show, relative to the latter. */
static bool scanout_damage(const struct gpu_scanout *scanout, const struct rect *rect,
			   struct rect *damage)
{
	const struct rect *source = &scanout->source;
	uint64_t left = rect->x > source->x ? rect->x : source->x;
	uint64_t top = rect->y > source->y ? rect->y : source->y;
	uint64_t right = (uint64_t)rect->x + rect->width;
	uint64_t bottom = (uint64_t)rect->y + rect->height;

	/* The source lies inside a buffer of at most 2^14 pixels each way. */
	if (right > source->x + source->width)
		right = source->x + source->width;
	if (bottom > source->y + source->height)
		bottom = source->y + source->height;
	if (left >= right || top >= bottom)
		return false;
	*damage = (struct rect){
		(uint32_t)left - source->x, (uint32_t)top - source->y,
		(uint32_t)(right - left), (uint32_t)(bottom - top),
	};
	return true;
}

bool gpu_scanout_touched(const struct gpu_scanout *scanout, const struct gpu_resource *resource,
			 const struct rect *rect)
{
	struct rect damage;

	return scanout->resource == resource && scanout->buffer &&
	       (scanout->whole || scanout_damage(scanout, rect, &damage));
}

int gpu_scanout_flush(struct gpu_scanout *scanout, struct gpu_frames *frames,
		      const struct rect *rect, uint64_t flush_ns, struct gpu_flight *flight)
{
	bool was_off = !display_surface_buffer(scanout->surface, NULL);
	struct gpu_frame *frame;
	struct rect damage;

	frame = gpu_frame_create(frames, scanout->buffer, scanout->resource, flight);
	if (!frame)
		return -ENOMEM;
	flight->frames++;
	frame->base.source = scanout->source;
	frame->base.flush_ns = flush_ns;
	if (scanout->whole)
		damage_set_full(&frame->base.damage, scanout->source.width,
				scanout->source.height);
	else if (scanout_damage(scanout, rect, &damage))
		damage_add(&frame->base.damage, &damage);
	scanout->whole = false;
	display_surface_commit(scanout->surface, &frame->base);
	/* Turning the surface off hid the cursor; the guest believes it still shows. */
	if (was_off && scanout->cursor.buffer)
		display_surface_set_cursor(scanout->surface, &scanout->cursor);
	return 0;
}

void gpu_scanout_set_cursor(struct gpu_scanout *scanout, const struct display_cursor *cursor)
{
	display_buffer_unref(scanout->cursor.buffer);
	scanout->cursor = *cursor;
	if (display_surface_buffer(scanout->surface, NULL))
		display_surface_set_cursor(scanout->surface, cursor);
}

void gpu_scanout_move_cursor(struct gpu_scanout *scanout, int32_t x, int32_t y)
{
	scanout->cursor.x = x;
	scanout->cursor.y = y;
	if (display_surface_buffer(scanout->surface, NULL))
		display_surface_move_cursor(scanout->surface, x, y);
}
