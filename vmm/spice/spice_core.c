/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_core.h"

#include <base/log.h>
#include <base/loop.h>
#include <stdlib.h>

#define NS_PER_MS UINT64_C(1000000)

/* The first member of what the library may leave behind. */
struct core_item {
	struct core_item *next, **link;
};

struct SpiceTimer {
	struct core_item item;
	struct loop_timer *timer;
	SpiceTimerFunc func;
	void *opaque;
};

struct SpiceWatch {
	struct core_item item;
	struct loop *loop;
	struct loop_fd *source;         /* NULL while nothing is waited for */
	int fd;
	int mask;
	SpiceWatchFunc func;
	void *opaque;
};

static _Thread_local struct {
	struct loop *loop;
	spice_core_event_func *channel_event;
	void *data;
	struct core_item *timers, *watches;
} core_here;

static void core_link(struct core_item **list, struct core_item *item)
{
	item->next = *list;
	item->link = list;
	if (item->next)
		item->next->link = &item->next;
	*list = item;
}

static void core_unlink(struct core_item *item)
{
	*item->link = item->next;
	if (item->next)
		item->next->link = item->link;
}

void spice_core_begin(struct loop *loop, spice_core_event_func *channel_event, void *data)
{
	core_here.loop = loop;
	core_here.channel_event = channel_event;
	core_here.data = data;
}

/* ---- timers ---- */

static void core_on_timer(void *data)
{
	SpiceTimer *timer = data;

	timer->func(timer->opaque);
}

static SpiceTimer *core_timer_add(SpiceTimerFunc func, void *opaque)
{
	SpiceTimer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->func = func;
	timer->opaque = opaque;
	timer->timer = loop_timer_create(core_here.loop, core_on_timer, timer);
	if (!timer->timer) {
		free(timer);
		return NULL;
	}
	core_link(&core_here.timers, &timer->item);
	return timer;
}

static void core_timer_start(SpiceTimer *timer, uint32_t ms)
{
	loop_timer_arm(timer->timer, ms * NS_PER_MS, 0);
}

static void core_timer_cancel(SpiceTimer *timer)
{
	loop_timer_disarm(timer->timer);
}

static void core_timer_remove(SpiceTimer *timer)
{
	if (!timer)
		return;
	core_unlink(&timer->item);
	loop_timer_destroy(timer->timer);
	free(timer);
}

/* ---- watches ---- */

static void core_on_watch(void *data, uint32_t events)
{
	SpiceWatch *watch = data;
	int event = 0;

	/* An error is found by reading or writing. */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		event |= SPICE_WATCH_EVENT_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		event |= SPICE_WATCH_EVENT_WRITE;
	event &= watch->mask;
	if (event)
		watch->func(watch->fd, event, watch->opaque);
}

/* Without a mask it leaves the loop: epoll tells of a hang-up even when nobody asks. */
static void core_watch_update_mask(SpiceWatch *watch, int mask)
{
	uint32_t events = (mask & SPICE_WATCH_EVENT_READ ? EPOLLIN : 0) |
			  (mask & SPICE_WATCH_EVENT_WRITE ? EPOLLOUT : 0);

	watch->mask = mask;
	if (watch->source && events) {
		loop_fd_set_events(watch->source, events);
		return;
	}
	loop_fd_remove(watch->source);
	watch->source = NULL;
	if (!events)
		return;
	watch->source = loop_fd_add(watch->loop, watch->fd, events, core_on_watch, watch);
	if (!watch->source)
		log_error("cannot watch a connection: it will hang");
}

static SpiceWatch *core_watch_add(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
	SpiceWatch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->loop = core_here.loop;
	watch->fd = fd;
	watch->func = func;
	watch->opaque = opaque;
	core_link(&core_here.watches, &watch->item);
	core_watch_update_mask(watch, mask);
	return watch;
}

static void core_watch_remove(SpiceWatch *watch)
{
	if (!watch)
		return;
	core_unlink(&watch->item);
	loop_fd_remove(watch->source);
	free(watch);
}

/* ---- end ---- */

void spice_core_end(void)
{
	/* Those of connections that were half open: the library forgets them, and would be called. */
	while (core_here.timers)
		core_timer_remove((SpiceTimer *)core_here.timers);
	while (core_here.watches)
		core_watch_remove((SpiceWatch *)core_here.watches);
	core_here.loop = NULL;
	core_here.channel_event = NULL;
}

/* ---- the interface ---- */

static void core_channel_event(int event, SpiceChannelEventInfo *info)
{
	if (core_here.channel_event)
		core_here.channel_event(core_here.data, event, info->type, info->id);
}

SpiceCoreInterface *spice_core_interface(void)
{
	static SpiceCoreInterface interface = {
		.base = { .type = SPICE_INTERFACE_CORE,
			  .description = "vitrine",
			  .major_version = SPICE_INTERFACE_CORE_MAJOR,
			  .minor_version = SPICE_INTERFACE_CORE_MINOR },
		.timer_add = core_timer_add,
		.timer_start = core_timer_start,
		.timer_cancel = core_timer_cancel,
		.timer_remove = core_timer_remove,
		.watch_add = core_watch_add,
		.watch_update_mask = core_watch_update_mask,
		.watch_remove = core_watch_remove,
		.channel_event = core_channel_event,
	};

	return &interface;
}
