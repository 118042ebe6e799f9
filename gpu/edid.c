/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edid.h"

#include <base/bytes.h>
#include <stdio.h>
#include <string.h>

#define EDID_DEFAULT_WIDTH 1024u
#define EDID_DEFAULT_HEIGHT 768u
#define EDID_DOTS_PER_INCH 100u
#define EDID_MAKER "VTN"
#define EDID_PRODUCT 1
#define EDID_YEAR 2025
#define EDID_GAMMA_2_2 120

#define EDID_DESCRIPTOR_RANGE 0xfd
#define EDID_DESCRIPTOR_NAME 0xfc
#define EDID_DESCRIPTOR_SERIAL 0xff

/* Offsets in the base block. */
#define EDID_DESCRIPTORS 54
#define EDID_DESCRIPTOR_BYTES 18
#define EDID_EXTENSIONS 126

#define DISPLAYID_HEADER_BYTES 4
#define DISPLAYID_PRODUCT 0x00
#define DISPLAYID_PARAMETERS 0x01
#define DISPLAYID_TIMING_1 0x03
#define DISPLAYID_INTERFACE 0x0f

enum edid_aspect {
	EDID_ASPECT_16_10,
	EDID_ASPECT_4_3,
	EDID_ASPECT_5_4,
	EDID_ASPECT_16_9,
};

static const struct {
	uint16_t width;
	enum edid_aspect aspect;
} edid_standard_modes[8] = {
	{ 1920, EDID_ASPECT_16_9 },  { 1920, EDID_ASPECT_16_10 }, { 1680, EDID_ASPECT_16_10 },
	{ 1600, EDID_ASPECT_16_9 },  { 1440, EDID_ASPECT_16_10 }, { 1280, EDID_ASPECT_5_4 },
	{ 1280, EDID_ASPECT_16_9 },  { 1600, EDID_ASPECT_4_3 },
};

static uint32_t edid_millimetres(uint32_t pixels)
{
	return (pixels * 254 + EDID_DOTS_PER_INCH * 5) / (EDID_DOTS_PER_INCH * 10);
}

static uint8_t edid_centimetres(uint32_t pixels)
{
	uint32_t cm = (edid_millimetres(pixels) + 5) / 10;

	if (cm == 0)
		return 1;
	return cm > 255 ? 255 : (uint8_t)cm;
}

/* The byte that makes the sum of all 0. */
static uint8_t edid_checksum(const uint8_t *bytes, size_t count)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static void edid_write_text(uint8_t *descriptor, uint8_t tag, const char *text)
{
	size_t length = strlen(text);

	descriptor[3] = tag;
	memset(descriptor + 5, ' ', 13);
	memcpy(descriptor + 5, text, length < 13 ? length : 13);
	if (length < 13)
		descriptor[5 + length] = '\n';
}

/* Range limits without a formula; the preferred timing lies inside. */
static void edid_write_range(uint8_t *descriptor, const struct gpu_edid_timing *timing)
{
	uint32_t line_khz = timing->clock_khz / (timing->width + timing->horizontal_blank) + 1;
	uint32_t clock_10mhz = timing->clock_khz / 10000 + 1;

	descriptor[7] = line_khz > 30 ? 30 : (uint8_t)(line_khz > 1 ? line_khz - 1 : 1);
	if (line_khz < 160)
		line_khz = 160;
	if (clock_10mhz < 60)
		clock_10mhz = 60;
	descriptor[3] = EDID_DESCRIPTOR_RANGE;
	if (line_khz > 255) {
		descriptor[4] = 0x08;   /* 255 is to be added to the highest line rate */
		line_khz = line_khz > 510 ? 255 : line_khz - 255;
	}
	descriptor[5] = 50;             /* Hz */
	descriptor[6] = 75;
	descriptor[8] = (uint8_t)line_khz;
	descriptor[9] = clock_10mhz > 255 ? 255 : (uint8_t)clock_10mhz;
	descriptor[10] = 0x01;
	descriptor[11] = '\n';
	memset(descriptor + 12, ' ', 6);
}

static void edid_write_header(uint8_t *edid, uint32_t index, uint32_t width, uint32_t height)
{
	/* Three letters of 5 bits. */
	const uint16_t maker = (EDID_MAKER[0] - '@') << 10 | (EDID_MAKER[1] - '@') << 5 |
			       (EDID_MAKER[2] - '@');
	static const uint8_t magic[8] = { 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00 };
	/* sRGB primaries and white point. */
	static const uint8_t chromaticity[10] = {
		0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54,
	};

	memcpy(edid, magic, sizeof(magic));
	edid[8] = (uint8_t)(maker >> 8);
	edid[9] = (uint8_t)maker;
	le16_store(edid + 10, EDID_PRODUCT);
	le32_store(edid + 12, index + 1);
	edid[16] = 0;                           /* no week */
	edid[17] = EDID_YEAR - 1990;
	edid[18] = 1;                           /* EDID 1.4 */
	edid[19] = 4;
	edid[20] = 0xa5;                        /* digital, 8 bits a colour, DisplayPort */
	edid[21] = edid_centimetres(width);
	edid[22] = edid_centimetres(height);
	edid[23] = EDID_GAMMA_2_2;
	edid[24] = 0x07;        /* sRGB, native preferred timing, continuous frequency */
	memcpy(edid + 25, chromaticity, sizeof(chromaticity));
}

static void edid_write_modes(uint8_t *edid)
{
	edid[35] = 0x21;        /* 640x480 and 800x600 at 60 Hz */
	edid[36] = 0x08;        /* 1024x768 at 60 Hz */
	edid[37] = 0;
	for (size_t i = 0; i < 8; i++) {
		edid[38 + 2 * i] = (uint8_t)(edid_standard_modes[i].width / 8 - 31);
		edid[39 + 2 * i] = (uint8_t)(edid_standard_modes[i].aspect << 6); /* 60 Hz */
	}
}

/* A data block's header in a DisplayID section; its payload. */
static uint8_t *edid_displayid_block(uint8_t *section, uint8_t tag, uint8_t bytes)
{
	uint8_t *block = section + DISPLAYID_HEADER_BYTES + section[1];

	block[0] = tag;
	block[1] = 0;                           /* revision */
	block[2] = bytes;
	section[1] = (uint8_t)(section[1] + 3 + bytes);
	return block + 3;
}

static void edid_write_displayid_product(uint8_t *section, uint32_t index)
{
	uint8_t *product = edid_displayid_block(section, DISPLAYID_PRODUCT, 12);

	memcpy(product, EDID_MAKER, 3);
	le16_store(product + 3, EDID_PRODUCT);
	le32_store(product + 5, index + 1);
	product[10] = EDID_YEAR - 2000;
}

static void edid_write_displayid_parameters(uint8_t *section, uint32_t width, uint32_t height)
{
	uint8_t *parameters = edid_displayid_block(section, DISPLAYID_PARAMETERS, 12);
	uint32_t longer = width > height ? width : height;
	uint32_t shorter = width > height ? height : width;
	uint32_t aspect = (longer - shorter) * 100 / shorter;

	le16_store(parameters, (uint16_t)(edid_millimetres(width) * 10));
	le16_store(parameters + 2, (uint16_t)(edid_millimetres(height) * 10));
	le16_store(parameters + 4, (uint16_t)width);
	le16_store(parameters + 6, (uint16_t)height);
	parameters[9] = EDID_GAMMA_2_2;
	parameters[10] = (uint8_t)(aspect > 255 ? 255 : aspect);
	parameters[11] = 0x77;                  /* 8 bits a colour, native and at most */
}

static void edid_write_displayid_interface(uint8_t *section)
{
	uint8_t *port = edid_displayid_block(section, DISPLAYID_INTERFACE, 10);

	port[0] = 0xa4;                         /* DisplayPort, 4 lanes */
	port[1] = 0x12;                         /* of version 1.2 */
	port[2] = 0x02;                         /* RGB with 8 bits a colour */
}

static void edid_write_displayid(uint8_t *block, uint32_t index,
				 const struct gpu_edid_timing *timing)
{
	uint8_t *section = block + 1;

	block[0] = 0x70;                        /* a DisplayID section follows */
	section[0] = 0x12;                      /* version 1.2 */
	section[1] = 0;                         /* bytes of its blocks */
	section[2] = 3;                         /* a display of its own */
	section[3] = 0;                         /* no further sections */

	edid_write_displayid_product(section, index);
	edid_write_displayid_parameters(section, timing->width, timing->height);
	gpu_edid_timing_write_displayid(timing, edid_displayid_block(section,
								     DISPLAYID_TIMING_1, 20));
	edid_write_displayid_interface(section);

	section[DISPLAYID_HEADER_BYTES + section[1]] =
		edid_checksum(section, (size_t)DISPLAYID_HEADER_BYTES + section[1]);
	block[GPU_EDID_BLOCK_BYTES - 1] = edid_checksum(block, GPU_EDID_BLOCK_BYTES - 1);
}

size_t gpu_edid_build(uint32_t index, uint32_t width, uint32_t height, uint8_t *edid)
{
	struct gpu_edid_timing preferred, base;
	uint8_t *descriptor = edid + EDID_DESCRIPTORS;
	char serial[14];
	bool extended;

	if (width == 0 || height == 0) {
		width = EDID_DEFAULT_WIDTH;
		height = EDID_DEFAULT_HEIGHT;
	}
	gpu_edid_timing(&preferred, width, height);
	extended = !gpu_edid_timing_fits_base(&preferred);
	base = preferred;
	/* The base block must have a detailed timing. This one guests accept beside a larger. */
	if (extended)
		gpu_edid_timing(&base, EDID_DEFAULT_WIDTH, EDID_DEFAULT_HEIGHT);

	memset(edid, 0, GPU_EDID_MAX_BYTES);
	edid_write_header(edid, index, width, height);
	edid_write_modes(edid);
	gpu_edid_timing_write_base(&base, edid_millimetres(width), edid_millimetres(height),
				   descriptor);
	edid_write_range(descriptor + EDID_DESCRIPTOR_BYTES, &preferred);
	edid_write_text(descriptor + 2 * EDID_DESCRIPTOR_BYTES, EDID_DESCRIPTOR_NAME, "Vitrine");
	snprintf(serial, sizeof(serial), "VITRINE-%u", index % 1000);
	edid_write_text(descriptor + 3 * EDID_DESCRIPTOR_BYTES, EDID_DESCRIPTOR_SERIAL, serial);
	edid[EDID_EXTENSIONS] = extended;
	edid[GPU_EDID_BLOCK_BYTES - 1] = edid_checksum(edid, GPU_EDID_BLOCK_BYTES - 1);
	if (!extended)
		return GPU_EDID_BLOCK_BYTES;
	edid_write_displayid(edid + GPU_EDID_BLOCK_BYTES, index, &preferred);
	return GPU_EDID_MAX_BYTES;
}
