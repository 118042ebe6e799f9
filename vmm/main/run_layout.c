/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tablet spans the guest's whole desktop, a window only one screen of it. Neither device tells how
 * the guest arranges its screens; side by side, in the order of their numbers and aligned at the top,
 * is what desktops do by themselves.
 */
#include "main/run.h"

#include <base/loop.h>
#include <display/surface.h>
#include <errno.h>
#include <input/router.h>
#include <stdlib.h>
#include <string.h>

struct run_layout {
	struct display_consumer consumer;       /* gpu loop */
	struct display *display;
	struct loop *io_loop;
	struct input_router *router;
	struct rect screens[INPUT_MAX_SCANOUTS];
};

/* One arrangement on its way to the io loop. */
struct run_layout_change {
	struct input_router *router;
	struct rect screens[INPUT_MAX_SCANOUTS];
};

static void run_layout_apply(void *data)
{
	struct run_layout_change *change = data;

	input_router_set_displays(change->router, change->screens, INPUT_MAX_SCANOUTS);
	free(change);
}

static void run_layout_send(struct run_layout *layout)
{
	struct run_layout_change *change = malloc(sizeof(*change));
	uint32_t left = 0;

	if (!change)
		return; /* the pointer is off until the next change */
	change->router = layout->router;
	for (size_t i = 0; i < INPUT_MAX_SCANOUTS; i++) {
		change->screens[i] = layout->screens[i];
		change->screens[i].x = left;
		left += layout->screens[i].width;
	}
	if (loop_post(layout->io_loop, run_layout_apply, change))
		free(change);
}

static void run_layout_set(struct display_consumer *consumer, struct display_surface *surface,
			   uint32_t width, uint32_t height)
{
	struct run_layout *layout = (struct run_layout *)consumer;
	struct rect *screen = &layout->screens[display_surface_index(surface)];

	if (screen->width == width && screen->height == height)
		return;
	screen->width = width;
	screen->height = height;
	run_layout_send(layout);
}

static void run_layout_frame(struct display_consumer *consumer, struct display_surface *surface,
			     struct display_frame *frame)
{
	run_layout_set(consumer, surface, frame->source.width, frame->source.height);
}

static void run_layout_surface_added(struct display_consumer *consumer,
				     struct display_surface *surface)
{
	/* Its size comes with the first frame. */
	(void)consumer;
	(void)surface;
}

static void run_layout_surface_removed(struct display_consumer *consumer,
				       struct display_surface *surface)
{
	run_layout_set(consumer, surface, 0, 0);
}

static void run_layout_cursor(struct display_consumer *consumer, struct display_surface *surface,
			      const struct display_cursor *cursor, bool image_changed)
{
	/* The guest's own pointer says nothing about where its screens are. */
	(void)consumer;
	(void)surface;
	(void)cursor;
	(void)image_changed;
}

static const struct display_consumer_ops run_layout_ops = {
	.surface_added = run_layout_surface_added,
	.surface_removed = run_layout_surface_removed,
	.frame = run_layout_frame,
	.cursor = run_layout_cursor,
};

static void run_layout_add(void *data)
{
	struct run_layout *layout = data;

	display_add_consumer(layout->display, &layout->consumer);
}

static void run_layout_remove(void *data)
{
	struct run_layout *layout = data;

	display_remove_consumer(layout->display, &layout->consumer);
}

struct run_layout *run_layout_create(struct display *display, struct loop *io_loop,
				     struct input_router *router)
{
	struct run_layout *layout = calloc(1, sizeof(*layout));

	if (!layout)
		return NULL;
	layout->consumer.ops = &run_layout_ops;
	layout->display = display;
	layout->io_loop = io_loop;
	layout->router = router;
	loop_call(display_loop(display), run_layout_add, layout);
	return layout;
}

void run_layout_destroy(struct run_layout *layout)
{
	if (!layout)
		return;
	loop_call(display_loop(layout->display), run_layout_remove, layout);
	free(layout);
}
