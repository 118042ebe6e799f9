/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where two sides meet in one word (avail->idx, used->idx, the event words) it is read and written
 * by one atomic access into or from a local. "A store, then a load of another word, in that order"
 * is written as a seq_cst store and a seq_cst load: both are full barriers against each other.
 */
#include <base/log.h>
#include <base/loop.h>
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <unistd.h>
#include <virtio/device.h>

#include "queue_private.h"

static uint16_t virtqueue_word_load(const uint16_t *word, int order)
{
	return le16toh(__atomic_load_n(word, order));
}

static void virtqueue_word_store(uint16_t *word, uint16_t value, int order)
{
	__atomic_store_n(word, htole16(value), order);
}

void virtqueue_break(struct virtqueue *queue)
{
	if (queue->broken)
		return;
	queue->broken = true;
	loop_fd_remove(queue->kick_source);
	queue->kick_source = NULL;
	virtio_device_needs_reset(queue->device);
}

static void virtqueue_guest_bug(struct virtqueue *queue, const char *reason)
{
	log_guest_bug("%s queue %u: %s", queue->device->name, queue->index, reason);
	virtqueue_break(queue);
}

void virtqueue_want_kicks(struct virtqueue *queue, bool wanted)
{
	queue->kicks_wanted = wanted;
	/*
	 * seq_cst: orders these stores before the next load of avail->idx. Without it the driver
	 * could publish a chain and still read the old wish while we read the old index: no kick,
	 * and nobody looks again.
	 */
	if (!queue->event_idx)
		virtqueue_word_store(&queue->used->flags, wanted ? 0 : VRING_USED_F_NO_NOTIFY,
				     __ATOMIC_SEQ_CST);
	else if (wanted)   /* an event index left behind by avail->idx asks for no kicks */
		virtqueue_word_store(queue->avail_event, queue->next_avail, __ATOMIC_SEQ_CST);
}

/* Reads avail->idx and checks it; false when the queue is broken. */
static bool virtqueue_look(struct virtqueue *queue)
{
	/*
	 * Acquire: orders the load of the index before the loads of the ring entries and descriptors
	 * it covers. seq_cst: after a store of virtqueue_want_kicks, see there.
	 */
	uint16_t avail = virtqueue_word_load(&queue->avail->idx, __ATOMIC_SEQ_CST);

	if ((uint16_t)(avail - queue->next_avail) > queue->size) {
		virtqueue_guest_bug(queue, "the available index ran past the ring");
		return false;
	}
	queue->seen_avail = avail;
	return true;
}

bool virtqueue_has_chain(struct virtqueue *queue)
{
	if (queue->broken)
		return false;
	if (queue->seen_avail != queue->next_avail)
		return true;
	if (!virtqueue_look(queue))
		return false;
	if (queue->seen_avail != queue->next_avail)
		return true;
	virtqueue_want_kicks(queue, true);
	return virtqueue_look(queue) && queue->seen_avail != queue->next_avail;
}

static struct chain *virtqueue_pool_get(struct virtqueue *queue)
{
	struct chain *chain = queue->pool;

	if (!chain)
		return chain_create();
	queue->pool = chain->next;
	return chain;
}

static void virtqueue_pool_put(struct virtqueue *queue, struct chain *chain)
{
	chain->next = queue->pool;
	queue->pool = chain;
}

/* Walks the chain whose head the next available entry names. NULL: the queue is now broken. */
static struct chain *virtqueue_take(struct virtqueue *queue, uint16_t head)
{
	const char *reason = "no memory for a chain";
	struct chain *chain;

	if (head >= queue->size || queue->heads[head]) {
		virtqueue_guest_bug(queue, head >= queue->size
					   ? "a head past the table"
					   : "a head that is in use already");
		return NULL;
	}
	chain = virtqueue_pool_get(queue);
	if (!chain || chain_walk(chain, &queue->table, head, &reason) < 0) {
		if (chain)
			virtqueue_pool_put(queue, chain);
		virtqueue_guest_bug(queue, reason);
		return NULL;
	}
	queue->heads[head] = chain;
	return chain;
}

struct chain *virtqueue_pop(struct virtqueue *queue)
{
	struct chain *chain;
	uint16_t slot;

	if (!virtqueue_has_chain(queue))
		return NULL;
	if (!queue->event_idx && queue->kicks_wanted)
		virtqueue_want_kicks(queue, false);
	slot = queue->next_avail & (queue->size - 1);
	chain = virtqueue_take(queue, virtqueue_word_load(&queue->avail->ring[slot],
							  __ATOMIC_RELAXED));
	if (chain)
		queue->next_avail++;
	return chain;
}

/* The chain leaves its holder's hands. */
static void virtqueue_release(struct virtqueue *queue, struct chain *chain)
{
	queue->heads[chain->head] = NULL;
	virtqueue_pool_put(queue, chain);
}

void virtqueue_unpop(struct virtqueue *queue, struct chain *chain)
{
	virtqueue_release(queue, chain);
	queue->next_avail--;
}

void virtqueue_push(struct virtqueue *queue, struct chain *chain)
{
	uint16_t slot = queue->next_used & (queue->size - 1);
	size_t written = chain_written(chain);

	if (!queue->broken) {
		queue->used->ring[slot].id = htole32(chain->head);
		queue->used->ring[slot].len = htole32(written < UINT32_MAX ? (uint32_t)written
									   : UINT32_MAX);
		/* Release: orders the entry and the bytes in its buffers before the index. */
		virtqueue_word_store(&queue->used->idx, ++queue->next_used, __ATOMIC_RELEASE);
	}
	virtqueue_release(queue, chain);
}

/* Does the driver want an interrupt for the entries from old to queue->next_used? */
static bool virtqueue_wants_call(struct virtqueue *queue, uint16_t old)
{
	uint16_t event;

	/*
	 * The index is stored once more as seq_cst: orders it before the load of the driver's wish.
	 * Without it the driver could read the old index and go to sleep with a new wish while we
	 * read the old wish: no interrupt, and nobody looks again.
	 */
	virtqueue_word_store(&queue->used->idx, queue->next_used, __ATOMIC_SEQ_CST);
	if (!queue->event_idx)
		return !(virtqueue_word_load(&queue->avail->flags, __ATOMIC_SEQ_CST) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = virtqueue_word_load(queue->used_event, __ATOMIC_SEQ_CST);
	return (uint16_t)(queue->next_used - event - 1) < (uint16_t)(queue->next_used - old);
}

static void virtqueue_eventfd_add(int fd)
{
	uint64_t one = 1;
	ssize_t done;

	/* A full counter (EAGAIN) is as good as one more. */
	do {
		done = write(fd, &one, sizeof(one));
	} while (done < 0 && errno == EINTR);
	if (done < 0 && errno != EAGAIN)
		log_error("cannot write to an eventfd: %m");
}

void virtqueue_notify(struct virtqueue *queue)
{
	uint16_t old = queue->notified_used;

	if (queue->broken || old == queue->next_used)
		return;
	queue->notified_used = queue->next_used;
	if (virtqueue_wants_call(queue, old) && queue->call_fd >= 0)
		virtqueue_eventfd_add(queue->call_fd);
}

void virtqueue_kick_self(struct virtqueue *queue)
{
	if (!queue->broken)
		virtqueue_eventfd_add(queue->kick_fd);
}

bool virtqueue_is_broken(const struct virtqueue *queue)
{
	return queue->broken;
}

uint16_t virtqueue_index(const struct virtqueue *queue)
{
	return queue->index;
}
