/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/options.h>
#include <chips/console.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <virtio/device.h>
#include <devices/virtio_console.h>

#define CONSOLE_QUEUE_SIZE 64
#define CONSOLE_INPUT_BYTES 256

enum console_queue {
	CONSOLE_QUEUE_RECEIVE,          /* to the guest */
	CONSOLE_QUEUE_TRANSMIT,
	CONSOLE_QUEUE_COUNT,
};

struct virtio_console {
	struct virtio_device base;
	struct console *console;        /* NULL: none */
	struct virtqueue *queues[CONSOLE_QUEUE_COUNT];
	struct chain *blocked;          /* output that waits for the console to have room */
	size_t input_count;
	uint8_t input[CONSOLE_INPUT_BYTES];     /* waits for the guest's buffers */
};

static struct virtio_console *port_from(struct virtio_device *base)
{
	return (struct virtio_console *)((char *)base - offsetof(struct virtio_console, base));
}

/* --- output ------------------------------------------------------------------------------ */

/* False when the console is full: the rest of the chain waits. */
static bool port_write_chain(struct virtio_console *port, struct chain *chain)
{
	uint8_t byte;

	while (port->console && chain_readable(chain) > 0) {
		if (!console_has_room(port->console))
			return false;
		chain_read(chain, &byte, 1);
		console_write(port->console, byte);
	}
	return true;
}

static void port_transmit(struct virtio_console *port)
{
	struct virtqueue *queue = port->queues[CONSOLE_QUEUE_TRANSMIT];
	struct chain *chain;

	while (queue && (chain = port->blocked ? port->blocked : virtqueue_pop(queue))) {
		port->blocked = chain;
		if (!port_write_chain(port, chain))
			break;
		port->blocked = NULL;
		virtqueue_push(queue, chain);
	}
	if (queue)
		virtqueue_notify(queue);
}

static void port_transmit_kicked(struct virtqueue *queue, void *data)
{
	port_transmit(data);
}

static void port_output_room(void *data)
{
	port_transmit(data);
}

/* --- input ------------------------------------------------------------------------------- */

/* Moves what waits into the guest's buffers. */
static void port_receive(struct virtio_console *port)
{
	struct virtqueue *queue = port->queues[CONSOLE_QUEUE_RECEIVE];
	struct chain *chain;

	while (port->input_count > 0 && (chain = virtqueue_pop(queue))) {
		size_t count = chain_write(chain, port->input, port->input_count);

		port->input_count -= count;
		memmove(port->input, port->input + count, port->input_count);
		virtqueue_push(queue, chain);
	}
	virtqueue_notify(queue);
}

static void port_receive_kicked(struct virtqueue *queue, void *data)
{
	struct virtio_console *port = data;

	port_receive(port);
	if (port->console && port->input_count < CONSOLE_INPUT_BYTES)
		console_resume_input(port->console);
}

/* Nothing is taken before the guest listens. */
static size_t port_input_room(void *data)
{
	struct virtio_console *port = data;

	return port->queues[CONSOLE_QUEUE_RECEIVE] ? CONSOLE_INPUT_BYTES - port->input_count : 0;
}

static void port_input(void *data, const uint8_t *bytes, size_t count)
{
	struct virtio_console *port = data;

	memcpy(port->input + port->input_count, bytes, count);
	port->input_count += count;
	port_receive(port);
}

static const struct console_ops port_console_ops = {
	.input_room = port_input_room,
	.input = port_input,
	.output_room = port_output_room,
};

/* --- the device -------------------------------------------------------------------------- */

static uint64_t port_features(struct virtio_device *base)
{
	return virtqueue_features();
}

static int port_set_features(struct virtio_device *base, uint64_t features)
{
	return 0;
}

static int port_start_queue(struct virtio_device *base, uint16_t index,
			    const struct virtqueue_setup *setup)
{
	struct virtio_console *port = port_from(base);
	virtqueue_func *kicked = index == CONSOLE_QUEUE_TRANSMIT ? port_transmit_kicked
								 : port_receive_kicked;

	port->queues[index] = virtqueue_create(base, index, setup, kicked, port);
	return port->queues[index] ? 0 : -errno;
}

static void port_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct virtio_console *port = port_from(base);

	if (index == CONSOLE_QUEUE_TRANSMIT)
		port->blocked = NULL;
	virtqueue_destroy(port->queues[index]);
	port->queues[index] = NULL;
}

static void port_reset(struct virtio_device *base)
{
	port_from(base)->input_count = 0;
}

static void port_destroy(struct virtio_device *base)
{
	struct virtio_console *port = port_from(base);

	console_destroy(port->console);
	free(port);
}

static const struct virtio_device_ops port_ops = {
	.features = port_features,
	.set_features = port_set_features,
	.start_queue = port_start_queue,
	.stop_queue = port_stop_queue,
	.reset = port_reset,
	.destroy = port_destroy,
};

struct virtio_device *virtio_console_create_on(struct loop *loop, struct console *console)
{
	static const uint16_t queue_sizes[CONSOLE_QUEUE_COUNT] = { CONSOLE_QUEUE_SIZE,
								   CONSOLE_QUEUE_SIZE };
	struct virtio_console *port = calloc(1, sizeof(*port));

	if (!port) {
		console_destroy(console);
		errno = ENOMEM;
		return NULL;
	}
	port->console = console;
	port->base = (struct virtio_device){
		.ops = &port_ops,
		.loop = loop,
		.name = "console0",
		.type = VIRTIO_ID_CONSOLE,
		.queue_count = CONSOLE_QUEUE_COUNT,
		.queue_sizes = queue_sizes,
	};
	if (console)
		console_set_owner(console, &port_console_ops, port);
	return &port->base;
}

struct virtio_device *virtio_console_create(struct loop *loop, const char *where,
					    struct option_error *error)
{
	struct virtio_device *device;
	struct console *console = NULL;

	if (where && strcmp(where, "stdio") == 0) {
		console = console_create_stdio(loop, error);
	} else if (where && strncmp(where, "file=", 5) == 0) {
		console = console_create_file(loop, where + 5, error);
	} else if (where && strcmp(where, "none") != 0) {
		option_error_set(error, "console: '%s' is not stdio, file=FILE or none", where);
		errno = EINVAL;
		return NULL;
	}
	if (!console && where && strcmp(where, "none") != 0) {
		int result = errno;

		option_error_set(error, "console: cannot use %s: %s", where, strerror(result));
		errno = result;
		return NULL;
	}
	device = virtio_console_create_on(loop, console);
	if (!device)
		option_error_set(error, "console: out of memory");
	return device;
}
