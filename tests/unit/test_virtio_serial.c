/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio_serial_rig.h"

#include <base/bytes.h>
#include <base/loop.h>
#include <errno.h>
#include <string.h>
#include <virtio/device.h>

/* --- life of a port ---------------------------------------------------------------------- */

static void test_config(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[8];

	assert_true(fake_guest_features(f->guest) >> VIRTIO_CONSOLE_F_MULTIPORT & 1);
	assert_false(fake_guest_features(f->guest) >> VIRTIO_CONSOLE_F_SIZE & 1);
	assert_int_equal(f->device->queue_count, 2 * (PORTS + 2));
	assert_int_equal(f->device->config_bytes, 8);
	fake_guest_read_config(f->guest, 0, bytes, 8);
	assert_int_equal(le32_load(bytes), 0);
	assert_int_equal(le32_load(bytes + 4), PORTS + 1);
	fake_guest_read_config(f->guest, 4, bytes, 1);
	assert_int_equal(bytes[0], PORTS + 1);
}

static void test_create_refuses(void **state)
{
	struct loop *loop = loop_create("test");
	char name[VIRTIO_SERIAL_NAME_BYTES + 1] = "";
	const struct virtio_serial_port_ops no_input = { .opened = owner_ops.opened };
	struct virtio_serial_port_config configs[VIRTIO_SERIAL_MAX_PORTS + 1];

	for (size_t i = 0; i < VIRTIO_SERIAL_MAX_PORTS + 1; i++)
		configs[i] = (struct virtio_serial_port_config){ .name = "name",
								 .ops = &owner_ops };
	assert_null(virtio_serial_create(loop, configs, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(virtio_serial_create(loop, configs, VIRTIO_SERIAL_MAX_PORTS + 1));
	configs[0].name = name;
	assert_null(virtio_serial_create(loop, configs, 1));
	memset(name, 'x', VIRTIO_SERIAL_NAME_BYTES);
	assert_null(virtio_serial_create(loop, configs, 1));
	name[VIRTIO_SERIAL_NAME_BYTES - 1] = '\0';
	configs[0].ops = &no_input;
	assert_null(virtio_serial_create(loop, configs, 1));
	configs[0].ops = &owner_ops;
	fake_guest_destroy(fake_guest_create(
		virtio_serial_create(loop, configs, VIRTIO_SERIAL_MAX_PORTS),
		FAKE_LOOP_DISPATCHED));
	loop_destroy(loop);
}

static void test_open_and_close(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];

	connect_port(f);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(owner->opens, 1);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	assert_int_equal(owner->closes, 1);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(owner->opens, 2);
	assert_int_equal(f->owners[1].opens, 0);
	set_host_open(f, 0, true);
	expect_no_control(f);
	set_host_open(f, 0, false);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
}

static void test_host_is_open_first(void **state)
{
	struct fixture *f = *state;

	set_host_open(f, 1, true);
	probe(f);
}

/* The guest has no buffers: a close that was in between is not swallowed, and nothing piles up. */
static void test_messages_wait(void **state)
{
	struct fixture *f = *state;

	send_control(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (int i = 0; i < 1000; i++)
		send_control(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	for (int i = 0; i < 1000; i++) {
		set_host_open(f, 0, true);
		set_host_open(f, 0, false);
	}
	set_host_open(f, 0, true);
	give_control_buffers(f, 16, BUFFER_BYTES);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "com.redhat.spice.0");
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	expect_control(f, 2, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_no_control(f);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];

	connect_port(f);
	restart_guest(f);
	assert_int_equal(owner->closes, 1);
	assert_int_equal(f->owners[1].closes, 0);
	assert_int_equal(virtio_serial_port_write(owner->port, "x", 1), 0);
	/* The host's end stays open. */
	probe(f);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(owner->opens, 2);
}

/* A driver that starts anew without a reset, and one that gives up. */
static void test_new_driver(void **state)
{
	struct fixture *f = *state;

	connect_port(f);
	send_control(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_int_equal(f->owners[0].closes, 1);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_control(f, 2, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_READY, 0);
	send_control(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 0);
	expect_no_control(f);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(f->owners[0].opens, 1);
}

/* A guest that wakes from sleep resets the device and knows its ports. */
static void test_resume_from_sleep(void **state)
{
	struct fixture *f = *state;

	connect_port(f);
	restart_guest(f);
	give_control_buffers(f, 16, BUFFER_BYTES);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "com.redhat.spice.0");
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	assert_int_equal(f->owners[0].opens, 2);
}

static void test_detach(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];

	connect_port(f);
	owner->room = 0;
	transmit(f, TRANSMIT(1), "abc", 3);
	virtio_serial_port_detach(owner->port);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	owner->room = PLENTY;
	transmit(f, TRANSMIT(1), "def", 3);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, TRANSMIT(1))), 2);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(owner->count, 0);
	assert_int_equal(owner->opens, 1);
	assert_int_equal(owner->closes, 0);
}

/* --- bytes ------------------------------------------------------------------------------- */

static void test_output(void **state)
{
	struct fixture *f = *state;

	connect_port(f);
	transmit(f, TRANSMIT(1), "hello, ", 7);
	transmit(f, TRANSMIT(1), "world", 5);
	assert_int_equal(f->owners[0].count, 12);
	assert_memory_equal(f->owners[0].bytes, "hello, world", 12);
	assert_int_equal(f->owners[1].count, 0);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, TRANSMIT(1))), 2);
}

/* The guest waits while the owner is full; no byte is lost nor comes twice. */
static void test_output_waits(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];
	struct fake_queue *queue = fake_guest_queue(f->guest, TRANSMIT(1));
	static uint8_t bytes[100000];

	connect_port(f);
	fill_pattern(bytes, sizeof(bytes));
	owner->room = 10;
	transmit(f, TRANSMIT(1), bytes, 60000);
	transmit(f, TRANSMIT(1), bytes + 60000, 40000);
	assert_int_equal(owner->count, 10);
	fake_queue_kick_always(queue);
	fake_guest_run(f->guest);
	assert_int_equal(owner->count, 10);
	assert_int_equal(fake_queue_used_count(queue), 0);
	while (owner->count < sizeof(bytes)) {
		size_t before = owner->count;

		owner->room = 7001;
		virtio_serial_port_resume(owner->port);
		fake_guest_run(f->guest);
		assert_true(owner->count > before);
	}
	assert_memory_equal(owner->bytes, bytes, sizeof(bytes));
	assert_int_equal(fake_queue_used_count(queue), 2);
}

/* Many more chains than one turn of the loop takes. */
static void test_output_in_turns(void **state)
{
	struct fixture *f = *state;
	struct fake_queue *queue = fake_guest_queue(f->guest, TRANSMIT(1));
	static uint8_t bytes[900000];
	struct fake_buffer buffer = { .bytes = sizeof(bytes) };

	connect_port(f);
	fill_pattern(bytes, sizeof(bytes));
	buffer.gpa = fake_memory_copy_in(fake_guest_memory(f->guest), bytes, sizeof(bytes));
	assert_true(fake_queue_add(queue, &buffer, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	assert_int_equal(f->owners[0].count, sizeof(bytes));
	assert_memory_equal(f->owners[0].bytes, bytes, sizeof(bytes));
	assert_int_equal(fake_queue_used_count(queue), 1);
}

/* Nobody listens: the guest is not held up, and nobody hears of it later. */
static void test_output_to_nobody(void **state)
{
	struct fixture *f = *state;

	probe(f);
	transmit(f, TRANSMIT(1), "one", 3);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	transmit(f, TRANSMIT(1), "two", 3);
	transmit(f, 1, "port 0", 6);
	set_host_open(f, 0, true);
	transmit(f, TRANSMIT(1), "three", 5);
	assert_int_equal(f->owners[0].count, 5);
	assert_memory_equal(f->owners[0].bytes, "three", 5);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, TRANSMIT(1))), 3);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, 1)), 1);
}

/* Opened, written and closed before the device looks, in whatever order it does. */
static void test_output_order(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];
	struct fake_queue *control = fake_guest_queue(f->guest, CONTROL_TRANSMIT);
	struct fake_queue *queue = fake_guest_queue(f->guest, TRANSMIT(1));
	struct fake_memory *memory = fake_guest_memory(f->guest);
	struct fake_buffer message = { .bytes = 8 }, output = { .bytes = 5 };
	uint8_t bytes[8] = { 1, 0, 0, 0, VIRTIO_CONSOLE_PORT_OPEN, 0, 1, 0 };

	probe(f);
	set_host_open(f, 0, true);
	message.gpa = fake_memory_copy_in(memory, bytes, 8);
	output.gpa = fake_memory_copy_in(memory, "early", 5);
	assert_true(fake_queue_add(control, &message, 1) >= 0);
	assert_true(fake_queue_add(queue, &output, 1) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(f->guest);
	assert_int_equal(owner->opens, 1);
	assert_int_equal(owner->count, 5);
	bytes[6] = 0;
	message.gpa = fake_memory_copy_in(memory, bytes, 8);
	assert_true(fake_queue_add(queue, &output, 1) >= 0);
	assert_true(fake_queue_add(control, &message, 1) >= 0);
	fake_queue_kick_always(control);
	fake_guest_run(f->guest);
	assert_int_equal(owner->closes, 1);
	assert_int_equal(owner->count, 10);
}

/* What was held for a full owner does not come out of the next open. */
static void test_close_drops_output(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];

	connect_port(f);
	owner->room = 1;
	transmit(f, TRANSMIT(1), "abc", 3);
	transmit(f, TRANSMIT(1), "def", 3);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, TRANSMIT(1))), 2);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	owner->room = PLENTY;
	virtio_serial_port_resume(owner->port);
	transmit(f, TRANSMIT(1), "new", 3);
	assert_int_equal(owner->count, 4);
	assert_memory_equal(owner->bytes, "anew", 4);
}

static void test_owner_calls_back(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];
	char got[8];

	connect_port(f);
	owner->room = 2;
	owner->resume_on_input = true;
	transmit(f, TRANSMIT(1), "abcdef", 6);
	assert_int_equal(owner->count, 2);
	owner->room = PLENTY;
	virtio_serial_port_resume(owner->port);
	assert_int_equal(owner->count, 6);
	owner->resume_on_input = false;
	owner->close_on_input = true;
	transmit(f, TRANSMIT(1), "gh", 2);
	transmit(f, TRANSMIT(1), "ij", 2);
	assert_int_equal(owner->count, 8);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	assert_int_equal(fake_queue_used_count(fake_guest_queue(f->guest, TRANSMIT(1))), 3);
	owner->echo_on_open = true;
	set_host_open(f, 0, true);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(receive(f, got, sizeof(got)), 2);
	assert_memory_equal(got, "hi", 2);
}

static void test_input(void **state)
{
	struct fixture *f = *state;
	char got[9] = "";

	probe(f);
	assert_int_equal(virtio_serial_port_write(f->owners[0].port, "x", 1), 0);
	set_host_open(f, 0, true);
	assert_int_equal(virtio_serial_port_write(f->owners[0].port, "x", 1), 0);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(virtio_serial_port_write(f->owners[0].port, "abc", 3), 3);
	assert_int_equal(receive(f, got, 8), 3);
	assert_string_equal(got, "abc");
	assert_int_equal(virtio_serial_port_write(f->owners[0].port, "", 0), 0);
	assert_int_equal(f->owners[0].writables, 0);
}

/* More than the guest's buffers and the backlog hold: the owner is told when it may go on. */
static void test_input_waits(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];
	static uint8_t bytes[100000], got[100000];
	size_t written, total = 0;

	connect_port(f);
	fill_pattern(bytes, sizeof(bytes));
	written = virtio_serial_port_write(owner->port, bytes, sizeof(bytes));
	assert_int_equal(written, VIRTIO_SERIAL_BACKLOG_BYTES);
	assert_int_equal(virtio_serial_port_write(owner->port, bytes, 1), 0);
	while (total < sizeof(bytes)) {
		unsigned int told = owner->writables;

		/* Not before there is room for more. */
		assert_true(told == 0 || written == sizeof(bytes));
		total += receive(f, got + total, 3000 < sizeof(got) - total
						 ? 3000 : (uint32_t)(sizeof(got) - total));
		if (owner->writables == 0)
			continue;
		owner->writables = 0;
		written += virtio_serial_port_write(owner->port, bytes + written,
						    sizeof(bytes) - written);
	}
	assert_int_equal(written, sizeof(bytes));
	assert_memory_equal(got, bytes, sizeof(bytes));
}

static void test_close_drops_input(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = &f->owners[0];
	char got[9] = "";

	connect_port(f);
	assert_int_equal(virtio_serial_port_write(owner->port, "old", 3), 3);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(virtio_serial_port_write(owner->port, "mid", 3), 3);
	set_host_open(f, 0, false);
	set_host_open(f, 0, true);
	assert_int_equal(virtio_serial_port_write(owner->port, "new", 3), 3);
	assert_int_equal(receive(f, got, 8), 3);
	assert_string_equal(got, "new");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config),
		cmocka_unit_test(test_create_refuses),
		TEST(test_open_and_close),
		TEST(test_host_is_open_first),
		TEST(test_messages_wait),
		TEST(test_reset),
		TEST(test_new_driver),
		TEST(test_resume_from_sleep),
		TEST(test_detach),
		TEST(test_output),
		TEST(test_output_waits),
		TEST(test_output_in_turns),
		TEST(test_output_to_nobody),
		TEST(test_output_order),
		TEST(test_close_drops_output),
		TEST(test_owner_calls_back),
		TEST(test_input),
		TEST(test_input_waits),
		TEST(test_close_drops_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
