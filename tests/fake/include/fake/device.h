/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device for tests of queues and transports: two queues that answer every chain with its own
 * bytes, and a config space that keeps what is written. Everything in it is open to be looked at;
 * while its loop has a thread, only on that loop.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include <stdint.h>
#include <virtio/device.h>

#define FAKE_DEVICE_QUEUES 2
#define FAKE_DEVICE_QUEUE_SIZE 64
#define FAKE_DEVICE_CONFIG_BYTES 32
/* A feature bit of its own; set_features refuses when it is not taken. */
#define FAKE_DEVICE_F_NEEDED 5
#define FAKE_DEVICE_F_OTHER 6

struct fake_device {
	struct virtio_device base;
	struct virtqueue *queues[FAKE_DEVICE_QUEUES];
	/* What a queue does when kicked; fake_device_echo at first. Set it before a start. */
	virtqueue_func *kicked;
	uint64_t features;                           /* as negotiated */
	uint8_t config[FAKE_DEVICE_CONFIG_BYTES];
	unsigned int resets;
	int start_error;                             /* when not 0: start_queue says this */
};

/* Of type VIRTIO_ID_RNG. Destroyed by its ops. NULL with errno. */
struct fake_device *fake_device_create(struct loop *loop);

/* data: the fake_device. Copies the readable bytes of every chain to its writable ones. */
void fake_device_echo(struct virtqueue *queue, void *data);
/* Leaves every chain where it is: the test pops by itself. */
void fake_device_idle(struct virtqueue *queue, void *data);

#endif
