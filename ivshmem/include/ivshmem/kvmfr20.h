/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVMFR, version 20: what Looking Glass B7 says in its LGMP region. Little endian, only the C
 * library.
 */
#ifndef IVSHMEM_KVMFR20_H
#define IVSHMEM_KVMFR20_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define KVMFR20_MAGIC "KVMFR---"
#define KVMFR20_VERSION 20u
#define KVMFR20_HOST_NAME_BYTES 32u
#define KVMFR20_FEATURE_SET_CURSOR 1u

/* The region's udata; records may follow. */
struct kvmfr20_hello {
	char magic[8];                  /* not terminated */
	uint32_t version;
	char host_name[KVMFR20_HOST_NAME_BYTES];
	uint32_t features;
};

/* Records follow each other without alignment. */
enum kvmfr20_record_type {
	KVMFR20_RECORD_VM_INFO = 1,     /* begins with the VM's UUID, in the order of its text */
	KVMFR20_RECORD_OS_INFO = 2,
};

struct kvmfr20_record {
	uint8_t type;                   /* enum kvmfr20_record_type */
	uint8_t padding[3];
	uint32_t bytes;                 /* of what follows */
};

#define KVMFR20_CAPTURE_NAME_BYTES 32u

/* The model of the CPU follows, with its NUL. */
struct kvmfr20_vm_info {
	uint8_t uuid[16];
	char capture_name[KVMFR20_CAPTURE_NAME_BYTES];
	uint8_t threads, cores, sockets;
};

enum kvmfr20_queue {
	KVMFR20_POINTER = 1,
	KVMFR20_FRAME = 2,
};

enum kvmfr20_frame_type {
	KVMFR20_BGRA = 1,
	KVMFR20_RGBA = 2,
};

#define KVMFR20_MAX_RECTS 64u
/* Bytes a damage rectangle begins and ends on: the client copies that many at a time. */
#define KVMFR20_COLUMN_BYTES 32u

struct kvmfr20_rect {
	uint32_t x, y, width, height;
};

/* At the start of a frame slot. Pixels follow the write pointer, which is at slot + offset. */
struct kvmfr20_frame {
	uint32_t format_version;        /* new: read size, type and pitch again */
	uint32_t serial;                /* the same as before: nothing new */
	uint32_t type;
	uint32_t screen_width, screen_height;
	uint32_t data_width, data_height;
	uint32_t frame_width, frame_height;
	uint32_t rotation;
	uint32_t stride;                /* pixels */
	uint32_t pitch;                 /* bytes */
	uint32_t offset;                /* of the write pointer, in the slot */
	uint32_t damage_count;          /* 0: all of it */
	struct kvmfr20_rect damage[KVMFR20_MAX_RECTS];
	uint32_t flags;
};

enum kvmfr20_cursor_flag {
	KVMFR20_CURSOR_POSITION = 1,
	KVMFR20_CURSOR_VISIBLE = 2,     /* counts in every message */
	KVMFR20_CURSOR_SHAPE = 4,
};

enum kvmfr20_cursor_type {
	KVMFR20_CURSOR_COLOUR = 0,      /* B, G, R, A premultiplied */
	KVMFR20_CURSOR_MONOCHROME = 1,  /* AND plane, then XOR plane; height counts both */
	KVMFR20_CURSOR_MASKED = 2,
};

#define KVMFR20_CURSOR_MAX_EXTENT 512u

/* The shape follows. */
struct kvmfr20_cursor {
	int16_t x, y;                   /* of the shape's corner, not of the hotspot */
	uint32_t type;
	int8_t hot_x, hot_y;
	uint8_t padding[2];
	uint32_t width, height;
	uint32_t pitch;                 /* bytes */
};

/* Client to host, on the pointer queue. */
#define KVMFR20_SET_CURSOR 0u

struct kvmfr20_set_cursor {
	uint32_t type;                  /* KVMFR20_SET_CURSOR */
	int32_t x, y;                   /* pixels: where the hotspot should go */
};

_Static_assert(sizeof(struct kvmfr20_hello) == 48, "KVMFR hello");
_Static_assert(sizeof(struct kvmfr20_record) == 8, "KVMFR record");
_Static_assert(sizeof(struct kvmfr20_vm_info) == 51, "KVMFR VM info");
_Static_assert(offsetof(struct kvmfr20_hello, host_name) == 12, "KVMFR hello");
_Static_assert(offsetof(struct kvmfr20_hello, features) == 44, "KVMFR hello");
_Static_assert(sizeof(struct kvmfr20_record) == 8, "KVMFR record");
_Static_assert(offsetof(struct kvmfr20_frame, rotation) == 36, "KVMFR frame");
_Static_assert(offsetof(struct kvmfr20_frame, pitch) == 44, "KVMFR frame");
_Static_assert(offsetof(struct kvmfr20_frame, damage) == 56, "KVMFR frame");
_Static_assert(offsetof(struct kvmfr20_frame, flags) == 1080, "KVMFR frame");
_Static_assert(sizeof(struct kvmfr20_frame) == 1084, "KVMFR frame");
_Static_assert(offsetof(struct kvmfr20_cursor, hot_x) == 8, "KVMFR cursor");
_Static_assert(offsetof(struct kvmfr20_cursor, width) == 12, "KVMFR cursor");
_Static_assert(sizeof(struct kvmfr20_cursor) == 24, "KVMFR cursor");
_Static_assert(sizeof(struct kvmfr20_set_cursor) == 12, "KVMFR set cursor");

#endif
