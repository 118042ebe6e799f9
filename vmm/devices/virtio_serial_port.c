/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <base/log.h>
#include <string.h>
#include <devices/virtio_serial_private.h>

static bool port_is_connected(const struct virtio_serial_port *port)
{
	return port->ops && port->host_open && port->guest_open;
}

/* --- from the guest ---------------------------------------------------------------------- */

/* False when the owner has no room for all of it. */
static bool port_offer(struct virtio_serial_port *port)
{
	size_t taken;

	if (!port_is_connected(port)) {
		port->output_count = 0;
		chain_skip_readable(port->chain, chain_readable(port->chain));
		return true;
	}
	taken = port->ops->input(port->data, port->output + port->output_first,
				 port->output_count);
	assert(taken <= port->output_count);
	port->output_first += taken;
	port->output_count -= taken;
	return port->output_count == 0 || !port_is_connected(port);
}

/* One step through the guest's output. False: there is none, or the owner is full. */
static bool port_output_step(struct virtio_serial_port *port)
{
	if (!port->chain)
		port->chain = virtqueue_pop(port->transmit);
	if (!port->chain)
		return false;
	if (port->output_count == 0) {
		port->output_first = 0;
		port->output_count = chain_read(port->chain, port->output, SERIAL_OUTPUT_BYTES);
	}
	if (port->output_count > 0 && !port_offer(port))
		return false;
	if (port->output_count == 0 && chain_readable(port->chain) == 0) {
		virtqueue_push(port->transmit, port->chain);
		port->chain = NULL;
	}
	return true;
}

void virtio_serial_port_transmit(struct virtio_serial_port *port)
{
	/* At least all that a full ring has to drop; a guest that refills as fast as it is answered
	 * does not keep the loop from its other work. */
	unsigned int budget = 2 * SERIAL_QUEUE_SIZE;

	/* The owner calls back from inside input: the loop below goes on by itself. */
	if (port->offering || !port->transmit)
		return;
	port->offering = true;
	while (budget > 0 && port_output_step(port))
		budget--;
	port->offering = false;
	if (budget == 0)
		virtqueue_kick_self(port->transmit);
	virtqueue_notify(port->transmit);
}

void virtio_serial_port_resume(struct virtio_serial_port *port)
{
	virtio_serial_port_transmit(port);
}

/* --- to the guest ------------------------------------------------------------------------ */

/* Into the guest's buffers; the number of bytes that found room there. */
static size_t port_send(struct virtio_serial_port *port, const uint8_t *bytes, size_t count)
{
	struct virtqueue *queue = port->receive;
	size_t sent = 0;

	for (unsigned int budget = SERIAL_QUEUE_SIZE; queue && sent < count; budget--) {
		struct chain *chain;

		/* Tiny buffers, which come back as fast as they are used: other work first. */
		if (budget == 0) {
			virtqueue_kick_self(queue);
			break;
		}
		chain = virtqueue_pop(queue);
		if (!chain)
			break;
		if (chain_writable(chain) == 0)
			log_guest_bug("%s: port %u: a receive buffer without room",
				      port->serial->base.name, port->id);
		sent += chain_write(chain, bytes + sent, count - sent);
		virtqueue_push(queue, chain);
	}
	if (queue)
		virtqueue_notify(queue);
	return sent;
}

static void port_send_backlog(struct virtio_serial_port *port)
{
	size_t sent = port_send(port, port->backlog, port->backlog_count);

	port->backlog_count -= sent;
	memmove(port->backlog, port->backlog + sent, port->backlog_count);
}

size_t virtio_serial_port_write(struct virtio_serial_port *port, const void *bytes, size_t count)
{
	size_t taken = 0, kept;

	if (!port_is_connected(port))
		return 0;
	port_send_backlog(port);
	if (port->backlog_count == 0)
		taken = port_send(port, bytes, count);
	kept = VIRTIO_SERIAL_BACKLOG_BYTES - port->backlog_count;
	if (kept > count - taken)
		kept = count - taken;
	memcpy(port->backlog + port->backlog_count, (const uint8_t *)bytes + taken, kept);
	port->backlog_count += kept;
	taken += kept;
	port->refused = taken < count;
	return taken;
}

void virtio_serial_port_refill(struct virtio_serial_port *port)
{
	port_send_backlog(port);
	if (!port->refused || port->backlog_count > 0 || !port_is_connected(port))
		return;
	port->refused = false;
	if (port->ops->writable)
		port->ops->writable(port->data);
}

/* --- open and closed --------------------------------------------------------------------- */

/* After one of the ends was closed: nothing of before reaches the one that opens it next. */
static void port_drop(struct virtio_serial_port *port)
{
	port->backlog_count = 0;
	port->refused = false;
	virtio_serial_port_transmit(port);
}

static void port_tell_opened(struct virtio_serial_port *port)
{
	if (port->ops && port->ops->opened)
		port->ops->opened(port->data, port->guest_open);
}

void virtio_serial_port_guest_opened(struct virtio_serial_port *port)
{
	if (port->guest_open)
		return;
	port->guest_open = true;
	port_tell_opened(port);
	virtio_serial_port_transmit(port);
}

void virtio_serial_port_guest_closed(struct virtio_serial_port *port)
{
	if (!port->guest_open)
		return;
	/* What it wrote before may not have been looked at yet. */
	virtio_serial_port_transmit(port);
	port->guest_open = false;
	port_drop(port);
	port_tell_opened(port);
}

void virtio_serial_port_forget(struct virtio_serial_port *port)
{
	port->ready = false;
	port->messages = 0;
	virtio_serial_port_guest_closed(port);
}

void virtio_serial_port_set_open(struct virtio_serial_port *port, bool open)
{
	if (port->host_open == open)
		return;
	port->host_open = open;
	if (!open)
		port_drop(port);
	if (!port->ready)
		return;
	/* A close that the guest has not heard of yet still stands before the open. */
	if (open)
		port->messages |= SERIAL_BIT(SERIAL_MESSAGE_OPEN);
	else
		port->messages = (port->messages & ~SERIAL_BIT(SERIAL_MESSAGE_OPEN)) |
				 SERIAL_BIT(SERIAL_MESSAGE_CLOSE);
	virtio_serial_control_send(port->serial);
}

bool virtio_serial_port_is_open(const struct virtio_serial_port *port)
{
	return port->guest_open;
}

void virtio_serial_port_detach(struct virtio_serial_port *port)
{
	virtio_serial_port_set_open(port, false);
	port->ops = NULL;
}
