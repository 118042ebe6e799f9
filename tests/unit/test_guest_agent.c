/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's agent at its virtio-serial port, with the clipboard on a thread of its own: the port's
 * loop is run by the test.
 */
#include "virtio_serial_rig.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/loop.h>
#include <clipboard/clipboard.h>
#include <clipboard/guest_agent.h>

#include "clipboard_mock.h"
#include "vdagent_other.h"

#define WAIT_NS UINT64_C(20000000000)
#define IMAGE_BYTES 300007
#define CAPS (1u << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND | 1u << VD_AGENT_CAP_CLIPBOARD_SELECTION |  \
	      1u << VD_AGENT_CAP_MONITORS_CONFIG)
#define TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define PNG VD_AGENT_CLIPBOARD_IMAGE_PNG

static struct fixture fixture;
static struct fixture *const f = &fixture;
static struct loop *main_loop;
static struct clipboard *clipboard;
static struct clipboard_mock mock;
static struct guest_agent *agent;
static struct vdagent_other other;
static uint8_t image[IMAGE_BYTES];

/* ---- on main ---- */

static void open_main(void *data)
{
	const struct vdagent_monitor monitors[2] = { { 1280, 800 }, { 640, 480 } };

	clipboard = clipboard_create(main_loop);
	clipboard_mock_init(&mock, "mock");
	clipboard_join(clipboard, &mock.party);
	agent = guest_agent_create(main_loop, clipboard);
	guest_agent_init_monitors(agent, monitors, 2);
}

static void close_main(void *data)
{
	guest_agent_destroy(agent);
	clipboard_mock_finish(&mock);
	clipboard_destroy(clipboard);
}

static void do_grab(void *data)
{
	const uint32_t *types = data;

	clipboard_grab(&mock.party, *types);
}

static void do_request(void *data)
{
	const enum clipboard_type *type = data;

	clipboard_request(&mock.party, *type);
}

static void copy_text(void *data)
{
	snprintf(data, sizeof(mock.text), "%s", mock.text);
}

static void clear_text(void *data)
{
	mock.text[0] = 0;
}

static void stall(void *data)
{
	sem_t *semaphore = data;

	while (sem_wait(semaphore))
		;
}

/* ---- the guest's side ---- */

static void probe_agent(void)
{
	give_control_buffers(f, 16, BUFFER_BYTES);
	send_control(f, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "com.redhat.spice.0");
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
}

static void open_port(void)
{
	vdagent_other_finish(&other);
	vdagent_other_init(&other);
	other.selections = true;
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void speak(void)
{
	while (other.writer.backlog) {
		size_t count;
		const uint8_t *bytes = vdagent_writer_peek(&other.writer, &count);

		transmit(f, TRANSMIT(1), bytes, count);
		vdagent_writer_take(&other.writer, count);
	}
}

static void say(uint32_t type, uint32_t words, const uint32_t *values)
{
	vdagent_other_say(&other, VDP_CLIENT_PORT, type, words, values, NULL, 0);
	speak();
}

static void say_data(uint32_t type, const void *bytes, size_t count)
{
	vdagent_other_say(&other, VDP_CLIENT_PORT, VD_AGENT_CLIPBOARD, OTHER_WORDS(0, type), bytes,
			  count);
	speak();
}

static void expect_heard(const char *expected)
{
	uint8_t bytes[4096];

	while (strlen(other.text) < strlen(expected))
		vdagent_other_hear(&other, bytes, receive(f, bytes, sizeof(bytes)));
	assert_string_equal(other.text, expected);
	other.text[0] = 0;
}

/* What the other party is told, in time. */
static void expect_told(const char *expected)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	char text[sizeof(mock.text)];

	do {
		fake_guest_run(f->guest);
		loop_dispatch(f->loop, 1);
		loop_call(main_loop, copy_text, text);
	} while (strlen(text) < strlen(expected) && clock_now_ns() < end_ns);
	assert_string_equal(text, expected);
	loop_call(main_loop, clear_text, NULL);
}

static void grab(uint32_t types)
{
	loop_call(main_loop, do_grab, &types);
}

static void request(enum clipboard_type type)
{
	loop_call(main_loop, do_request, &type);
}

static void meet(void)
{
	open_port();
	expect_heard("announce 1 65634; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, CAPS));
}

static int open_all(void **state)
{
	struct virtio_serial_port_config config;

	memset(f, 0, sizeof(*f));
	fill_pattern(image, sizeof(image));
	main_loop = loop_create("main");
	assert_int_equal(loop_start(main_loop), 0);
	loop_call(main_loop, open_main, NULL);
	assert_non_null(agent);
	f->loop = loop_create("io");
	config = guest_agent_port_config(agent);
	f->device = virtio_serial_create(f->loop, &config, 1);
	assert_non_null(f->device);
	assert_int_equal(guest_agent_attach(agent, virtio_serial_port(f->device, 0), f->loop), 0);
	f->guest = fake_guest_create(f->device, FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
	vdagent_other_init(&other);
	probe_agent();
	return 0;
}

static int close_all(void **state)
{
	guest_agent_detach(agent);
	loop_call(main_loop, close_main, NULL);
	loop_stop(main_loop);
	loop_destroy(main_loop);
	fake_guest_destroy(f->guest);
	loop_destroy(f->loop);
	vdagent_other_finish(&other);
	return 0;
}

/* ---- tests ---- */

static void test_both_ways(void **state)
{
	meet();
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect_told("grabbed 1; ");
	request(CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	say_data(TEXT, "from the guest", 14);
	expect_told("'from the guest' 0; ");
	mock.answer = "to the guest";
	mock.answer_bytes = 12;
	grab(3);
	expect_heard("grab 1 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	expect_heard("data 1 'to the guest'; ");
	expect_told("wanted 0; ");
}

static void test_images(void **state)
{
	meet();
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, PNG));
	expect_told("grabbed 2; ");
	request(CLIPBOARD_PNG);
	expect_heard("request 2; ");
	say_data(PNG, image, sizeof(image));
	expect_told("(300007) 1; ");
	assert_memory_equal(mock.bytes, image, sizeof(image));
	mock.answer = image;
	mock.answer_bytes = sizeof(image);
	grab(2);
	expect_heard("grab 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, PNG));
	expect_heard("data 2 (300007); ");
	assert_memory_equal(other.body, image, sizeof(image));
}

/* Main has other work: the guest waits, and loses nothing. */
static void test_main_is_busy(void **state)
{
	sem_t semaphore;

	sem_init(&semaphore, 0, 0);
	meet();
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, PNG));
	expect_told("grabbed 2; ");
	request(CLIPBOARD_PNG);
	expect_heard("request 2; ");
	assert_int_equal(loop_post(main_loop, stall, &semaphore), 0);
	say_data(PNG, image, sizeof(image));
	assert_true(fake_queue_used_count(fake_guest_queue(f->guest, TRANSMIT(1))) <
		    fake_guest_queue(f->guest, TRANSMIT(1))->next_avail);
	sem_post(&semaphore);
	expect_told("(300007) 1; ");
	assert_memory_equal(mock.bytes, image, sizeof(image));
	sem_destroy(&semaphore);
}

/* In the middle of both directions. */
static void test_reboot(void **state)
{
	static const uint8_t half[14] = { VDP_CLIENT_PORT, 0, 0, 0, 200, [8] = VD_AGENT_PROTOCOL,
					  [12] = VD_AGENT_CLIPBOARD };
	uint8_t some[1000];

	for (int round = 0; round < 5; round++) {
		meet();
		mock.answer = image;
		mock.answer_bytes = sizeof(image);
		grab(2);
		expect_heard("grab 2; ");
		say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, PNG));
		receive(f, some, sizeof(some));
		expect_told("wanted 1; ");
		say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
		transmit(f, TRANSMIT(1), half, sizeof(half));
		restart_guest(f);
		probe_agent();
		meet();
		/* Its own copy came behind an answer that it did not take, and went unread. */
		expect_heard("grab 2; ");
		grab(0);
		expect_heard("release; ");
		send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
		loop_call(main_loop, clear_text, NULL);
	}
}

static void test_agent_goes(void **state)
{
	meet();
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect_told("grabbed 1; ");
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	expect_told("released 0; ");
	grab(1);
	meet();
	expect_heard("grab 1; ");
	/* Our side goes while the guest's agent is there. */
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect_told("grabbed 1; ");
	guest_agent_detach(agent);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	expect_told("released 0; ");
}

/* No vdagent: the guest finds the port closed until it has closed its own end. */
static void test_hang_up(void **state)
{
	meet();
	transmit(f, TRANSMIT(1), "GET / HTTP/1.0\r\n\r\n", 18);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	transmit(f, TRANSMIT(1), "Host: localhost\r\n", 17);
	expect_no_control(f);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	expect_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	meet();
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect_told("grabbed 1; ");
}

static void *set_sizes(void *data)
{
	for (uint32_t i = 1; i <= 2000; i++)
		guest_agent_set_monitor(agent, 0, i, 2 * i);
	guest_agent_set_monitor(agent, VDAGENT_MAX_MONITORS, 1, 1);
	return NULL;
}

/* Sizes that nobody has asked for are not told; then all are, the last ones at least. */
static void test_sizes(void **state)
{
	pthread_t thread;
	uint8_t bytes[4096];

	meet();
	mock.answer = "x";
	mock.answer_bytes = 1;
	grab(1);
	expect_heard("grab 1; ");
	assert_int_equal(pthread_create(&thread, NULL, set_sizes, NULL), 0);
	while (!strstr(other.text, "monitors 2 0 4000 2000 32 0 0 480 640 32 2000 0; ")) {
		char *last = strrchr(other.text, 'm');

		vdagent_other_hear(&other, bytes, receive(f, bytes, sizeof(bytes)));
		/* The text is short. */
		if (last && last != other.text)
			memmove(other.text, last, strlen(last) + 1);
	}
	pthread_join(thread, NULL);
	send_control(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	meet();
	expect_heard("monitors 2 0 4000 2000 32 0 0 480 640 32 2000 0; grab 1; ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_ways), TEST(test_images), TEST(test_main_is_busy), TEST(test_reboot),
		TEST(test_agent_goes), TEST(test_hang_up), TEST(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
