/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host segment: the bytes that VMM and clients share. docs/shared-memory.md is the prose.
 *
 * Little endian, fixed offsets, only the C library. One side is never sure of the other: control
 * words are read once into locals and checked, then used. "Writer" is the VMM for everything but
 * the input section, whose producer is the client that holds input_section.owner.
 *
 * Every multi-byte group that is read together is guarded by a sequence lock: odd while being
 * written; a reader compares the lock before and after it consumed the group.
 */
#ifndef IVSHMEM_ABI_H
#define IVSHMEM_ABI_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
	       "shared words need lock-free atomics");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the segment is little endian");

#define SEGMENT_MAGIC UINT64_C(0x31454e4952544956)      /* "VITRINE1" */
#define SEGMENT_VERSION 1u
#define SEGMENT_PAGE_BYTES 4096u
#define SEGMENT_NAME_BYTES 64u
#define SEGMENT_MAX_SECTIONS 32u
#define SEGMENT_MAX_SCANOUTS 8u

enum segment_state {
	SEGMENT_STARTING = 1,
	SEGMENT_RUNNING = 2,
	SEGMENT_PAUSED = 3,             /* paused or rebooting */
	SEGMENT_SHUT_DOWN = 4,          /* orderly end: nobody comes back under this epoch */
};

enum segment_section_type {
	SEGMENT_SECTION_VIDEO = 1,      /* index: scanout */
	SEGMENT_SECTION_CURSOR = 2,     /* index: scanout */
	SEGMENT_SECTION_INPUT = 3,      /* index: 0 */
	SEGMENT_SECTION_SOUND = 4,      /* index: 0 playback, 1 microphone */
};

struct segment_section {
	uint32_t type;
	uint32_t index;
	uint64_t offset;                /* from the segment's start, a multiple of a page */
	uint64_t bytes;
};

/* At offset 0. All but the atomic fields is still while epoch is not 0. */
struct segment_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;          /* SEGMENT_PAGE_BYTES */
	uint64_t segment_bytes;
	uint64_t clock_domain;          /* time stamps compare only where this is equal */
	_Atomic uint32_t epoch;         /* random, new with every VMM start; 0: being laid out */
	_Atomic uint32_t state;         /* enum segment_state */
	_Atomic uint64_t heartbeat;     /* goes up once a second while the VMM lives */
	char name[SEGMENT_NAME_BYTES];  /* of the VM, NUL-terminated */
	uint32_t section_count;
	uint32_t reserved[3];
	struct segment_section sections[SEGMENT_MAX_SECTIONS];
};

/* --- video ------------------------------------------------------------------------------- */

#define VIDEO_MIN_SLOTS 2u
#define VIDEO_MAX_SLOTS 8u
#define VIDEO_HISTORY_FRAMES 64u
#define VIDEO_MAX_RECTS 16u
#define VIDEO_MAX_EXTENT 16384u         /* pixels, width and height */
#define VIDEO_NO_SLOT UINT32_MAX
#define VIDEO_LATEST_SLOT_BITS 8

/* DRM fourcc codes a slot may hold; 32 bits per pixel. */
#define VIDEO_FOURCC_XRGB8888 0x34325258u
#define VIDEO_FOURCC_ARGB8888 0x34325241u
#define VIDEO_FOURCC_XBGR8888 0x34324258u
#define VIDEO_FOURCC_ABGR8888 0x34324241u

static inline int video_fourcc_known(uint32_t fourcc)
{
	return fourcc == VIDEO_FOURCC_XRGB8888 || fourcc == VIDEO_FOURCC_ARGB8888 ||
	       fourcc == VIDEO_FOURCC_XBGR8888 || fourcc == VIDEO_FOURCC_ABGR8888;
}

enum video_state {
	VIDEO_OFF = 0,                  /* the scanout shows nothing */
	VIDEO_ON = 1,
	VIDEO_TOO_LARGE = 2,            /* size is what the guest wants; it fits in no slot */
};

struct video_rect {
	uint32_t x, y, width, height;
};

struct video_damage {
	uint32_t count;                 /* 0..VIDEO_MAX_RECTS */
	uint32_t reserved;
	struct video_rect rects[VIDEO_MAX_RECTS];
};

struct video_slot {
	_Atomic uint64_t lock;          /* guards this header and the slot's pixels */
	uint64_t sequence;              /* of the frame, from 1 */
	uint32_t width, height;
	uint32_t pitch;                 /* bytes from row to row */
	uint32_t fourcc;
	uint64_t guest_flush_ns;        /* CLOCK_MONOTONIC: the guest's flush was read */
	uint64_t publish_ns;            /* CLOCK_MONOTONIC: the copy was complete */
	uint64_t data_offset;           /* from the section's start, a multiple of a page */
	uint64_t reserved[9];
};

/* What changed between frame sequence-1 and frame sequence; at index sequence % FRAMES. */
struct video_history {
	_Atomic uint64_t lock;
	uint64_t sequence;
	struct video_damage damage;
	uint64_t reserved[5];
};

struct video_section {
	_Atomic uint32_t state;         /* enum video_state */
	uint32_t slot_count;
	uint64_t slot_bytes;
	_Atomic uint64_t size;          /* width | height << 32 of what the scanout shows */
	_Atomic uint64_t latest;        /* sequence << 8 | slot; 0: no frame yet */
	uint64_t reserved_a[4];
	_Atomic uint32_t reader_hint;   /* slot a reader uses now, or VIDEO_NO_SLOT: only a hint */
	uint32_t reserved_b[15];
	struct video_slot slots[VIDEO_MAX_SLOTS];
	struct video_history history[VIDEO_HISTORY_FRAMES];
};

/* --- cursor ------------------------------------------------------------------------------ */

#define CURSOR_MAX_EXTENT 256u

/* Everything after the lock is guarded by it. */
struct cursor_section {
	_Atomic uint64_t lock;
	int32_t x, y;                   /* of the hotspot, on the scanout */
	uint32_t visible;
	uint32_t hot_x, hot_y;          /* of the hotspot, in the image */
	uint32_t width, height;         /* of the image, each <= CURSOR_MAX_EXTENT */
	uint32_t fourcc;
	uint64_t image_serial;          /* goes up when hotspot, size or pixels change */
	uint64_t reserved[2];
	uint32_t pixels[CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT]; /* rows width * 4 bytes apart */
};

/* --- input ------------------------------------------------------------------------------- */

#define INPUT_RING_RECORDS 1024u
#define INPUT_OWNER_STALE_NS UINT64_C(3000000000)

enum input_record_type {
	INPUT_KEY = 1,                  /* code: evdev KEY_*; value: 1 down, 0 up; no repeats */
	INPUT_BUTTON = 2,               /* code: evdev BTN_*; value: 1 down, 0 up */
	INPUT_POINTER_ABS = 3,          /* x, y: 0..65535 over the scanout */
	INPUT_POINTER_REL = 4,          /* x, y: movement in pixels */
	INPUT_WHEEL = 5,                /* x, y: in 1/120 of a notch; right and up are positive */
	INPUT_RELEASE_ALL = 6,          /* every held key and button goes up */
	INPUT_DISPLAY_SIZE = 7,         /* x, y: the client's window in pixels; 0 x 0: closed */
	INPUT_POWER_BUTTON = 8,
	INPUT_FORCE_OFF = 9,
};

struct input_record {
	uint16_t type;                  /* enum input_record_type */
	uint16_t scanout;
	uint32_t code;
	int32_t value;
	int32_t x, y;
	uint32_t reserved;
	uint64_t time_ns;               /* CLOCK_MONOTONIC of the event */
};

/* Single producer (the owner), single consumer (the VMM). head and tail run freely modulo 2^32. */
struct input_section {
	_Atomic uint64_t owner;         /* random token of the one producer; 0: free */
	_Atomic uint64_t owner_beat;    /* goes up once a second; still for 3 s: may be taken over */
	uint64_t reserved_a[6];
	_Atomic uint32_t head;          /* producer: records ever pushed */
	uint32_t reserved_b[15];
	_Atomic uint32_t tail;          /* consumer: records ever taken */
	uint32_t reserved_c[15];
	struct input_record records[INPUT_RING_RECORDS];
};

/* --- sound ------------------------------------------------------------------------------- */

#define SOUND_RING_BYTES (512u * 1024)
#define SOUND_MAX_CHANNELS 8u
#define SOUND_MIN_RATE 8000u
#define SOUND_MAX_RATE 192000u
#define SOUND_OWNER_STALE_NS UINT64_C(3000000000)

/* Samples are interleaved and little endian; a frame is one sample of every channel. */
enum sound_format {
	SOUND_FORMAT_S16 = 1,           /* 2 bytes */
	SOUND_FORMAT_S24 = 2,           /* 4 bytes, the sample in the low 24 bits, sign-extended */
	SOUND_FORMAT_S32 = 3,           /* 4 bytes */
	SOUND_FORMAT_FLOAT = 4,         /* 4 bytes, IEEE 754 */
};

enum sound_flags {
	SOUND_OPEN = 1u << 0,           /* the guest has chosen the parameters */
	SOUND_RUNNING = 1u << 1,        /* and has started the stream */
	SOUND_DRAINING = 1u << 2,       /* and has stopped it: what is in the ring is to be played */
};

/* What the guest plays or records; guarded by its lock, written by the VMM. */
struct sound_stream {
	_Atomic uint64_t lock;
	uint32_t flags;                 /* enum sound_flags */
	uint32_t generation;            /* goes up with every start: positions begin at 0 again */
	uint32_t format;                /* enum sound_format */
	uint32_t rate;                  /* frames per second */
	uint32_t channels;
	uint32_t period_frames;         /* the guest's period: a hint */
	uint8_t positions[SOUND_MAX_CHANNELS]; /* virtio 1.2 VIRTIO_SND_CHMAP_* numbers */
	uint64_t reserved[3];
};

/* A position in frames since the stream's start. */
struct sound_position {
	_Atomic uint64_t frames;        /* read and written alone: the ring's index */
	_Atomic uint64_t time_ns;       /* CLOCK_MONOTONIC of the last change: a hint */
	_Atomic uint32_t generation;    /* of the stream it counts in; another one: it counts nothing */
	uint32_t reserved_a;
	uint64_t reserved[5];
};

/* What the client's sound server is like; written by the owner. All are hints that the VMM clamps. */
struct sound_client {
	_Atomic uint64_t owner;         /* random token of the one client that plays or records; 0: none */
	_Atomic uint64_t owner_beat;    /* goes up once a second; still for 3 s: may be taken over */
	_Atomic uint64_t clock_frames;  /* frames the sound server ever asked for (gave) in this
					 * generation, also those that were not there: its clock */
	_Atomic uint32_t clock_generation; /* of the stream clock_frames counts in */
	_Atomic uint32_t quantum_frames;/* how many it asks for at once */
	_Atomic uint64_t delay_ns;      /* from the ring to the speaker, or from the microphone */
	_Atomic uint64_t missed_frames; /* asked for and not there, ever */
	uint64_t reserved[2];
};

/* Index 0: playback, the VMM produces; index 1: microphone, the client produces. Single producer,
 * single consumer; frame n lies at data[n % (SOUND_RING_BYTES / frame bytes) * frame bytes]. */
struct sound_section {
	struct sound_stream stream;
	struct sound_client client;
	struct sound_position written;  /* producer's */
	struct sound_position read;     /* consumer's */
	uint64_t reserved[480];
	uint8_t data[SOUND_RING_BYTES];
};

/* --- pinned ------------------------------------------------------------------------------ */

#define SEGMENT_PIN(type, member, at) \
	_Static_assert(offsetof(struct type, member) == (at), #type "." #member " moved")

_Static_assert(sizeof(struct segment_section) == 24, "segment_section");
_Static_assert(sizeof(struct segment_header) == 896, "segment_header");
_Static_assert(sizeof(struct segment_header) <= SEGMENT_PAGE_BYTES, "header page");
SEGMENT_PIN(segment_header, segment_bytes, 16);
SEGMENT_PIN(segment_header, clock_domain, 24);
SEGMENT_PIN(segment_header, epoch, 32);
SEGMENT_PIN(segment_header, state, 36);
SEGMENT_PIN(segment_header, heartbeat, 40);
SEGMENT_PIN(segment_header, name, 48);
SEGMENT_PIN(segment_header, section_count, 112);
SEGMENT_PIN(segment_header, sections, 128);
_Static_assert(sizeof(struct video_damage) == 264, "video_damage");
_Static_assert(sizeof(struct video_slot) == 128, "video_slot");
SEGMENT_PIN(video_slot, guest_flush_ns, 32);
SEGMENT_PIN(video_slot, data_offset, 48);
_Static_assert(sizeof(struct video_history) == 320, "video_history");
SEGMENT_PIN(video_section, slot_bytes, 8);
SEGMENT_PIN(video_section, size, 16);
SEGMENT_PIN(video_section, latest, 24);
SEGMENT_PIN(video_section, reader_hint, 64);
SEGMENT_PIN(video_section, slots, 128);
SEGMENT_PIN(video_section, history, 1152);
_Static_assert(sizeof(struct video_section) == 21632, "video_section");
SEGMENT_PIN(cursor_section, image_serial, 40);
SEGMENT_PIN(cursor_section, pixels, 64);
_Static_assert(sizeof(struct cursor_section) == 64 + 262144, "cursor_section");
_Static_assert(sizeof(struct input_record) == 32, "input_record");
SEGMENT_PIN(input_section, head, 64);
SEGMENT_PIN(input_section, tail, 128);
SEGMENT_PIN(input_section, records, 192);
_Static_assert(sizeof(struct input_section) == 192 + 32768, "input_section");
_Static_assert(sizeof(struct sound_stream) == 64, "sound_stream");
_Static_assert(sizeof(struct sound_client) == 64, "sound_client");
_Static_assert(sizeof(struct sound_position) == 64, "sound_position");
SEGMENT_PIN(sound_stream, positions, 32);
SEGMENT_PIN(sound_client, clock_frames, 16);
SEGMENT_PIN(sound_client, delay_ns, 32);
SEGMENT_PIN(sound_section, client, 64);
SEGMENT_PIN(sound_section, written, 128);
SEGMENT_PIN(sound_section, read, 192);
SEGMENT_PIN(sound_section, data, 4096);
_Static_assert(sizeof(struct sound_section) == 4096 + SOUND_RING_BYTES, "sound_section");

#endif
