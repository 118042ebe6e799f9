/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The region's header and its sessions. */
#include "lgmp_host_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define LGMP_HOST_LOCK_SPINS 200
#define LGMP_HOST_PATIENCE_NS UINT64_C(20000000)
/* Once one was left held, its holder is dead or wants to harm us. */
#define LGMP_HOST_IMPATIENCE_NS UINT64_C(1000000)
#define LGMP_HOST_IMPATIENT_FOR_NS UINT64_C(1000000000)

static uint64_t lgmp_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void lgmp_host_lock(struct lgmp_host *host, _Atomic uint32_t *lock)
{
	const struct timespec nap = { .tv_nsec = 20000 };
	uint64_t now, deadline = 0;

	for (uint32_t spins = 0;; spins++) {
		/* Acquire: what the last holder wrote under it. */
		if (!atomic_exchange_explicit(lock, 1, memory_order_acquire))
			return;
		if (spins < LGMP_HOST_LOCK_SPINS)
			continue;
		now = lgmp_clock_ns();
		if (!deadline)
			deadline = now + (now < host->impatient_until_ns ?
						  LGMP_HOST_IMPATIENCE_NS : LGMP_HOST_PATIENCE_NS);
		if (now >= deadline)
			break;
		nanosleep(&nap, NULL);
	}
	host->faults.locks_broken++;
	host->impatient_until_ns = now + LGMP_HOST_IMPATIENT_FOR_NS;
}

void lgmp_host_unlock(_Atomic uint32_t *lock)
{
	/* Release: to the next holder. */
	atomic_store_explicit(lock, 0, memory_order_release);
}

/* --- sessions ---------------------------------------------------------------------------- */

static uint32_t lgmp_host_new_session(struct lgmp_host *host)
{
	uint32_t old = atomic_load(&host->shared->session), session = old;

	while (session == old || session == host->session)
		if (getrandom(&session, sizeof(session), 0) != (ssize_t)sizeof(session))
			session = (uint32_t)lgmp_clock_ns();
	host->session = session;
	return session;
}

/*
 * Clients see the session go before their subscriptions do: one that misses its subscription in a
 * good session gives up for good. The magic makes the header valid, the count its queues.
 */
static void lgmp_host_set_up(struct lgmp_host *host, uint64_t now_ms)
{
	struct lgmp_header *shared = host->shared;

	atomic_store(&shared->magic, 0);
	atomic_store(&shared->queue_count, 0);
	atomic_store(&shared->session, lgmp_host_new_session(host));
	for (uint32_t i = 0; i < host->queue_count; i++)
		lgmp_host_queue_clear(&host->queues[i]);
	memcpy(shared->udata, host->udata, host->udata_bytes);
	atomic_store(&shared->udata_bytes, host->udata_bytes);
	atomic_store(&shared->version, LGMP_VERSION);
	atomic_store(&shared->time_stamp, now_ms);
	atomic_store_explicit(&shared->magic, LGMP_MAGIC, memory_order_release);
	atomic_store_explicit(&shared->queue_count, host->queue_count, memory_order_release);
	host->running = true;
}

static bool lgmp_host_held(const struct lgmp_host *host)
{
	bool held = false;

	for (uint32_t i = 0; i < host->queue_count; i++)
		held |= atomic_load(&host->queues[i].shared->subscribers) >> 32 != 0;
	return held;
}

/* Not before rest_ms are over, then as soon as all have let go. */
static void lgmp_host_drain(struct lgmp_host *host, uint64_t now_ms, uint32_t rest_ms)
{
	host->running = false;
	host->rest_until_ms = now_ms + rest_ms;
	host->drain_until_ms = now_ms + LGMP_HOST_DRAIN_MS;
	for (uint32_t i = 0; i < host->queue_count; i++)
		host->queues[i].live = host->queues[i].behind = host->queues[i].fresh = 0;
	if (!rest_ms && !lgmp_host_held(host))
		lgmp_host_set_up(host, now_ms);
}

void lgmp_host_restart(struct lgmp_host *host, uint64_t now_ms)
{
	if (host->running)
		lgmp_host_drain(host, now_ms, 0);
}

static bool lgmp_host_intact(const struct lgmp_host *host)
{
	const struct lgmp_header *shared = host->shared;
	bool intact = atomic_load(&shared->magic) == LGMP_MAGIC &&
		      atomic_load(&shared->version) == LGMP_VERSION &&
		      atomic_load(&shared->session) == host->session &&
		      atomic_load(&shared->queue_count) == host->queue_count &&
		      atomic_load(&shared->udata_bytes) == host->udata_bytes &&
		      !memcmp(shared->udata, host->udata, host->udata_bytes);

	for (uint32_t i = 0; i < host->queue_count; i++)
		intact &= lgmp_host_queue_intact(&host->queues[i]);
	return intact;
}

static bool lgmp_host_has_clients(const struct lgmp_host *host)
{
	bool live = false;

	for (uint32_t i = 0; i < host->queue_count; i++)
		live |= host->queues[i].live != 0;
	return live;
}

/* The session goes at once; locks are freed, or clients could not let go. What the region says of
 * who is there means nothing now: those that were get the time it takes them to notice, or one that
 * is late would take away the subscription of another in the next session. */
static void lgmp_host_give_up(struct lgmp_host *host, uint64_t now_ms)
{
	uint32_t rest_ms = lgmp_host_has_clients(host) ? LGMP_HOST_REST_MS : 0;

	host->faults.corrupted++;
	atomic_store(&host->shared->session, lgmp_host_new_session(host));
	for (uint32_t i = 0; i < host->queue_count; i++) {
		atomic_store(&host->queues[i].shared->lock, 0);
		atomic_store(&host->queues[i].shared->client_lock, 0);
	}
	lgmp_host_drain(host, now_ms, rest_ms);
}

void lgmp_host_beat(struct lgmp_host *host, uint64_t now_ms)
{
	if (!host->running) {
		if (now_ms < host->rest_until_ms ||
		    (lgmp_host_held(host) && now_ms < host->drain_until_ms))
			return;
		lgmp_host_set_up(host, now_ms);
	}
	if (!lgmp_host_intact(host)) {
		lgmp_host_give_up(host, now_ms);
		return;
	}
	atomic_store(&host->shared->time_stamp, now_ms);
	for (uint32_t i = 0; i < host->queue_count; i++)
		lgmp_host_queue_beat(host, &host->queues[i], now_ms);
}

/* --- create ------------------------------------------------------------------------------ */

static bool lgmp_host_config_valid(const struct lgmp_host_config *config)
{
	if (!config->queue_count || config->queue_count > LGMP_MAX_QUEUES ||
	    config->udata_bytes > LGMP_HOST_MAX_UDATA_BYTES || config->bytes > INT_MAX)
		return false;
	for (uint32_t i = 0; i < config->queue_count; i++)
		if (config->queues[i].length < 2 ||
		    config->queues[i].length > LGMP_HOST_MAX_ENTRIES)
			return false;
	return true;
}

static void lgmp_host_plan(struct lgmp_host *host, const struct lgmp_host_config *config)
{
	uint32_t offset = (uint32_t)sizeof(struct lgmp_header) + config->udata_bytes;

	offset = (offset + 63) & ~63u;
	host->shared = config->base;
	host->bytes = config->bytes;
	host->queue_count = config->queue_count;
	host->udata_bytes = config->udata_bytes;
	memcpy(host->udata, config->udata, config->udata_bytes);
	for (uint32_t i = 0; i < config->queue_count; i++) {
		struct lgmp_host_queue *queue = &host->queues[i];

		queue->config = config->queues[i];
		queue->shared = &host->shared->queues[i];
		queue->ring_offset = offset;
		queue->ring = (struct lgmp_message *)((uint8_t *)config->base + offset);
		offset += queue->config.length * (uint32_t)sizeof(struct lgmp_message);
		offset = (offset + 63) & ~63u;
	}
	host->payload_offset = offset;
}

struct lgmp_host *lgmp_host_create(const struct lgmp_host_config *config, uint64_t now_ms)
{
	struct lgmp_host *host;

	if (!lgmp_host_config_valid(config)) {
		errno = EINVAL;
		return NULL;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	lgmp_host_plan(host, config);
	if (host->payload_offset > config->bytes) {
		free(host);
		errno = EFBIG;
		return NULL;
	}
	if (atomic_load(&host->shared->magic) == LGMP_MAGIC)
		lgmp_host_drain(host, now_ms, 0);
	else
		lgmp_host_set_up(host, now_ms);
	return host;
}

void lgmp_host_destroy(struct lgmp_host *host)
{
	free(host);
}

uint32_t lgmp_host_payload_offset(const struct lgmp_host *host)
{
	return host->payload_offset;
}

bool lgmp_host_running(const struct lgmp_host *host)
{
	return host->running;
}

const struct lgmp_host_faults *lgmp_host_faults(const struct lgmp_host *host)
{
	return &host->faults;
}
