/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device, whoever carries it (virtio-pci, vhost-user, the tests' fake transport).
 *
 * Every op runs on the device's loop; transports get there with loop_call. vCPU threads never run
 * device code. Start and stop are per queue. A device file embeds struct virtio_device.
 */
#ifndef VIRTIO_DEVICE_H
#define VIRTIO_DEVICE_H

#include <stddef.h>
#include <stdint.h>
#include <virtio/queue.h>

struct loop;
struct virtio_device;
struct virtio_transport;

struct virtio_device_ops {
	/* Feature bits offered, device and ring bits; the transport adds VIRTIO_F_VERSION_1. */
	uint64_t (*features)(struct virtio_device *device);
	/* The driver's choice, a subset of the offer, before FEATURES_OK. 0, or -EINVAL to refuse. */
	int (*set_features)(struct virtio_device *device, uint64_t features);
	/* offset + bytes <= config_bytes is the caller's promise. NULL: no config space. */
	void (*read_config)(struct virtio_device *device, size_t offset, void *to, size_t bytes);
	/* NULL: config is read-only. */
	void (*write_config)(struct virtio_device *device, size_t offset, const void *from,
			     size_t bytes);
	/* 0 or -errno: a refused queue stays stopped and the device needs a reset. */
	int (*start_queue)(struct virtio_device *device, uint16_t index,
			   const struct virtqueue_setup *setup);
	/* When it returns, no guest memory of the queue is touched any more. */
	void (*stop_queue)(struct virtio_device *device, uint16_t index);
	/* Back to the state after creation; all queues were stopped before. */
	void (*reset)(struct virtio_device *device);
	/* Frees the device; all queues were stopped before. */
	void (*destroy)(struct virtio_device *device);
};

struct virtio_device {
	const struct virtio_device_ops *ops;
	struct virtio_transport *transport;     /* set by virtio_device_attach, NULL before */
	struct loop *loop;                      /* the device's home */
	const char *name;                       /* for logs: "gpu0" */
	uint16_t type;                          /* VIRTIO_ID_*, virtio 1.2 chapter 5 */
	uint16_t queue_count;
	const uint16_t *queue_sizes;            /* largest size of each queue, powers of two */
	size_t config_bytes;
};

/* What a transport does for its device; any thread. */
struct virtio_transport_ops {
	/* Config space changed: bump the generation and interrupt the driver (virtio 1.2, 2.5.2). */
	void (*signal_config)(struct virtio_transport *transport);
	/* Set DEVICE_NEEDS_RESET and interrupt the driver (virtio 1.2, 2.1.2). */
	void (*signal_needs_reset)(struct virtio_transport *transport);
};

struct virtio_transport {
	const struct virtio_transport_ops *ops;
};

/* One transport for the device's life. Before the first queue starts. */
void virtio_device_attach(struct virtio_device *device, struct virtio_transport *transport);
/* On the device's loop; nothing happens while no transport is attached. */
void virtio_device_signal_config(struct virtio_device *device);
void virtio_device_needs_reset(struct virtio_device *device);

#endif
