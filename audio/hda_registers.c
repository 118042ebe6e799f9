/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register file (3.3): what resets to what, which bits a write changes or clears, and what else
 * it does. What has no row here reads as 0 and ignores writes.
 */
#include <base/clock.h>
#include <string.h>

#include "hda_private.h"

/* 2 input and 2 output streams, 64-bit addresses; version 1.0. */
#define HDA_GCAP_VALUE (1u << 24 | HDA_OUTPUT_STREAMS << 12 | HDA_INPUT_STREAMS << 8 | 1u)
/* Words of 16 bits a frame of 48 kHz has on a link with one wire each way (3.3.5, 3.3.6). */
#define HDA_PAYLOAD_VALUE (0x1du << 16 | 0x3cu)
#define HDA_RING_256_ENTRIES (0x42u << 16)      /* is that size, and can be nothing else */
#define HDA_FIFO_BYTES_OUT 0xc0u
#define HDA_FIFO_BYTES_IN 0x78u
#define HDA_WALL_CLOCK_MHZ 24u

struct hda_register_class {
	uint32_t reset;
	uint32_t writable;
	uint32_t clears;        /* bits that a 1 clears */
	void (*written)(struct hda *hda, unsigned int offset);
};

static void hda_gctl_written(struct hda *hda, unsigned int offset);
static void hda_sdctl_written(struct hda *hda, unsigned int offset);

static void hda_old_ssync_written(struct hda *hda, unsigned int offset)
{
	*hda_register(hda, HDA_SSYNC) = *hda_register(hda, HDA_OLD_SSYNC);
}

static void hda_ssync_written(struct hda *hda, unsigned int offset)
{
	*hda_register(hda, HDA_OLD_SSYNC) = *hda_register(hda, HDA_SSYNC);
}

/* The guest sets the reset bit, waits to see it, clears it and waits again (3.3.21). */
static void hda_corb_pointers_written(struct hda *hda, unsigned int offset)
{
	if (*hda_register(hda, offset) & HDA_CORBRP_RST)
		*hda_register(hda, offset) &= HDA_CORBRP_RST | 0xff;
	hda_corb_run(hda);
}

static void hda_corb_control_written(struct hda *hda, unsigned int offset)
{
	hda_corb_run(hda);
}

/* The reset bit reads as 0 (3.3.27). */
static void hda_rirb_pointer_written(struct hda *hda, unsigned int offset)
{
	if (!(*hda_register(hda, offset) & HDA_RIRBWP_RST))
		return;
	*hda_register(hda, offset) &= ~0xffffu;
	hda->responses = 0;
}

static void hda_immediate_written(struct hda *hda, unsigned int offset)
{
	if (*hda_register(hda, offset) & HDA_ICIS_ICB)
		hda_immediate_run(hda);
}

static const struct hda_register_class hda_global_class[HDA_STREAM / 4] = {
	[HDA_GCAP / 4] = { .reset = HDA_GCAP_VALUE },
	[HDA_OUTPAY / 4] = { .reset = HDA_PAYLOAD_VALUE },
	[HDA_GCTL / 4] = { .writable = HDA_GCTL_CRST | HDA_GCTL_UNSOL,
			   .written = hda_gctl_written },
	[HDA_WAKEEN / 4] = { .writable = 0x7fff, .clears = 0x7fff0000 },
	[HDA_INTCTL / 4] = { .writable = HDA_INT_GLOBAL | HDA_INT_CONTROLLER |
					 ((1u << HDA_STREAMS) - 1) },
	[HDA_OLD_SSYNC / 4] = { .writable = (1u << HDA_STREAMS) - 1,
				.written = hda_old_ssync_written },
	[HDA_SSYNC / 4] = { .writable = (1u << HDA_STREAMS) - 1, .written = hda_ssync_written },
	[HDA_CORBLBASE / 4] = { .writable = 0xffffff80 },
	[HDA_CORBUBASE / 4] = { .writable = 0xffffffff },
	[HDA_CORBWP / 4] = { .writable = HDA_CORBRP_RST | 0xff,
			     .written = hda_corb_pointers_written },
	[HDA_CORBCTL / 4] = { .reset = HDA_RING_256_ENTRIES,
			      .writable = HDA_CORBCTL_CMEIE | HDA_CORBCTL_RUN,
			      .clears = HDA_CORBSTS_CMEI,
			      .written = hda_corb_control_written },
	[HDA_RIRBLBASE / 4] = { .writable = 0xffffff80 },
	[HDA_RIRBUBASE / 4] = { .writable = 0xffffffff },
	[HDA_RIRBWP / 4] = { .writable = 0xffu << HDA_RINTCNT_SHIFT | HDA_RIRBWP_RST,
			     .written = hda_rirb_pointer_written },
	[HDA_RIRBCTL / 4] = { .reset = HDA_RING_256_ENTRIES,
			      .writable = HDA_RIRBCTL_RINTCTL | HDA_RIRBCTL_DMAEN |
					  HDA_RIRBCTL_OIC,
			      .clears = HDA_RIRBSTS_RINTFL | HDA_RIRBSTS_OIS },
	[HDA_ICOI / 4] = { .writable = 0xffffffff },
	[HDA_ICIS / 4] = { .writable = HDA_ICIS_ICB, .clears = HDA_ICIS_IRV,
			   .written = hda_immediate_written },
	[HDA_DPLBASE / 4] = { .writable = 0xffffff80 | HDA_DPLBASE_ENABLE },
	[HDA_DPUBASE / 4] = { .writable = 0xffffffff },
};

static const struct hda_register_class hda_stream_class[HDA_STREAM_BYTES / 4] = {
	[HDA_SDCTL / 4] = { .writable = 0x00f7001f,
			    .clears = HDA_SDSTS_BCIS | HDA_SDSTS_FIFOE | HDA_SDSTS_DESE,
			    .written = hda_sdctl_written },
	[HDA_SDCBL / 4] = { .writable = 0xffffffff },
	[HDA_SDLVI / 4] = { .writable = 0xff },
	[HDA_SDFIFOS / 4] = { .writable = 0x7f7fu << HDA_SDFMT_SHIFT },
	[HDA_SDBDPL / 4] = { .writable = 0xffffff80 },
	[HDA_SDBDPU / 4] = { .writable = 0xffffffff },
};

static const struct hda_register_class *hda_register_class(uint64_t offset)
{
	if (offset < HDA_STREAM)
		return &hda_global_class[offset / 4];
	return &hda_stream_class[(offset - HDA_STREAM) % HDA_STREAM_BYTES / 4];
}

void hda_registers_reset_stream(struct hda *hda, unsigned int index)
{
	unsigned int first = HDA_STREAM + index * HDA_STREAM_BYTES;

	memset(hda_register(hda, first), 0, HDA_STREAM_BYTES);
	*hda_register(hda, first + HDA_SDFIFOS) =
		(index < HDA_INPUT_STREAMS ? HDA_FIFO_BYTES_IN : HDA_FIFO_BYTES_OUT) - 1;
	hda_stream_rewind(&hda->streams[index]);
}

void hda_registers_reset(struct hda *hda)
{
	uint32_t wake = *hda_register(hda, HDA_WAKEEN);

	for (unsigned int i = 0; i < HDA_STREAM / 4; i++)
		hda->registers[i] = hda_global_class[i].reset;
	*hda_register(hda, HDA_WAKEEN) = wake;
	for (unsigned int i = 0; i < HDA_STREAMS; i++)
		hda_registers_reset_stream(hda, i);
	hda->responses = 0;
	hda->wall_clock_start_ns = 0;
	hda_codec_reset(hda);
}

/* Leaving the reset, the codec tells that it is there (4.3). */
static void hda_gctl_written(struct hda *hda, unsigned int offset)
{
	uint32_t control = *hda_register(hda, offset);

	if (!(control & HDA_GCTL_CRST)) {
		hda_registers_reset(hda);
	} else if (hda->wall_clock_start_ns == 0) {
		hda->wall_clock_start_ns = clock_now_ns();
		*hda_register(hda, HDA_WAKEEN) |= 1u << HDA_STATESTS_SHIFT;
	}
}

/* Everything of the descriptor is at rest while the guest holds SRST. */
static void hda_sdctl_written(struct hda *hda, unsigned int offset)
{
	if (!(*hda_register(hda, offset) & HDA_SDCTL_SRST))
		return;
	hda_registers_reset_stream(hda, (offset - HDA_STREAM) / HDA_STREAM_BYTES);
	*hda_register(hda, offset) = HDA_SDCTL_SRST;
}

/* The offset that an alias stands for (3.3.43, 3.3.44); other words of that page are nothing. */
static uint64_t hda_register_unalias(uint64_t offset)
{
	uint64_t to = offset - HDA_ALIAS;

	if (offset < HDA_ALIAS)
		return offset;
	if (to == HDA_WALCLK || (to >= HDA_STREAM && to % HDA_STREAM_BYTES == HDA_SDLPIB))
		return to;
	return UINT64_MAX;
}

uint32_t hda_register_read(struct hda *hda, uint64_t offset)
{
	offset = hda_register_unalias(offset);
	if (offset == HDA_WALCLK && hda->wall_clock_start_ns)
		return (uint32_t)((clock_now_ns() - hda->wall_clock_start_ns) * HDA_WALL_CLOCK_MHZ /
				  1000);
	return offset / 4 < HDA_REGISTER_COUNT ? hda->registers[offset / 4] : 0;
}

/* While CRST is 0 the rest of the controller does not hear writes (3.3.7). */
static bool hda_register_hears(struct hda *hda, uint64_t offset)
{
	return offset / 4 < HDA_REGISTER_COUNT &&
	       (*hda_register(hda, HDA_GCTL) & HDA_GCTL_CRST || offset == HDA_GCTL ||
		offset == HDA_WAKEEN);
}

void hda_register_write(struct hda *hda, uint64_t offset, uint32_t mask, uint32_t value)
{
	const struct hda_register_class *class;
	uint32_t *to;

	if (!hda_register_hears(hda, offset))
		return;
	class = hda_register_class(offset);
	to = hda_register(hda, (unsigned int)offset);
	*to &= ~(value & mask & class->clears);
	*to = (*to & ~(mask & class->writable)) | (value & mask & class->writable);
	if (class->written)
		class->written(hda, (unsigned int)offset);
}
