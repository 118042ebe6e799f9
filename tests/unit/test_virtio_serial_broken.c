/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio_serial_rig.h"

static void test_broken_messages(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, CONTROL_TRANSMIT);
	uint8_t bytes[64] = { 1, 0, 0, 0, VIRTIO_CONSOLE_PORT_OPEN, 0, 1, 0 };

	probe(f);
	for (size_t count = 1; count <= sizeof(bytes); count++)
		if (count != 8)
			assert_int_equal(fake_queue_request(queue, bytes, count, NULL, 0), 0);
	/* Only room to write: nothing was said. */
	assert_int_equal(fake_queue_request(queue, NULL, 0, bytes, 8), 0);
	for (uint32_t id = 0; id < 0x10000; id += id < 8 ? 1 : 997)
		if (id != 1 && id != 2)
			for (uint16_t event = 1; event < 9; event++)
				send_control(f, id, event, 1);
	send_control(f, UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	send_control(f, 0x80000001, VIRTIO_CONSOLE_PORT_READY, 1);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 2);
	send_control(f, 1, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
	send_control(f, 1, VIRTIO_CONSOLE_RESIZE, 1);
	send_control(f, 1, UINT16_MAX, 1);
	expect_no_control(f);
	assert_int_equal(f->owners[0].opens, 0);
	assert_int_equal(f->owners[1].opens, 0);
	assert_int_equal(fake_guest_needs_resets(f->guest), 0);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(f->owners[0].opens, 1);
}

/* A port that was never added cannot be opened. */
static void test_open_before_ready(void **state)
{
	struct fixture *f = *state;

	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(f->owners[0].opens, 0);
}

/* Buffers in which no message fits swallow none. */
static void test_short_control_buffers(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, CONTROL_RECEIVE);
	struct fake_used used;

	send_control(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	send_control(f, 2, VIRTIO_CONSOLE_PORT_READY, 1);
	give_control_buffers(f, 20, 7);
	for (int i = 0; i < 20; i++) {
		assert_true(fake_queue_get_used(queue, &used));
		assert_int_equal(used.bytes, 0);
	}
	f->control_first = f->control_count = 0;
	give_control_buffers(f, 16, BUFFER_BYTES);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_control(f, 2, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_control(f, 2, VIRTIO_CONSOLE_PORT_NAME, 1, "second");
	expect_no_control(f);
}

/* Readable receive buffers, writable or empty transmit buffers: back at once, no byte lost. */
static void test_wrong_direction(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, RECEIVE(1));
	struct fake_buffer buffer = { .bytes = 8 };
	struct fake_used used;
	char got[9] = "";

	connect_port(f);
	buffer.gpa = fake_memory_alloc(fake_guest_memory(f->guest), 8, 8);
	assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	assert_int_equal(virtio_serial_port_write(f->owners[0].port, "abc", 3), 3);
	assert_true(fake_queue_get_used(queue, &used));
	assert_int_equal(used.bytes, 0);
	assert_int_equal(receive(f, got, 8), 3);
	assert_string_equal(got, "abc");
	assert_int_equal(fake_queue_request(fake_guest_queue(f->guest, TRANSMIT(1)), NULL, 0, got,
					    8), 0);
	assert_int_equal(f->owners[0].count, 0);
}

/* Buffers outside of RAM, on every queue: the device asks for a reset and works after it. */
static void test_outside_ram(void **state)
{
	struct fixture *f = *state;
	const struct fake_buffer buffer = { .gpa = FAKE_MEMORY_HOLE, .bytes = 64 };
	const struct fake_buffer writable = { .gpa = UINT64_MAX - 8, .bytes = 64,
					      .writable = true };

	for (uint16_t index = 0; index < 2 * (PORTS + 2); index++) {
		unsigned int resets = fake_guest_needs_resets(f->guest);
		struct fake_queue *queue = fake_guest_queue(f->guest, index);

		connect_port(f);
		set_host_open(f, 1, true);
		send_control(f, 2, VIRTIO_CONSOLE_PORT_OPEN, 1);
		for (int i = 0; i < 16; i++)
			assert_true(fake_queue_add(queue, index % 2 ? &buffer : &writable, 1) >= 0);
		fake_queue_kick_always(queue);
		fake_guest_run(f->guest);
		virtio_serial_port_write(f->owners[0].port, "abc", 3);
		virtio_serial_port_write(f->owners[1].port, "abc", 3);
		set_host_open(f, 1, false);
		/* Port 0 gets nothing; the control queue has good buffers left. */
		if (index != 0 && index != CONTROL_RECEIVE)
			assert_int_equal(fake_guest_needs_resets(f->guest), resets + 1);
		restart_guest(f);
		set_host_open(f, 0, false);
		f->owners[0].opens = 0;
	}
	connect_port(f);
}

static void test_stop_with_all_in_flight(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];
	static uint8_t bytes[100000];

	connect_port(f);
	owner->room = 100;
	transmit(f, TRANSMIT(1), bytes, sizeof(bytes));
	virtio_serial_port_write(owner->port, bytes, sizeof(bytes));
	restart_guest(f);
	virtio_serial_port_resume(owner->port);
	owner->room = PLENTY;
	owner->count = 0;
	owner->opens = 0;
	set_host_open(f, 0, false);
	connect_port(f);
	transmit(f, TRANSMIT(1), "new", 3);
	assert_int_equal(owner->count, 3);
	assert_memory_equal(owner->bytes, "new", 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_broken_messages),
		TEST(test_open_before_ready),
		TEST(test_short_control_buffers),
		TEST(test_wrong_direction),
		TEST(test_outside_ram),
		TEST(test_stop_with_all_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
