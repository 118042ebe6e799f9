/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest and a transport for one device, without KVM, PCI or root.
 *
 *	struct loop *loop = loop_create("test");
 *	struct virtio_device *device = NOUN_create(loop, ...);
 *	struct fake_guest *guest = fake_guest_create(device, FAKE_LOOP_DISPATCHED);
 *
 *	fake_guest_start(guest, FAKE_ALL_FEATURES);         // negotiate, start every queue
 *	struct fake_queue *queue = fake_guest_queue(guest, 0);
 *	written = fake_queue_request(queue, &command, sizeof(command), &answer, sizeof(answer));
 *	...
 *	fake_guest_destroy(guest);                          // stops, resets, destroys the device
 *	loop_destroy(loop);
 *
 * Two ways to run the device's loop: FAKE_LOOP_DISPATCHED: nobody runs it but the waits in here,
 * on the test's thread: everything happens in a fixed order. FAKE_LOOP_THREADED: the test called
 * loop_start() and it runs on a thread of its own: that is for TSan and for benches.
 *
 * Every device op is called on the loop, as a transport must. A mistake of the test itself and
 * trouble of the host abort with one line.
 */
#ifndef FAKE_GUEST_H
#define FAKE_GUEST_H

#include <fake/memory.h>
#include <fake/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <virtio/device.h>

struct fake_guest;

enum fake_loop {
	FAKE_LOOP_DISPATCHED,
	FAKE_LOOP_THREADED,
};

/* Whatever the device offers. */
#define FAKE_ALL_FEATURES UINT64_MAX

/* Attaches a fake transport. The device is the guest's from now on; the loop stays the test's. */
struct fake_guest *fake_guest_create(struct virtio_device *device, enum fake_loop mode);
void fake_guest_destroy(struct fake_guest *guest);

/* The next start gives this queue another size than its largest. */
void fake_guest_set_queue_size(struct fake_guest *guest, uint16_t index, uint16_t size);
/* Features wanted and offered, and VIRTIO_F_VERSION_1, are set; every queue is started with fresh
 * rings. 0, or what the device's set_features or start_queue said (the queue is not started). */
int fake_guest_start(struct fake_guest *guest, uint64_t features);
/* Starts or stops one queue; the other functions do it for all. */
int fake_guest_start_queue(struct fake_guest *guest, uint16_t index);
void fake_guest_stop_queue(struct fake_guest *guest, uint16_t index);
/* Stops the queues and resets the device: what a reboot does. May be started again. */
void fake_guest_stop(struct fake_guest *guest);

uint64_t fake_guest_features(struct fake_guest *guest);   /* the device's offer */
struct fake_queue *fake_guest_queue(struct fake_guest *guest, uint16_t index);
struct fake_memory *fake_guest_memory(struct fake_guest *guest);
struct virtio_device *fake_guest_device(struct fake_guest *guest);

/* Config space; outside of config_bytes aborts. */
void fake_guest_read_config(struct fake_guest *guest, size_t offset, void *to, size_t bytes);
void fake_guest_write_config(struct fake_guest *guest, size_t offset, const void *from,
			     size_t bytes);
/* How often the device said so since the guest was created. */
unsigned int fake_guest_config_changes(struct fake_guest *guest);
unsigned int fake_guest_needs_resets(struct fake_guest *guest);

/* Lets the device work off all that is pending. FAKE_LOOP_DISPATCHED only. */
void fake_guest_run(struct fake_guest *guest);
/* Waits at most timeout_ms for the fd to be readable, running the loop when nobody else does. */
bool fake_guest_wait_fd(struct fake_guest *guest, int fd, int timeout_ms);
/* Runs func(data) on the device's loop and waits for it. */
void fake_guest_call(struct fake_guest *guest, void (*func)(void *data), void *data);

/* One line on stderr, then abort(). */
_Noreturn void fake_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
