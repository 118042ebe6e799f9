/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client, io loop and guest on threads of their own: every key pushed reaches the guest. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <cmocka.h>
#include <input/router.h>
#include <input/source_ring.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <linux/input-event-codes.h>

#include "input_guest.h"

#define TAPS 500

struct client {
	struct segment *segment;
	int doorbell;
	int result;
};

static int client_push(struct client *client, struct ring_writer *writer, int32_t value)
{
	const struct input_record record = { .type = INPUT_KEY, .code = KEY_A, .value = value };
	int result = ring_writer_push(writer, &record);

	doorbell_eventfd_ring(client->doorbell);
	return result;
}

static void *client_run(void *data)
{
	struct client *client = data;
	struct ring_writer *writer = ring_writer_create(client->segment);

	client->result = ring_writer_acquire(writer, clock_now_ns());
	for (int i = 0; i < TAPS && client->result == 0; i++) {
		client->result = client_push(client, writer, 1);
		if (client->result == 0)
			client->result = client_push(client, writer, 0);
		usleep(200);
	}
	ring_writer_destroy(writer);
	return NULL;
}

/* Takes one event with its SYN and gives the buffers back; "key 30 1; " or the like. */
static const char *take_report(struct input_guest *keyboard)
{
	struct fake_used used;

	keyboard->text[0] = '\0';
	for (int i = 0; i < 2; i++) {
		if (!fake_queue_wait_used(keyboard->events, &used))
			return "nothing came";
		input_guest_take(keyboard, &used);
		input_guest_give(keyboard, 1);
	}
	return keyboard->text;
}

static void start_source(void *data)
{
	input_source_start(data);
}

static void destroy_source(void *data)
{
	input_source_destroy(data);
}

static void test_every_key_arrives(void **state)
{
	const struct segment_config segment_config = { .name = "test", .slot_bytes = 1228800 };
	struct loop *loop = loop_create("io");
	struct segment *segment = segment_create_memfd(&segment_config);
	struct client client = { .segment = segment, .doorbell = doorbell_eventfd_create() };
	struct input_guest keyboard;
	struct input_router *router;
	struct input_source *source;
	pthread_t thread;

	input_guest_init(&keyboard, loop, VIRTIO_INPUT_KEYBOARD, FAKE_LOOP_THREADED);
	router = input_router_create(&(struct input_router_config){ .keyboard = keyboard.device });
	source = input_source_ring_create(&(struct input_source_ring_config){
		.loop = loop, .segment = segment, .router = router,
		.doorbell_fd = client.doorbell });
	assert_non_null(source);
	assert_int_equal(loop_start(loop), 0);
	input_guest_start(&keyboard);
	input_guest_give(&keyboard, 64);
	fake_guest_call(keyboard.guest, start_source, source);

	assert_int_equal(pthread_create(&thread, NULL, client_run, &client), 0);
	for (int i = 0; i < TAPS; i++) {
		assert_string_equal(take_report(&keyboard), "key 30 1; ");
		assert_string_equal(take_report(&keyboard), "key 30 0; ");
	}
	pthread_join(thread, NULL);
	assert_int_equal(client.result, 0);

	fake_guest_call(keyboard.guest, destroy_source, source);
	input_guest_finish(&keyboard);
	loop_stop(loop);
	input_router_destroy(router);
	segment_destroy(segment);
	close(client.doorbell);
	loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
