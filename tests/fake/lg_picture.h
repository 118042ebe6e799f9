/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a Looking Glass B7 client puts its picture together. */
#ifndef FAKE_LG_PICTURE_H
#define FAKE_LG_PICTURE_H

#include <fake/lg_client.h>
#include <ivshmem/kvmfr20.h>

#define LG_PICTURE_UPLOADS 2u

/* One of the buffers that pictures are copied into in turn, and what it missed since its turn. */
struct lg_upload {
	uint32_t *pixels;
	bool missed_all;
	uint32_t missed_count;
	struct kvmfr20_rect missed[KVMFR20_MAX_RECTS];
};

struct lg_picture {
	bool has_format;
	uint32_t format_version, serial;
	uint32_t turn;
	struct lg_upload uploads[LG_PICTURE_UPLOADS];
};

/* What it has is of another session. */
void lg_picture_forget(struct lg_picture *picture);
/* Copies the frame whose header is at this offset of the region and tells of it in state. NULL, or
 * what the real client would have crashed of. */
const char *lg_picture_take(struct lg_picture *picture, struct lg_client_state *state,
			    const uint8_t *base, uint64_t bytes, uint32_t offset);
void lg_picture_finish(struct lg_picture *picture);

#endif
