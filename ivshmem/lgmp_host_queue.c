/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue: what is unfinished follows from our own copies and from pending bits that clients can
 * only clear. The shared start and count are written, never read.
 */
#include "lgmp_host_private.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <string.h>

#define QUEUE_MAX_LOOK_MS 1000
/* The lock of the messages from clients: they wait for it for ever, we hardly ever take it. */
#define QUEUE_CLIENT_LOCK_MS 200

static uint32_t queue_next(const struct lgmp_host_queue *queue, uint32_t index)
{
	return index + 1 == queue->config.length ? 0 : index + 1;
}

static void queue_write_layout(struct lgmp_host_queue *queue)
{
	struct lgmp_queue *shared = queue->shared;

	atomic_store(&shared->id, queue->config.id);
	atomic_store(&shared->length, queue->config.length);
	atomic_store(&shared->timeout_ms, queue->config.timeout_ms);
	atomic_store(&shared->messages_offset, queue->ring_offset);
}

void lgmp_host_queue_clear(struct lgmp_host_queue *queue)
{
	struct lgmp_queue *shared = queue->shared;

	queue->position = queue->start = queue->count = 0;
	queue->live = queue->behind = queue->fresh = 0;
	queue->arrived = queue->returned = false;
	queue->client_read = queue->client_read_serial = 0;
	queue->client_lock_since_ms = 0;
	queue->looked_ms = 0;
	memset(queue->waited_ms, 0, sizeof(queue->waited_ms));
	memset(queue->entries, 0, sizeof(queue->entries));
	memset(shared, 0, sizeof(*shared));
	memset(queue->ring, 0, queue->config.length * sizeof(*queue->ring));
	atomic_store(&shared->client_free, LGMP_CLIENT_MESSAGES);
	queue_write_layout(queue);
}

bool lgmp_host_queue_intact(const struct lgmp_host_queue *queue)
{
	const struct lgmp_queue *shared = queue->shared;

	return atomic_load(&shared->id) == queue->config.id &&
	       atomic_load(&shared->length) == queue->config.length &&
	       atomic_load(&shared->timeout_ms) == queue->config.timeout_ms &&
	       atomic_load(&shared->messages_offset) == queue->ring_offset &&
	       atomic_load(&shared->position) == queue->position;
}

/* --- finishing; under the lock ----------------------------------------------------------- */

static void queue_drop_head(struct lgmp_host_queue *queue, uint64_t now_ms)
{
	queue->start = queue_next(queue, queue->start);
	queue->count--;
	atomic_store(&queue->shared->head_deadline, now_ms + queue->config.timeout_ms);
}

static void queue_expel(struct lgmp_host *host, struct lgmp_host_queue *queue, uint32_t id,
			uint64_t now_ms)
{
	const uint32_t bit = UINT32_C(1) << id;

	atomic_store(&queue->shared->bad_deadlines[id], now_ms + queue->config.timeout_ms);
	atomic_fetch_or(&queue->shared->subscribers, (uint64_t)bit);
	queue->live &= ~bit;
	queue->behind &= ~bit;
	queue->waited_ms[id] = 0;
	for (uint32_t i = 0; i < queue->config.length; i++)
		queue->entries[i].pending &= ~bit;
	host->faults.dead_clients++;
}

/* Finishes the oldest message for those who did not. A client that comes to it later finds nothing
 * pending and goes on. */
static void queue_retire_head(struct lgmp_host_queue *queue, uint64_t now_ms)
{
	struct lgmp_host_entry *entry = &queue->entries[queue->start];

	queue->behind |= entry->pending;
	entry->pending = 0;
	atomic_store(&queue->ring[queue->start].pending, 0);
	queue_drop_head(queue, now_ms);
}

/* What one message's readers have done since the last look. past: those that have finished with a
 * later one; they do not come back to this. */
static void queue_look_at(struct lgmp_host_queue *queue, uint32_t index, uint32_t *past)
{
	struct lgmp_host_entry *entry = &queue->entries[index];
	uint32_t pending = atomic_load(&queue->ring[index].pending) & entry->pending & queue->live;
	uint32_t finished = entry->pending & ~pending & queue->live;

	if (pending & *past)
		atomic_fetch_and(&queue->ring[index].pending, ~*past);
	entry->pending = pending & ~*past;
	*past |= finished;
	queue->returned |= (queue->behind & finished) != 0;
	queue->behind &= ~finished;
	queue->arrived |= (queue->fresh & finished) != 0;
	queue->fresh &= ~finished;
	for (uint32_t id = 0; finished; id++, finished >>= 1)
		if (finished & 1)
			queue->waited_ms[id] = 0;
}

static void queue_look_at_subscribers(struct lgmp_host_queue *queue)
{
	uint64_t subscribers = atomic_load(&queue->shared->subscribers);
	uint32_t live = (uint32_t)(subscribers >> 32) & ~(uint32_t)subscribers;

	queue->fresh = (queue->fresh | (live & ~queue->live)) & live;
	queue->live = live;
	queue->behind &= live;
	for (uint32_t id = 0; id < LGMP_MAX_SUBSCRIBERS; id++)
		if (!(queue->live >> id & 1))
			queue->waited_ms[id] = 0;
}

/* Every unread message is older than the last look. Time in which we ourselves did not run does not
 * count, nor does time without anything to read. */
static void queue_look_for_dead(struct lgmp_host *host, struct lgmp_host_queue *queue,
				uint32_t unread, uint64_t now_ms)
{
	uint64_t elapsed_ms = now_ms - queue->looked_ms;

	if (elapsed_ms > QUEUE_MAX_LOOK_MS)
		elapsed_ms = QUEUE_MAX_LOOK_MS;
	queue->looked_ms = now_ms;
	for (uint32_t id = 0; id < LGMP_MAX_SUBSCRIBERS; id++) {
		if (!(unread >> id & 1))
			continue;
		queue->waited_ms[id] += (uint32_t)elapsed_ms;
		if (queue->waited_ms[id] >= LGMP_HOST_DEAD_MS)
			queue_expel(host, queue, id, now_ms);
	}
}

static void queue_settle(struct lgmp_host *host, struct lgmp_host_queue *queue, uint64_t now_ms)
{
	uint32_t index = queue->position, unread = 0, past = 0;

	queue_look_at_subscribers(queue);
	for (uint32_t i = 0; i < queue->count; i++) {
		index = index ? index - 1 : queue->config.length - 1;
		queue_look_at(queue, index, &past);
		unread |= queue->entries[index].pending;
	}
	queue_look_for_dead(host, queue, unread, now_ms);
	while (queue->count) {
		const struct lgmp_host_entry *head = &queue->entries[queue->start];

		if (!head->pending)
			queue_drop_head(queue, now_ms);
		else if (now_ms - head->posted_ms > queue->config.timeout_ms / 2)
			queue_retire_head(queue, now_ms);
		else
			break;
	}
}

/* What only we know better; the position is still: it publishes. */
static void queue_publish(struct lgmp_host_queue *queue)
{
	atomic_store(&queue->shared->start, queue->start);
	atomic_store(&queue->shared->count, queue->count);
}

static void queue_begin(struct lgmp_host *host, struct lgmp_host_queue *queue, uint64_t now_ms)
{
	lgmp_host_lock(host, &queue->shared->lock);
	queue_settle(host, queue, now_ms);
}

static void queue_end(struct lgmp_host_queue *queue)
{
	queue_publish(queue);
	lgmp_host_unlock(&queue->shared->lock);
}

static bool queue_is_full(const struct lgmp_host_queue *queue)
{
	return queue->count == queue->config.length - 1;
}

/* --- messages from clients --------------------------------------------------------------- */

/* When nothing waits, all that was sent is acknowledged, whatever was lost or made up. */
static void queue_mend_messages(struct lgmp_host *host, struct lgmp_host_queue *queue)
{
	struct lgmp_queue *shared = queue->shared;
	uint32_t free = atomic_load(&shared->client_free);

	if (free < LGMP_CLIENT_MESSAGES ||
	    (free == LGMP_CLIENT_MESSAGES &&
	     atomic_load(&shared->client_write_serial) == queue->client_read_serial &&
	     atomic_load(&shared->client_read_serial) == queue->client_read_serial &&
	     atomic_load(&shared->client_write) == queue->client_read))
		return;
	lgmp_host_lock(host, &shared->client_lock);
	if (atomic_load(&shared->client_free) >= LGMP_CLIENT_MESSAGES) {
		atomic_store(&shared->client_free, LGMP_CLIENT_MESSAGES);
		queue->client_read = atomic_load(&shared->client_write) % LGMP_CLIENT_MESSAGES;
		atomic_store(&shared->client_write, queue->client_read);
		queue->client_read_serial = atomic_load(&shared->client_write_serial);
		atomic_store(&shared->client_read_serial, queue->client_read_serial);
	}
	lgmp_host_unlock(&shared->client_lock);
}

uint32_t lgmp_host_receive(struct lgmp_host *host, uint32_t index,
			   uint8_t data[LGMP_CLIENT_MESSAGE_BYTES])
{
	struct lgmp_host_queue *queue = &host->queues[index];
	struct lgmp_queue *shared = queue->shared;
	uint32_t bytes = 0;

	if (!host->running || atomic_load(&shared->client_free) >= LGMP_CLIENT_MESSAGES)
		return 0;
	lgmp_host_lock(host, &shared->client_lock);
	if (atomic_load(&shared->client_free) < LGMP_CLIENT_MESSAGES) {
		struct lgmp_client_message *message = &shared->client_messages[queue->client_read];

		bytes = atomic_load(&message->bytes);
		if (!bytes || bytes > LGMP_CLIENT_MESSAGE_BYTES) {
			host->faults.bad_messages++;
			bytes = LGMP_CLIENT_MESSAGE_BYTES;
		}
		shared_copy(data, message->data, LGMP_CLIENT_MESSAGE_BYTES);
		queue->client_read = (queue->client_read + 1) % LGMP_CLIENT_MESSAGES;
		atomic_fetch_add(&shared->client_free, 1);
	}
	lgmp_host_unlock(&shared->client_lock);
	return bytes;
}

void lgmp_host_acknowledge(struct lgmp_host *host, uint32_t index)
{
	struct lgmp_host_queue *queue = &host->queues[index];

	atomic_store(&queue->shared->client_read_serial, ++queue->client_read_serial);
}

/* Whoever left it held is in the way of the others, even when nothing waits for us. */
static void queue_watch_client_lock(struct lgmp_host *host, struct lgmp_host_queue *queue,
				    uint64_t now_ms)
{
	struct lgmp_queue *shared = queue->shared;
	uint32_t serial = atomic_load(&shared->client_write_serial);

	if (!atomic_load(&shared->client_lock)) {
		queue->client_lock_since_ms = 0;
	} else if (!queue->client_lock_since_ms || serial != queue->client_lock_serial) {
		queue->client_lock_since_ms = now_ms;
		queue->client_lock_serial = serial;
	} else if (now_ms - queue->client_lock_since_ms >= QUEUE_CLIENT_LOCK_MS) {
		lgmp_host_unlock(&shared->client_lock);
		queue->client_lock_since_ms = 0;
		host->faults.locks_broken++;
	}
}

/* --- the door ---------------------------------------------------------------------------- */

void lgmp_host_queue_beat(struct lgmp_host *host, struct lgmp_host_queue *queue, uint64_t now_ms)
{
	uint64_t subscribers = atomic_load(&queue->shared->subscribers);

	queue_mend_messages(host, queue);
	queue_watch_client_lock(host, queue, now_ms);
	/* Without subscribers there is nothing to settle; but one may have died of becoming one. */
	if (!subscribers && !queue->count && !queue->live && !atomic_load(&queue->shared->lock))
		return;
	queue_begin(host, queue, now_ms);
	queue_end(queue);
}

uint32_t lgmp_host_subscribers(const struct lgmp_host *host, uint32_t index)
{
	return host->queues[index].live;
}

uint32_t lgmp_host_behind(const struct lgmp_host *host, uint32_t index)
{
	return host->queues[index].behind;
}

bool lgmp_host_take_joined(struct lgmp_host *host, uint32_t index)
{
	struct lgmp_queue *shared = host->queues[index].shared;

	return host->running && atomic_load(&shared->new_subscribers) &&
	       atomic_exchange(&shared->new_subscribers, 0);
}

/* A host that drains tells nothing: nobody is there who could be helped. */
static bool queue_take(const struct lgmp_host *host, bool *flag)
{
	bool taken = host->running && *flag;

	if (taken)
		*flag = false;
	return taken;
}

bool lgmp_host_take_arrived(struct lgmp_host *host, uint32_t index)
{
	return queue_take(host, &host->queues[index].arrived);
}

bool lgmp_host_take_returned(struct lgmp_host *host, uint32_t index)
{
	return queue_take(host, &host->queues[index].returned);
}

void lgmp_host_make_room(struct lgmp_host *host, uint32_t index, uint64_t now_ms)
{
	struct lgmp_host_queue *queue = &host->queues[index];

	if (!host->running)
		return;
	queue_begin(host, queue, now_ms);
	if (queue_is_full(queue))
		queue_retire_head(queue, now_ms);
	queue_end(queue);
}

bool lgmp_host_payload_busy(const struct lgmp_host *host, uint32_t index, uint32_t offset)
{
	const struct lgmp_host_queue *queue = &host->queues[index];
	uint32_t at = queue->start;

	for (uint32_t i = 0; i < queue->count; i++, at = queue_next(queue, at)) {
		const struct lgmp_host_entry *entry = &queue->entries[at];
		uint32_t pending = atomic_load(&queue->ring[at].pending) & entry->pending;

		if (entry->offset == offset && pending)
			return true;
	}
	return false;
}

static void queue_append(struct lgmp_host_queue *queue, uint32_t user, uint32_t offset,
			 uint32_t bytes, uint64_t now_ms)
{
	struct lgmp_message *message = &queue->ring[queue->position];

	queue->entries[queue->position] = (struct lgmp_host_entry){
		.pending = queue->live, .offset = offset, .posted_ms = now_ms,
	};
	atomic_store(&message->user, user);
	atomic_store(&message->bytes, bytes);
	atomic_store(&message->offset, offset);
	atomic_store(&message->pending, queue->live);
	if (!queue->count++)
		atomic_store(&queue->shared->head_deadline, now_ms + queue->config.timeout_ms);
	queue_publish(queue);
	queue->position = queue_next(queue, queue->position);
	/* Release: whoever sees the position sees the message and its payload. */
	atomic_store_explicit(&queue->shared->position, queue->position, memory_order_release);
}

int lgmp_host_post(struct lgmp_host *host, uint32_t index, uint32_t user, uint32_t offset,
		   uint32_t bytes, uint64_t now_ms)
{
	struct lgmp_host_queue *queue = &host->queues[index];
	int result = -ENOTCONN;

	if (offset > host->bytes || bytes > host->bytes - offset)
		return -EINVAL;
	if (!host->running)
		return -ENOTCONN;
	queue_begin(host, queue, now_ms);
	if (queue->live) {
		if (queue_is_full(queue))
			queue_retire_head(queue, now_ms);
		queue_append(queue, user, offset, bytes, now_ms);
		result = 0;
	}
	queue_end(queue);
	return result;
}
