/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The segment's header: making one (the VMM) and checking somebody else's (everybody). */
#ifndef SEGMENT_LAYOUT_H
#define SEGMENT_LAYOUT_H

#include <ivshmem/abi.h>
#include <ivshmem/segment.h>
#include <stdint.h>

/* What a segment is made of, as plain values in our own memory. */
struct segment_layout {
	uint64_t bytes;
	uint64_t clock_domain;
	char name[SEGMENT_NAME_BYTES];
	uint32_t slot_count;            /* when made here */
	uint64_t slot_bytes;
	uint32_t section_count;
	struct segment_section sections[SEGMENT_MAX_SECTIONS];
};

#define VIDEO_HEADER_BYTES                                                                         \
	((sizeof(struct video_section) + SEGMENT_PAGE_BYTES - 1) / SEGMENT_PAGE_BYTES *            \
	 SEGMENT_PAGE_BYTES)

/* file_bytes: the room there is; 0: as much as it takes. 0, -EINVAL or -ENOSPC. */
int segment_layout_plan(struct segment_layout *layout, const struct segment_config *config,
			uint64_t file_bytes);
/* Fills in the header (all but epoch, state and heartbeat). */
void segment_layout_write(const struct segment_layout *layout, struct segment_header *header);
/* Clears every section's control words; pixels stay as they are. */
void segment_layout_clear(const struct segment_layout *layout, uint8_t *base);
/* Checks a copy of a header against the bytes that can be mapped. 0, -EPROTO or
 * -EPROTONOSUPPORT. */
int segment_layout_check(struct segment_layout *layout, const struct segment_header *header,
			 uint64_t file_bytes);
/* A number for "the same CLOCK_MONOTONIC"; 0: unknown. */
uint64_t segment_clock_domain(void);

#endif
