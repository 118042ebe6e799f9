/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary bytes over the header, the rings and the client messages of an LGMP region while its
 * host posts, receives and beats.
 */
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_host.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REGION_BYTES 65536u

static const struct lgmp_host_queue_config fuzz_queues[] = {
	{ .id = KVMFR20_POINTER, .length = 8, .timeout_ms = 1000 },
	{ .id = KVMFR20_FRAME, .length = 3, .timeout_ms = 1000 },
};

/* Where the rest of the piece goes: mostly where it hurts. */
static uint32_t fuzz_target(const struct lgmp_host *host, uint8_t where, uint8_t low)
{
	uint32_t queue = 32 + where / 8 % 2 * (uint32_t)sizeof(struct lgmp_queue);

	switch (where % 8) {
	case 0:
		return low;
	case 1:
		return queue + low;
	case 2:
		return queue + 408 + low % 56;
	case 3:
		return queue + 464 + low * 3;
	case 4:
		return lgmp_host_payload_offset(host) - 1 - low;
	case 5:
		return 5752;
	default:
		return queue + 416 + low % 8;
	}
}

static void fuzz_scribble(struct lgmp_host *host, uint8_t *base, const uint8_t **data, size_t *size)
{
	uint32_t at, bytes;

	if (*size < 4)
		return;
	at = fuzz_target(host, (*data)[0], (*data)[1]);
	bytes = (*data)[2] % 64 + 1;
	*data += 3;
	*size -= 3;
	if (bytes > *size)
		bytes = (uint32_t)*size;
	memcpy(base + at, *data, bytes);
	/* A held lock costs its patience: some is enough. */
	if (*size % 64)
		for (int i = 0; i < 2; i++) {
			struct lgmp_queue *queue = &((struct lgmp_header *)base)->queues[i];

			atomic_store(&queue->lock, 0);
			atomic_store(&queue->client_lock, 0);
		}
	*data += bytes;
	*size -= bytes;
}

static void fuzz_act(struct lgmp_host *host, uint64_t now_ms)
{
	uint8_t message[LGMP_CLIENT_MESSAGE_BYTES];

	for (uint32_t queue = 0; queue < 2; queue++) {
		for (int i = 0; i < 12; i++) {
			uint32_t bytes = lgmp_host_receive(host, queue, message);

			if (bytes > sizeof(message))
				abort();
			if (bytes)
				lgmp_host_acknowledge(host, queue);
		}
		lgmp_host_take_joined(host, queue);
		lgmp_host_take_arrived(host, queue);
		lgmp_host_take_returned(host, queue);
		lgmp_host_make_room(host, queue, now_ms);
		lgmp_host_payload_busy(host, queue, 40000);
		lgmp_host_post(host, queue, 0, 40000, 1024, now_ms);
		if (lgmp_host_behind(host, queue) & ~lgmp_host_subscribers(host, queue))
			abort();
	}
	lgmp_host_beat(host, now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *base;
	const struct kvmfr20_hello hello = { .magic = KVMFR20_MAGIC, .version = KVMFR20_VERSION };
	struct lgmp_host_config config = {
		.bytes = FUZZ_REGION_BYTES, .queues = fuzz_queues, .queue_count = 2,
		.udata = &hello, .udata_bytes = sizeof(hello),
	};
	struct lgmp_host *host;
	uint64_t now_ms = 1000;

	if (!base) {
		base = mmap(NULL, FUZZ_REGION_BYTES, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (base == MAP_FAILED)
			abort();
	}
	memset(base, 0, 32768);
	if (size && data[0] & 1)
		memcpy(base, data, size < 8192 ? size : 8192);
	config.base = base;
	host = lgmp_host_create(&config, now_ms);
	if (!host)
		abort();
	for (uint32_t i = 0; i < 32 && size; i++) {
		size_t before = size;

		fuzz_scribble(host, base, &data, &size);
		fuzz_act(host, now_ms);
		now_ms += i % 4 ? 10 : 4000;
		if (size == before)
			break;
	}
	lgmp_host_destroy(host);
	return 0;
}
