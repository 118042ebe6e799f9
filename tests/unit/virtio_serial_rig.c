/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio_serial_rig.h"

#include <base/bytes.h>
#include <base/loop.h>
#include <string.h>
#include <virtio/device.h>

static void owner_opened(void *data, bool guest_open)
{
	struct owner *owner = data;

	assert_int_equal(virtio_serial_port_is_open(owner->port), guest_open);
	if (guest_open)
		owner->opens++;
	else
		owner->closes++;
	if (guest_open && owner->echo_on_open)
		assert_int_equal(virtio_serial_port_write(owner->port, "hi", 2), 2);
}

static size_t owner_input(void *data, const uint8_t *bytes, size_t count)
{
	struct owner *owner = data;
	size_t taken = count < owner->room ? count : owner->room;

	assert_true(count > 0);
	assert_true(taken <= sizeof(owner->bytes) - owner->count);
	memcpy(owner->bytes + owner->count, bytes, taken);
	owner->count += taken;
	owner->room -= taken;
	if (owner->close_on_input)
		virtio_serial_port_set_open(owner->port, false);
	if (owner->resume_on_input)
		virtio_serial_port_resume(owner->port);
	return taken;
}

static void owner_writable(void *data)
{
	struct owner *owner = data;

	owner->writables++;
}

const struct virtio_serial_port_ops owner_ops = {
	.opened = owner_opened,
	.input = owner_input,
	.writable = owner_writable,
};

int setup(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;
	const struct virtio_serial_port_config configs[PORTS] = {
		{ .name = "com.redhat.spice.0", .ops = &owner_ops, .data = &f->owners[0] },
		{ .name = "second", .ops = &owner_ops, .data = &f->owners[1] },
	};

	memset(f, 0, sizeof(*f));
	f->loop = loop_create("test");
	f->device = virtio_serial_create(f->loop, configs, PORTS);
	assert_non_null(f->device);
	for (uint32_t i = 0; i < PORTS; i++) {
		f->owners[i].port = virtio_serial_port(f->device, i);
		f->owners[i].room = PLENTY;
	}
	f->guest = fake_guest_create(f->device, FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
	*state = f;
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	fake_guest_destroy(f->guest);
	loop_destroy(f->loop);
	return 0;
}

/* --- the guest's driver ------------------------------------------------------------------ */

void give_control_buffers(struct fixture *f, unsigned int count, uint32_t bytes)
{
	struct fake_queue *queue = fake_guest_queue(f->guest, CONTROL_RECEIVE);

	while (count-- > 0) {
		unsigned int slot = (f->control_first + f->control_count++) % 64;

		assert_true(fake_queue_add_writable(queue, bytes, &f->control_gpas[slot]) >= 0);
	}
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
}

void send_control(struct fixture *f, uint32_t id, uint16_t event, uint16_t value)
{
	uint8_t bytes[sizeof(struct virtio_console_control)];

	le32_store(bytes, id);
	le16_store(bytes + 4, event);
	le16_store(bytes + 6, value);
	assert_int_equal(fake_queue_request(fake_guest_queue(f->guest, CONTROL_TRANSMIT), bytes,
					    sizeof(bytes), NULL, 0), 0);
}

void expect_control(struct fixture *f, uint32_t id, uint16_t event, uint16_t value,
		    const char *name)
{
	struct fake_queue *queue = fake_guest_queue(f->guest, CONTROL_RECEIVE);
	uint8_t bytes[BUFFER_BYTES];
	size_t name_bytes = name ? strlen(name) : 0;
	struct fake_used used;

	assert_true(fake_queue_wait_used(queue, &used));
	assert_int_equal(used.bytes, sizeof(struct virtio_console_control) + name_bytes);
	fake_memory_read(fake_guest_memory(f->guest), f->control_gpas[f->control_first], bytes,
			 used.bytes);
	f->control_first = (f->control_first + 1) % 64;
	f->control_count--;
	assert_int_equal(le32_load(bytes), id);
	assert_int_equal(le16_load(bytes + 4), event);
	assert_int_equal(le16_load(bytes + 6), value);
	if (name)
		assert_memory_equal(bytes + 8, name, name_bytes);
}

void expect_no_control(struct fixture *f)
{
	fake_guest_run(f->guest);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, CONTROL_RECEIVE)), 0);
}

void set_host_open(struct fixture *f, unsigned int index, bool open)
{
	f->owners[index].host_open = open;
	virtio_serial_port_set_open(f->owners[index].port, open);
}

void probe(struct fixture *f)
{
	static const char *const names[PORTS] = { "com.redhat.spice.0", "second" };

	give_control_buffers(f, 16, BUFFER_BYTES);
	send_control(f, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (uint32_t id = 1; id <= PORTS; id++)
		expect_control(f, id, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	for (uint32_t id = 1; id <= PORTS; id++) {
		send_control(f, id, VIRTIO_CONSOLE_PORT_READY, 1);
		expect_control(f, id, VIRTIO_CONSOLE_PORT_NAME, 1, names[id - 1]);
		if (f->owners[id - 1].host_open)
			expect_control(f, id, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	}
	expect_no_control(f);
}

void connect_port(struct fixture *f)
{
	probe(f);
	set_host_open(f, 0, true);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(f->owners[0].opens, 1);
}

void restart_guest(struct fixture *f)
{
	fake_guest_stop(f->guest);
	f->control_first = f->control_count = 0;
	assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
}

void transmit(struct fixture *f, uint16_t queue_index, const void *bytes, size_t count)
{
	struct fake_queue *queue = fake_guest_queue(f->guest, queue_index);
	struct fake_buffer buffer = {
		.gpa = fake_memory_copy_in(fake_guest_memory(f->guest), bytes, count),
		.bytes = (uint32_t)count,
	};

	assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
}

size_t receive(struct fixture *f, void *to, uint32_t bytes)
{
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE(1));
	struct fake_used used;
	uint64_t gpa;

	assert_true(fake_queue_add_writable(queue, bytes, &gpa) >= 0);
	fake_queue_kick(queue);
	assert_true(fake_queue_wait_used(queue, &used));
	assert_in_range(used.bytes, 1, bytes);
	fake_memory_read(fake_guest_memory(f->guest), gpa, to, used.bytes);
	return used.bytes;
}

void fill_pattern(uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
}
