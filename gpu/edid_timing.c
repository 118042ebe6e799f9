/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edid.h"

#include <base/bytes.h>

/* VESA CVT 1.2, reduced blanking. */
#define CVT_HORIZONTAL_BLANK 160u
#define CVT_HORIZONTAL_FRONT 48u
#define CVT_HORIZONTAL_SYNC 32u
#define CVT_VERTICAL_FRONT 3u
#define CVT_MIN_VERTICAL_BACK 6u
#define CVT_MIN_VERTICAL_BLANK_US 460u
#define CVT_CLOCK_STEP_KHZ 250u
#define TIMING_REFRESH_HZ 60u

#define BASE_MAX_CLOCK_KHZ 655350u
#define BASE_MAX_ACTIVE 4095u

/* CVT tells the aspect ratio by the width of the vertical sync. */
static uint32_t timing_vertical_sync(uint32_t width, uint32_t height)
{
	static const struct {
		uint32_t width, height, lines;
	} aspects[] = { { 4, 3, 4 }, { 16, 9, 5 }, { 16, 10, 6 }, { 5, 4, 7 }, { 15, 9, 7 } };

	for (size_t i = 0; i < sizeof(aspects) / sizeof(aspects[0]); i++)
		if (width * aspects[i].height == height * aspects[i].width)
			return aspects[i].lines;
	return 10;
}

void gpu_edid_timing(struct gpu_edid_timing *timing, uint32_t width, uint32_t height)
{
	uint32_t sync = timing_vertical_sync(width, height);
	uint32_t least = CVT_VERTICAL_FRONT + sync + CVT_MIN_VERTICAL_BACK;
	/* Lines that pass in the least blanking time when all others share the rest of 1/60 s. */
	uint32_t blank = CVT_MIN_VERTICAL_BLANK_US * TIMING_REFRESH_HZ * height /
				 (1000000u - CVT_MIN_VERTICAL_BLANK_US * TIMING_REFRESH_HZ) + 1;
	uint64_t clock_khz;

	*timing = (struct gpu_edid_timing){
		.width = width,
		.height = height,
		.horizontal_blank = CVT_HORIZONTAL_BLANK,
		.horizontal_front = CVT_HORIZONTAL_FRONT,
		.horizontal_sync = CVT_HORIZONTAL_SYNC,
		.vertical_blank = blank > least ? blank : least,
		.vertical_front = CVT_VERTICAL_FRONT,
		.vertical_sync = sync,
	};
	clock_khz = (uint64_t)(width + timing->horizontal_blank) *
		    (height + timing->vertical_blank) * TIMING_REFRESH_HZ / 1000;
	timing->clock_khz = (uint32_t)(clock_khz - clock_khz % CVT_CLOCK_STEP_KHZ);
	/* Tiny pictures: a clock of 0 means "no timing". */
	if (timing->clock_khz == 0)
		timing->clock_khz = CVT_CLOCK_STEP_KHZ;
}

bool gpu_edid_timing_fits_base(const struct gpu_edid_timing *timing)
{
	return timing->width <= BASE_MAX_ACTIVE && timing->height <= BASE_MAX_ACTIVE &&
	       timing->clock_khz <= BASE_MAX_CLOCK_KHZ;
}

static uint32_t timing_clamp_mm(uint32_t mm)
{
	return mm > 4095 ? 4095 : mm;
}

void gpu_edid_timing_write_base(const struct gpu_edid_timing *timing, uint32_t width_mm,
				uint32_t height_mm, uint8_t *d)
{
	uint32_t h_mm = timing_clamp_mm(width_mm), v_mm = timing_clamp_mm(height_mm);

	le16_store(d, (uint16_t)(timing->clock_khz / 10));
	d[2] = (uint8_t)timing->width;
	d[3] = (uint8_t)timing->horizontal_blank;
	d[4] = (uint8_t)(timing->width >> 8 << 4 | timing->horizontal_blank >> 8);
	d[5] = (uint8_t)timing->height;
	d[6] = (uint8_t)timing->vertical_blank;
	d[7] = (uint8_t)(timing->height >> 8 << 4 | timing->vertical_blank >> 8);
	d[8] = (uint8_t)timing->horizontal_front;
	d[9] = (uint8_t)timing->horizontal_sync;
	d[10] = (uint8_t)(timing->vertical_front << 4 | timing->vertical_sync);
	d[11] = 0;      /* high bits of the four above: they all fit */
	d[12] = (uint8_t)h_mm;
	d[13] = (uint8_t)v_mm;
	d[14] = (uint8_t)(h_mm >> 8 << 4 | v_mm >> 8);
	d[15] = 0;      /* no borders */
	d[16] = 0;
	d[17] = 0x1a;   /* digital separate sync: horizontal positive, vertical negative */
}

static uint8_t timing_displayid_aspect(uint32_t width, uint32_t height)
{
	static const struct {
		uint32_t width, height;
		uint8_t code;
	} aspects[] = {
		{ 1, 1, 0 }, { 5, 4, 1 }, { 4, 3, 2 }, { 15, 9, 3 },
		{ 16, 9, 4 }, { 16, 10, 5 }, { 64, 27, 6 }, { 256, 135, 7 },
	};

	for (size_t i = 0; i < sizeof(aspects) / sizeof(aspects[0]); i++)
		if (width * aspects[i].height == height * aspects[i].width)
			return aspects[i].code;
	return 8;
}

void gpu_edid_timing_write_displayid(const struct gpu_edid_timing *timing, uint8_t *d)
{
	uint32_t clock = timing->clock_khz / 10 - 1;    /* all fields hold one less */

	le16_store(d, (uint16_t)clock);
	d[2] = (uint8_t)(clock >> 16);
	d[3] = 0x80 | timing_displayid_aspect(timing->width, timing->height);
	le16_store(d + 4, (uint16_t)(timing->width - 1));
	le16_store(d + 6, (uint16_t)(timing->horizontal_blank - 1));
	le16_store(d + 8, (uint16_t)(0x8000 | (timing->horizontal_front - 1)));
	le16_store(d + 10, (uint16_t)(timing->horizontal_sync - 1));
	le16_store(d + 12, (uint16_t)(timing->height - 1));
	le16_store(d + 14, (uint16_t)(timing->vertical_blank - 1));
	le16_store(d + 16, (uint16_t)(timing->vertical_front - 1));
	le16_store(d + 18, (uint16_t)(timing->vertical_sync - 1));
}
