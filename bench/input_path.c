/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long from a client's event to the used buffer in the guest's queue: a real ring writer, the
 * doorbell, the ring source on an io loop of its own, router and virtio-input; the guest is the
 * fake one and sleeps in poll() until its interrupt, so the figure has two thread wake-ups in it.
 */
#include "bench.h"

#include <base/clock.h>
#include <base/loop.h>
#include <errno.h>
#include <fake/guest.h>
#include <input/router.h>
#include <input/source_ring.h>
#include <input/virtio_input.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BENCH_WARM_UP 100
#define BENCH_PAUSE_US 1000      /* between events: every thread has gone to sleep again */
#define BENCH_EVENT_BUFFERS 64

struct bench {
	struct loop *loop;
	struct fake_guest *guest;
	struct fake_queue *events;
	struct input_router *router;
	struct input_source *source;
	struct segment *segment;
	struct ring_writer *writer;
	int doorbell;
};

static void bench_give_buffer(struct bench *bench, uint64_t gpa)
{
	const struct fake_buffer buffer = { gpa, sizeof(struct virtio_input_event), true };

	if (fake_queue_add(bench->events, &buffer, 1) < 0)
		fake_fail("the event queue is full");
	fake_queue_kick(bench->events);
}

static void bench_start_source(void *data)
{
	struct bench *bench = data;

	if (input_source_start(bench->source) < 0)
		fake_fail("the source does not start");
}

static void bench_destroy_source(void *data)
{
	struct bench *bench = data;

	input_source_destroy(bench->source);
	input_router_destroy(bench->router);
}

static void bench_init(struct bench *bench)
{
	const struct segment_config config = { .name = "bench", .slot_bytes = 640 * 480 * 4 };
	struct virtio_device *tablet;

	bench->loop = loop_create("io");
	tablet = virtio_input_create(bench->loop, VIRTIO_INPUT_TABLET, "tablet");
	bench->guest = fake_guest_create(tablet, FAKE_LOOP_THREADED);
	bench->router = input_router_create(&(struct input_router_config){ .tablet = tablet });
	bench->segment = segment_create_memfd(&config);
	bench->doorbell = doorbell_eventfd_create();
	bench->writer = bench->segment ? ring_writer_create(bench->segment) : NULL;
	if (!bench->writer || !bench->router || ring_writer_acquire(bench->writer, clock_now_ns()))
		fake_fail("no ring to write to: %m");
	bench->source = input_source_ring_create(&(struct input_source_ring_config){
		.loop = bench->loop, .segment = bench->segment, .router = bench->router,
		.doorbell_fd = bench->doorbell });
	if (!bench->source || loop_start(bench->loop) < 0 ||
	    fake_guest_start(bench->guest, FAKE_ALL_FEATURES) < 0)
		fake_fail("the device does not start: %m");
	bench->events = fake_guest_queue(bench->guest, 0);
	for (int i = 0; i < BENCH_EVENT_BUFFERS; i++)
		bench_give_buffer(bench, fake_memory_alloc(fake_guest_memory(bench->guest), 8, 8));
	fake_guest_call(bench->guest, bench_start_source, bench);
}

static void bench_finish(struct bench *bench)
{
	fake_guest_call(bench->guest, bench_destroy_source, bench);
	fake_guest_destroy(bench->guest);
	loop_stop(bench->loop);
	loop_destroy(bench->loop);
	ring_writer_destroy(bench->writer);
	segment_destroy(bench->segment);
	close(bench->doorbell);
}

/* The guest takes one event and checks it: of this type and value. */
static void bench_expect(struct bench *bench, uint16_t type, uint32_t value)
{
	struct virtio_input_event event;
	struct fake_used used;
	uint64_t gpa;

	if (!fake_queue_wait_used(bench->events, &used))
		fake_fail("no event within %d ms", FAKE_TIMEOUT_MS);
	gpa = bench->events->vring.desc[used.head].addr;
	fake_memory_read(fake_guest_memory(bench->guest), gpa, &event, sizeof(event));
	if (used.bytes != sizeof(event) || event.type != type || event.value != value)
		fake_fail("event type %u value %u, not %u %u", event.type, event.value, type,
			  value);
	bench_give_buffer(bench, gpa);
}

/* One pointer motion; nanoseconds until the guest has the first event of the report. */
static uint64_t bench_motion(struct bench *bench, uint16_t x)
{
	struct input_record record = { .type = INPUT_POINTER_ABS, .x = x, .y = x };
	uint64_t start_ns = clock_now_ns(), end_ns;

	record.time_ns = start_ns;
	if (ring_writer_push(bench->writer, &record) < 0)
		fake_fail("the ring takes nothing");
	doorbell_eventfd_ring(bench->doorbell);
	bench_expect(bench, EV_ABS, x);
	end_ns = clock_now_ns();
	bench_expect(bench, EV_ABS, x);
	bench_expect(bench, EV_SYN, 0);
	return end_ns - start_ns;
}

static void bench_print(uint64_t *samples_ns, size_t count, bool json)
{
	double p50_us = bench_percentile_us(samples_ns, count, 50);
	double p99_us = bench_percentile_us(samples_ns, count, 99);
	double max_us = (double)samples_ns[count - 1] / 1000; /* they are sorted now */

	if (json) {
		printf("{\"bench\":\"input_path\",\"samples\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,"
		       "\"max_us\":%.1f}\n", count, p50_us, p99_us, max_us);
		return;
	}
	printf("client event -> used buffer in the guest's queue\n");
	printf("%10s %10s %10s %10s\n", "samples", "p50 us", "p99 us", "max us");
	printf("%10zu %10.1f %10.1f %10.1f\n", count, p50_us, p99_us, max_us);
}

static int bench_run(size_t count, bool json)
{
	uint64_t *samples_ns = calloc(count, sizeof(*samples_ns));
	struct bench bench;

	if (!samples_ns)
		return 1;
	bench_init(&bench);
	for (size_t i = 0; i < count + BENCH_WARM_UP; i++) {
		uint64_t ns = bench_motion(&bench, (uint16_t)(i % 60000));

		if (i % 1000 == 999)
			ring_writer_beat(bench.writer);
		if (i >= BENCH_WARM_UP)
			samples_ns[i - BENCH_WARM_UP] = ns;
		usleep(BENCH_PAUSE_US);
	}
	bench_finish(&bench);
	bench_print(samples_ns, count, json);
	free(samples_ns);
	return 0;
}

struct bench_config {
	bool json;
	uint32_t samples;
};

static const struct option_def bench_options[] = {
	{ "json", OPTION_BOOL, offsetof(struct bench_config, json), .help = "one JSON object" },
	{ "samples", OPTION_UINT, offsetof(struct bench_config, samples), 1, 1000000,
	  .help = "motions of the pointer (2000)" },
};

int main(int argc, char **argv)
{
	struct bench_config config = { .samples = 2000 };
	int status;

	status = bench_options_parse(bench_options, sizeof(bench_options) / sizeof(*bench_options),
				     &config, argc, argv);
	return status == BENCH_GO_ON ? bench_run(config.samples, config.json) : status;
}
