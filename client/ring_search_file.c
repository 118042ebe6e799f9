/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A segment in a file has no doorbells and no connection: whether its VM lives shows in the
 * heartbeat, and news shows in the words that the VM changes with every step.
 */
#include "ring_search.h"

#include <base/bus_guard.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <stdlib.h>
#include <string.h>

#define SEARCH_MS_NS UINT64_C(1000000)
#define SEARCH_LOOK_NS (100 * SEARCH_MS_NS)
/* A heart that beats once a second; busy hosts are late. */
#define SEARCH_FIRST_BEAT_NS (3000 * SEARCH_MS_NS)
#define SEARCH_LOST_NS (10000 * SEARCH_MS_NS)

struct ring_search_file {
	struct ring_search base;
	char *path;
	struct loop_timer *timer;
	struct poll_pace pace;
	bool attached;
	uint64_t started_ns;
	uint64_t heartbeat, beat_ns;    /* the last one seen, and when it was new */
	uint64_t signature;
};

static struct ring_search_file *search_file_from(struct ring_search *base)
{
	return (struct ring_search_file *)base;
}

static uint64_t search_file_mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Changes with every frame, cursor, size, start or stop of sound and state; what the words say does
 * not matter here. */
static uint64_t search_file_signature(const struct segment *segment)
{
	uint64_t hash = (uint64_t)segment_state(segment);

	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		struct video_section *video = segment_find(segment, SEGMENT_SECTION_VIDEO, i, NULL);
		struct cursor_section *cursor = segment_find(segment, SEGMENT_SECTION_CURSOR, i,
							     NULL);

		if (video) {
			hash = search_file_mix(hash, atomic_load(&video->latest));
			hash = search_file_mix(hash, atomic_load(&video->size));
			hash = search_file_mix(hash, atomic_load(&video->state));
		}
		if (cursor)
			hash = search_file_mix(hash, atomic_load(&cursor->lock));
	}
	for (uint32_t i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++) {
		struct sound_section *sound = segment_find(segment, SEGMENT_SECTION_SOUND, i, NULL);

		if (sound)
			hash = search_file_mix(hash, atomic_load(&sound->stream.lock));
	}
	return hash;
}

static bool search_file_beats(struct ring_search_file *search, uint64_t now_ns)
{
	uint64_t heartbeat = segment_heartbeat(search->base.segment);

	if (heartbeat == search->heartbeat)
		return false;
	search->heartbeat = heartbeat;
	search->beat_ns = now_ns;
	return true;
}

static void search_file_drop(struct ring_search_file *search)
{
	bus_guard_set(NULL, 0);
	segment_destroy(search->base.segment);
	search->base.segment = NULL;
}

/* Maps the file; its VM still has to show that it lives. */
static void search_file_map(struct ring_search_file *search, uint64_t now_ns)
{
	int error;

	search->base.segment = segment_attach_path(search->path);
	error = errno;
	if (search->base.segment) {
		if (bus_guard_set(segment_base(search->base.segment),
				  segment_bytes(search->base.segment)))
			log_warn("%s is not guarded against being cut short", search->path);
		search->heartbeat = segment_heartbeat(search->base.segment);
		search->beat_ns = now_ns;
		return;
	}
	if (search->base.patient || error == EAGAIN)
		return;
	loop_timer_disarm(search->timer);
	ring_search_fail(&search->base, "%s: %s", search->path,
			 error == EPROTO ? "not the segment of a VM" : strerror(error));
}

static void search_file_look(struct ring_search_file *search, uint64_t now_ns)
{
	if (!search->base.segment) {
		search_file_map(search, now_ns);
		return;
	}
	if (!segment_is_current(search->base.segment)) {
		search_file_drop(search);
		return;
	}
	if (search_file_beats(search, now_ns) &&
	    segment_state(search->base.segment) != SEGMENT_SHUT_DOWN) {
		search->attached = true;
		search->signature = search_file_signature(search->base.segment);
		source_notice(search->base.source, SOURCE_ATTACHED | SOURCE_CHANGED);
		return;
	}
	if (search->base.patient || now_ns - search->started_ns < SEARCH_FIRST_BEAT_NS)
		return;
	search_file_drop(search);
	loop_timer_disarm(search->timer);
	ring_search_fail(&search->base, "%s: the VM that made it does not run any more",
			 search->path);
}

/* False: the session is over. */
static bool search_file_poll(struct ring_search_file *search, uint64_t now_ns, bool *moved)
{
	uint64_t signature;

	search_file_beats(search, now_ns);
	if (!segment_is_current(search->base.segment) ||
	    now_ns - search->beat_ns > SEARCH_LOST_NS) {
		source_notice(search->base.source, SOURCE_LOST);
		return false;
	}
	signature = search_file_signature(search->base.segment);
	*moved = signature != search->signature;
	search->signature = signature;
	if (*moved)
		source_notice(search->base.source, SOURCE_CHANGED);
	return true;
}

static void search_file_timer(void *data)
{
	struct ring_search_file *search = data;
	uint64_t now_ns = clock_now_ns();
	bool moved = false;

	if (!search->attached) {
		search_file_look(search, now_ns);
		if (!search->attached)
			return;
		search->pace = (struct poll_pace){ 0 };
	} else if (!search_file_poll(search, now_ns, &moved)) {
		loop_timer_disarm(search->timer);
		return;
	}
	loop_timer_arm(search->timer,
		       poll_pace_next_ms(&search->pace, moved, now_ns) * SEARCH_MS_NS, 0);
}

static void search_file_start(struct ring_search *base)
{
	struct ring_search_file *search = search_file_from(base);

	search->attached = false;
	search->started_ns = clock_now_ns();
	loop_timer_arm(search->timer, 1, SEARCH_LOOK_NS);
}

static void search_file_stop(struct ring_search *base)
{
	loop_timer_disarm(search_file_from(base)->timer);
	bus_guard_set(NULL, 0);
}

static void search_file_destroy(struct ring_search *base)
{
	struct ring_search_file *search = search_file_from(base);

	loop_timer_destroy(search->timer);
	free(search->path);
	free(search);
}

static const struct ring_search_ops search_file_ops = {
	.start = search_file_start,
	.stop = search_file_stop,
	.destroy = search_file_destroy,
};

struct ring_search *ring_search_file_create(struct client_source *source, const char *path)
{
	struct ring_search_file *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->base = (struct ring_search){ .ops = &search_file_ops, .source = source,
					     .input_bell = -1, .sound_bell = -1, .clipboard = -1 };
	search->path = strdup(path);
	if (!search->path)
		goto err_free;
	search->timer = loop_timer_create(source->loop, search_file_timer, search);
	if (!search->timer)
		goto err_path;
	return &search->base;

err_path:
	free(search->path);
err_free:
	free(search);
	return NULL;
}
