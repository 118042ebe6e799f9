/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random damages out of random pieces of memory, compared with a plain loop over pixels. */
#include "capture_private.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <ivshmem/abi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_EXTENT 40u
#define MAX_PIECES 64u
#define MAX_BYTES (MAX_EXTENT * 2 * 4 * MAX_EXTENT + 4096)

static uint32_t random_below(uint32_t limit)
{
	static uint64_t state = 7;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(state >> 33) % limit;
}

struct guest_picture {
	uint8_t bytes[MAX_BYTES];
	uint8_t *pieces[MAX_PIECES];    /* each allocated alone: overruns are seen by ASan */
	struct iovec iov[MAX_PIECES];
	struct display_pixels pixels;
};

/* Cuts the bytes into pieces of odd and zero lengths. */
static void picture_cut(struct guest_picture *picture, size_t bytes)
{
	size_t done = 0, count = 0;

	while (done < bytes) {
		size_t length = count == MAX_PIECES - 1 ? bytes - done : random_below(700);

		if (length > bytes - done)
			length = bytes - done;
		picture->pieces[count] = malloc(length ? length : 1);
		assert_non_null(picture->pieces[count]);
		memcpy(picture->pieces[count], picture->bytes + done, length);
		picture->iov[count] = (struct iovec){ picture->pieces[count], length };
		done += length;
		count++;
	}
	picture->pixels.iov = picture->iov;
	picture->pixels.iov_count = count;
}

static void picture_free(struct guest_picture *picture)
{
	for (size_t i = 0; i < picture->pixels.iov_count; i++)
		free(picture->pieces[i]);
}

static uint32_t picture_pixel(const struct guest_picture *picture, uint32_t x, uint32_t y)
{
	uint32_t pixel;

	memcpy(&pixel, picture->bytes + picture->pixels.offset_bytes +
			       y * picture->pixels.stride_bytes + x * 4, sizeof(pixel));
	return pixel;
}

/* What a client must see for a pixel of this format. */
static uint32_t converted(uint32_t pixel, uint32_t fourcc)
{
	if (fourcc == DRM_FORMAT_RGBX8888)
		return 0xff000000 | pixel >> 8;
	if (fourcc == DRM_FORMAT_BGRX8888)
		return 0xff000000 | (pixel & 0xff00) << 8 | (pixel >> 8 & 0xff00) | pixel >> 24;
	return pixel;
}

static bool damaged(const struct video_damage *damage, uint32_t x, uint32_t y)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		const struct video_rect *rect = &damage->rects[i];

		if (x >= rect->x && x < rect->x + rect->width && y >= rect->y &&
		    y < rect->y + rect->height)
			return true;
	}
	return false;
}

static void random_damage(struct video_damage *damage, const struct rect *source)
{
	damage->count = random_below(5);
	for (uint32_t i = 0; i < damage->count; i++) {
		struct video_rect *rect = &damage->rects[i];

		rect->x = random_below(2) ? 0 : random_below(source->width);
		rect->y = random_below(source->height);
		rect->width = rect->x ? 1 + random_below(source->width - rect->x) : source->width;
		rect->height = 1 + random_below(source->height - rect->y);
	}
}

static void one_round(uint32_t fourcc)
{
	static struct guest_picture picture;
	static uint32_t slot[MAX_EXTENT * MAX_EXTENT], row[MAX_EXTENT];
	uint32_t width = 1 + random_below(MAX_EXTENT), height = 1 + random_below(MAX_EXTENT);
	struct frame_format format;
	struct video_damage damage = { 0 };
	struct rect source;
	uint64_t bytes = 0;

	picture.pixels.offset_bytes = random_below(2) ? 0 : random_below(999);
	picture.pixels.stride_bytes = width * 4 + (random_below(2) ? 0 : random_below(100));
	for (size_t i = 0; i < sizeof(picture.bytes); i++)
		picture.bytes[i] = (uint8_t)random_below(256);
	picture_cut(&picture, picture.pixels.offset_bytes +
				      (height - 1) * picture.pixels.stride_bytes + width * 4);
	source.x = random_below(2) ? 0 : random_below(width);
	source.y = random_below(height);
	source.width = width - source.x;
	source.height = height - source.y;
	random_damage(&damage, &source);
	memset(slot, 0x77, sizeof(slot));
	assert_int_equal(frame_format_find(fourcc, &format), 0);
	for (uint32_t i = 0; i < damage.count; i++)
		bytes += (uint64_t)damage.rects[i].width * damage.rects[i].height * 4;
	assert_int_equal(frame_copy(&picture.pixels, &source, &damage, &format, (uint8_t *)slot,
				    source.width * 4, row), bytes);
	for (uint32_t y = 0; y < source.height; y++)
		for (uint32_t x = 0; x < source.width; x++)
			assert_int_equal(slot[y * source.width + x],
					 !damaged(&damage, x, y) ? 0x77777777 :
					 converted(picture_pixel(&picture, source.x + x,
								 source.y + y), fourcc));
	picture_free(&picture);
}

static void test_pass_through(void **state)
{
	for (int i = 0; i < 3000; i++)
		one_round(i % 2 ? DRM_FORMAT_XRGB8888 : DRM_FORMAT_ABGR8888);
}

static void test_converted(void **state)
{
	for (int i = 0; i < 1500; i++)
		one_round(i % 2 ? DRM_FORMAT_RGBX8888 : DRM_FORMAT_BGRX8888);
}

static void test_formats(void **state)
{
	struct frame_format format;

	assert_int_equal(frame_format_find(DRM_FORMAT_ARGB8888, &format), 0);
	assert_int_equal(format.fourcc, VIDEO_FOURCC_ARGB8888);
	assert_null(format.convert);
	assert_int_equal(frame_format_find(DRM_FORMAT_RGBA8888, &format), 0);
	assert_int_equal(format.fourcc, VIDEO_FOURCC_XRGB8888);
	assert_int_equal(frame_format_find(DRM_FORMAT_NV12, &format), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass_through),
		cmocka_unit_test(test_converted),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
