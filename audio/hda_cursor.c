/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way through a buffer descriptor list (3.6.2, 3.6.3): the period path. */
#include <base/bytes.h>
#include <virtio/guest_mem.h>

#include "hda_private.h"

#define HDA_LIST_ENTRY_BYTES 16u
#define HDA_LIST_ENTRY_IOC 1u
#define HDA_EMPTY_ENTRIES_MAX 256u      /* a whole list of them */

static bool hda_cursor_fetch(const struct hda_stream *stream, struct hda_cursor *cursor)
{
	uint8_t entry[HDA_LIST_ENTRY_BYTES];

	if (cursor->index > stream->last_index)
		cursor->index = 0;
	if (guest_mem_read(stream->hda->mem,
			   stream->list_gpa + cursor->index * HDA_LIST_ENTRY_BYTES, entry,
			   sizeof(entry)) < 0)
		return false;
	cursor->index++;
	cursor->gpa = le64_load(entry);
	cursor->left_bytes = le32_load(entry + 8);
	cursor->interrupts = le32_load(entry + 12) & HDA_LIST_ENTRY_IOC;
	return true;
}

/* One piece that lies in one entry. */
static bool hda_cursor_copy(const struct hda_stream *stream, const struct hda_cursor *cursor,
			    uint8_t *buffer, uint32_t bytes)
{
	struct guest_mem *mem = stream->hda->mem;

	if (stream->direction == AUDIO_PLAYBACK)
		return guest_mem_read(mem, cursor->gpa, buffer, bytes) == 0;
	return guest_mem_write(mem, cursor->gpa, buffer, bytes) == 0;
}

/* Empty entries are skipped, but not for ever. */
bool hda_cursor_walk(const struct hda_stream *stream, struct hda_cursor *cursor,
			    uint8_t *buffer, uint32_t bytes)
{
	uint32_t empty = 0;

	while (bytes > 0) {
		uint32_t piece;

		if (cursor->left_bytes == 0) {
			if (!hda_cursor_fetch(stream, cursor))
				return false;
			if (cursor->left_bytes == 0 && ++empty == HDA_EMPTY_ENTRIES_MAX)
				return false;
			continue;
		}
		piece = cursor->left_bytes < bytes ? cursor->left_bytes : bytes;
		if (buffer) {
			if (!hda_cursor_copy(stream, cursor, buffer, piece))
				return false;
			buffer += piece;
		}
		bytes -= piece;
		cursor->gpa += piece;
		cursor->left_bytes -= piece;
		cursor->lpib = (uint32_t)(((uint64_t)cursor->lpib + piece) % stream->cyclic_bytes);
		if (cursor->left_bytes == 0 && cursor->interrupts)
			cursor->completed = true;
	}
	return true;
}
