/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/lgmp_client.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* Holders need microseconds; who is asked again soon need not wait longer. */
#define CLIENT_LOCK_TRIES 200
/* Without giving the processor away: a position that is lost is less than a window that stops. */
#define CLIENT_SEND_LOCK_TRIES 100
#define CLIENT_MAX_LENGTH 65536u

struct client_queue {
	uint32_t id;
	struct lgmp_queue *shared;      /* NULL: free */
	struct lgmp_message *ring;
	uint32_t length, timeout_ms;
	uint32_t subscriber, position;
};

struct lgmp_client {
	uint8_t *base;
	uint64_t bytes;
	struct lgmp_header *header;
	bool looked, attached;
	uint32_t session;
	uint64_t stamp, stamp_seen_ms;
	uint32_t random;
	struct client_queue queues[LGMP_MAX_QUEUES];
};

struct lgmp_client *lgmp_client_create(void *base, uint64_t bytes)
{
	struct lgmp_client *client;

	if (bytes < sizeof(struct lgmp_header)) {
		errno = EFBIG;
		return NULL;
	}
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->base = base;
	client->bytes = bytes;
	client->header = base;
	return client;
}

void lgmp_client_destroy(struct lgmp_client *client)
{
	if (!client)
		return;
	lgmp_client_leave(client);
	free(client);
}

/* --- sessions ---------------------------------------------------------------------------- */

uint32_t lgmp_client_magic(const struct lgmp_client *client)
{
	return atomic_load(&client->header->magic);
}

uint32_t lgmp_client_version(const struct lgmp_client *client)
{
	return atomic_load(&client->header->version);
}

uint32_t lgmp_client_udata(const struct lgmp_client *client, void *to, uint32_t bytes)
{
	uint32_t there = atomic_load(&client->header->udata_bytes);
	uint64_t room = client->bytes - offsetof(struct lgmp_header, udata);

	if (bytes > there)
		bytes = there;
	if (bytes > room)
		bytes = (uint32_t)room;
	shared_copy(to, client->header->udata, bytes);
	return bytes;
}

int lgmp_client_attach(struct lgmp_client *client, uint64_t now_ms)
{
	struct lgmp_header *header = client->header;
	uint64_t stamp = atomic_load(&header->time_stamp);
	bool moved = client->looked && stamp != client->stamp;

	if (atomic_load(&header->magic) != LGMP_MAGIC)
		return -ENOMSG;
	if (atomic_load(&header->version) != LGMP_VERSION)
		return -EPROTONOSUPPORT;
	client->looked = true;
	client->stamp = stamp;
	if (!moved)
		return -EAGAIN;
	client->session = atomic_load(&header->session);
	client->stamp_seen_ms = now_ms;
	client->attached = true;
	return 0;
}

bool lgmp_client_alive(struct lgmp_client *client, uint64_t now_ms)
{
	uint64_t stamp = atomic_load(&client->header->time_stamp);

	if (!client->attached || atomic_load(&client->header->magic) != LGMP_MAGIC ||
	    atomic_load(&client->header->session) != client->session)
		return false;
	if (stamp != client->stamp) {
		client->stamp = stamp;
		client->stamp_seen_ms = now_ms;
	}
	return now_ms - client->stamp_seen_ms <= LGMP_CLIENT_LOST_MS;
}

void lgmp_client_leave(struct lgmp_client *client)
{
	for (uint32_t i = 0; i < LGMP_MAX_QUEUES; i++)
		if (client->queues[i].shared)
			lgmp_client_unsubscribe(client, client->queues[i].id);
	client->attached = client->looked = false;
}

/* --- subscriptions ----------------------------------------------------------------------- */

static bool client_lock(_Atomic uint32_t *lock)
{
	for (int i = 0; i < CLIENT_LOCK_TRIES; i++) {
		if (!atomic_exchange(lock, 1))
			return true;
		sched_yield();
	}
	return false;
}

static void client_unlock(_Atomic uint32_t *lock)
{
	/* Release: who takes it next sees what was written under it. */
	atomic_store_explicit(lock, 0, memory_order_release);
}

static uint64_t client_bits(uint32_t subscriber)
{
	return UINT64_C(0x100000001) << subscriber;
}

static struct client_queue *client_find(struct lgmp_client *client, uint32_t id)
{
	for (uint32_t i = 0; i < LGMP_MAX_QUEUES; i++)
		if (client->queues[i].shared && client->queues[i].id == id)
			return &client->queues[i];
	return NULL;
}

static struct lgmp_queue *client_find_shared(const struct lgmp_client *client, uint32_t id)
{
	uint32_t count = atomic_load(&client->header->queue_count);

	for (uint32_t i = 0; i < count && i < LGMP_MAX_QUEUES; i++)
		if (atomic_load(&client->header->queues[i].id) == id)
			return &client->header->queues[i];
	return NULL;
}

/* What describes the ring, once: it does not change within a session. */
static int client_take_ring(const struct lgmp_client *client, struct client_queue *queue,
			    struct lgmp_queue *shared)
{
	uint32_t offset = atomic_load(&shared->messages_offset);

	queue->length = atomic_load(&shared->length);
	queue->timeout_ms = atomic_load(&shared->timeout_ms);
	if (queue->length < 2 || queue->length > CLIENT_MAX_LENGTH ||
	    offset % _Alignof(struct lgmp_message) || offset < sizeof(struct lgmp_header) ||
	    offset > client->bytes ||
	    (client->bytes - offset) / sizeof(struct lgmp_message) < queue->length)
		return -EPROTO;
	queue->ring = (struct lgmp_message *)(client->base + offset);
	return 0;
}

/* Under the lock. Places of clients that the host gave up are free after a while. */
static int client_take_place(const struct lgmp_client *client, struct client_queue *queue,
			     struct lgmp_queue *shared)
{
	uint64_t bits = atomic_load(&shared->subscribers);
	uint64_t stamp = atomic_load(&client->header->time_stamp);
	uint32_t position = atomic_load(&shared->position);

	if (position >= queue->length)
		return -EPROTO;
	for (uint32_t id = 0; id < LGMP_MAX_SUBSCRIBERS; id++)
		if ((bits >> id & 1) && stamp > atomic_load(&shared->bad_deadlines[id]))
			bits &= ~client_bits(id);
	for (uint32_t id = 0; id < LGMP_MAX_SUBSCRIBERS; id++) {
		if (bits >> (id + 32) & 1 || bits >> id & 1)
			continue;
		queue->subscriber = id;
		queue->position = position;
		atomic_store(&shared->client_ids[id], client->random);
		atomic_store(&shared->subscribers, bits | UINT64_C(1) << (id + 32));
		atomic_fetch_add(&shared->new_subscribers, 1);
		return 0;
	}
	return -ENOSPC;
}

/* Tells our messages from those of others; nobody relies on it. */
static uint32_t client_random(const struct lgmp_client *client)
{
	return (uint32_t)getpid() * 2654435761u ^ (uint32_t)client->stamp ^
	       (uint32_t)(uintptr_t)client;
}

int lgmp_client_subscribe(struct lgmp_client *client, uint32_t id)
{
	struct client_queue queue = { .id = id };
	struct lgmp_queue *shared;
	int result;

	if (client_find(client, id))
		return 0;
	shared = client_find_shared(client, id);
	if (!shared)
		return -ENOENT;
	result = client_take_ring(client, &queue, shared);
	if (result)
		return result;
	client->random = client_random(client);
	if (!client_lock(&shared->lock))
		return -EBUSY;
	result = client_take_place(client, &queue, shared);
	client_unlock(&shared->lock);
	for (uint32_t i = 0; i < LGMP_MAX_QUEUES && !result; i++) {
		if (client->queues[i].shared)
			continue;
		queue.shared = shared;
		client->queues[i] = queue;
		return 0;
	}
	return result;
}

/* Without the lock when it cannot be had: the bits are ours alone. */
void lgmp_client_unsubscribe(struct lgmp_client *client, uint32_t id)
{
	struct client_queue *queue = client_find(client, id);
	struct lgmp_queue *shared;
	bool locked;

	if (!queue)
		return;
	shared = queue->shared;
	queue->shared = NULL;
	/* Another session's bits would be another client's. */
	if (atomic_load(&client->header->session) != client->session)
		return;
	locked = client_lock(&shared->lock);
	atomic_fetch_and(&shared->subscribers, ~client_bits(queue->subscriber));
	if (locked)
		client_unlock(&shared->lock);
}

/* --- messages ---------------------------------------------------------------------------- */

int lgmp_client_read(struct lgmp_client *client, uint32_t id, struct lgmp_client_item *item)
{
	struct client_queue *queue = client_find(client, id);
	const struct lgmp_message *message;
	uint32_t position;
	uint64_t bits;

	if (!queue)
		return -ENOTCONN;
	bits = atomic_load(&queue->shared->subscribers);
	if (bits >> queue->subscriber & 1)
		return -ETIMEDOUT;
	if (!(bits >> (queue->subscriber + 32) & 1))
		return -ENOTCONN;
	/* Acquire: the message and its payload were written before the position. */
	position = atomic_load_explicit(&queue->shared->position, memory_order_acquire);
	if (position == queue->position)
		return 0;
	if (position >= queue->length)
		return -EPROTO;
	message = &queue->ring[queue->position];
	item->user = atomic_load(&message->user);
	item->offset = atomic_load(&message->offset);
	item->bytes = atomic_load(&message->bytes);
	if (item->offset > client->bytes || item->bytes > client->bytes - item->offset)
		return -ERANGE;
	return 1;
}

uint32_t lgmp_client_waiting(struct lgmp_client *client, uint32_t id)
{
	const struct client_queue *queue = client_find(client, id);
	uint32_t position;

	if (!queue)
		return 0;
	position = atomic_load(&queue->shared->position) % queue->length;
	return (position + queue->length - queue->position) % queue->length;
}

/* We were the last to finish with this one, and nobody is at the queue: the host need not. */
static void client_drop_head(const struct lgmp_client *client, const struct client_queue *queue,
			     uint32_t next)
{
	struct lgmp_queue *shared = queue->shared;
	uint32_t count;

	if (atomic_exchange(&shared->lock, 1))
		return;
	count = atomic_load(&shared->count);
	if (atomic_load(&shared->start) == queue->position && count) {
		atomic_store(&shared->start, next);
		atomic_store(&shared->count, count - 1);
		atomic_store(&shared->head_deadline,
			     atomic_load(&client->header->time_stamp) + queue->timeout_ms);
	}
	client_unlock(&shared->lock);
}

void lgmp_client_done(struct lgmp_client *client, uint32_t id)
{
	struct client_queue *queue = client_find(client, id);
	uint32_t bit, next, pending;

	if (!queue)
		return;
	bit = UINT32_C(1) << queue->subscriber;
	next = (queue->position + 1) % queue->length;
	/* Release: what we read of the payload was read before the host may write it again. */
	pending = atomic_fetch_and(&queue->ring[queue->position].pending, ~bit);
	if ((pending & bit) && !(pending & ~bit))
		client_drop_head(client, queue, next);
	queue->position = next;
}

/* --- to the host ------------------------------------------------------------------------- */

static bool client_lock_soon(_Atomic uint32_t *lock)
{
	for (int i = 0; i < CLIENT_SEND_LOCK_TRIES; i++) {
		if (!atomic_exchange(lock, 1))
			return true;
	}
	return false;
}

/* Under the lock. */
static int client_put_message(struct lgmp_queue *shared, const void *data, uint32_t bytes)
{
	uint32_t at = atomic_load(&shared->client_write);
	uint32_t room = atomic_load(&shared->client_free);

	if (!room)
		return -EAGAIN;
	if (at >= LGMP_CLIENT_MESSAGES || room > LGMP_CLIENT_MESSAGES)
		return -EPROTO;
	atomic_store(&shared->client_messages[at].bytes, bytes);
	shared_copy(shared->client_messages[at].data, data, bytes);
	atomic_store(&shared->client_write, (at + 1) % LGMP_CLIENT_MESSAGES);
	atomic_fetch_add(&shared->client_write_serial, 1);
	/* Last: that is where the host looks without the lock. */
	atomic_fetch_sub(&shared->client_free, 1);
	return 0;
}

int lgmp_client_send(struct lgmp_client *client, uint32_t id, const void *data, uint32_t bytes)
{
	struct client_queue *queue = client_find(client, id);
	int result;

	if (!bytes || bytes > LGMP_CLIENT_MESSAGE_BYTES)
		return -EMSGSIZE;
	if (!queue || atomic_load(&client->header->session) != client->session)
		return -ENOTCONN;
	if (!client_lock_soon(&queue->shared->client_lock))
		return -EAGAIN;
	result = client_put_message(queue->shared, data, bytes);
	client_unlock(&queue->shared->client_lock);
	return result;
}
