/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VMM_DEVICES_VIRTIO_SERIAL_PRIVATE_H
#define VMM_DEVICES_VIRTIO_SERIAL_PRIVATE_H

#include <devices/virtio_serial.h>
#include <virtio/device.h>

#define SERIAL_QUEUE_SIZE 64
#define SERIAL_OUTPUT_BYTES 4096

/* Control messages that the guest has yet to get, in this order. As bits instead of a list: however
 * often a guest asks, no more than these wait. */
enum serial_message {
	SERIAL_MESSAGE_ADD,
	SERIAL_MESSAGE_NAME,
	SERIAL_MESSAGE_CLOSE,
	SERIAL_MESSAGE_OPEN,
	SERIAL_MESSAGE_COUNT,
};

#define SERIAL_BIT(message) (1u << (message))

struct virtio_serial_port {
	struct virtio_serial *serial;
	uint32_t id;
	char name[VIRTIO_SERIAL_NAME_BYTES];
	const struct virtio_serial_port_ops *ops;       /* NULL: nobody */
	void *data;
	bool host_open, guest_open;
	bool ready;                     /* the guest knows it */
	unsigned int messages;          /* SERIAL_BITs */

	/* To the guest. */
	struct virtqueue *receive;
	size_t backlog_count;
	uint8_t backlog[VIRTIO_SERIAL_BACKLOG_BYTES];
	bool refused;                   /* the last write was not taken whole */

	/* From the guest. */
	struct virtqueue *transmit;
	struct chain *chain;            /* the one that is being offered */
	size_t output_first, output_count;
	uint8_t output[SERIAL_OUTPUT_BYTES];    /* the next bytes of it */
	bool offering;                  /* inside input */
};

struct virtio_serial {
	struct virtio_device base;
	struct virtqueue *control_receive, *control_transmit;
	uint32_t port_count;            /* with port 0 */
	/* Port 0 has its queues in any case, and in other machines it is a console: nobody's here,
	 * so that no guest takes one of ours for that. */
	struct virtio_serial_port ports[];
};

/* virtio_serial_control.c: port life cycle messages (virtio 1.2, 5.3.6.2). */
/* Takes the guest's messages. */
void virtio_serial_control_take(struct virtio_serial *serial);
/* Sends what waits, as far as the guest has given buffers. */
void virtio_serial_control_send(struct virtio_serial *serial);

/* virtio_serial_port.c: bytes. */
/* Offers the guest's output to the owner, or drops it while an end is closed. */
void virtio_serial_port_transmit(struct virtio_serial_port *port);
/* The guest has given buffers. */
void virtio_serial_port_refill(struct virtio_serial_port *port);
void virtio_serial_port_guest_opened(struct virtio_serial_port *port);
void virtio_serial_port_guest_closed(struct virtio_serial_port *port);
/* The guest that knew the port is gone. */
void virtio_serial_port_forget(struct virtio_serial_port *port);

#endif
