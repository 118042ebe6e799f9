/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <fake/guest.h>

static void fake_desc_store(struct vring_desc *desc, uint64_t gpa, uint32_t bytes, uint16_t flags,
			    uint16_t next)
{
	*desc = (struct vring_desc){
		.addr = htole64(gpa),
		.len = htole32(bytes),
		.flags = htole16(flags),
		.next = htole16(next),
	};
}

void fake_queue_set_desc(struct fake_queue *queue, uint16_t index, uint64_t gpa, uint32_t bytes,
			 uint16_t flags, uint16_t next)
{
	if (index >= queue->size)
		fake_fail("queue %u has no descriptor %u", queue->index, index);
	fake_desc_store(&queue->vring.desc[index], gpa, bytes, flags, next);
}

void fake_queue_set_indirect_desc(struct fake_queue *queue, uint64_t table_gpa, uint16_t index,
				  uint64_t gpa, uint32_t bytes, uint16_t flags, uint16_t next)
{
	struct fake_memory *memory = fake_guest_memory(queue->guest);
	struct vring_desc desc;

	fake_desc_store(&desc, gpa, bytes, flags, next);
	fake_memory_write(memory, table_gpa + index * sizeof(desc), &desc, sizeof(desc));
}

void fake_queue_publish(struct fake_queue *queue, uint16_t head)
{
	queue->vring.avail->ring[queue->next_avail & (queue->size - 1)] = htole16(head);
	fake_queue_set_avail_index(queue, (uint16_t)(queue->next_avail + 1));
}

void fake_queue_set_avail_index(struct fake_queue *queue, uint16_t index)
{
	queue->next_avail = index;
	/* Release: orders what the test wrote before the index. */
	__atomic_store_n(&queue->vring.avail->idx, htole16(index), __ATOMIC_RELEASE);
	fake_queue_kick_always(queue);
}
