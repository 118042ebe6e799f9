/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/vdagent_stream.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One message in its chunks. */
struct vdagent_block {
	struct vdagent_block *next;
	size_t count, taken;
	uint8_t bytes[];
};

/* Where in a block the next byte goes, and what is left of the chunk there. */
struct block_cursor {
	uint8_t *at;
	uint32_t port;
	size_t left;                    /* of the message, with its header */
	size_t chunk_left;
};

static void block_put(struct block_cursor *cursor, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	while (count) {
		size_t piece;

		if (!cursor->chunk_left) {
			VDIChunkHeader header = { .port = htole32(cursor->port) };

			cursor->chunk_left = cursor->left < VD_AGENT_MAX_DATA_SIZE ?
					     cursor->left : VD_AGENT_MAX_DATA_SIZE;
			header.size = htole32((uint32_t)cursor->chunk_left);
			memcpy(cursor->at, &header, sizeof(header));
			cursor->at += sizeof(header);
		}
		piece = count < cursor->chunk_left ? count : cursor->chunk_left;
		memcpy(cursor->at, from, piece);
		cursor->at += piece;
		cursor->left -= piece;
		cursor->chunk_left -= piece;
		from += piece;
		count -= piece;
	}
}

int vdagent_writer_add(struct vdagent_writer *writer, uint32_t port, uint32_t type,
		       const void *head, size_t head_bytes, const void *body, size_t body_bytes)
{
	const VDAgentMessage header = {
		.protocol = htole32(VD_AGENT_PROTOCOL),
		.type = htole32(type),
		.size = htole32((uint32_t)(head_bytes + body_bytes)),
	};
	size_t message_bytes = sizeof(header) + head_bytes + body_bytes;
	size_t chunks = (message_bytes + VD_AGENT_MAX_DATA_SIZE - 1) / VD_AGENT_MAX_DATA_SIZE;
	size_t count = message_bytes + chunks * sizeof(VDIChunkHeader);
	struct vdagent_block *block = malloc(sizeof(*block) + count);
	struct block_cursor cursor = { .port = port, .left = message_bytes };

	if (!block)
		return -ENOMEM;
	*block = (struct vdagent_block){ .count = count };
	cursor.at = block->bytes;
	block_put(&cursor, &header, sizeof(header));
	block_put(&cursor, head, head_bytes);
	block_put(&cursor, body, body_bytes);
	if (writer->last)
		writer->last->next = block;
	else
		writer->first = block;
	writer->last = block;
	writer->backlog += count;
	return 0;
}

const uint8_t *vdagent_writer_peek(const struct vdagent_writer *writer, size_t *count)
{
	struct vdagent_block *first = writer->first;

	*count = first ? first->count - first->taken : 0;
	return first ? first->bytes + first->taken : NULL;
}

void vdagent_writer_take(struct vdagent_writer *writer, size_t count)
{
	struct vdagent_block *first = writer->first;

	if (!count)
		return;
	first->taken += count;
	writer->backlog -= count;
	if (first->taken < first->count)
		return;
	writer->first = first->next;
	if (!writer->first)
		writer->last = NULL;
	free(first);
}

static void writer_free_from(struct vdagent_writer *writer, struct vdagent_block *block)
{
	while (block) {
		struct vdagent_block *next = block->next;

		writer->backlog -= block->count - block->taken;
		free(block);
		block = next;
	}
}

void vdagent_writer_cut(struct vdagent_writer *writer)
{
	struct vdagent_block *first = writer->first;

	if (!first || !first->taken) {
		vdagent_writer_finish(writer);
		return;
	}
	writer_free_from(writer, first->next);
	first->next = NULL;
	writer->last = first;
}

void vdagent_writer_finish(struct vdagent_writer *writer)
{
	writer_free_from(writer, writer->first);
	*writer = (struct vdagent_writer){ 0 };
}
