/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lg_picture.h"

#include <fake/lg_client.h>
#include <ivshmem/copy.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CLIENT_FIRST_LOOK_MS 200
#define CLIENT_RETRY_MS 1000
#define CLIENT_BEAT_LOST_MS 1000
#define CLIENT_SESSION_LOOK_MS 100
#define CLIENT_LOCK_YIELDS 1000000

struct client_queue {
	uint32_t id;
	struct lgmp_queue *shared;      /* NULL: not subscribed */
	uint32_t subscriber, position;
};

struct lg_client {
	struct lg_client_state state;
	uint8_t *base;
	uint64_t bytes;
	struct lgmp_header *header;
	uint32_t session;
	uint64_t stamp, stamp_seen_ms, next_look_ms;
	bool looked;
	struct lg_picture picture;
	struct client_queue pointer, frame;
	bool linger, lingers;
};

static void client_end(struct lg_client *client, enum lg_client_end end, const char *fault)
{
	if (client->state.end)
		return;
	client->state.end = end;
	client->state.fault = fault;
	client->state.attached = false;
}

static bool client_lock(struct lg_client *client, _Atomic uint32_t *lock)
{
	for (uint32_t i = 0; atomic_exchange(lock, 1); i++) {
		if (i == CLIENT_LOCK_YIELDS) {
			client_end(client, LG_CLIENT_CRASHED, "hangs on a lock");
			return false;
		}
		sched_yield();
	}
	return true;
}

/* --- sessions ---------------------------------------------------------------------------- */

static void client_unsubscribe(struct lg_client *client, struct client_queue *queue)
{
	struct lgmp_queue *shared = queue->shared;
	uint64_t bits = UINT64_C(0x100000001) << queue->subscriber;

	queue->shared = NULL;
	if (!shared || !client_lock(client, &shared->lock))
		return;
	atomic_fetch_and(&shared->subscribers, ~bits);
	atomic_store(&shared->lock, 0);
}

void lg_client_leave(struct lg_client *client)
{
	client_unsubscribe(client, &client->pointer);
	client_unsubscribe(client, &client->frame);
	client->lingers = false;
	client->state.attached = false;
	client->looked = false;
}

static struct lgmp_queue *client_find_queue(struct lg_client *client, uint32_t id)
{
	uint32_t count = atomic_load(&client->header->queue_count);

	for (uint32_t i = 0; i < count && i < LGMP_MAX_QUEUES; i++)
		if (atomic_load(&client->header->queues[i].id) == id)
			return &client->header->queues[i];
	return NULL;
}

static bool client_take_id(struct client_queue *queue, struct lgmp_queue *shared, uint64_t now_ms)
{
	uint64_t bits = atomic_load(&shared->subscribers);

	for (uint32_t id = 0; id < LGMP_MAX_SUBSCRIBERS; id++) {
		uint64_t both = UINT64_C(0x100000001) << id;

		if ((bits >> id & 1) && now_ms > atomic_load(&shared->bad_deadlines[id]))
			bits &= ~both;
		if (bits >> (id + 32) & 1)
			continue;
		bits |= UINT64_C(1) << (id + 32);
		queue->subscriber = id;
		atomic_store(&shared->subscribers, bits);
		atomic_fetch_add(&shared->new_subscribers, 1);
		queue->position = atomic_load(&shared->position);
		queue->shared = shared;
		return true;
	}
	return false;
}

static void client_subscribe(struct lg_client *client, struct client_queue *queue)
{
	struct lgmp_queue *shared = client_find_queue(client, queue->id);

	if (queue->shared || !shared || !client_lock(client, &shared->lock))
		return;
	client_take_id(queue, shared, atomic_load(&client->header->time_stamp));
	atomic_store(&shared->lock, 0);
}

static void client_attach(struct lg_client *client, uint64_t now_ms)
{
	struct lgmp_header *header = client->header;
	const struct kvmfr20_hello *hello = (const struct kvmfr20_hello *)header->udata;
	uint64_t stamp = atomic_load(&header->time_stamp);

	if (!client->looked) {
		client->looked = true;
		client->stamp = stamp;
		client->next_look_ms = now_ms + CLIENT_FIRST_LOOK_MS;
		return;
	}
	if (now_ms < client->next_look_ms)
		return;
	client->next_look_ms = now_ms + CLIENT_RETRY_MS;
	if (atomic_load(&header->magic) != LGMP_MAGIC ||
	    atomic_load(&header->version) != LGMP_VERSION || stamp == client->stamp)
		return;
	if (atomic_load(&header->udata_bytes) < sizeof(*hello) ||
	    memcmp(hello->magic, KVMFR20_MAGIC, 8) != 0 || hello->version != KVMFR20_VERSION)
		return;
	client->session = atomic_load(&header->session);
	client->stamp = stamp;
	client->stamp_seen_ms = now_ms;
	client->next_look_ms = now_ms + CLIENT_SESSION_LOOK_MS;
	lg_picture_forget(&client->picture);
	client->state.cursor_placed = false;
	client->state.features = hello->features;
	client->state.attached = true;
	client->state.earlier_frames = client->state.frames;
	client->state.sessions++;
}

static bool client_session_good(struct lg_client *client, uint64_t now_ms)
{
	uint64_t stamp = atomic_load(&client->header->time_stamp);

	if (stamp != client->stamp) {
		client->stamp = stamp;
		client->stamp_seen_ms = now_ms;
	}
	return atomic_load(&client->header->session) == client->session &&
	       now_ms - client->stamp_seen_ms <= CLIENT_BEAT_LOST_MS;
}

static void client_on_frame(struct lg_client *client, uint32_t user, uint32_t offset)
{
	const char *fault = lg_picture_take(&client->picture, &client->state, client->base,
					    client->bytes, offset);

	if (fault)
		client_end(client, LG_CLIENT_CRASHED, fault);
}

/* --- cursor ------------------------------------------------------------------------------ */

static void client_take_shape(struct lg_client *client, const struct kvmfr20_cursor *cursor,
			      const uint8_t *shape)
{
	struct lg_client_state *state = &client->state;

	if (cursor->width > 512 || cursor->height > 512 || cursor->pitch > 2048 ||
	    (uint64_t)cursor->height * cursor->pitch >
		    client->bytes - (uint64_t)(shape - client->base)) {
		client_end(client, LG_CLIENT_CRASHED, "cursor outside the region");
		return;
	}
	state->shapes++;
	state->cursor_type = cursor->type;
	state->cursor_width = cursor->width;
	state->cursor_height = cursor->height;
	state->cursor_pitch = cursor->pitch;
	state->cursor_hot_x = cursor->hot_x;
	state->cursor_hot_y = cursor->hot_y;
	shared_copy(state->cursor, shape, (size_t)cursor->height * cursor->pitch);
}

static void client_on_cursor(struct lg_client *client, uint32_t flags, uint32_t offset)
{
	struct kvmfr20_cursor cursor;

	if (offset > client->bytes || client->bytes - offset < sizeof(cursor)) {
		client_end(client, LG_CLIENT_CRASHED, "cursor outside the region");
		return;
	}
	shared_copy(&cursor, client->base + offset, sizeof(cursor));
	client->state.cursor_messages++;
	client->state.cursor_visible = flags & KVMFR20_CURSOR_VISIBLE;
	if (flags & KVMFR20_CURSOR_POSITION) {
		client->state.cursor_x = cursor.x;
		client->state.cursor_y = cursor.y;
		client->state.cursor_placed = client->picture.has_format;
	}
	if (flags & KVMFR20_CURSOR_SHAPE)
		client_take_shape(client, &cursor, client->base + offset + sizeof(cursor));
}

/* --- queues ------------------------------------------------------------------------------ */

static void client_finish(struct lg_client *client, struct client_queue *queue,
			  struct lgmp_message *message, uint32_t length)
{
	struct lgmp_queue *shared = queue->shared;
	uint32_t bit = UINT32_C(1) << queue->subscriber;

	if (!(atomic_fetch_and(&message->pending, ~bit) & ~bit) &&
	    !atomic_exchange(&shared->lock, 1)) {
		if (atomic_load(&shared->start) == queue->position) {
			atomic_store(&shared->start, (queue->position + 1) % length);
			atomic_fetch_sub(&shared->count, 1);
			atomic_store(&shared->head_deadline,
				     atomic_load(&client->header->time_stamp) +
					     atomic_load(&shared->timeout_ms));
		}
		atomic_store(&shared->lock, 0);
	}
	queue->position = (queue->position + 1) % length;
}

/* False: nothing, or the end. */
static bool client_process(struct lg_client *client, struct client_queue *queue, uint64_t now_ms,
			   void (*handle)(struct lg_client *client, uint32_t user, uint32_t offset))
{
	struct lgmp_queue *shared = queue->shared;
	uint64_t bits = atomic_load(&shared->subscribers);
	uint32_t length = atomic_load(&shared->length);
	uint32_t ring = atomic_load(&shared->messages_offset);
	struct lgmp_message *message;

	if (bits >> queue->subscriber & 1) {
		client_end(client, LG_CLIENT_TIMED_OUT, "time-out");
		return false;
	}
	if (!(bits >> (queue->subscriber + 32) & 1)) {
		if (client_session_good(client, now_ms))
			client_end(client, LG_CLIENT_UNSUBSCRIBED, "unsubscribed");
		return false;
	}
	/* Lapped by exactly one ring, it has nothing to finish with either. */
	if (atomic_load(&shared->position) == queue->position) {
		client->lingers &= queue != &client->frame;
		return false;
	}
	if (!length || queue->position >= length || ring % 16 || ring > client->bytes ||
	    (client->bytes - ring) / sizeof(*message) < length) {
		client_end(client, LG_CLIENT_CRASHED, "ring outside the region");
		return false;
	}
	message = (struct lgmp_message *)(client->base + ring) + queue->position;
	if (!client->lingers || queue != &client->frame)
		handle(client, atomic_load(&message->user), atomic_load(&message->offset));
	if (client->state.end)
		return false;
	if (queue == &client->frame) {
		client->lingers = client->linger && !client->lingers;
		if (client->lingers)
			return false;
	}
	client_finish(client, queue, message, length);
	return true;
}

static void client_drain(struct lg_client *client, struct client_queue *queue, uint64_t now_ms,
			 void (*handle)(struct lg_client *client, uint32_t user, uint32_t offset))
{
	client_subscribe(client, queue);
	for (uint32_t i = 0; i < 256 && queue->shared; i++)
		if (!client_process(client, queue, now_ms, handle))
			break;
}

void lg_client_step(struct lg_client *client, uint64_t now_ms)
{
	if (client->state.end)
		return;
	if (!client->state.attached) {
		client_attach(client, now_ms);
		if (!client->state.attached)
			return;
	}
	if (now_ms >= client->next_look_ms) {
		client->next_look_ms = now_ms + CLIENT_SESSION_LOOK_MS;
		if (!client_session_good(client, now_ms)) {
			lg_client_leave(client);
			return;
		}
	}
	client_drain(client, &client->pointer, now_ms, client_on_cursor);
	if (!client->state.end)
		client_drain(client, &client->frame, now_ms, client_on_frame);
}

void lg_client_linger(struct lg_client *client, bool linger)
{
	client->linger = linger;
}

bool lg_client_send(struct lg_client *client, const void *data, uint32_t bytes, uint32_t *serial)
{
	struct lgmp_queue *shared = client->pointer.shared;
	struct lgmp_client_message *message;

	if (!shared || !atomic_load(&shared->client_free) ||
	    !client_lock(client, &shared->client_lock))
		return false;
	message = shared->client_messages;
	message += atomic_load(&shared->client_write) % LGMP_CLIENT_MESSAGES;
	atomic_store(&message->bytes, bytes);
	memcpy(message->data, data, bytes > sizeof(message->data) ? sizeof(message->data) : bytes);
	atomic_store(&shared->client_write,
		     (atomic_load(&shared->client_write) + 1) % LGMP_CLIENT_MESSAGES);
	atomic_fetch_sub(&shared->client_free, 1);
	*serial = atomic_fetch_add(&shared->client_write_serial, 1) + 1;
	atomic_store(&shared->client_lock, 0);
	return true;
}

bool lg_client_acknowledged(const struct lg_client *client, uint32_t serial)
{
	const struct lgmp_queue *shared = client->pointer.shared;

	return shared && atomic_load(&shared->client_read_serial) >= serial;
}

struct lg_client *lg_client_create(int fd)
{
	struct lg_client *client = calloc(1, sizeof(*client));
	struct stat status;

	if (!client || fstat(fd, &status) || status.st_size < (off_t)sizeof(struct lgmp_header))
		goto fail;
	client->bytes = (uint64_t)status.st_size;
	client->base = mmap(NULL, client->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (client->base == MAP_FAILED)
		goto fail;
	client->header = (struct lgmp_header *)client->base;
	client->pointer.id = KVMFR20_POINTER;
	client->frame.id = KVMFR20_FRAME;
	return client;
fail:
	free(client);
	return NULL;
}

void lg_client_destroy(struct lg_client *client)
{
	if (!client)
		return;
	munmap(client->base, client->bytes);
	lg_picture_finish(&client->picture);
	free(client);
}

const struct lg_client_state *lg_client_state(const struct lg_client *client)
{
	return &client->state;
}

void *lg_client_base(struct lg_client *client)
{
	return client->base;
}
