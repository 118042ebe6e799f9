/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_bridge.h"

#include "clipboard_clean.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <string.h>

/* The VM itself gives up after 5 s. */
#define BRIDGE_WAIT_NS UINT64_C(6000000000)
/*
 * The VM tells of a copy once more within this time: what we grab on the desktop has come back to
 * it by another client, which is not of our kind. Saying it again would go round for ever.
 */
#define BRIDGE_ECHO_NS UINT64_C(300000000)

/* Several types may be waited for, each by its own timer. */
static void bridge_answer_desktop(struct clipboard_bridge *bridge, enum clipboard_wire_type type,
				  const void *bytes, size_t count)
{
	struct clipboard_wait *wait = &bridge->waits[type];
	size_t good = clipboard_clean(type, bytes, count);

	if (!wait->waiting)
		return;
	wait->waiting = false;
	loop_timer_disarm(wait->timer);
	if (count > 0 && good == 0)
		log_peer_bug("clipboard: what the VM calls %s is none",
			     clipboard_wire_type_name(type));
	bridge->desktop->ops->answer(bridge->desktop, type, good ? bytes : NULL, good);
}

static void bridge_give_up(void *data)
{
	struct clipboard_wait *wait = data;

	bridge_answer_desktop(wait->bridge, (enum clipboard_wire_type)(wait - wait->bridge->waits),
			      NULL, 0);
}

/* What the VM had is not to be had any more. */
static void bridge_drop_vm(struct clipboard_bridge *bridge)
{
	bool had = bridge->vm_types != 0;

	bridge->vm_types = 0;
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		bridge_answer_desktop(bridge, (enum clipboard_wire_type)i, NULL, 0);
	if (had && bridge->desktop)
		bridge->desktop->ops->release(bridge->desktop);
}

/* --- what the desktop says --------------------------------------------------------------- */

static void bridge_on_desktop_grabbed(void *data, uint32_t types)
{
	struct clipboard_bridge *bridge = data;

	bridge->desktop_types = types;
	bridge->vm_types = 0;
	bridge->vm_waits = 0;
	if (bridge->source)
		bridge->source->ops->clipboard->grab(bridge->source, types);
}

static void bridge_on_desktop_released(void *data)
{
	struct clipboard_bridge *bridge = data;

	if (!bridge->desktop_types)
		return;
	bridge->desktop_types = 0;
	bridge->vm_waits = 0;
	if (bridge->source)
		bridge->source->ops->clipboard->release(bridge->source);
}

static void bridge_on_desktop_wanted(void *data, enum clipboard_wire_type type)
{
	struct clipboard_bridge *bridge = data;
	struct clipboard_wait *wait = &bridge->waits[type];

	if (wait->waiting)
		return;
	wait->waiting = true;
	if (!bridge->source || !(bridge->vm_types & CLIPBOARD_WIRE_BIT(type))) {
		bridge_answer_desktop(bridge, type, NULL, 0);
		return;
	}
	loop_timer_arm(wait->timer, BRIDGE_WAIT_NS, 0);
	bridge->source->ops->clipboard->request(bridge->source, type);
}

static void bridge_on_desktop_answered(void *data, enum clipboard_wire_type type, const void *bytes,
				       size_t count)
{
	struct clipboard_bridge *bridge = data;
	size_t good = clipboard_clean(type, bytes, count);

	if (!(bridge->vm_waits & CLIPBOARD_WIRE_BIT(type)))
		return;
	bridge->vm_waits &= ~CLIPBOARD_WIRE_BIT(type);
	bridge->source->ops->clipboard->answer(bridge->source, type, good ? bytes : NULL, good);
}

/* --- what the VM says -------------------------------------------------------------------- */

static void bridge_on_vm_grabbed(void *data, uint32_t types)
{
	struct clipboard_bridge *bridge = data;
	uint64_t now_ns = clock_now_ns();
	bool echo = bridge->vm_types == types && now_ns - bridge->vm_grabbed_ns < BRIDGE_ECHO_NS;

	bridge->vm_types = types;
	bridge->vm_grabbed_ns = now_ns;
	bridge->vm_waits = 0;
	bridge->desktop_types = 0;
	if (bridge->desktop && !echo)
		bridge->desktop->ops->grab(bridge->desktop, types);
}

static void bridge_on_vm_released(void *data)
{
	bridge_drop_vm(data);
}

static void bridge_on_vm_wanted(void *data, enum clipboard_wire_type type)
{
	struct clipboard_bridge *bridge = data;
	uint32_t bit = CLIPBOARD_WIRE_BIT(type);

	if (!bridge->desktop || !(bridge->desktop_types & bit)) {
		bridge->source->ops->clipboard->answer(bridge->source, type, NULL, 0);
		return;
	}
	bridge->vm_waits |= bit;
	bridge->desktop->ops->request(bridge->desktop, type);
}

static void bridge_on_vm_answered(void *data, enum clipboard_wire_type type, const void *bytes,
				  size_t count)
{
	bridge_answer_desktop(data, type, bytes, count);
}

static void bridge_on_vm_ended(void *data)
{
	log_warn("the VM does not share its clipboard any more");
	clipboard_bridge_leave(data);
}

static const struct clipboard_channel_ops bridge_vm_ops = {
	.grabbed = bridge_on_vm_grabbed,
	.released = bridge_on_vm_released,
	.wanted = bridge_on_vm_wanted,
	.answered = bridge_on_vm_answered,
	.ended = bridge_on_vm_ended,
};

/* --- set-up ------------------------------------------------------------------------------ */

int clipboard_bridge_init(struct clipboard_bridge *bridge, struct loop *loop)
{
	*bridge = (struct clipboard_bridge){ .loop = loop };
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++) {
		struct clipboard_wait *wait = &bridge->waits[i];

		wait->bridge = bridge;
		wait->timer = loop_timer_create(loop, bridge_give_up, wait);
		if (!wait->timer)
			return -errno;
	}
	return 0;
}

void clipboard_bridge_finish(struct clipboard_bridge *bridge)
{
	clipboard_bridge_leave(bridge);
	if (bridge->desktop)
		bridge->desktop->ops->destroy(bridge->desktop);
	bridge->desktop = NULL;
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		loop_timer_destroy(bridge->waits[i].timer);
}

struct client_clipboard_listener clipboard_bridge_listener(struct clipboard_bridge *bridge)
{
	return (struct client_clipboard_listener){
		.grabbed = bridge_on_desktop_grabbed,
		.released = bridge_on_desktop_released,
		.wanted = bridge_on_desktop_wanted,
		.answered = bridge_on_desktop_answered,
		.data = bridge,
	};
}

void clipboard_bridge_set_desktop(struct clipboard_bridge *bridge,
				  struct client_clipboard *desktop)
{
	bridge->desktop = desktop;
}

int clipboard_bridge_join(struct clipboard_bridge *bridge, struct client_source *source)
{
	int result = source->ops->clipboard->join(source, bridge->loop, &bridge_vm_ops, bridge);

	if (result)
		return result;
	bridge->source = source;
	/* What the user copied before counts, as in other viewers; and it is the later one for the
	 * VM, which may have had something else. */
	if (bridge->desktop_types)
		source->ops->clipboard->grab(source, bridge->desktop_types);
	return 0;
}

void clipboard_bridge_leave(struct clipboard_bridge *bridge)
{
	struct client_source *source = bridge->source;

	if (!source)
		return;
	bridge->source = NULL;
	bridge->vm_waits = 0;
	source->ops->clipboard->leave(source);
	bridge_drop_vm(bridge);
}
