/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's side of one split queue, as a guest kernel drives it. Belongs to the test's thread.
 *
 * Well-behaved use: fake_queue_request() for one request and its answer; or add, kick, wait.
 * Everything in `vring` is open to be scribbled on: that is what broken drivers are made of, and
 * the functions at the end publish heads and indices that no sane driver would.
 */
#ifndef FAKE_QUEUE_H
#define FAKE_QUEUE_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_guest;

struct fake_queue {
	struct fake_guest *guest;
	struct vring vring;           /* host addresses in guest RAM */
	uint64_t desc_gpa, driver_gpa, device_gpa;
	uint64_t features;            /* as negotiated */
	uint16_t index, size;
	uint16_t next_avail;          /* chains made available so far */
	uint16_t kicked_avail;        /* of those, how many the device was told of */
	uint16_t next_used;           /* used entries taken so far */
	uint16_t free_count;          /* descriptors */
	uint16_t free_head;
	uint16_t *chain_descs;        /* by head: descriptors to free when it is used */
	uint64_t scratch_gpa;         /* fake_queue_request's buffers */
	size_t scratch_bytes;
	int kick_fd, call_fd;
	bool started;
};

/* One buffer of a chain; the writable ones come last. */
struct fake_buffer {
	uint64_t gpa;
	uint32_t bytes;
	bool writable;
};

struct fake_used {
	uint16_t head;
	uint32_t bytes;               /* what the device says it wrote */
};

/* How long the waits below wait for a device before they give up. */
#define FAKE_TIMEOUT_MS 5000

/* Copies `out` into RAM, offers it with in_bytes of zeroed writable room, kicks, waits, copies all
 * of the room out. Bytes the device says it wrote, or -ETIME. Nothing else may be in flight. */
int64_t fake_queue_request(struct fake_queue *queue, const void *out, size_t out_bytes, void *in,
			   size_t in_bytes);

/* Makes a chain available, without a kick. Its head, or -ENOSPC when descriptors are short. */
int fake_queue_add(struct fake_queue *queue, const struct fake_buffer *buffers, size_t count);
/* The same by an indirect table; aborts when VIRTIO_RING_F_INDIRECT_DESC was not negotiated. */
int fake_queue_add_indirect(struct fake_queue *queue, const struct fake_buffer *buffers,
			    size_t count);
/* One writable buffer of fresh RAM: what an event or receive queue is filled with. *gpa may be
 * NULL. Its head, or -ENOSPC. */
int fake_queue_add_writable(struct fake_queue *queue, uint32_t bytes, uint64_t *gpa);
/* Kicks if the device asked for it; true when it did. */
bool fake_queue_kick(struct fake_queue *queue);
/* Kicks whatever the device asked for. */
void fake_queue_kick_always(struct fake_queue *queue);

/* Takes one used entry; false: none. */
bool fake_queue_get_used(struct fake_queue *queue, struct fake_used *used);
/* The same, but asks for an interrupt and waits for it; runs the device's loop when it has no
 * thread of its own. False: none within FAKE_TIMEOUT_MS. */
bool fake_queue_wait_used(struct fake_queue *queue, struct fake_used *used);
/* Number of used entries not taken yet. */
uint16_t fake_queue_used_count(const struct fake_queue *queue);
/* Interrupts since the last call; none are counted by a wait. */
uint64_t fake_queue_interrupts(struct fake_queue *queue);
/* By default a guest asks for every interrupt. Off: avail->flags, and an event index far away. */
void fake_queue_want_interrupts(struct fake_queue *queue, bool wanted);

/* --- broken drivers --------------------------------------------------------------------- */

/* Writes a descriptor as it is told, little endian. */
void fake_queue_set_desc(struct fake_queue *queue, uint16_t index, uint64_t gpa, uint32_t bytes,
			 uint16_t flags, uint16_t next);
/* The same in an indirect table at table_gpa. */
void fake_queue_set_indirect_desc(struct fake_queue *queue, uint64_t table_gpa, uint16_t index,
				  uint64_t gpa, uint32_t bytes, uint16_t flags, uint16_t next);
/* Makes any head available, and kicks. */
void fake_queue_publish(struct fake_queue *queue, uint16_t head);
/* Writes avail->idx as it is told, and kicks. */
void fake_queue_set_avail_index(struct fake_queue *queue, uint16_t index);

/* --- for fake/guest.h ------------------------------------------------------------------- */

void fake_queue_init(struct fake_queue *queue, struct fake_guest *guest, uint16_t index,
		     uint16_t size);
void fake_queue_finish(struct fake_queue *queue);
/* Lays out empty rings in fresh RAM. */
void fake_queue_reset(struct fake_queue *queue, uint64_t features);

#endif
