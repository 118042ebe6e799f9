/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/bytes.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <devices/virtio_serial_private.h>
#include <devices/virtio_wire.h>

/* Two for port 0, two for control, two for each other port (virtio 1.2, 5.3.2). */
#define SERIAL_MAX_QUEUES (2 * (VIRTIO_SERIAL_MAX_PORTS + 2))
/* The emergency write register is not there without its feature. */
#define SERIAL_CONFIG_BYTES offsetof(struct virtio_console_wire_config, emerg_wr)

enum serial_queue {
	SERIAL_QUEUE_CONTROL_RECEIVE = 2,
	SERIAL_QUEUE_CONTROL_TRANSMIT,
};

static struct virtio_serial *serial_from(struct virtio_device *base)
{
	return (struct virtio_serial *)((char *)base - offsetof(struct virtio_serial, base));
}

/* --- kicks ------------------------------------------------------------------------------- */

static void serial_control_receive_kicked(struct virtqueue *queue, void *data)
{
	virtio_serial_control_send(data);
}

static void serial_control_transmit_kicked(struct virtqueue *queue, void *data)
{
	virtio_serial_control_take(data);
}

static void serial_receive_kicked(struct virtqueue *queue, void *data)
{
	virtio_serial_port_refill(data);
}

static void serial_transmit_kicked(struct virtqueue *queue, void *data)
{
	struct virtio_serial_port *port = data;

	/* Two queues have no order between them: the guest may have opened the port before this. */
	if (!port->guest_open)
		virtio_serial_control_take(port->serial);
	virtio_serial_port_transmit(port);
}

/* --- the device -------------------------------------------------------------------------- */

static uint64_t serial_features(struct virtio_device *base)
{
	return virtqueue_features() | UINT64_C(1) << VIRTIO_CONSOLE_F_MULTIPORT;
}

static int serial_set_features(struct virtio_device *base, uint64_t features)
{
	return 0;
}

static void serial_read_config(struct virtio_device *base, size_t offset, void *to, size_t bytes)
{
	uint8_t config[SERIAL_CONFIG_BYTES] = { 0 };

	le32_store(config + offsetof(struct virtio_console_wire_config, max_nr_ports),
		   serial_from(base)->port_count);
	memcpy(to, config + offset, bytes);
}

/* Where the device keeps the queue, what its kicks do and to whom. */
struct serial_queue_place {
	struct virtqueue **queue;
	virtqueue_func *kicked;
	void *data;
};

static struct serial_queue_place serial_queue_place(struct virtio_serial *serial, uint16_t index)
{
	struct virtio_serial_port *port;

	if (index == SERIAL_QUEUE_CONTROL_RECEIVE)
		return (struct serial_queue_place){ &serial->control_receive,
						    serial_control_receive_kicked, serial };
	if (index == SERIAL_QUEUE_CONTROL_TRANSMIT)
		return (struct serial_queue_place){ &serial->control_transmit,
						    serial_control_transmit_kicked, serial };
	/* The control queues stand between port 0 and the rest. */
	port = &serial->ports[index < SERIAL_QUEUE_CONTROL_RECEIVE ? 0 : index / 2 - 1];
	if (index % 2 == 0)
		return (struct serial_queue_place){ &port->receive, serial_receive_kicked, port };
	return (struct serial_queue_place){ &port->transmit, serial_transmit_kicked, port };
}

static int serial_start_queue(struct virtio_device *base, uint16_t index,
			      const struct virtqueue_setup *setup)
{
	struct serial_queue_place place = serial_queue_place(serial_from(base), index);

	*place.queue = virtqueue_create(base, index, setup, place.kicked, place.data);
	return *place.queue ? 0 : -errno;
}

static void serial_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct serial_queue_place place = serial_queue_place(serial_from(base), index);

	virtqueue_destroy(*place.queue);
	*place.queue = NULL;
	if (place.kicked == serial_transmit_kicked) {
		struct virtio_serial_port *port = place.data;

		port->chain = NULL;
		port->output_count = 0;
	}
}

static void serial_reset(struct virtio_device *base)
{
	struct virtio_serial *serial = serial_from(base);

	for (uint32_t id = 0; id < serial->port_count; id++)
		virtio_serial_port_forget(&serial->ports[id]);
}

static void serial_destroy(struct virtio_device *base)
{
	free(serial_from(base));
}

static const struct virtio_device_ops serial_ops = {
	.features = serial_features,
	.set_features = serial_set_features,
	.read_config = serial_read_config,
	.start_queue = serial_start_queue,
	.stop_queue = serial_stop_queue,
	.reset = serial_reset,
	.destroy = serial_destroy,
};

static bool serial_config_is_good(const struct virtio_serial_port_config *ports, uint32_t count)
{
	if (count < 1 || count > VIRTIO_SERIAL_MAX_PORTS)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!ports[i].name[0] || strlen(ports[i].name) >= VIRTIO_SERIAL_NAME_BYTES ||
		    !ports[i].ops || !ports[i].ops->input)
			return false;
	}
	return true;
}

struct virtio_device *virtio_serial_create(struct loop *loop,
					   const struct virtio_serial_port_config *ports,
					   uint32_t count)
{
	static const uint16_t queue_sizes[SERIAL_MAX_QUEUES] = {
		[0 ... SERIAL_MAX_QUEUES - 1] = SERIAL_QUEUE_SIZE,
	};
	struct virtio_serial *serial;

	if (!serial_config_is_good(ports, count)) {
		errno = EINVAL;
		return NULL;
	}
	serial = calloc(1, sizeof(*serial) + (count + 1) * sizeof(serial->ports[0]));
	if (!serial)
		return NULL;
	serial->port_count = count + 1;
	for (uint32_t id = 0; id <= count; id++) {
		serial->ports[id].serial = serial;
		serial->ports[id].id = id;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct virtio_serial_port *port = &serial->ports[i + 1];

		strcpy(port->name, ports[i].name);
		port->ops = ports[i].ops;
		port->data = ports[i].data;
	}
	serial->base = (struct virtio_device){
		.ops = &serial_ops,
		.loop = loop,
		.name = "virtio-serial0",
		.type = VIRTIO_ID_CONSOLE,
		.queue_count = (uint16_t)(2 * (count + 2)),
		.queue_sizes = queue_sizes,
		.config_bytes = SERIAL_CONFIG_BYTES,
	};
	return &serial->base;
}

struct virtio_serial_port *virtio_serial_port(struct virtio_device *device, uint32_t index)
{
	return &serial_from(device)->ports[index + 1];
}
