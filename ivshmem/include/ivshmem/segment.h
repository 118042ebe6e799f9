/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapped host segment, laid out (the VMM) or attached to (clients, tools). docs/shared-memory.md.
 *
 * A segment outlives the writers and readers made from it. After creation it is read-only for its
 * process and may be used by any thread; the handles made from it belong to one thread each.
 */
#ifndef IVSHMEM_SEGMENT_H
#define IVSHMEM_SEGMENT_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

struct segment;

#define SEGMENT_DEFAULT_SCANOUTS 2u
#define SEGMENT_DEFAULT_SLOTS 4u
#define SEGMENT_DEFAULT_SLOT_BYTES (UINT64_C(3840) * 2160 * 4)

struct segment_config {
	const char *name;               /* of the VM; cut to SEGMENT_NAME_BYTES - 1 */
	uint32_t scanout_count;         /* 0: the default */
	uint32_t slot_count;            /* per scanout; 0: the default */
	uint64_t slot_bytes;            /* 0: the default; rounded up to pages */
};

/* Lays out a new segment in a memfd that nobody can shrink. Sparse: only touched pages cost
 * memory. NULL with errno (EINVAL, ENOMEM, ...). */
struct segment *segment_create_memfd(const struct segment_config *config);
/* The same in a file: a new or empty one gets the size it needs; one that has a size (a PCI
 * resource file, a file behind a BAR) keeps it, and slots shrink to fit. Whatever was in it is
 * laid out anew under a new epoch. NULL with errno (ENOSPC: too small for a 640 x 480 slot). */
struct segment *segment_create_file(const char *path, const struct segment_config *config);

/* Maps a segment somebody else laid out, after checking all of its header; nothing in it is
 * trusted later either. The fd stays the caller's. NULL with errno: EPROTO: not a segment, or
 * one that lies; EPROTONOSUPPORT: another version; EAGAIN: being laid out, try again. */
struct segment *segment_attach_fd(int fd);
struct segment *segment_attach_path(const char *path);

/* Unmaps and closes; whoever laid it out says SEGMENT_SHUT_DOWN first when that is what it is.
 * NULL is ignored. */
void segment_destroy(struct segment *segment);

/* Borrowed; to be handed to clients. */
int segment_fd(const struct segment *segment);
/* As it was at create or attach; a NUL-terminated copy. */
const char *segment_name(const struct segment *segment);
uint32_t segment_scanout_count(const struct segment *segment);
uint64_t segment_bytes(const struct segment *segment);
/* The mapping, segment_bytes long: to guard it, not to read it. */
const void *segment_base(const struct segment *segment);
/* True when time stamps in the segment compare with this process' CLOCK_MONOTONIC. */
bool segment_same_clock(const struct segment *segment);

/* True while the segment still is the one that was attached; false once another VMM start (or
 * anyone) laid it out anew: destroy and attach again. */
bool segment_is_current(const struct segment *segment);
uint32_t segment_epoch(const struct segment *segment);
/* What the header says now; anything else than the known states reads as 0. */
enum segment_state segment_state(const struct segment *segment);
uint64_t segment_heartbeat(const struct segment *segment);

/* Writer's side. */
void segment_set_state(struct segment *segment, enum segment_state state);
void segment_beat(struct segment *segment);

/* The section as mapped, with room for at least the fixed struct of its type; NULL when there is
 * none. For the readers and writers of this room and for tools. */
void *segment_find(const struct segment *segment, enum segment_section_type type, uint32_t index,
		   uint64_t *bytes);

#endif
