/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <fake/guest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool fake_queue_has_feature(const struct fake_queue *queue, unsigned int bit)
{
	return queue->features >> bit & 1;
}

/* --- life -------------------------------------------------------------------------------- */

void fake_queue_init(struct fake_queue *queue, struct fake_guest *guest, uint16_t index,
		     uint16_t size)
{
	*queue = (struct fake_queue){
		.guest = guest,
		.index = index,
		.size = size,
		.chain_descs = calloc(size, sizeof(*queue->chain_descs)),
		.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	if (!queue->chain_descs || queue->kick_fd < 0 || queue->call_fd < 0)
		fake_fail("cannot make queue %u: %m", index);
}

void fake_queue_finish(struct fake_queue *queue)
{
	if (queue->started)
		fake_fail("queue %u is still started", queue->index);
	close(queue->kick_fd);
	close(queue->call_fd);
	free(queue->chain_descs);
}

/* Free descriptors are a list by their next fields, as in a real driver. */
static void fake_queue_free_all(struct fake_queue *queue)
{
	for (uint16_t i = 0; i < queue->size; i++)
		queue->vring.desc[i].next = htole16((uint16_t)(i + 1));
	queue->free_head = 0;
	queue->free_count = queue->size;
}

void fake_queue_reset(struct fake_queue *queue, uint64_t features)
{
	struct fake_memory *memory = fake_guest_memory(queue->guest);
	size_t desc_bytes = queue->size * sizeof(struct vring_desc);
	size_t avail_bytes = sizeof(struct vring_avail) + (queue->size + 1u) * sizeof(uint16_t);
	size_t used_bytes = sizeof(struct vring_used) + sizeof(uint16_t) +
			    queue->size * sizeof(struct vring_used_elem);

	queue->desc_gpa = fake_memory_alloc(memory, desc_bytes, 16);
	queue->driver_gpa = fake_memory_alloc(memory, avail_bytes, 2);
	queue->device_gpa = fake_memory_alloc(memory, used_bytes, 4);
	queue->vring.num = queue->size;
	queue->vring.desc = fake_memory_host(memory, queue->desc_gpa, desc_bytes);
	queue->vring.avail = fake_memory_host(memory, queue->driver_gpa, avail_bytes);
	queue->vring.used = fake_memory_host(memory, queue->device_gpa, used_bytes);
	queue->features = features;
	queue->next_avail = queue->kicked_avail = queue->next_used = 0;
	queue->scratch_gpa = 0;
	queue->scratch_bytes = 0;
	memset(queue->chain_descs, 0, queue->size * sizeof(*queue->chain_descs));
	fake_queue_free_all(queue);
	fake_queue_interrupts(queue);
}

/* --- making chains available ------------------------------------------------------------- */

/* Offers a chain; the device may read it at once. */
static void fake_queue_offer(struct fake_queue *queue, uint16_t head)
{
	struct vring_avail *avail = queue->vring.avail;

	avail->ring[queue->next_avail & (queue->size - 1)] = htole16(head);
	queue->next_avail++;
	/* Release: orders the descriptors, their bytes and the entry before the index. */
	__atomic_store_n(&avail->idx, htole16(queue->next_avail), __ATOMIC_RELEASE);
}

static uint16_t fake_queue_buffer_flags(const struct fake_buffer *buffer, bool last)
{
	return (uint16_t)((buffer->writable ? VRING_DESC_F_WRITE : 0) |
			  (last ? 0 : VRING_DESC_F_NEXT));
}

int fake_queue_add(struct fake_queue *queue, const struct fake_buffer *buffers, size_t count)
{
	uint16_t head = queue->free_head, index = head;

	if (count == 0 || count > queue->free_count)
		return -ENOSPC;
	for (size_t i = 0; i < count; i++) {
		uint16_t next = le16toh(queue->vring.desc[index].next);

		fake_queue_set_desc(queue, index, buffers[i].gpa, buffers[i].bytes,
				    fake_queue_buffer_flags(&buffers[i], i + 1 == count), next);
		index = next;
	}
	queue->free_head = index;
	queue->free_count = (uint16_t)(queue->free_count - count);
	queue->chain_descs[head] = (uint16_t)count;
	fake_queue_offer(queue, head);
	return head;
}

int fake_queue_add_indirect(struct fake_queue *queue, const struct fake_buffer *buffers,
			    size_t count)
{
	uint32_t table_bytes = (uint32_t)(count * sizeof(struct vring_desc));
	uint16_t head = queue->free_head;
	uint64_t table_gpa;

	if (!fake_queue_has_feature(queue, VIRTIO_RING_F_INDIRECT_DESC))
		fake_fail("an indirect table that was not negotiated");
	if (count == 0 || queue->free_count == 0)
		return -ENOSPC;
	table_gpa = fake_memory_alloc(fake_guest_memory(queue->guest), table_bytes, 16);
	for (size_t i = 0; i < count; i++)
		fake_queue_set_indirect_desc(queue, table_gpa, (uint16_t)i, buffers[i].gpa,
					     buffers[i].bytes,
					     fake_queue_buffer_flags(&buffers[i], i + 1 == count),
					     (uint16_t)(i + 1));
	queue->free_head = le16toh(queue->vring.desc[head].next);
	queue->free_count--;
	queue->chain_descs[head] = 1;
	fake_queue_set_desc(queue, head, table_gpa, table_bytes, VRING_DESC_F_INDIRECT,
			    queue->free_head);
	fake_queue_offer(queue, head);
	return head;
}

int fake_queue_add_writable(struct fake_queue *queue, uint32_t bytes, uint64_t *gpa)
{
	struct fake_buffer buffer = { .bytes = bytes, .writable = true };

	if (queue->free_count == 0)
		return -ENOSPC;
	buffer.gpa = fake_memory_alloc(fake_guest_memory(queue->guest), bytes, 16);
	if (gpa)
		*gpa = buffer.gpa;
	return fake_queue_add(queue, &buffer, 1);
}

static void fake_queue_kick_fd(struct fake_queue *queue)
{
	if (eventfd_write(queue->kick_fd, 1) < 0)
		fake_fail("cannot kick: %m");
	queue->kicked_avail = queue->next_avail;
}

/* Does the device want to hear of the chains added since the last kick? */
static bool fake_queue_kick_wanted(struct fake_queue *queue)
{
	struct vring *vring = &queue->vring;
	uint16_t added = (uint16_t)(queue->next_avail - queue->kicked_avail);
	uint16_t event;

	/* seq_cst store and loads: orders avail->idx before the load of the device's wish. */
	__atomic_store_n(&vring->avail->idx, htole16(queue->next_avail), __ATOMIC_SEQ_CST);
	if (!fake_queue_has_feature(queue, VIRTIO_RING_F_EVENT_IDX))
		return added && !(le16toh(__atomic_load_n(&vring->used->flags, __ATOMIC_SEQ_CST)) &
				  VRING_USED_F_NO_NOTIFY);
	event = le16toh(__atomic_load_n(&vring_avail_event(vring), __ATOMIC_SEQ_CST));
	return (uint16_t)(queue->next_avail - event - 1) < added;
}

bool fake_queue_kick(struct fake_queue *queue)
{
	bool wanted = fake_queue_kick_wanted(queue);

	if (wanted)
		fake_queue_kick_fd(queue);
	queue->kicked_avail = queue->next_avail;
	return wanted;
}

void fake_queue_kick_always(struct fake_queue *queue)
{
	fake_queue_kick_fd(queue);
}

/* --- taking used chains ------------------------------------------------------------------ */

uint16_t fake_queue_used_count(const struct fake_queue *queue)
{
	/* Acquire: orders the index before the entries and the bytes in the buffers. seq_cst: after
	 * a store of fake_queue_wait_used. */
	uint16_t index = __atomic_load_n(&queue->vring.used->idx, __ATOMIC_SEQ_CST);

	return (uint16_t)(le16toh(index) - queue->next_used);
}

static void fake_queue_free_chain(struct fake_queue *queue, uint16_t head)
{
	uint16_t last = head;

	for (uint16_t i = 1; i < queue->chain_descs[head]; i++)
		last = le16toh(queue->vring.desc[last].next);
	queue->vring.desc[last].next = htole16(queue->free_head);
	queue->free_head = head;
	queue->free_count = (uint16_t)(queue->free_count + queue->chain_descs[head]);
	queue->chain_descs[head] = 0;
}

bool fake_queue_get_used(struct fake_queue *queue, struct fake_used *used)
{
	const struct vring_used_elem *entry;

	if (fake_queue_used_count(queue) == 0)
		return false;
	entry = &queue->vring.used->ring[queue->next_used & (queue->size - 1)];
	if (le32toh(entry->id) >= queue->size)
		fake_fail("queue %u: used entry names head %u", queue->index, le32toh(entry->id));
	used->head = (uint16_t)le32toh(entry->id);
	used->bytes = le32toh(entry->len);
	queue->next_used++;
	if (queue->chain_descs[used->head])
		fake_queue_free_chain(queue, used->head);
	return true;
}

bool fake_queue_wait_used(struct fake_queue *queue, struct fake_used *used)
{
	struct vring *vring = &queue->vring;

	while (!fake_queue_get_used(queue, used)) {
		if (fake_queue_has_feature(queue, VIRTIO_RING_F_EVENT_IDX)) {
			/* seq_cst: orders the wish before the look at used->idx that follows. */
			__atomic_store_n(&vring_used_event(vring), htole16(queue->next_used),
					 __ATOMIC_SEQ_CST);
			if (fake_queue_get_used(queue, used))
				break;
		}
		if (!fake_guest_wait_fd(queue->guest, queue->call_fd, FAKE_TIMEOUT_MS))
			return false;
		fake_queue_interrupts(queue);
	}
	return true;
}

uint64_t fake_queue_interrupts(struct fake_queue *queue)
{
	eventfd_t count = 0;

	return eventfd_read(queue->call_fd, &count) == 0 ? count : 0;
}

void fake_queue_want_interrupts(struct fake_queue *queue, bool wanted)
{
	struct vring *vring = &queue->vring;
	uint16_t event = (uint16_t)(wanted ? queue->next_used : queue->next_used - 1);

	if (fake_queue_has_feature(queue, VIRTIO_RING_F_EVENT_IDX))
		__atomic_store_n(&vring_used_event(vring), htole16(event), __ATOMIC_SEQ_CST);
	else
		__atomic_store_n(&vring->avail->flags,
				 htole16(wanted ? 0 : VRING_AVAIL_F_NO_INTERRUPT),
				 __ATOMIC_SEQ_CST);
}

/* --- one request ------------------------------------------------------------------------- */

static uint64_t fake_queue_scratch(struct fake_queue *queue, size_t bytes)
{
	if (bytes > queue->scratch_bytes) {
		queue->scratch_gpa = fake_memory_alloc(fake_guest_memory(queue->guest), bytes, 16);
		queue->scratch_bytes = bytes;
	}
	return queue->scratch_gpa;
}

int64_t fake_queue_request(struct fake_queue *queue, const void *out, size_t out_bytes, void *in,
			   size_t in_bytes)
{
	struct fake_memory *memory = fake_guest_memory(queue->guest);
	uint64_t gpa = fake_queue_scratch(queue, out_bytes + in_bytes);
	struct fake_buffer buffers[2];
	struct fake_used used;
	size_t count = 0;

	if (out_bytes) {
		fake_memory_write(memory, gpa, out, out_bytes);
		buffers[count++] = (struct fake_buffer){ gpa, (uint32_t)out_bytes, false };
	}
	if (in_bytes) {
		memset(fake_memory_host(memory, gpa + out_bytes, in_bytes), 0, in_bytes);
		buffers[count++] = (struct fake_buffer){ gpa + out_bytes, (uint32_t)in_bytes, true };
	}
	if (fake_queue_add(queue, buffers, count) < 0)
		fake_fail("queue %u: no free descriptors for a request", queue->index);
	fake_queue_kick(queue);
	if (!fake_queue_wait_used(queue, &used))
		return -ETIME;
	if (in_bytes)
		fake_memory_read(memory, gpa + out_bytes, in, in_bytes);
	return used.bytes;
}
