/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <input/router.h>
#include <input/source_ring.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/ring_reader.h>
#include <stdlib.h>

#include "record.h"

#define NS_PER_MS UINT64_C(1000000)
/* How often the owner is looked at while something is held and no doorbell rings. */
#define INPUT_OWNER_CHECK_NS UINT64_C(1000000000)

struct input_source_ring {
	struct input_source base;
	struct input_source_ring_config config;
	struct ring_reader *reader;
	struct loop_fd *doorbell;      /* while started, with a doorbell */
	struct loop_timer *timer;      /* polls, or with a doorbell checks the owner */
	bool checks_owner;             /* the timer is armed for that */
	struct poll_pace pace;
};

static struct input_source_ring *input_source_ring_from(struct input_source *source)
{
	return (struct input_source_ring *)source;
}

/* --- records ----------------------------------------------------------------------------- */

static void input_source_ring_take(struct input_source_ring *ring,
				   const struct input_record *record)
{
	const struct input_source_ring_callbacks *callbacks = &ring->config.callbacks;
	void *data = ring->config.data;
	struct router_event event;

	if (input_record_to_event(record, &event)) {
		input_router_push(ring->config.router, &event);
	} else if (input_record_is_display_size(record)) {
		if (callbacks->display_size)
			callbacks->display_size(data, record->scanout, (uint32_t)record->x,
						(uint32_t)record->y);
	} else if (record->type == INPUT_POWER_BUTTON) {
		if (callbacks->power_button)
			callbacks->power_button(data);
	} else if (record->type == INPUT_FORCE_OFF) {
		if (callbacks->force_off)
			callbacks->force_off(data);
	} else {
		log_peer_bug("input ring: record of type %u, code %u, value %d makes no sense",
			     record->type, record->code, record->value);
	}
}

/*
 * At most one ring full: a client that writes as fast as it is read must not keep the loop. True
 * when there may be more; *moved: there was something.
 */
static bool input_source_ring_drain(struct input_source_ring *ring, bool *moved)
{
	struct input_record record;

	*moved = false;
	if (ring_reader_owner_changed(ring->reader, clock_now_ns()))
		input_router_release_all(ring->config.router);
	for (uint32_t i = 0; i < INPUT_RING_RECORDS; i++) {
		int result = ring_reader_pop(ring->reader, &record);

		if (result == 0)
			return false;
		*moved = true;
		if (result > 0) {
			input_source_ring_take(ring, &record);
			continue;
		}
		log_peer_bug("input ring: the head ran past the ring");
		input_router_release_all(ring->config.router);
	}
	return true;
}

/* --- when to look ------------------------------------------------------------------------ */

/* While something is held the owner may die without a ring of the bell. */
static void input_source_ring_watch_owner(struct input_source_ring *ring)
{
	bool wanted = input_router_holds(ring->config.router);

	if (wanted == ring->checks_owner)
		return;
	ring->checks_owner = wanted;
	if (!wanted)
		loop_timer_disarm(ring->timer);
	else if (loop_timer_arm(ring->timer, INPUT_OWNER_CHECK_NS, INPUT_OWNER_CHECK_NS) < 0)
		log_error("input ring: cannot arm a timer");
}

static void input_source_ring_rung(void *data, uint32_t events)
{
	struct input_source_ring *ring = data;
	bool moved;

	doorbell_eventfd_clear(ring->config.doorbell_fd);
	if (input_source_ring_drain(ring, &moved))
		doorbell_eventfd_ring(ring->config.doorbell_fd);
	input_source_ring_watch_owner(ring);
}

static void input_source_ring_poll(struct input_source_ring *ring)
{
	uint32_t delay_ms;
	bool moved;

	input_source_ring_drain(ring, &moved);
	delay_ms = poll_pace_next_ms(&ring->pace, moved, clock_now_ns());
	if (loop_timer_arm(ring->timer, delay_ms * NS_PER_MS, 0) < 0)
		log_error("input ring: cannot arm a timer");
}

static void input_source_ring_timer(void *data)
{
	struct input_source_ring *ring = data;

	if (ring->doorbell)
		input_source_ring_rung(ring, 0);
	else
		input_source_ring_poll(ring);
}

/* --- life -------------------------------------------------------------------------------- */

static int input_source_ring_start(struct input_source *source)
{
	struct input_source_ring *ring = input_source_ring_from(source);

	if (ring->config.doorbell_fd < 0) {
		input_source_ring_poll(ring);
		return 0;
	}
	ring->doorbell = loop_fd_add(ring->config.loop, ring->config.doorbell_fd, EPOLLIN,
				     input_source_ring_rung, ring);
	if (!ring->doorbell)
		return -errno;
	/* Records pushed before the start may have rung a bell nobody heard. */
	doorbell_eventfd_ring(ring->config.doorbell_fd);
	return 0;
}

static void input_source_ring_stop(struct input_source *source)
{
	struct input_source_ring *ring = input_source_ring_from(source);

	loop_fd_remove(ring->doorbell);
	ring->doorbell = NULL;
	loop_timer_disarm(ring->timer);
	ring->checks_owner = false;
	input_router_release_all(ring->config.router);
}

static void input_source_ring_destroy(struct input_source *source)
{
	struct input_source_ring *ring = input_source_ring_from(source);

	input_source_ring_stop(source);
	loop_timer_destroy(ring->timer);
	ring_reader_destroy(ring->reader);
	free(ring);
}

static const struct input_source_ops input_source_ring_ops = {
	.start = input_source_ring_start,
	.stop = input_source_ring_stop,
	.destroy = input_source_ring_destroy,
};

struct input_source *input_source_ring_create(const struct input_source_ring_config *config)
{
	struct input_source_ring *ring = calloc(1, sizeof(*ring));
	int error;

	if (!ring)
		return NULL;
	ring->base.ops = &input_source_ring_ops;
	ring->config = *config;
	ring->reader = ring_reader_create(config->segment);
	if (!ring->reader)
		goto fail_reader;
	ring->timer = loop_timer_create(config->loop, input_source_ring_timer, ring);
	if (!ring->timer)
		goto fail_timer;
	return &ring->base;

fail_timer:
	error = errno;
	ring_reader_destroy(ring->reader);
	errno = error;
fail_reader:
	error = errno;
	free(ring);
	errno = error;
	return NULL;
}
