/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides which device an event goes to, and knows what is held down, so that a source that goes
 * away leaves no key behind. Any number of sources push into one router. One loop: that of its
 * devices and its sources.
 */
#ifndef INPUT_ROUTER_H
#define INPUT_ROUTER_H

#include <input/event.h>
#include <stdbool.h>
#include <stddef.h>

struct input_router;
struct rect;
struct virtio_device;

#define INPUT_MAX_SCANOUTS 16

/* Made by virtio_input_create; events for one that is NULL are dropped. They outlive the router. */
struct input_router_config {
	struct virtio_device *keyboard;
	struct virtio_device *tablet;
	struct virtio_device *mouse;
};

/* NULL with errno (ENOMEM). */
struct input_router *input_router_create(const struct input_router_config *config);
/* Releases what is held first. NULL is ignored. */
void input_router_destroy(struct input_router *router);

/* A press of what is held and a release of what is not are dropped. A button goes to the device
 * that moved last, its release to the one that saw the press. */
void input_router_push(struct input_router *router, const struct router_event *event);
void input_router_release_all(struct input_router *router);
/* True while any key or button is held. */
bool input_router_holds(const struct input_router *router);

/* The keyboard's LEDs as the guest has lit them: bit LED_* of linux/input-event-codes.h. */
uint32_t input_router_leds(const struct input_router *router);
/* func is told whenever they have changed; NULL: nobody is, as at first. There is one watcher, and
 * it ends before the keyboard does. */
void input_router_watch_leds(struct input_router *router, input_leds_func *func, void *data);

/* Where each scanout lies on the guest's desktop, in pixels; empty rectangles are off. Absolute
 * positions are then scaled to the whole desktop, which is what a tablet spans. Without displays
 * (count 0, as after create) every scanout spans the whole tablet. */
void input_router_set_displays(struct input_router *router, const struct rect *rects,
			       size_t count);

#endif
