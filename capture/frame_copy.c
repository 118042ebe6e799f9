/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Damaged rows from the guest's pieces of memory into a slot. Both sides may change meanwhile. */
#include "capture_private.h"

#include <display/pixel_layout.h>
#include <errno.h>
#include <ivshmem/abi.h>
#include <ivshmem/copy.h>

int frame_format_find(uint32_t fourcc, struct frame_format *format)
{
	*format = (struct frame_format){ .fourcc = fourcc };
	if (video_fourcc_known(fourcc))
		return 0;
	format->fourcc = VIDEO_FOURCC_XRGB8888;
	format->convert = pixel_layout_find(fourcc);
	return format->convert ? 0 : -EINVAL;
}

int frame_format_xrgb(uint32_t fourcc, struct frame_format *format)
{
	*format = (struct frame_format){ .fourcc = VIDEO_FOURCC_XRGB8888 };
	if (fourcc == VIDEO_FOURCC_XRGB8888 || fourcc == VIDEO_FOURCC_ARGB8888)
		return 0;
	format->convert = pixel_layout_find(fourcc);
	return format->convert ? 0 : -EINVAL;
}

/* A place in the pieces; only ever moves forwards. */
struct frame_place {
	const struct iovec *iov;
	const struct iovec *end;
	uint64_t skip;                  /* bytes of *iov that lie behind us */
};

static void frame_place_advance(struct frame_place *place, uint64_t bytes)
{
	place->skip += bytes;
	while (place->iov < place->end && place->skip >= place->iov->iov_len) {
		place->skip -= place->iov->iov_len;
		place->iov++;
	}
}

static void frame_place_read(struct frame_place *place, uint8_t *to, uint64_t bytes)
{
	while (bytes && place->iov < place->end) {
		uint64_t now = place->iov->iov_len - place->skip;

		if (now > bytes)
			now = bytes;
		shared_copy(to, (const uint8_t *)place->iov->iov_base + place->skip, now);
		to += now;
		bytes -= now;
		frame_place_advance(place, now);
	}
}

static void frame_convert_row(const struct pixel_layout *layout, uint32_t *row, uint32_t width)
{
	for (uint32_t i = 0; i < width; i++) {
		uint32_t pixel = row[i];

		row[i] = UINT32_C(0xff000000) | (pixel >> layout->red & 0xff) << 16 |
			 (pixel >> layout->green & 0xff) << 8 | (pixel >> layout->blue & 0xff);
	}
}

static void frame_copy_rect(struct frame_place place, uint32_t stride,
			    const struct video_rect *rect, const struct frame_format *format,
			    uint8_t *to, uint32_t pitch, uint32_t *row)
{
	uint64_t row_bytes = (uint64_t)rect->width * 4;

	if (!format->convert && row_bytes == stride && row_bytes == pitch) {
		/* Whole rows without gaps on either side: as few and as long copies as can be. */
		frame_place_read(&place, to, row_bytes * rect->height);
		return;
	}
	for (uint32_t y = 0; y < rect->height; y++, to += pitch) {
		if (format->convert) {
			frame_place_read(&place, (uint8_t *)row, row_bytes);
			frame_convert_row(format->convert, row, rect->width);
			shared_copy(to, row, row_bytes);
		} else {
			frame_place_read(&place, to, row_bytes);
		}
		frame_place_advance(&place, stride - row_bytes);
	}
}

uint64_t frame_copy(const struct display_pixels *pixels, const struct rect *source,
		    const struct video_damage *damage, const struct frame_format *format,
		    uint8_t *to, uint32_t pitch, uint32_t *row)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < damage->count; i++) {
		const struct video_rect *rect = &damage->rects[i];
		struct frame_place place = {
			.iov = pixels->iov,
			.end = pixels->iov + pixels->iov_count,
		};

		frame_place_advance(&place, pixels->offset_bytes +
						    (uint64_t)(source->y + rect->y) *
							    pixels->stride_bytes +
						    (uint64_t)(source->x + rect->x) * 4);
		frame_copy_rect(place, pixels->stride_bytes, rect, format,
				to + (uint64_t)rect->y * pitch + (uint64_t)rect->x * 4, pitch,
				row);
		bytes += (uint64_t)rect->width * rect->height * 4;
	}
	return bytes;
}
