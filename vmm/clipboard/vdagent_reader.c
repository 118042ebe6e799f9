/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/vdagent_stream.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ASSEMBLY_FIRST_BYTES ((size_t)4096)

void vdagent_reader_init(struct vdagent_reader *reader, vdagent_message_func *func, void *data)
{
	*reader = (struct vdagent_reader){ .func = func, .data = data };
}

static void assembly_reset(struct vdagent_assembly *assembly)
{
	free(assembly->body);
	*assembly = (struct vdagent_assembly){ 0 };
}

void vdagent_reader_finish(struct vdagent_reader *reader)
{
	for (size_t port = 0; port < VDP_END_PORT; port++)
		assembly_reset(&reader->assemblies[port]);
}

void vdagent_reader_drop(struct vdagent_reader *reader, uint32_t port)
{
	assembly_reset(&reader->assemblies[port]);
}

size_t vdagent_reader_bytes(const struct vdagent_reader *reader)
{
	size_t bytes = 0;

	for (size_t port = 0; port < VDP_END_PORT; port++)
		bytes += reader->assemblies[port].capacity;
	return bytes;
}

/* Copies into a header of so many bytes; the number taken. */
static size_t header_fill(uint8_t *header, size_t size, size_t *filled, const uint8_t *bytes,
			  size_t count)
{
	size_t taken = size - *filled < count ? size - *filled : count;

	memcpy(header + *filled, bytes, taken);
	*filled += taken;
	return taken;
}

static int assembly_begin(struct vdagent_assembly *assembly)
{
	VDAgentMessage header;
	size_t limit;

	memcpy(&header, assembly->header, sizeof(header));
	if (le32toh(header.protocol) != VD_AGENT_PROTOCOL)
		return -EPROTO;
	limit = le32toh(header.type) == VD_AGENT_CLIPBOARD ? VDAGENT_CLIPBOARD_BYTES
							   : VDAGENT_SMALL_BYTES;
	assembly->size = le32toh(header.size);
	assembly->skipped = assembly->size > limit;
	return 0;
}

/* A size that is only announced costs nothing: the room at most doubles with what has come. */
static int assembly_grow(struct vdagent_assembly *assembly, size_t needed)
{
	size_t capacity = assembly->capacity ? assembly->capacity : ASSEMBLY_FIRST_BYTES;
	uint8_t *body;

	while (capacity < needed)
		capacity *= 2;
	if (capacity > assembly->size)
		capacity = assembly->size;
	if (capacity <= assembly->capacity)
		return 0;
	body = realloc(assembly->body, capacity);
	if (!body)
		return -ENOMEM;
	assembly->body = body;
	assembly->capacity = capacity;
	return 0;
}

/* Bytes of the body; count is at most what is missing. */
static int assembly_fill(struct vdagent_assembly *assembly, const uint8_t *bytes, size_t count)
{
	int result;

	if (!assembly->skipped && count) {
		result = assembly_grow(assembly, assembly->done + count);
		if (result)
			return result;
		memcpy(assembly->body + assembly->done, bytes, count);
	}
	assembly->done += (uint32_t)count;
	return 0;
}

static void reader_finish_message(struct vdagent_reader *reader, struct vdagent_assembly *assembly)
{
	static const uint8_t empty[1];
	struct vdagent_message message = { .port = reader->port, .size = assembly->size };
	VDAgentMessage header;

	memcpy(&header, assembly->header, sizeof(header));
	message.type = le32toh(header.type);
	if (!assembly->skipped)
		message.body = assembly->body ? assembly->body : empty;
	reader->func(reader->data, &message);
	assembly_reset(assembly);
}

/* Data of the current chunk, not more than is left of it, to its port: one stream for each. */
static int reader_feed_port(struct vdagent_reader *reader, const uint8_t *bytes, size_t count)
{
	struct vdagent_assembly *assembly = &reader->assemblies[reader->port];
	int result = 0;

	while (count && !result) {
		size_t taken = 0;

		if (assembly->header_bytes < sizeof(assembly->header)) {
			taken = header_fill(assembly->header, sizeof(assembly->header),
					    &assembly->header_bytes, bytes, count);
			if (assembly->header_bytes == sizeof(assembly->header))
				result = assembly_begin(assembly);
		} else {
			taken = assembly->size - assembly->done;
			if (taken > count)
				taken = count;
			result = assembly_fill(assembly, bytes, taken);
		}
		bytes += taken;
		count -= taken;
		if (!result && assembly->header_bytes == sizeof(assembly->header) &&
		    assembly->done == assembly->size)
			reader_finish_message(reader, assembly);
	}
	return result;
}

static int reader_begin_chunk(struct vdagent_reader *reader)
{
	VDIChunkHeader header;

	memcpy(&header, reader->header, sizeof(header));
	reader->port = le32toh(header.port);
	reader->left = le32toh(header.size);
	return reader->port == VDP_CLIENT_PORT || reader->port == VDP_SERVER_PORT ? 0 : -EPROTO;
}

int vdagent_reader_feed(struct vdagent_reader *reader, const uint8_t *bytes, size_t count)
{
	int result = 0;

	while (count && !result) {
		size_t taken;

		if (reader->header_bytes < sizeof(reader->header)) {
			taken = header_fill(reader->header, sizeof(reader->header),
					    &reader->header_bytes, bytes, count);
			if (reader->header_bytes == sizeof(reader->header))
				result = reader_begin_chunk(reader);
		} else {
			taken = reader->left < count ? reader->left : count;
			reader->left -= (uint32_t)taken;
			result = reader_feed_port(reader, bytes, taken);
		}
		bytes += taken;
		count -= taken;
		if (reader->header_bytes == sizeof(reader->header) && !reader->left)
			reader->header_bytes = 0;
	}
	return result;
}
