/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_inputs.h"

#include "spice/spice_keys.h"

#include <base/loop.h>
#include <errno.h>
#include <input/router.h>
#include <linux/input-event-codes.h>
#include <pthread.h>
#include <spice/enums.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define INPUTS_QUEUE_EVENTS 256
/* What one event may move or turn, and what waits may add up to. */
#define INPUTS_MAX_MOTION (1 << 16)
#define INPUTS_MAX_WHEEL 16

struct spice_inputs {
	struct input_source base;
	struct loop *loop;
	struct input_router *router;
	struct loop_fd *wake_source;    /* while started */
	int wake_fd, leds_fd;
	_Atomic uint32_t leds;          /* LED_*, of the guest */

	/* The router's loop: what we have pressed; others may hold the same. */
	uint8_t held[KEY_CNT / 8];

	/* The SPICE thread. */
	struct spice_keys keys;
	uint32_t buttons;
	int width, height;

	pthread_mutex_t mutex;
	struct router_event queue[INPUTS_QUEUE_EVENTS];
	size_t count;
};

static struct spice_inputs *inputs_from(struct input_source *source)
{
	return (struct spice_inputs *)source;
}

/* ---- the router's loop ---- */

static void inputs_push_switch(struct spice_inputs *inputs, uint16_t code, bool down)
{
	const struct router_event event = {
		.type = code >= BTN_MOUSE ? ROUTER_EVENT_BUTTON : ROUTER_EVENT_KEY,
		.code = code, .down = down,
	};
	uint8_t bit = (uint8_t)(1 << code % 8);

	if (!!(inputs->held[code / 8] & bit) == down)
		return;
	inputs->held[code / 8] ^= bit;
	input_router_push(inputs->router, &event);
}

static void inputs_release_held(struct spice_inputs *inputs)
{
	for (uint16_t code = 0; code < KEY_CNT; code++)
		inputs_push_switch(inputs, code, false);
}

static void inputs_take(struct spice_inputs *inputs, const struct router_event *event)
{
	if (event->type == ROUTER_EVENT_RELEASE_ALL)
		inputs_release_held(inputs);
	else if (event->type == ROUTER_EVENT_KEY || event->type == ROUTER_EVENT_BUTTON)
		inputs_push_switch(inputs, event->code, event->down);
	else
		input_router_push(inputs->router, event);
}

static void inputs_on_wake(void *data, uint32_t events)
{
	struct spice_inputs *inputs = data;
	struct router_event taken[INPUTS_QUEUE_EVENTS];
	eventfd_t rung;
	size_t count;

	eventfd_read(inputs->wake_fd, &rung);
	pthread_mutex_lock(&inputs->mutex);
	count = inputs->count;
	memcpy(taken, inputs->queue, count * sizeof(*taken));
	inputs->count = 0;
	pthread_mutex_unlock(&inputs->mutex);
	for (size_t i = 0; i < count; i++)
		inputs_take(inputs, &taken[i]);
}

static void inputs_on_leds(void *data, uint32_t leds)
{
	struct spice_inputs *inputs = data;

	/* The eventfd orders it. */
	atomic_store_explicit(&inputs->leds, leds, memory_order_relaxed);
	eventfd_write(inputs->leds_fd, 1);
}

static int inputs_start(struct input_source *source)
{
	struct spice_inputs *inputs = inputs_from(source);

	inputs->wake_source = loop_fd_add(inputs->loop, inputs->wake_fd, EPOLLIN, inputs_on_wake,
					  inputs);
	if (!inputs->wake_source)
		return -errno;
	input_router_watch_leds(inputs->router, inputs_on_leds, inputs);
	inputs_on_leds(inputs, input_router_leds(inputs->router));
	return 0;
}

static void inputs_stop(struct input_source *source)
{
	struct spice_inputs *inputs = inputs_from(source);

	if (inputs->wake_source)
		input_router_watch_leds(inputs->router, NULL, NULL);
	loop_fd_remove(inputs->wake_source);
	inputs->wake_source = NULL;
	inputs_release_held(inputs);
}

static void inputs_destroy(struct input_source *source)
{
	struct spice_inputs *inputs = inputs_from(source);

	inputs_stop(source);
	close(inputs->wake_fd);
	close(inputs->leds_fd);
	pthread_mutex_destroy(&inputs->mutex);
	free(inputs);
}

struct spice_inputs *spice_inputs_create(struct loop *loop, struct input_router *router)
{
	static const struct input_source_ops ops = { inputs_start, inputs_stop, inputs_destroy };
	struct spice_inputs *inputs = calloc(1, sizeof(*inputs));

	if (!inputs)
		return NULL;
	inputs->base.ops = &ops;
	inputs->loop = loop;
	inputs->router = router;
	inputs->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	inputs->leds_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inputs->wake_fd < 0 || inputs->leds_fd < 0) {
		if (inputs->wake_fd >= 0)
			close(inputs->wake_fd);
		free(inputs);
		return NULL;
	}
	pthread_mutex_init(&inputs->mutex, NULL);
	return inputs;
}

struct input_source *spice_inputs_source(struct spice_inputs *inputs)
{
	return &inputs->base;
}

/* ---- the SPICE thread ---- */

static int inputs_limit(int64_t value, int max)
{
	return (int)(value > max ? max : value < -max ? -max : value);
}

/* True when the newest that waits has taken it up. */
static bool inputs_merge(struct router_event *newest, const struct router_event *event)
{
	int max = event->type == ROUTER_EVENT_WHEEL ? INPUTS_MAX_WHEEL * INPUT_WHEEL_NOTCH
						    : INPUTS_MAX_MOTION;

	if (newest->type != event->type)
		return false;
	if (event->type == ROUTER_EVENT_POINTER_ABS) {
		*newest = *event;
		return true;
	}
	if (event->type != ROUTER_EVENT_POINTER_REL && event->type != ROUTER_EVENT_WHEEL)
		return false;
	newest->x = inputs_limit((int64_t)newest->x + event->x, max);
	newest->y = inputs_limit((int64_t)newest->y + event->y, max);
	return true;
}

static const struct router_event inputs_all_up = { .type = ROUTER_EVENT_RELEASE_ALL };

static void inputs_queue(struct spice_inputs *inputs, const struct router_event *event)
{
	pthread_mutex_lock(&inputs->mutex);
	if (!inputs->count || !inputs_merge(&inputs->queue[inputs->count - 1], event)) {
		if (inputs->count == INPUTS_QUEUE_EVENTS) {
			inputs->queue[0] = inputs_all_up;
			inputs->count = 1;
		}
		inputs->queue[inputs->count++] = *event;
	}
	pthread_mutex_unlock(&inputs->mutex);
	eventfd_write(inputs->wake_fd, 1);
}

void spice_inputs_scan(struct spice_inputs *inputs, uint8_t byte)
{
	struct router_event event = { .type = ROUTER_EVENT_KEY };

	if (spice_keys_feed(&inputs->keys, byte, &event.code, &event.down))
		inputs_queue(inputs, &event);
}

void spice_inputs_motion(struct spice_inputs *inputs, int x, int y, int wheel, uint32_t buttons)
{
	const struct router_event moved = { .type = ROUTER_EVENT_POINTER_REL,
					    .x = inputs_limit(x, INPUTS_MAX_MOTION),
					    .y = inputs_limit(y, INPUTS_MAX_MOTION) };
	const struct router_event turned = {
		.type = ROUTER_EVENT_WHEEL,
		.y = -inputs_limit(wheel, INPUTS_MAX_WHEEL) * INPUT_WHEEL_NOTCH,
	};

	if (x || y)
		inputs_queue(inputs, &moved);
	spice_inputs_buttons(inputs, buttons);
	if (wheel)
		inputs_queue(inputs, &turned);
}

void spice_inputs_set_size(struct spice_inputs *inputs, int width, int height)
{
	inputs->width = width;
	inputs->height = height;
}

/* The middle of the pixel; beyond the edge is at the edge. */
static int32_t inputs_scale(int position, int extent)
{
	if (position < 0)
		position = 0;
	if (position >= extent)
		position = extent - 1;
	return (int32_t)(((int64_t)position * 2 + 1) * (INPUT_POSITION_MAX + 1) /
			 ((int64_t)extent * 2));
}

void spice_inputs_position(struct spice_inputs *inputs, int x, int y, uint32_t buttons)
{
	struct router_event event = { .type = ROUTER_EVENT_POINTER_ABS };

	if (inputs->width > 0 && inputs->height > 0) {
		event.x = inputs_scale(x, inputs->width);
		event.y = inputs_scale(y, inputs->height);
		inputs_queue(inputs, &event);
	}
	spice_inputs_buttons(inputs, buttons);
}

void spice_inputs_buttons(struct spice_inputs *inputs, uint32_t buttons)
{
	static const struct {
		uint32_t mask;
		uint16_t code;
	} known[] = {
		{ SPICE_INPUTS_LEFT, BTN_LEFT }, { SPICE_INPUTS_RIGHT, BTN_RIGHT },
		{ SPICE_INPUTS_MIDDLE, BTN_MIDDLE }, { SPICE_INPUTS_SIDE, BTN_SIDE },
		{ SPICE_INPUTS_EXTRA, BTN_EXTRA },
	};
	uint32_t changed = buttons ^ inputs->buttons;

	inputs->buttons = buttons;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct router_event event = { .type = ROUTER_EVENT_BUTTON,
						    .code = known[i].code,
						    .down = buttons & known[i].mask };

		if (changed & known[i].mask)
			inputs_queue(inputs, &event);
	}
}

int spice_inputs_leds_fd(const struct spice_inputs *inputs)
{
	return inputs->leds_fd;
}

uint8_t spice_inputs_leds(const struct spice_inputs *inputs)
{
	static const uint8_t flags[] = {
		[LED_NUML] = SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK,
		[LED_CAPSL] = SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK,
		[LED_SCROLLL] = SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK,
	};
	uint32_t leds = atomic_load_explicit(&inputs->leds, memory_order_relaxed);
	uint8_t lit = 0;

	for (size_t i = 0; i < sizeof(flags); i++)
		if (leds & 1u << i)
			lit |= flags[i];
	return lit;
}

void spice_inputs_release(struct spice_inputs *inputs)
{
	inputs->keys = (struct spice_keys){ 0 };
	inputs->buttons = 0;
	inputs_queue(inputs, &inputs_all_up);
}
