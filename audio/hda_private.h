/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the HD Audio controller, for the files that make it up. Section numbers are those
 * of the High Definition Audio Specification, revision 1.0a. Everything belongs to the audio loop.
 */
#ifndef AUDIO_HDA_PRIVATE_H
#define AUDIO_HDA_PRIVATE_H

#include <audio/backend.h>
#include <audio/hda.h>

/* Registers by the offset of the 32-bit word that they stand in (3.3). */
#define HDA_GCAP 0x00           /* with VMIN, VMAJ */
#define HDA_OUTPAY 0x04         /* with INPAY */
#define HDA_GCTL 0x08
#define HDA_WAKEEN 0x0c         /* with STATESTS */
#define HDA_INTCTL 0x20
#define HDA_INTSTS 0x24
#define HDA_WALCLK 0x30
#define HDA_OLD_SSYNC 0x34      /* where ICH6 to ICH10 have it */
#define HDA_SSYNC 0x38
#define HDA_CORBLBASE 0x40
#define HDA_CORBUBASE 0x44
#define HDA_CORBWP 0x48         /* with CORBRP */
#define HDA_CORBCTL 0x4c        /* with CORBSTS, CORBSIZE */
#define HDA_RIRBLBASE 0x50
#define HDA_RIRBUBASE 0x54
#define HDA_RIRBWP 0x58         /* with RINTCNT */
#define HDA_RIRBCTL 0x5c        /* with RIRBSTS, RIRBSIZE */
#define HDA_ICOI 0x60
#define HDA_ICII 0x64
#define HDA_ICIS 0x68
#define HDA_DPLBASE 0x70
#define HDA_DPUBASE 0x74
#define HDA_STREAM 0x80         /* the first stream descriptor */
#define HDA_STREAM_BYTES 0x20
/* In a stream descriptor. */
#define HDA_SDCTL 0x00          /* with SDSTS */
#define HDA_SDLPIB 0x04
#define HDA_SDCBL 0x08
#define HDA_SDLVI 0x0c
#define HDA_SDFIFOS 0x10        /* with SDFMT */
#define HDA_SDBDPL 0x18
#define HDA_SDBDPU 0x1c

#define HDA_ALIAS 0x2000        /* WALCLK and every LPIB once more, on a page of their own */

#define HDA_GCTL_CRST (1u << 0)
#define HDA_GCTL_UNSOL (1u << 8)        /* kept, but the codec never speaks unasked */
#define HDA_STATESTS_SHIFT 16
#define HDA_INT_GLOBAL (1u << 31)
#define HDA_INT_CONTROLLER (1u << 30)
#define HDA_CORBRP_RST (1u << 31)
#define HDA_CORBRP_SHIFT 16
#define HDA_CORBCTL_CMEIE (1u << 0)
#define HDA_CORBCTL_RUN (1u << 1)
#define HDA_CORBSTS_CMEI (1u << 8)
#define HDA_RIRBWP_RST (1u << 15)
#define HDA_RINTCNT_SHIFT 16
#define HDA_RIRBCTL_RINTCTL (1u << 0)
#define HDA_RIRBCTL_DMAEN (1u << 1)
#define HDA_RIRBCTL_OIC (1u << 2)
#define HDA_RIRBSTS_RINTFL (1u << 8)
#define HDA_RIRBSTS_OIS (1u << 10)
#define HDA_ICIS_ICB (1u << 0)
#define HDA_ICIS_IRV (1u << 1)
#define HDA_DPLBASE_ENABLE (1u << 0)
#define HDA_SDCTL_SRST (1u << 0)
#define HDA_SDCTL_RUN (1u << 1)
#define HDA_SDCTL_IOCE (1u << 2)
#define HDA_SDCTL_FEIE (1u << 3)
#define HDA_SDCTL_DEIE (1u << 4)
#define HDA_SDCTL_TAG_SHIFT 20
#define HDA_SDSTS_BCIS (1u << 26)
#define HDA_SDSTS_FIFOE (1u << 27)
#define HDA_SDSTS_DESE (1u << 28)
#define HDA_SDSTS_FIFORDY (1u << 29)
#define HDA_SDFMT_SHIFT 16

#define HDA_INPUT_STREAMS 2u    /* descriptors of input streams come first (3.3) */
#define HDA_OUTPUT_STREAMS 2u
#define HDA_STREAMS (HDA_INPUT_STREAMS + HDA_OUTPUT_STREAMS)
#define HDA_REGISTER_COUNT ((HDA_STREAM + HDA_STREAMS * HDA_STREAM_BYTES) / 4)

#define HDA_NODES 6u            /* of the codec, the root included */

/* Where in its cyclic buffer a stream is. */
struct hda_cursor {
	uint32_t index;         /* of the next entry of the buffer descriptor list */
	uint64_t gpa;           /* in the current entry */
	uint32_t left_bytes;    /* of it; 0: fetch the next */
	bool interrupts;        /* when it is done */
	bool completed;         /* such an entry was done */
	uint32_t lpib;
};

struct hda_stream {
	struct hda *hda;
	unsigned int index;
	enum audio_direction direction;
	/* Taken from the registers when it starts to move. */
	uint64_t list_gpa;
	uint32_t last_index;
	uint32_t cyclic_bytes;
	uint32_t frame_bytes;
	uint32_t step_frames;
	uint64_t step_ns;
	struct hda_cursor cursor;
	const char *trouble;    /* what is to be logged when it may be */
};

/* One direction of the backend. */
struct hda_voice {
	struct hda *hda;
	struct loop_timer *timer;       /* moves what was left for later */
	uint32_t left_frames;           /* of the room, after the last turn */
	uint32_t behind_frames;         /* left when the backend last notified: to be caught up */
	struct hda_stream *stream;      /* whose samples move; NULL: it is stopped */
	bool open;
	struct audio_params params;     /* while open */
};

struct hda_node_state {
	uint16_t format;
	uint8_t stream;         /* tag in the upper half, first channel in the lower */
	uint8_t pin_control;
	uint8_t power;
	uint8_t eapd;
	uint32_t id;            /* default configuration of a pin, subsystem id of the function */
};

struct hda {
	struct loop *loop;
	struct audio_backend *backend;
	struct guest_mem *mem;
	struct hda_host host;
	bool bus_master;
	bool irq_level;
	uint32_t registers[HDA_REGISTER_COUNT];
	uint64_t wall_clock_start_ns;   /* 0: in reset */
	uint32_t responses;             /* since the last response interrupt */
	struct hda_stream streams[HDA_STREAMS];
	struct hda_voice voices[AUDIO_DIRECTIONS];
	struct hda_node_state nodes[HDA_NODES];
	const char *trouble;
};

static inline uint32_t *hda_register(struct hda *hda, unsigned int offset)
{
	return &hda->registers[offset / 4];
}

static inline uint32_t *hda_stream_register(struct hda_stream *stream, unsigned int offset)
{
	return hda_register(stream->hda, HDA_STREAM + stream->index * HDA_STREAM_BYTES + offset);
}

static inline uint64_t hda_address(struct hda *hda, unsigned int low, uint32_t mask)
{
	return (uint64_t)*hda_register(hda, low + 4) << 32 | (*hda_register(hda, low) & mask);
}

/* hda.c: the interrupt follows the registers. */
void hda_update_irq(struct hda *hda);

/* hda_registers.c. Offsets are multiples of 4; mask: the bits that the access covers. */
uint32_t hda_register_read(struct hda *hda, uint64_t offset);
void hda_register_write(struct hda *hda, uint64_t offset, uint32_t mask, uint32_t value);
/* The controller's reset: all but WAKEEN and STATESTS, CRST is 0 afterwards. */
void hda_registers_reset(struct hda *hda);
/* The descriptor's reset (3.3.35, SRST). */
void hda_registers_reset_stream(struct hda *hda, unsigned int index);

/* hda_ring.c: the guest's commands (4.4.1). */
void hda_corb_run(struct hda *hda);
void hda_immediate_run(struct hda *hda);

/* hda_codec.c: the answer to a command for codec 0. */
uint32_t hda_codec_command(struct hda *hda, uint32_t command);
void hda_codec_reset(struct hda *hda);
/* The tag of the stream that the direction's converter listens to or feeds; 0: none. */
unsigned int hda_codec_tag(const struct hda *hda, enum audio_direction direction);

/* hda_stream.c */
/* Starts and stops the backend as the registers, the codec and the bus master bit say. */
void hda_streams_update(struct hda *hda);
/* Moves samples, or lets the backend play to its end what the last stream left there: the period
 * path. */
void hda_voice_turn(struct hda_voice *voice, bool notified);
/* Forgets where it was. */
void hda_stream_rewind(struct hda_stream *stream);

/* hda_cursor.c: goes on by that many bytes, copying from or to the buffer unless it is NULL. False:
 * the list or what it names is not memory, or has no bytes. */
bool hda_cursor_walk(const struct hda_stream *stream, struct hda_cursor *cursor, uint8_t *buffer,
		     uint32_t bytes);

/* hda_format.c: what SDnFMT (3.7.1) says, hints aside. False: nothing that is played here. */
bool hda_format_decode(uint32_t format, struct audio_params *params);

#endif
