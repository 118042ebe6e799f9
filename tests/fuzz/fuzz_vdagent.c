/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a vdagent stream, in two ways of cutting it up: both read the same. What is read is
 * written and read once more. An input that begins with an odd byte is the stream; of another one
 * is made that has headers which make sense.
 */
#include "fuzz.h"

#include <clipboard/vdagent_stream.h>
#include <string.h>

struct fuzz_reading {
	struct vdagent_reader reader;
	uint64_t messages, hash;
	struct vdagent_writer *writer;  /* NULL: nothing is written */
};

static void fuzz_hash(struct fuzz_reading *reading, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < count; i++)
		reading->hash = (reading->hash ^ from[i]) * 0x100000001b3u;
}

static void fuzz_on_message(void *data, const struct vdagent_message *message)
{
	struct fuzz_reading *reading = data;
	const uint32_t head[3] = { message->port, message->type, message->size };

	fuzz_check(message->port == VDP_CLIENT_PORT || message->port == VDP_SERVER_PORT);
	if (!message->body)
		return;
	reading->messages++;
	fuzz_hash(reading, head, sizeof(head));
	fuzz_hash(reading, message->body, message->size);
	if (reading->writer && vdagent_writer_add(reading->writer, message->port, message->type,
						  NULL, 0, message->body, message->size))
		abort();
}

/* Stops where it is none, as its owner does. */
static void fuzz_read(struct fuzz_reading *reading, const uint8_t *data, size_t size, size_t piece)
{
	vdagent_reader_init(&reading->reader, fuzz_on_message, reading);
	for (size_t at = 0; at < size; at += piece) {
		size_t count = size - at < piece ? size - at : piece;

		if (vdagent_reader_feed(&reading->reader, data + at, count))
			break;
		fuzz_check(vdagent_reader_bytes(&reading->reader) <= 2 * size + 8192);
	}
	vdagent_reader_finish(&reading->reader);
}

static void fuzz_read_back(struct fuzz_reading *reading, struct vdagent_writer *writer)
{
	vdagent_reader_init(&reading->reader, fuzz_on_message, reading);
	while (writer->backlog) {
		size_t count;
		const uint8_t *bytes = vdagent_writer_peek(writer, &count);

		fuzz_check(!vdagent_reader_feed(&reading->reader, bytes, count));
		vdagent_writer_take(writer, count);
	}
	fuzz_check(!vdagent_reader_bytes(&reading->reader));
	vdagent_reader_finish(&reading->reader);
}

/* Three bytes make a chunk, of the message that its port has begun or of a new one; now and then
 * one that is wrong. */
static size_t fuzz_shape(uint8_t *to, const uint8_t *data, size_t size)
{
	uint32_t missing[2] = { 0 };
	size_t made = 0;

	for (; size >= 3; data += 3, size -= 3) {
		uint32_t *left = &missing[data[0] / 2 % 2];
		uint32_t head = *left ? 0 : sizeof(VDAgentMessage), body;
		const VDAgentMessage message = { .protocol = VD_AGENT_PROTOCOL, .type = data[1] % 32,
						 .size = data[1] };
		VDIChunkHeader chunk = { data[0] / 2 % 2 + 1u, 0 };

		*left = head ? message.size : *left;
		body = data[2] % 32 < *left ? data[2] % 32 : *left;
		*left -= body;
		chunk.size = head + body + (data[0] == 0xfe);
		memcpy(to + made, &chunk, sizeof(chunk));
		memcpy(to + made + sizeof(chunk), &message, head);
		memset(to + made + sizeof(chunk) + head, data[2], body);
		made += sizeof(chunk) + head + body;
	}
	return made;
}

static void fuzz_stream(const uint8_t *data, size_t size)
{
	struct vdagent_writer writer = { 0 };
	struct fuzz_reading whole = { .writer = &writer }, pieces = { 0 }, back = { 0 };

	fuzz_read(&whole, data, size, size ? size : 1);
	fuzz_read(&pieces, data, size, size % 13 + 1);
	fuzz_read_back(&back, &writer);
	fuzz_check(whole.messages == pieces.messages && whole.hash == pieces.hash);
	fuzz_check(whole.messages == back.messages && whole.hash == back.hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *shaped = malloc(32 * size + 1);

	if (!shaped)
		abort();
	if (size && data[0] % 2)
		fuzz_stream(data + 1, size - 1);
	else
		fuzz_stream(shaped, fuzz_shape(shaped, data, size));
	free(shaped);
	return 0;
}
