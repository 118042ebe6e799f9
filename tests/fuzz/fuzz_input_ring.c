/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client whose input section is the fuzzer's bytes: owner, beat, head, tail and records; between
 * drains, on a real source, router and device with a guest that is short of buffers.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <base/log.h>
#include <base/loop.h>
#include <fake/guest.h>
#include <input/router.h>
#include <input/source_ring.h>
#include <input/virtio_input.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <string.h>

struct fuzz {
	struct loop *loop;
	struct fake_guest *guests[3];
	struct input_router *router;
	struct segment *segment;
	struct input_section *section;
	int doorbell;
};

static void fuzz_display_size(void *data, uint32_t scanout, uint32_t width, uint32_t height)
{
	if (scanout >= SEGMENT_MAX_SCANOUTS || width > INPUT_MAX_DISPLAY_EXTENT ||
	    height > INPUT_MAX_DISPLAY_EXTENT || !width != !height)
		abort();
}

static void fuzz_ignore(void *data)
{
}

static void fuzz_init(struct fuzz *fuzz)
{
	const struct segment_config config = { .name = "fuzz", .slot_bytes = 1228800 };
	struct virtio_device *devices[3];

	setenv("VITRINE_LOG", "error", 1);
	log_init(NULL);
	fuzz->loop = loop_create("fuzz");
	for (int i = 0; i < 3; i++) {
		devices[i] = virtio_input_create(fuzz->loop, (enum virtio_input_kind)i, "fuzz");
		fuzz->guests[i] = fake_guest_create(devices[i], FAKE_LOOP_DISPATCHED);
		fake_guest_set_queue_size(fuzz->guests[i], 0, 8);
	}
	fuzz->router = input_router_create(&(struct input_router_config){
		.keyboard = devices[0], .tablet = devices[1], .mouse = devices[2] });
	fuzz->segment = segment_create_memfd(&config);
	if (!fuzz->router || !fuzz->segment)
		abort();
	fuzz->section = segment_find(fuzz->segment, SEGMENT_SECTION_INPUT, 0, NULL);
	fuzz->doorbell = doorbell_eventfd_create();
}

/* The guest gives back what it got, and a few more buffers. */
static void fuzz_refill(struct fake_guest *guest, unsigned int count)
{
	struct fake_queue *events = fake_guest_queue(guest, 0);
	struct fake_used used;

	while (fake_queue_get_used(events, &used))
		if (used.bytes != 8)
			abort();
	while (count-- && fake_queue_add_writable(events, 8, NULL) >= 0)
		;
	fake_queue_kick(events);
}

/* Small numbers where small numbers are valid, so that records pass the checks often. */
static void fuzz_record(struct byte_reader *reader, struct input_record *record)
{
	uint8_t raw[8];

	byte_reader_get(reader, raw, sizeof(raw));
	*record = (struct input_record){
		.type = raw[0] & 15,
		.scanout = raw[0] >> 4,
		.code = (uint32_t)raw[1] | (uint32_t)(raw[2] & 7) << 8,
		.value = (int8_t)raw[3] >> 4,
		.x = (int32_t)((uint32_t)raw[4] << (raw[5] & 31)),
		.y = (int32_t)((uint32_t)raw[6] << (raw[7] & 31)),
	};
}

static void fuzz_round(struct fuzz *fuzz, struct byte_reader *reader)
{
	uint32_t head = atomic_load(&fuzz->section->head);
	uint8_t raw[4];

	byte_reader_get(reader, raw, sizeof(raw));
	for (uint32_t i = 0; i < (raw[0] & 31u); i++)
		fuzz_record(reader, &fuzz->section->records[(head + i) % INPUT_RING_RECORDS]);
	atomic_store(&fuzz->section->owner, raw[1] & 3);
	atomic_store(&fuzz->section->owner_beat, raw[1] >> 2);
	head += (raw[2] & 0xc0) == 0xc0 ? (uint32_t)raw[2] << 8 : raw[0] & 31u;
	atomic_store(&fuzz->section->head, head);
	doorbell_eventfd_ring(fuzz->doorbell);
	fake_guest_run(fuzz->guests[0]);
	fuzz_refill(fuzz->guests[raw[3] % 3], raw[3] >> 5);
	fake_guest_run(fuzz->guests[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;
	struct byte_reader reader = byte_reader_init(data, size);
	struct input_source *source;

	if (!fuzz.loop)
		fuzz_init(&fuzz);
	for (int i = 0; i < 3; i++) {
		fake_memory_reset(fake_guest_memory(fuzz.guests[i]));
		if (fake_guest_start(fuzz.guests[i], FAKE_ALL_FEATURES) < 0)
			abort();
	}
	source = input_source_ring_create(&(struct input_source_ring_config){
		.loop = fuzz.loop, .segment = fuzz.segment, .router = fuzz.router,
		.doorbell_fd = fuzz.doorbell,
		.callbacks = { fuzz_display_size, fuzz_ignore, fuzz_ignore } });
	if (!source || input_source_start(source) < 0)
		abort();
	while (reader.left && !reader.failed)
		fuzz_round(&fuzz, &reader);
	input_source_destroy(source);
	if (input_router_holds(fuzz.router))
		abort();
	for (int i = 0; i < 3; i++) {
		if (fake_guest_needs_resets(fuzz.guests[i]))
			abort();
		fake_guest_stop(fuzz.guests[i]);
	}
	return 0;
}
