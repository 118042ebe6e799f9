/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/bytes.h>
#include <base/log.h>
#include <string.h>
#include <devices/virtio_serial_private.h>
#include <devices/virtio_wire.h>

#define CONTROL_BYTES sizeof(struct virtio_console_control)

/* --- to the guest ------------------------------------------------------------------------ */

static const struct {
	uint16_t event, value;
} control_messages[SERIAL_MESSAGE_COUNT] = {
	[SERIAL_MESSAGE_ADD] = { VIRTIO_CONSOLE_PORT_ADD, 1 },
	[SERIAL_MESSAGE_NAME] = { VIRTIO_CONSOLE_PORT_NAME, 1 },
	[SERIAL_MESSAGE_CLOSE] = { VIRTIO_CONSOLE_PORT_OPEN, 0 },
	[SERIAL_MESSAGE_OPEN] = { VIRTIO_CONSOLE_PORT_OPEN, 1 },
};

/* False when the buffer is too short for it. */
static bool control_write(const struct virtio_serial_port *port, enum serial_message message,
			  struct chain *chain)
{
	uint8_t bytes[CONTROL_BYTES + VIRTIO_SERIAL_NAME_BYTES];
	size_t count = CONTROL_BYTES;

	le32_store(bytes + offsetof(struct virtio_console_control, id), port->id);
	le16_store(bytes + offsetof(struct virtio_console_control, event),
		   control_messages[message].event);
	le16_store(bytes + offsetof(struct virtio_console_control, value),
		   control_messages[message].value);
	if (message == SERIAL_MESSAGE_NAME) {
		/* Without its NUL: 5.3.6.2. */
		memcpy(bytes + count, port->name, strlen(port->name));
		count += strlen(port->name);
	}
	if (chain_writable(chain) < count)
		return false;
	chain_write(chain, bytes, count);
	return true;
}

/* The first message that waits, or SERIAL_MESSAGE_COUNT. */
static enum serial_message control_next(const struct virtio_serial *serial,
					const struct virtio_serial_port **port)
{
	for (uint32_t id = 1; id < serial->port_count; id++) {
		*port = &serial->ports[id];
		if ((*port)->messages)
			return (enum serial_message)__builtin_ctz((*port)->messages);
	}
	return SERIAL_MESSAGE_COUNT;
}

void virtio_serial_control_send(struct virtio_serial *serial)
{
	struct virtqueue *queue = serial->control_receive;
	unsigned int budget = SERIAL_QUEUE_SIZE;
	const struct virtio_serial_port *port;
	enum serial_message message;
	struct chain *chain;

	while (queue && (message = control_next(serial, &port)) != SERIAL_MESSAGE_COUNT &&
	       (chain = virtqueue_pop(queue))) {
		if (control_write(port, message, chain))
			serial->ports[port->id].messages &= ~SERIAL_BIT(message);
		else
			log_guest_bug("%s: a control buffer too short for a message",
				      serial->base.name);
		virtqueue_push(queue, chain);
		/* Short buffers that come back at once do not keep the loop from its other work. */
		if (--budget == 0) {
			virtqueue_kick_self(queue);
			break;
		}
	}
	if (queue)
		virtqueue_notify(queue);
}

/* --- from the guest ---------------------------------------------------------------------- */

static void control_device_ready(struct virtio_serial *serial, uint16_t value)
{
	if (value != 1)
		log_guest_bug("%s: the driver could not start (%u)", serial->base.name, value);
	for (uint32_t id = 1; id < serial->port_count; id++) {
		virtio_serial_port_forget(&serial->ports[id]);
		if (value == 1)
			serial->ports[id].messages = SERIAL_BIT(SERIAL_MESSAGE_ADD);
	}
}

static void control_port_ready(struct virtio_serial_port *port, uint16_t value)
{
	if (value != 1) {
		log_guest_bug("%s: the guest could not add port %u (%u)", port->serial->base.name,
			      port->id, value);
		virtio_serial_port_forget(port);
		return;
	}
	/* Also without an ADD before it: a guest that resumes from sleep knows its ports. */
	port->ready = true;
	port->messages |= SERIAL_BIT(SERIAL_MESSAGE_NAME);
	if (port->host_open)
		port->messages |= SERIAL_BIT(SERIAL_MESSAGE_OPEN);
}

static void control_port_open(struct virtio_serial_port *port, uint16_t value)
{
	if (!port->ready || value > 1)
		log_guest_bug("%s: port %u opened wrongly (%u)", port->serial->base.name, port->id,
			      value);
	else if (value)
		virtio_serial_port_guest_opened(port);
	else
		virtio_serial_port_guest_closed(port);
}

static void control_handle(struct virtio_serial *serial, uint32_t id, uint16_t event,
			   uint16_t value)
{
	if (event == VIRTIO_CONSOLE_DEVICE_READY)
		control_device_ready(serial, value);
	else if (id == 0 || id >= serial->port_count)
		log_guest_bug("%s: a message about port %u, which is none", serial->base.name, id);
	else if (event == VIRTIO_CONSOLE_PORT_READY)
		control_port_ready(&serial->ports[id], value);
	else if (event == VIRTIO_CONSOLE_PORT_OPEN)
		control_port_open(&serial->ports[id], value);
	else
		log_guest_bug("%s: control event %u", serial->base.name, event);
}

/* Bytes in, so that what the guest writes meanwhile changes nothing. */
static void control_parse(struct virtio_serial *serial, struct chain *chain)
{
	uint8_t bytes[CONTROL_BYTES];

	if (chain_readable(chain) != CONTROL_BYTES) {
		log_guest_bug("%s: a control message of %zu bytes", serial->base.name,
			      chain_readable(chain));
		return;
	}
	chain_read(chain, bytes, sizeof(bytes));
	control_handle(serial, le32_load(bytes + offsetof(struct virtio_console_control, id)),
		       le16_load(bytes + offsetof(struct virtio_console_control, event)),
		       le16_load(bytes + offsetof(struct virtio_console_control, value)));
}

void virtio_serial_control_take(struct virtio_serial *serial)
{
	struct virtqueue *queue = serial->control_transmit;
	unsigned int budget = SERIAL_QUEUE_SIZE;
	struct chain *chain;

	while (queue && (chain = virtqueue_pop(queue))) {
		control_parse(serial, chain);
		/* Only now: a guest that waits for it has been heard. */
		virtqueue_push(queue, chain);
		if (--budget == 0) {
			virtqueue_kick_self(queue);
			break;
		}
	}
	if (queue)
		virtqueue_notify(queue);
	virtio_serial_control_send(serial);
}
