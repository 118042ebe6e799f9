/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes are pieces of a Looking Glass region, read by our client. Each piece goes over a good
 * region with a session, a picture and a cursor; then everything is read that is handed out, and the
 * guest's pointer is asked to move.
 */
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_host.h>
#include <kvmfr_reader.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REGION_BYTES 131072u
#define FUZZ_SLOT 65536u
#define FUZZ_CURSOR 32768u
#define FUZZ_POINTER_AT 1084u

static const struct lgmp_host_queue_config fuzz_queues[] = {
	{ .id = KVMFR20_POINTER, .length = 8, .timeout_ms = 1000 },
	{ .id = KVMFR20_FRAME, .length = 3, .timeout_ms = 1000 },
};

static void fuzz_fill(uint8_t *base)
{
	const struct kvmfr20_frame frame = {
		.format_version = 1, .serial = 1, .type = KVMFR20_BGRA,
		.data_width = 16, .data_height = 16, .frame_width = 16, .frame_height = 16,
		.stride = 16, .pitch = 64, .offset = FUZZ_POINTER_AT,
	};
	const struct kvmfr20_cursor cursor = { .width = 8, .height = 8, .pitch = 32 };
	const uint32_t total = 64 * 16;

	memcpy(base + FUZZ_SLOT, &frame, sizeof(frame));
	memcpy(base + FUZZ_SLOT + FUZZ_POINTER_AT, &total, sizeof(total));
	memcpy(base + FUZZ_CURSOR, &cursor, sizeof(cursor));
}

/* Header, queues, udata, rings, cursor and picture: where something is read from. */
static void fuzz_scribble(uint8_t *base, const uint8_t **data, size_t *size)
{
	static const uint32_t areas[] = { 0, 32, 32 + 408, 32 + 444, 5756 + 48, 1176, 1176 + 408, 5752, 6016,
					  FUZZ_CURSOR, FUZZ_SLOT, FUZZ_SLOT + 52,
					  FUZZ_SLOT + FUZZ_POINTER_AT };
	uint32_t at, bytes;

	if (*size < 4)
		return;
	at = areas[(*data)[0] % (sizeof(areas) / sizeof(areas[0]))] + (*data)[1];
	bytes = (*data)[2] % 64 + 1;
	*data += 3;
	*size -= 3;
	bytes = bytes > *size ? (uint32_t)*size : bytes;
	memcpy(base + at, *data, bytes);
	*data += bytes;
	*size -= bytes;
}

static void fuzz_read(struct kvmfr_reader *reader)
{
	struct slots_frame frame;
	struct cursor_state cursor;
	volatile uint8_t sum = 0;

	if (kvmfr_reader_begin(reader, &frame) == 1) {
		for (uint32_t y = 0; y < frame.height; y++)
			sum = sum + frame.pixels[(size_t)y * frame.pitch + frame.width * 4 - 1];
		for (uint32_t i = 0; i < frame.damage.count; i++) {
			const struct video_rect *rect = &frame.damage.rects[i];

			if (rect->x >= frame.width || rect->width > frame.width - rect->x ||
			    rect->y >= frame.height || rect->height > frame.height - rect->y)
				abort();
		}
		kvmfr_reader_end(reader, &frame);
	}
	if (kvmfr_reader_cursor(reader, &cursor) == 1 && cursor.image_changed)
		sum = sum + (uint8_t)cursor.image.pixels[cursor.image.width *
							 cursor.image.height - 1];
}

/* Messages to the host: they stay within the headers of queues. */
static void fuzz_send(struct lgmp_host *host, const uint8_t *base, struct kvmfr_reader *reader)
{
	static uint8_t before[FUZZ_REGION_BYTES];
	const uint32_t from = offsetof(struct lgmp_header, queues);
	const uint32_t to = offsetof(struct lgmp_header, udata_bytes);
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];

	memcpy(before, base, sizeof(before));
	for (int i = 0; i < 12; i++)
		kvmfr_reader_place_cursor(reader, i, -i);
	if (memcmp(before, base, from) || memcmp(before + to, base + to, sizeof(before) - to))
		abort();
	lgmp_host_receive(host, 0, data);
	lgmp_host_acknowledge(host, 0);
}

/* A session up to where messages come, as far as the bytes allow it. */
static void fuzz_session(struct lgmp_host *host, uint8_t *base, const uint8_t *data, size_t size)
{
	struct kvmfr_reader *reader = kvmfr_reader_create(base, FUZZ_REGION_BYTES);
	uint64_t now_ms = 1000;

	if (!reader)
		abort();
	if (size && data[0] & 1)
		fuzz_scribble(base, &data, &size);
	for (int i = 0; i < 3; i++) {
		lgmp_host_beat(host, ++now_ms);
		if (kvmfr_reader_attach(reader, now_ms) == KVMFR_ATTACHED)
			break;
	}
	for (int i = 0; i < 16 && kvmfr_reader_poll(reader, now_ms) >= 0; i++) {
		lgmp_host_beat(host, ++now_ms);
		lgmp_host_post(host, 0, 7, FUZZ_CURSOR, 1024, now_ms);
		lgmp_host_post(host, 1, 0, FUZZ_SLOT, 8192, now_ms);
		fuzz_scribble(base, &data, &size);
		/* Waiting for a lock is slow, and the same every time. */
		for (int queue = 0; queue < 2 && size % 16; queue++)
			atomic_store(&((struct lgmp_header *)base)->queues[queue].lock, 0);
		if (kvmfr_reader_poll(reader, now_ms) < 0)
			break;
		fuzz_read(reader);
		fuzz_send(host, base, reader);
		now_ms += i % 4 ? 1 : 300;
	}
	kvmfr_reader_destroy(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *base;
	const struct kvmfr20_hello hello = { .magic = KVMFR20_MAGIC, .version = KVMFR20_VERSION,
					     .features = KVMFR20_FEATURE_SET_CURSOR };
	struct lgmp_host_config config = {
		.bytes = FUZZ_REGION_BYTES, .queues = fuzz_queues, .queue_count = 2,
		.udata = &hello, .udata_bytes = sizeof(hello),
	};
	struct lgmp_host *host;

	if (!base) {
		/* Behind it: nothing. */
		base = mmap(NULL, FUZZ_REGION_BYTES + 4096, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (base == MAP_FAILED || mprotect(base + FUZZ_REGION_BYTES, 4096, PROT_NONE))
			abort();
	}
	memset(base, 0, FUZZ_REGION_BYTES);
	fuzz_fill(base);
	config.base = base;
	host = lgmp_host_create(&config, 1000);
	if (!host)
		abort();
	fuzz_session(host, base, data, size);
	lgmp_host_destroy(host);
	return 0;
}
