/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/rect.h>
#include <input/router.h>
#include <input/virtio_input.h>
#include <stdlib.h>

#include "state.h"

enum input_pointer {
	INPUT_POINTER_TABLET,
	INPUT_POINTER_MOUSE,
	INPUT_POINTERS,
};

struct input_router {
	struct virtio_device *keyboard;
	struct virtio_device *pointers[INPUT_POINTERS];
	enum input_pointer last_pointer;               /* the one that moved last */
	struct input_state keys;
	struct input_state buttons[INPUT_POINTERS];    /* by the device that saw the press */
	struct rect displays[INPUT_MAX_SCANOUTS];
	size_t display_count;
	uint64_t desktop_width, desktop_height;        /* what the displays cover */
};

struct input_router *input_router_create(const struct input_router_config *config)
{
	struct input_router *router = calloc(1, sizeof(*router));

	if (!router)
		return NULL;
	router->keyboard = config->keyboard;
	router->pointers[INPUT_POINTER_TABLET] = config->tablet;
	router->pointers[INPUT_POINTER_MOUSE] = config->mouse;
	router->last_pointer = config->tablet ? INPUT_POINTER_TABLET : INPUT_POINTER_MOUSE;
	return router;
}

void input_router_destroy(struct input_router *router)
{
	if (!router)
		return;
	input_router_release_all(router);
	free(router);
}

static void input_router_switch(struct virtio_device *device, struct input_state *held,
				uint16_t code, bool down)
{
	if (device && input_state_set(held, code, down))
		virtio_input_key(device, code, down);
}

static void input_router_button(struct input_router *router, uint16_t code, bool down)
{
	enum input_pointer pointer = router->last_pointer;

	for (int i = 0; i < INPUT_POINTERS; i++)
		if (input_state_has(&router->buttons[i], code))
			pointer = i;
	input_router_switch(router->pointers[pointer], &router->buttons[pointer], code, down);
}

static void input_router_release(struct virtio_device *device, struct input_state *held)
{
	int code;

	while ((code = input_state_first(held, NULL)) >= 0)
		input_router_switch(device, held, (uint16_t)code, false);
}

void input_router_release_all(struct input_router *router)
{
	input_router_release(router->keyboard, &router->keys);
	for (int i = 0; i < INPUT_POINTERS; i++)
		input_router_release(router->pointers[i], &router->buttons[i]);
}

bool input_router_holds(const struct input_router *router)
{
	bool holds = input_state_first(&router->keys, NULL) >= 0;

	for (int i = 0; i < INPUT_POINTERS; i++)
		holds |= input_state_first(&router->buttons[i], NULL) >= 0;
	return holds;
}

/* --- LEDs -------------------------------------------------------------------------------- */

uint32_t input_router_leds(const struct input_router *router)
{
	return router->keyboard ? virtio_input_leds(router->keyboard) : 0;
}

void input_router_watch_leds(struct input_router *router, input_leds_func *func, void *data)
{
	if (router->keyboard)
		virtio_input_watch_leds(router->keyboard, func, data);
}

/* --- positions --------------------------------------------------------------------------- */

void input_router_set_displays(struct input_router *router, const struct rect *rects, size_t count)
{
	router->display_count = count < INPUT_MAX_SCANOUTS ? count : INPUT_MAX_SCANOUTS;
	router->desktop_width = router->desktop_height = 0;
	for (size_t i = 0; i < router->display_count; i++) {
		uint64_t right = (uint64_t)rects[i].x + rects[i].width;
		uint64_t bottom = (uint64_t)rects[i].y + rects[i].height;

		router->displays[i] = rects[i];
		if (rects[i].width && right > router->desktop_width)
			router->desktop_width = right;
		if (rects[i].height && bottom > router->desktop_height)
			router->desktop_height = bottom;
	}
}

/* A position over one scanout, as a position over the desktop. */
static uint16_t input_router_scale(int32_t position, uint32_t start, uint32_t extent,
				   uint64_t desktop_extent)
{
	uint64_t scaled = (uint64_t)start * INPUT_POSITION_MAX + (uint64_t)position * extent;

	return (uint16_t)(scaled / desktop_extent);
}

static void input_router_move_to(struct input_router *router, const struct router_event *event)
{
	struct virtio_device *tablet = router->pointers[INPUT_POINTER_TABLET];
	uint16_t x = (uint16_t)event->x, y = (uint16_t)event->y;

	if (!tablet)
		return;
	router->last_pointer = INPUT_POINTER_TABLET;
	if (router->display_count) {
		const struct rect *display = router->displays;

		if (event->scanout >= router->display_count)
			return;
		display += event->scanout;
		if (!display->width || !display->height)
			return;
		x = input_router_scale(event->x, display->x, display->width,
				       router->desktop_width);
		y = input_router_scale(event->y, display->y, display->height,
				       router->desktop_height);
	}
	virtio_input_move_to(tablet, x, y);
}

static void input_router_move_by(struct input_router *router, const struct router_event *event)
{
	struct virtio_device *mouse = router->pointers[INPUT_POINTER_MOUSE];

	if (!mouse)
		return;
	router->last_pointer = INPUT_POINTER_MOUSE;
	virtio_input_move_by(mouse, event->x, event->y);
}

static void input_router_wheel(struct input_router *router, const struct router_event *event)
{
	struct virtio_device *pointer = router->pointers[router->last_pointer];

	if (pointer)
		virtio_input_wheel(pointer, event->x, event->y);
}

void input_router_push(struct input_router *router, const struct router_event *event)
{
	switch (event->type) {
	case ROUTER_EVENT_KEY:
		input_router_switch(router->keyboard, &router->keys, event->code, event->down);
		break;
	case ROUTER_EVENT_BUTTON:
		input_router_button(router, event->code, event->down);
		break;
	case ROUTER_EVENT_POINTER_ABS:
		input_router_move_to(router, event);
		break;
	case ROUTER_EVENT_POINTER_REL:
		input_router_move_by(router, event);
		break;
	case ROUTER_EVENT_WHEEL:
		input_router_wheel(router, event);
		break;
	case ROUTER_EVENT_RELEASE_ALL:
		input_router_release_all(router);
		break;
	}
}
