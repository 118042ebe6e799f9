/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest whose rings are the fuzzer's bytes: descriptors, an indirect table, heads and indices. The
 * device pops, reads, writes and pushes what it gets; nothing may be touched outside of RAM.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <base/log.h>
#include <base/loop.h>
#include <fake/device.h>
#include <fake/guest.h>

#define FUZZ_QUEUE_SIZE 8
#define FUZZ_TABLE_DESCS 8
#define FUZZ_MAX_CHAINS 64
#define FUZZ_MAX_CHAIN_BYTES 4096

/* Addresses worth trying, chosen by a byte: RAM, borders, the hole, the rings themselves. */
static uint64_t fuzz_gpa(struct fake_queue *driver, uint64_t table, uint8_t choice, uint8_t offset)
{
	const uint64_t places[] = {
		table, driver->desc_gpa, driver->driver_gpa, driver->device_gpa,
		FAKE_MEMORY_BORDER - 8, FAKE_MEMORY_HOLE - 8, FAKE_MEMORY_HIGH,
		FAKE_MEMORY_HIGH + FAKE_MEMORY_HIGH_BYTES - 8, 0, UINT64_MAX - 8,
	};

	return places[choice % (sizeof(places) / sizeof(places[0]))] + offset;
}

static uint32_t fuzz_bytes(uint8_t choice)
{
	static const uint32_t large[] = { 16, 128, 4096, 1u << 28, UINT32_MAX };

	return choice < 0xf0 ? choice : large[choice % 5];
}

static void fuzz_scribble(struct fake_queue *driver, uint64_t table, struct byte_reader *reader)
{
	for (uint16_t i = 0; i < FUZZ_QUEUE_SIZE + FUZZ_TABLE_DESCS; i++) {
		uint8_t raw[5];
		uint64_t gpa;

		byte_reader_get(reader, raw, sizeof(raw));
		gpa = fuzz_gpa(driver, table, raw[0], raw[1] & 15);
		if (i < FUZZ_QUEUE_SIZE)
			fake_queue_set_desc(driver, i, gpa, fuzz_bytes(raw[2]), raw[3], raw[4] & 15);
		else
			fake_queue_set_indirect_desc(driver, table, i - FUZZ_QUEUE_SIZE, gpa,
						     fuzz_bytes(raw[2]), raw[3], raw[4] & 15);
	}
	for (uint16_t i = 0; i < FUZZ_QUEUE_SIZE; i++) {
		uint8_t head;

		byte_reader_get(reader, &head, 1);
		driver->vring.avail->ring[i] = head & 15;
	}
}

static void fuzz_use(struct chain *chain, uint8_t what)
{
	static uint8_t bytes[FUZZ_MAX_CHAIN_BYTES];
	struct iovec iov[4];
	size_t readable = chain_readable(chain), writable = chain_writable(chain);

	chain_readable_iov(chain, readable, iov, 4);
	chain_writable_iov(chain, writable / 2, iov, 4);
	chain_skip_readable(chain, what);
	if (chain_read(chain, bytes, sizeof(bytes)) > readable)
		abort();
	if (what & 1)
		chain_skip_readable(chain, SIZE_MAX);
	chain_skip_writable(chain, what);
	if (chain_write(chain, bytes, sizeof(bytes)) > writable)
		abort();
	if (chain_written(chain) + chain_writable(chain) != writable)
		abort();
}

static void fuzz_drain(struct virtqueue *queue, struct byte_reader *reader)
{
	struct chain *chain, *held = NULL;

	for (int i = 0; i < FUZZ_MAX_CHAINS && (chain = virtqueue_pop(queue)); i++) {
		uint8_t what;

		byte_reader_get(reader, &what, 1);
		if (what == 0xff) {
			virtqueue_unpop(queue, chain);
			continue;
		}
		fuzz_use(chain, what);
		if (!held && what & 2) {
			held = chain;
			continue;
		}
		virtqueue_push(queue, chain);
		virtqueue_notify(queue);
	}
	if (held)
		virtqueue_push(queue, held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct loop *loop;
	static struct fake_device *device;
	static struct fake_guest *guest;
	struct byte_reader reader = byte_reader_init(data, size);
	struct fake_queue *driver;
	uint64_t table;
	uint8_t rounds;

	if (!loop) {
		setenv("VITRINE_LOG", "error", 1);
		log_init(NULL);
		loop = loop_create("fuzz");
		device = fake_device_create(loop);
		device->kicked = fake_device_idle;
		guest = fake_guest_create(&device->base, FAKE_LOOP_DISPATCHED);
		fake_guest_set_queue_size(guest, 0, FUZZ_QUEUE_SIZE);
	}
	fake_memory_reset(fake_guest_memory(guest));
	table = fake_memory_alloc(fake_guest_memory(guest), FUZZ_TABLE_DESCS * 16, 16);
	if (fake_guest_start(guest, size % 2 ? FAKE_ALL_FEATURES : ~virtqueue_features()) < 0)
		fake_fail("the queues do not start");
	driver = fake_guest_queue(guest, 0);
	for (rounds = 0; rounds < 4 && !reader.failed; rounds++) {
		uint8_t index;

		fuzz_scribble(driver, table, &reader);
		byte_reader_get(&reader, &index, 1);
		fake_queue_set_avail_index(driver, (uint16_t)(driver->next_avail + (index & 15)));
		fuzz_drain(device->queues[0], &reader);
	}
	fake_guest_stop(guest);
	return 0;
}
