/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "segment_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define LAYOUT_MIN_SLOT_BYTES (UINT64_C(640) * 480 * 4)
#define LAYOUT_MAX_SLOT_BYTES (UINT64_C(16384) * 16384 * 4)
#define LAYOUT_SOUND_SECTIONS 2u                /* playback, microphone */

static uint64_t layout_round_up(uint64_t bytes)
{
	return (bytes + SEGMENT_PAGE_BYTES - 1) & ~(uint64_t)(SEGMENT_PAGE_BYTES - 1);
}

uint64_t segment_clock_domain(void)
{
	char id[64];
	ssize_t length;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	length = read(fd, id, sizeof(id));
	close(fd);
	if (length <= 0)
		return 0;
	for (ssize_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)id[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void layout_add(struct segment_layout *layout, uint32_t type, uint32_t index, uint64_t bytes)
{
	layout->sections[layout->section_count++] = (struct segment_section){
		.type = type,
		.index = index,
		.offset = layout->bytes,
		.bytes = layout_round_up(bytes),
	};
	layout->bytes += layout_round_up(bytes);
}

static void layout_place(struct segment_layout *layout, uint32_t scanouts)
{
	layout->bytes = SEGMENT_PAGE_BYTES;
	layout->section_count = 0;
	layout_add(layout, SEGMENT_SECTION_INPUT, 0, sizeof(struct input_section));
	for (uint32_t i = 0; i < LAYOUT_SOUND_SECTIONS; i++)
		layout_add(layout, SEGMENT_SECTION_SOUND, i, sizeof(struct sound_section));
	for (uint32_t i = 0; i < scanouts; i++)
		layout_add(layout, SEGMENT_SECTION_CURSOR, i, sizeof(struct cursor_section));
	for (uint32_t i = 0; i < scanouts; i++)
		layout_add(layout, SEGMENT_SECTION_VIDEO, i,
			   VIDEO_HEADER_BYTES + layout->slot_count * layout->slot_bytes);
}

/* Shrinks the slots until everything fits. */
static int layout_fit(struct segment_layout *layout, uint32_t scanouts, uint64_t file_bytes)
{
	uint64_t slots = (uint64_t)scanouts * layout->slot_count;
	uint64_t fixed = layout->bytes - slots * layout->slot_bytes;
	uint64_t fitting;

	if (!file_bytes || layout->bytes <= file_bytes)
		return 0;
	if (file_bytes < fixed)
		return -ENOSPC;
	fitting = (file_bytes - fixed) / slots / SEGMENT_PAGE_BYTES * SEGMENT_PAGE_BYTES;
	if (fitting < LAYOUT_MIN_SLOT_BYTES)
		return -ENOSPC;
	layout->slot_bytes = fitting;
	layout_place(layout, scanouts);
	return 0;
}

int segment_layout_plan(struct segment_layout *layout, const struct segment_config *config,
			uint64_t file_bytes)
{
	uint32_t scanouts = config->scanout_count ? config->scanout_count :
						    SEGMENT_DEFAULT_SCANOUTS;

	memset(layout, 0, sizeof(*layout));
	layout->slot_count = config->slot_count ? config->slot_count : SEGMENT_DEFAULT_SLOTS;
	layout->slot_bytes = config->slot_bytes ? config->slot_bytes : SEGMENT_DEFAULT_SLOT_BYTES;
	if (scanouts > SEGMENT_MAX_SCANOUTS || layout->slot_count < VIDEO_MIN_SLOTS ||
	    layout->slot_count > VIDEO_MAX_SLOTS || layout->slot_bytes < LAYOUT_MIN_SLOT_BYTES ||
	    layout->slot_bytes > LAYOUT_MAX_SLOT_BYTES)
		return -EINVAL;
	layout->slot_bytes = layout_round_up(layout->slot_bytes);
	layout->clock_domain = segment_clock_domain();
	if (config->name)
		strncpy(layout->name, config->name, sizeof(layout->name) - 1);
	layout_place(layout, scanouts);
	return layout_fit(layout, scanouts, file_bytes);
}

void segment_layout_write(const struct segment_layout *layout, struct segment_header *header)
{
	header->magic = SEGMENT_MAGIC;
	header->version = SEGMENT_VERSION;
	header->header_bytes = SEGMENT_PAGE_BYTES;
	header->segment_bytes = layout->bytes;
	header->clock_domain = layout->clock_domain;
	memcpy(header->name, layout->name, sizeof(header->name));
	header->section_count = layout->section_count;
	memcpy(header->sections, layout->sections, sizeof(header->sections));
}

static void layout_clear_video(const struct segment_layout *layout, struct video_section *video)
{
	memset(video, 0, sizeof(*video));
	video->slot_count = layout->slot_count;
	video->slot_bytes = layout->slot_bytes;
	video->reader_hint = VIDEO_NO_SLOT;
	for (uint32_t i = 0; i < layout->slot_count; i++)
		video->slots[i].data_offset = VIDEO_HEADER_BYTES + i * layout->slot_bytes;
}

void segment_layout_clear(const struct segment_layout *layout, uint8_t *base)
{
	for (uint32_t i = 0; i < layout->section_count; i++) {
		const struct segment_section *section = &layout->sections[i];
		void *memory = base + section->offset;

		if (section->type == SEGMENT_SECTION_VIDEO)
			layout_clear_video(layout, memory);
		else if (section->type == SEGMENT_SECTION_CURSOR)
			memset(memory, 0, offsetof(struct cursor_section, pixels));
		else if (section->type == SEGMENT_SECTION_SOUND)
			memset(memory, 0, offsetof(struct sound_section, data));
		else
			memset(memory, 0, offsetof(struct input_section, records));
	}
}

/* The fixed part of a section; 0: a type this version does not know. */
static uint64_t layout_fixed_bytes(uint32_t type)
{
	switch (type) {
	case SEGMENT_SECTION_VIDEO:
		return sizeof(struct video_section);
	case SEGMENT_SECTION_CURSOR:
		return sizeof(struct cursor_section);
	case SEGMENT_SECTION_INPUT:
		return sizeof(struct input_section);
	case SEGMENT_SECTION_SOUND:
		return sizeof(struct sound_section);
	default:
		return 0;
	}
}

static uint32_t layout_indexes(uint32_t type)
{
	switch (type) {
	case SEGMENT_SECTION_INPUT:
		return 1;
	case SEGMENT_SECTION_SOUND:
		return LAYOUT_SOUND_SECTIONS;
	default:
		return SEGMENT_MAX_SCANOUTS;
	}
}

static bool layout_section_sane(const struct segment_section *section, uint64_t segment_bytes)
{
	return section->offset >= SEGMENT_PAGE_BYTES &&
	       section->offset % SEGMENT_PAGE_BYTES == 0 && section->offset <= segment_bytes &&
	       section->bytes <= segment_bytes - section->offset &&
	       section->bytes >= layout_fixed_bytes(section->type) &&
	       section->index < layout_indexes(section->type);
}

static bool layout_sections_clash(const struct segment_section *a, const struct segment_section *b)
{
	if (a->type == b->type && a->index == b->index)
		return true;
	return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static int layout_check_sections(struct segment_layout *layout,
				 const struct segment_header *header)
{
	if (header->section_count > SEGMENT_MAX_SECTIONS)
		return -EPROTO;
	for (uint32_t i = 0; i < header->section_count; i++) {
		const struct segment_section *section = &header->sections[i];

		if (!layout_fixed_bytes(section->type))
			continue;
		if (!layout_section_sane(section, layout->bytes))
			return -EPROTO;
		for (uint32_t j = 0; j < layout->section_count; j++)
			if (layout_sections_clash(section, &layout->sections[j]))
				return -EPROTO;
		layout->sections[layout->section_count++] = *section;
	}
	return 0;
}

/* The name ends up in window titles and terminals. */
static void layout_copy_name(char *to, const char *from)
{
	for (size_t i = 0; i < SEGMENT_NAME_BYTES - 1 && from[i]; i++) {
		unsigned char c = (unsigned char)from[i];

		to[i] = c < 0x20 || c == 0x7f ? '?' : from[i];
	}
}

int segment_layout_check(struct segment_layout *layout, const struct segment_header *header,
			 uint64_t file_bytes)
{
	memset(layout, 0, sizeof(*layout));
	if (header->magic != SEGMENT_MAGIC)
		return -EPROTO;
	if (header->version != SEGMENT_VERSION || header->header_bytes != SEGMENT_PAGE_BYTES)
		return -EPROTONOSUPPORT;
	if (header->segment_bytes < SEGMENT_PAGE_BYTES || header->segment_bytes > file_bytes ||
	    header->segment_bytes % SEGMENT_PAGE_BYTES)
		return -EPROTO;
	layout->bytes = header->segment_bytes;
	layout->clock_domain = header->clock_domain;
	layout_copy_name(layout->name, header->name);
	return layout_check_sections(layout, header);
}
