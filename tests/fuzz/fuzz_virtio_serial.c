/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that talks to the ports as it likes, and an owner that opens, writes and is full. Input:
 * steps of {what, bytes}; a step that needs more takes it from the input behind it.
 */
#include "fuzz.h"

#include <base/loop.h>
#include <devices/virtio_serial.h>
#include <fake/guest.h>
#include <linux/virtio_console.h>
#include <stdlib.h>

#define FUZZ_PORTS 2
#define FUZZ_QUEUES (2 * (FUZZ_PORTS + 2))
#define CONTROL_TRANSMIT 3

struct fuzz {
	struct fake_guest *guest;
	struct virtio_serial_port *ports[FUZZ_PORTS];
	bool open[FUZZ_PORTS];
	size_t room;
};

static struct fuzz fuzz;

/* Told of changes only, and of bytes only while the guest's end is open. */
static void fuzz_opened(void *data, bool guest_open)
{
	bool *open = data;

	if (*open == guest_open)
		abort();
	*open = guest_open;
}

static size_t fuzz_input(void *data, const uint8_t *bytes, size_t count)
{
	const bool *open = data;
	size_t taken = count < fuzz.room ? count : fuzz.room;

	if (!*open || count == 0)
		abort();
	fuzz.room -= taken;
	return taken;
}

static void fuzz_writable(void *data)
{
	const bool *open = data;

	if (!*open)
		abort();
}

static void fuzz_create(void)
{
	static const struct virtio_serial_port_ops ops = {
		.opened = fuzz_opened,
		.input = fuzz_input,
		.writable = fuzz_writable,
	};
	const struct virtio_serial_port_config configs[FUZZ_PORTS] = {
		{ .name = "com.redhat.spice.0", .ops = &ops, .data = &fuzz.open[0] },
		{ .name = "second", .ops = &ops, .data = &fuzz.open[1] },
	};
	struct loop *loop = loop_create("fuzz");
	struct virtio_device *device = virtio_serial_create(loop, configs, FUZZ_PORTS);

	if (!device)
		fake_fail("no device");
	for (uint32_t i = 0; i < FUZZ_PORTS; i++)
		fuzz.ports[i] = virtio_serial_port(device, i);
	fuzz.guest = fake_guest_create(device, FAKE_LOOP_DISPATCHED);
}

static void fuzz_drain(void)
{
	struct fake_used used;

	fake_guest_run(fuzz.guest);
	for (uint16_t i = 0; i < FUZZ_QUEUES; i++)
		while (fake_queue_get_used(fake_guest_queue(fuzz.guest, i), &used))
			;
}

static size_t fuzz_owner(uint8_t what, const uint8_t *data, size_t left)
{
	static const uint8_t scratch[256 * 4096];
	struct virtio_serial_port *port = fuzz.ports[what >> 2 & 1];

	if (left == 0)
		return 0;
	switch (what & 3) {
	case 0:
		virtio_serial_port_set_open(port, data[0] & 1);
		break;
	case 1:
		virtio_serial_port_write(port, scratch, data[0] * 4096u);
		break;
	case 2:
		fuzz.room = data[0];
		virtio_serial_port_resume(port);
		break;
	default:
		fuzz.room = data[0];
		break;
	}
	return 1;
}

static void fuzz_send(struct fake_queue *queue, const uint8_t *bytes, uint32_t count)
{
	struct fake_buffer buffer = {
		.gpa = fake_memory_copy_in(fake_guest_memory(fuzz.guest), bytes, count),
		.bytes = count,
	};

	fake_queue_add(queue, &buffer, 1);
	fake_queue_kick_always(queue);
}

/* Well-formed, and so small in the input that the fuzzer comes upon those that mean something. */
static size_t fuzz_control(const uint8_t *data, size_t left)
{
	uint8_t message[8] = { 0 };

	if (left < 3)
		return left;
	message[0] = data[0];
	message[4] = data[1];
	message[6] = data[2];
	fuzz_send(fake_guest_queue(fuzz.guest, CONTROL_TRANSMIT), message, sizeof(message));
	return 3;
}

/* The number of input bytes used. */
static size_t fuzz_step(uint8_t what, uint8_t bytes, const uint8_t *data, size_t left)
{
	struct fake_queue *queue = fake_guest_queue(fuzz.guest, bytes % FUZZ_QUEUES);

	switch (what & 7) {
	case 0:
	case 1:
		return fuzz_control(data, left);
	case 2:
		if (bytes > left || bytes == 0)
			return 0;
		fuzz_send(queue, data, bytes);
		return bytes;
	case 3:
		fake_queue_add_writable(queue, (bytes + 1u) * 512, NULL);
		fake_queue_kick_always(queue);
		return 0;
	case 4:
	case 5:
		if (bytes < UINT8_MAX)
			return fuzz_owner(bytes, data, left);
		fake_queue_publish(queue, what);
		return 0;
	default:
		fuzz_drain();
		return 0;
	}
}

/* A guest that has both ports open already: far into what chance alone seldom gets to. */
static void fuzz_connect(void)
{
	static const uint8_t messages[][3] = {
		{ 1, VIRTIO_CONSOLE_PORT_READY, 1 }, { 1, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ 2, VIRTIO_CONSOLE_PORT_READY, 1 }, { 2, VIRTIO_CONSOLE_PORT_OPEN, 1 },
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		fuzz_control(messages[i], sizeof(messages[i]));
	fuzz_drain();
	if (!fuzz.open[0] || !fuzz.open[1])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fuzz.guest)
		fuzz_create();
	fuzz.room = 0;
	for (uint32_t i = 0; i < FUZZ_PORTS; i++)
		virtio_serial_port_set_open(fuzz.ports[i], true);
	fake_memory_reset(fake_guest_memory(fuzz.guest));
	if (fake_guest_start(fuzz.guest, size & 1 ? 0 : FAKE_ALL_FEATURES) < 0)
		fake_fail("cannot start");
	if (size & 2)
		fuzz_connect();
	for (size_t i = 0; i + 2 <= size;) {
		size_t used = fuzz_step(data[i], data[i + 1], data + i + 2, size - i - 2);

		i += 2 + used;
	}
	fuzz_drain();
	fake_guest_stop(fuzz.guest);
	for (uint32_t i = 0; i < FUZZ_PORTS; i++)
		if (fuzz.open[i])
			abort();
	return 0;
}
