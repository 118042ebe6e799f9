/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How pictures and cursors reach Looking Glass clients of one version. What they are is decided in
 * looking_glass.c; a wire has slots for whole pictures and knows who listens. All on one loop.
 */
#ifndef LG_WIRE_H
#define LG_WIRE_H

#include <base/rect.h>
#include <stdbool.h>
#include <stdint.h>

struct display;
struct looking_glass;
struct looking_glass_callbacks;
struct looking_glass_vm;
struct lg_file;

#define LG_WIRE_MAX_SLOTS 8

struct lg_wire_picture {
	uint32_t width, height;
	uint32_t fourcc;                /* one of VIDEO_FOURCC_* */
};

struct lg_wire_slot {
	uint32_t index;                 /* below LG_WIRE_MAX_SLOTS */
	uint8_t *pixels;
	uint32_t pitch;
};

struct lg_wire_cursor {
	bool visible;
	int32_t x, y;                   /* of the image's corner */
	uint32_t hot_x, hot_y, width, height;
	const uint32_t *image;          /* ARGB8888, premultiplied; NULL: as it was */
};

/* What a beat has found. */
struct lg_wire_news {
	bool wanted;                    /* somebody listens */
	bool slots_lost;                /* no slot holds what was put into it */
	bool frame_again;               /* somebody needs the current picture */
	bool cursor_again;              /* somebody needs cursor and image */
	bool set_cursor;                /* a client wants the guest's pointer here: */
	int32_t x, y;
};

struct lg_wire {
	const struct lg_wire_ops *ops;
};

struct lg_wire_ops {
	void (*destroy)(struct lg_wire *wire);
	/* Bytes a region must have for pictures of this size. */
	uint64_t (*needed_bytes)(struct lg_wire *wire, uint32_t width, uint32_t height);
	/* The heartbeat; every 10 to 50 ms. */
	void (*beat)(struct lg_wire *wire, uint64_t now_ms, struct lg_wire_news *news);
	/* A slot for the next picture, never the last one that was ended. 0 or -EFBIG. */
	int (*frame_begin)(struct lg_wire *wire, const struct lg_wire_picture *picture,
			   struct lg_wire_slot *slot, uint64_t now_ms);
	/* The slot holds all of the picture; damage: what changed since the last (NULL: all). */
	void (*frame_end)(struct lg_wire *wire, const struct damage *damage, uint64_t now_ms);
	/* The slot's pixels are worth nothing. */
	void (*frame_cancel)(struct lg_wire *wire);
	/* The last one ended, for those that have not seen it. */
	void (*frame_again)(struct lg_wire *wire, uint64_t now_ms);
	void (*cursor)(struct lg_wire *wire, const struct lg_wire_cursor *cursor, uint64_t now_ms);
};

/* Looking Glass B7 in a region of its own. vm is read only here; set_cursor: clients may ask for it.
 * NULL with errno. */
struct lg_wire *lg_wire_kvmfr20_create(void *base, uint64_t bytes,
				       const struct looking_glass_vm *vm, bool set_cursor,
				       uint64_t now_ms);
/* The same before there is one. */
uint64_t lg_wire_kvmfr20_needed_bytes(uint32_t width, uint32_t height);

/* Takes wire and file, also on failure; file may be NULL. NULL with errno. */
struct looking_glass *looking_glass_create_on(struct display *display, struct lg_wire *wire,
					      struct lg_file *file,
					      const struct looking_glass_callbacks *callbacks,
					      void *data);

/* --- lg_file.c --- */

struct option_error;
struct looking_glass_config;

/* Opens or makes, locks and maps the file. NULL with the error set. */
struct lg_file *lg_file_open(const struct looking_glass_config *config, uint64_t needed_bytes,
			     struct option_error *error);
/* NULL is ignored. */
void lg_file_close(struct lg_file *file);
void *lg_file_base(const struct lg_file *file);
uint64_t lg_file_bytes(const struct lg_file *file);
/* Somebody made the file shorter: what is mapped is not all shared any more. NULL: no. */
bool lg_file_lost(const struct lg_file *file);

#endif
