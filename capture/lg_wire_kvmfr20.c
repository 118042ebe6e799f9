/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVMFR 20 over LGMP 6. The region: header and rings, small buffers for cursor positions, a few for
 * shapes, and picture slots in the rest. A picture is complete before it is posted; while a slot is
 * being filled its write pointer is 0, so a client that is late in it waits for the end.
 */
#include "capture_private.h"
#include "lg_wire.h"

#include <base/log.h>
#include <capture/looking_glass.h>
#include <errno.h>
#include <ivshmem/abi.h>
#include <ivshmem/copy.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_host.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_TIMEOUT_MS 10000
/* A client that was lapped by a whole ring believes it has read all: one more message shows it. */
#define WIRE_AGAIN_MS 30
#define WIRE_PAGE UINT64_C(4096)
#define WIRE_PITCH_ALIGN UINT64_C(64)
/* One is shown, one may still be read, one is filled. */
#define WIRE_SLOTS 3u
#define WIRE_POINTER_LENGTH 64u
#define WIRE_SHAPES 4u
#define WIRE_SHAPE_BYTES (sizeof(struct kvmfr20_cursor) + CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT * 4)
/* Behind everything LGMP needs, with room to spare. */
#define WIRE_FIXED_BYTES UINT64_C(16384)
#define WIRE_SHAPE_STRIDE (((uint64_t)WIRE_SHAPE_BYTES + 63) & ~UINT64_C(63))
#define WIRE_SLOTS_OFFSET                                                                          \
	((WIRE_FIXED_BYTES + WIRE_SHAPES * WIRE_SHAPE_STRIDE + WIRE_PAGE - 1) & ~(WIRE_PAGE - 1))
/* The pixels begin on a page, the write pointer stands right before them. */
#define WIRE_POINTER_OFFSET ((uint32_t)WIRE_PAGE - 4)

enum { WIRE_QUEUE_FRAME, WIRE_QUEUE_POINTER, WIRE_QUEUES };

struct wire_kvmfr20 {
	struct lg_wire base;
	struct lgmp_host *host;
	uint8_t *region;
	struct lgmp_host_faults told;           /* what was logged */
	struct lg_wire_picture picture;
	uint32_t pitch;
	uint32_t format_version, serial;
	uint64_t slot_bytes;
	uint64_t used[WIRE_SLOTS];              /* when each was ended last, by serial */
	uint32_t latest, current;               /* WIRE_SLOTS: none */
	struct kvmfr20_frame latest_frame;      /* the header as we wrote it */
	uint32_t positions_offset, next_position, next_shape;
	uint64_t posted_ms[WIRE_QUEUES];
	bool distrusted;                        /* a serial that was read may not have been all read */
};

_Static_assert(sizeof(struct lgmp_header) + 256 + 3 * sizeof(struct lgmp_message) +
			       WIRE_POINTER_LENGTH * (sizeof(struct lgmp_message) + 64) + 256 <
		       WIRE_FIXED_BYTES,
	       "header, rings and positions fit");

static struct wire_kvmfr20 *wire_from(struct lg_wire *wire)
{
	return (struct wire_kvmfr20 *)wire;
}

static uint64_t wire_pitch(uint32_t width)
{
	return ((uint64_t)width * 4 + WIRE_PITCH_ALIGN - 1) & ~(WIRE_PITCH_ALIGN - 1);
}

uint64_t lg_wire_kvmfr20_needed_bytes(uint32_t width, uint32_t height)
{
	uint64_t pixels = (wire_pitch(width) * height + WIRE_PAGE - 1) & ~(WIRE_PAGE - 1);

	return WIRE_SLOTS_OFFSET + WIRE_SLOTS * (WIRE_PAGE + pixels);
}

static uint64_t wire_needed_bytes(struct lg_wire *base, uint32_t width, uint32_t height)
{
	return lg_wire_kvmfr20_needed_bytes(width, height);
}

static uint32_t wire_slot_offset(const struct wire_kvmfr20 *wire, uint32_t slot)
{
	return (uint32_t)(WIRE_SLOTS_OFFSET + slot * wire->slot_bytes);
}

static uint8_t *wire_slot(const struct wire_kvmfr20 *wire, uint32_t slot)
{
	return wire->region + wire_slot_offset(wire, slot);
}

/* --- frames ------------------------------------------------------------------------------ */

/* The one that has been idle longest: clients may read on after they said they are done. */
static uint32_t wire_choose(const struct wire_kvmfr20 *wire)
{
	uint32_t best = WIRE_SLOTS, fallback = WIRE_SLOTS;

	for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
		if (i == wire->latest)
			continue;
		if (fallback == WIRE_SLOTS || wire->used[i] < wire->used[fallback])
			fallback = i;
		if (lgmp_host_payload_busy(wire->host, WIRE_QUEUE_FRAME, wire_slot_offset(wire, i)))
			continue;
		if (best == WIRE_SLOTS || wire->used[i] < wire->used[best])
			best = i;
	}
	return best == WIRE_SLOTS ? fallback : best;
}

static void wire_set_pointer(const struct wire_kvmfr20 *wire, uint32_t slot, uint32_t bytes)
{
	uint8_t *at = wire_slot(wire, slot) + WIRE_POINTER_OFFSET;

	/* Release: whoever sees it sees the rows before it. */
	atomic_store_explicit((_Atomic uint32_t *)at, bytes, memory_order_release);
}

static void wire_set_picture(struct wire_kvmfr20 *wire, const struct lg_wire_picture *picture)
{
	if (!memcmp(&wire->picture, picture, sizeof(*picture)))
		return;
	wire->picture = *picture;
	wire->pitch = (uint32_t)wire_pitch(picture->width);
	wire->format_version++;
}

static int wire_frame_begin(struct lg_wire *base, const struct lg_wire_picture *picture,
			    struct lg_wire_slot *slot, uint64_t now_ms)
{
	struct wire_kvmfr20 *wire = wire_from(base);

	if (wire_pitch(picture->width) * picture->height > wire->slot_bytes - WIRE_PAGE)
		return -EFBIG;
	wire_set_picture(wire, picture);
	lgmp_host_make_room(wire->host, WIRE_QUEUE_FRAME, now_ms);
	wire->current = wire_choose(wire);
	wire_set_pointer(wire, wire->current, 0);
	slot->index = wire->current;
	slot->pixels = wire_slot(wire, wire->current) + WIRE_PAGE;
	slot->pitch = wire->pitch;
	return 0;
}

/* The client copies whole columns of 32 bytes, and beyond the row if it is told to. */
static void wire_fill_damage(const struct wire_kvmfr20 *wire, const struct damage *damage,
			     struct kvmfr20_frame *frame)
{
	const uint32_t column = KVMFR20_COLUMN_BYTES / 4;

	for (uint32_t i = 0; i < damage->count; i++) {
		struct rect rect = damage->rects[i];
		uint32_t right;

		if (!rect_clip(&rect, wire->picture.width, wire->picture.height))
			continue;
		right = (rect.x + rect.width + column - 1) & ~(column - 1);
		rect.x &= ~(column - 1);
		frame->damage[frame->damage_count++] = (struct kvmfr20_rect){
			.x = rect.x, .y = rect.y,
			.width = right - rect.x, .height = rect.height,
		};
	}
}

static void wire_fill_frame(const struct wire_kvmfr20 *wire, const struct damage *damage,
			    struct kvmfr20_frame *frame)
{
	const struct lg_wire_picture *picture = &wire->picture;
	bool rgba = picture->fourcc == VIDEO_FOURCC_XBGR8888 ||
		    picture->fourcc == VIDEO_FOURCC_ABGR8888;

	*frame = (struct kvmfr20_frame){
		.format_version = wire->format_version,
		.serial = wire->serial,
		.type = rgba ? KVMFR20_RGBA : KVMFR20_BGRA,
		.screen_width = picture->width,
		.screen_height = picture->height,
		.data_width = picture->width,
		.data_height = picture->height,
		.frame_width = picture->width,
		.frame_height = picture->height,
		.stride = wire->pitch / 4,
		.pitch = wire->pitch,
		.offset = WIRE_POINTER_OFFSET,
	};
	/* Those that are behind have not seen all that changed. */
	if (damage && !lgmp_host_behind(wire->host, WIRE_QUEUE_FRAME))
		wire_fill_damage(wire, damage, frame);
}

static void wire_post(struct wire_kvmfr20 *wire, uint32_t queue, uint32_t user, uint32_t offset,
		      uint32_t bytes, uint64_t now_ms)
{
	wire->posted_ms[queue] = now_ms;
	lgmp_host_post(wire->host, queue, user, offset, bytes, now_ms);
}

static void wire_post_latest(struct wire_kvmfr20 *wire, uint64_t now_ms)
{
	const struct kvmfr20_frame *frame = &wire->latest_frame;

	shared_copy(wire_slot(wire, wire->latest), frame, sizeof(*frame));
	wire_set_pointer(wire, wire->latest, frame->pitch * frame->frame_height);
	wire_post(wire, WIRE_QUEUE_FRAME, 0, wire_slot_offset(wire, wire->latest),
		  (uint32_t)wire->slot_bytes, now_ms);
}

static void wire_frame_end(struct lg_wire *base, const struct damage *damage, uint64_t now_ms)
{
	struct wire_kvmfr20 *wire = wire_from(base);

	wire->serial++;
	wire->used[wire->current] = wire->serial;
	wire->latest = wire->current;
	wire->current = WIRE_SLOTS;
	wire_fill_frame(wire, damage, &wire->latest_frame);
	wire_post_latest(wire, now_ms);
}

static void wire_frame_cancel(struct lg_wire *base)
{
	struct wire_kvmfr20 *wire = wire_from(base);

	/* Nobody is to wait for what does not come. */
	wire_set_pointer(wire, wire->current, wire->pitch * wire->picture.height);
	wire->current = WIRE_SLOTS;
}

/* With the serial it had, who has seen it drops it unread. */
static void wire_frame_again(struct lg_wire *base, uint64_t now_ms)
{
	struct wire_kvmfr20 *wire = wire_from(base);

	if (wire->latest == WIRE_SLOTS)
		return;
	if (wire->distrusted)
		wire->latest_frame.serial = ++wire->serial;
	wire->distrusted = false;
	wire->latest_frame.damage_count = 0;
	wire_post_latest(wire, now_ms);
}

/* --- cursor ------------------------------------------------------------------------------ */

static int16_t wire_clamp_position(int32_t position)
{
	if (position < INT16_MIN)
		return INT16_MIN;
	return (int16_t)(position > INT16_MAX ? INT16_MAX : position);
}

static int8_t wire_clamp_hotspot(uint32_t hotspot)
{
	return (int8_t)(hotspot > INT8_MAX ? INT8_MAX : hotspot);
}

/* The small buffers are as many as the ring is long; shapes are rare. */
static uint32_t wire_cursor_offset(struct wire_kvmfr20 *wire, bool shape)
{
	if (shape) {
		wire->next_shape = (wire->next_shape + 1) % WIRE_SHAPES;
		return (uint32_t)(WIRE_FIXED_BYTES + wire->next_shape * WIRE_SHAPE_STRIDE);
	}
	wire->next_position = (wire->next_position + 1) % WIRE_POINTER_LENGTH;
	return wire->positions_offset + wire->next_position * 64;
}

static void wire_cursor(struct lg_wire *base, const struct lg_wire_cursor *cursor, uint64_t now_ms)
{
	struct wire_kvmfr20 *wire = wire_from(base);
	struct kvmfr20_cursor header = {
		.x = wire_clamp_position(cursor->x), .y = wire_clamp_position(cursor->y),
		.hot_x = wire_clamp_hotspot(cursor->hot_x),
		.hot_y = wire_clamp_hotspot(cursor->hot_y),
		/* Guests give ARGB: the other types never come up. */
		.type = KVMFR20_CURSOR_COLOUR,
		.width = cursor->width, .height = cursor->height, .pitch = cursor->width * 4,
	};
	uint32_t offset = wire_cursor_offset(wire, cursor->image);
	uint32_t bytes = sizeof(header), flags = KVMFR20_CURSOR_POSITION;

	flags |= cursor->visible ? KVMFR20_CURSOR_VISIBLE : 0;
	shared_copy(wire->region + offset, &header, sizeof(header));
	if (cursor->image) {
		shared_copy(wire->region + offset + sizeof(header), cursor->image,
			    (size_t)header.pitch * header.height);
		flags |= KVMFR20_CURSOR_SHAPE;
		bytes += header.pitch * header.height;
	}
	wire_post(wire, WIRE_QUEUE_POINTER, flags, offset, bytes, now_ms);
}

/* --- beat -------------------------------------------------------------------------------- */

static void wire_take_messages(struct wire_kvmfr20 *wire, struct lg_wire_news *news)
{
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];
	struct kvmfr20_set_cursor message;
	uint32_t bytes;

	for (uint32_t i = 0; i < LGMP_CLIENT_MESSAGES; i++) {
		bytes = lgmp_host_receive(wire->host, WIRE_QUEUE_POINTER, data);
		if (!bytes)
			return;
		/* Whatever it was: its sender waits. */
		lgmp_host_acknowledge(wire->host, WIRE_QUEUE_POINTER);
		memcpy(&message, data, sizeof(message));
		if (bytes < sizeof(message) || message.type != KVMFR20_SET_CURSOR) {
			log_peer_bug("a Looking Glass client sent an unknown message");
			continue;
		}
		news->set_cursor = true;
		news->x = message.x;
		news->y = message.y;
	}
}

static void wire_tell_faults(struct wire_kvmfr20 *wire)
{
	const struct lgmp_host_faults *faults = lgmp_host_faults(wire->host);

	if (faults->locks_broken != wire->told.locks_broken)
		log_peer_bug("a Looking Glass client left a lock held: taken from it");
	if (faults->corrupted != wire->told.corrupted)
		log_peer_bug("the Looking Glass file was overwritten: set up again");
	if (faults->bad_messages != wire->told.bad_messages)
		log_peer_bug("a Looking Glass client sent a message of impossible length");
	if (faults->dead_clients != wire->told.dead_clients)
		log_info("a Looking Glass client reads nothing any more: dropped");
	wire->told = *faults;
}

/* Those that were or are behind. */
static bool wire_is_missed(struct wire_kvmfr20 *wire, uint32_t queue, uint64_t now_ms)
{
	return lgmp_host_take_returned(wire->host, queue) ||
	       (lgmp_host_behind(wire->host, queue) &&
		now_ms - wire->posted_ms[queue] >= WIRE_AGAIN_MS);
}

static void wire_beat(struct lg_wire *base, uint64_t now_ms, struct lg_wire_news *news)
{
	struct wire_kvmfr20 *wire = wire_from(base);

	*news = (struct lg_wire_news){ 0 };
	lgmp_host_beat(wire->host, now_ms);
	news->slots_lost = lgmp_host_faults(wire->host)->corrupted != wire->told.corrupted;
	wire_take_messages(wire, news);
	wire->distrusted = wire_is_missed(wire, WIRE_QUEUE_FRAME, now_ms);
	news->frame_again = lgmp_host_take_joined(wire->host, WIRE_QUEUE_FRAME) ||
			    wire->distrusted;
	/* OpenGL clients put a cursor that comes before the first picture into the corner. */
	news->cursor_again = lgmp_host_take_joined(wire->host, WIRE_QUEUE_POINTER);
	news->cursor_again |= lgmp_host_take_arrived(wire->host, WIRE_QUEUE_FRAME);
	news->cursor_again |= wire_is_missed(wire, WIRE_QUEUE_POINTER, now_ms);
	news->wanted = news->frame_again || news->cursor_again ||
		       lgmp_host_subscribers(wire->host, WIRE_QUEUE_FRAME) ||
		       lgmp_host_subscribers(wire->host, WIRE_QUEUE_POINTER);
	wire_tell_faults(wire);
}

static void wire_destroy(struct lg_wire *base)
{
	struct wire_kvmfr20 *wire = wire_from(base);

	lgmp_host_destroy(wire->host);
	free(wire);
}

static const struct lg_wire_ops wire_ops = {
	.destroy = wire_destroy,
	.needed_bytes = wire_needed_bytes,
	.beat = wire_beat,
	.frame_begin = wire_frame_begin,
	.frame_end = wire_frame_end,
	.frame_cancel = wire_frame_cancel,
	.frame_again = wire_frame_again,
	.cursor = wire_cursor,
};

/* What a new client reads first. */
struct __attribute__((packed)) wire_udata {
	struct kvmfr20_hello hello;
	struct kvmfr20_record record;
	struct kvmfr20_vm_info vm;
	char model[1];                  /* of the CPU: we do not say */
};

static struct lgmp_host *wire_create_host(void *base, uint64_t bytes,
					  const struct looking_glass_vm *vm, bool set_cursor,
					  uint64_t now_ms)
{
	static const struct lgmp_host_queue_config queues[WIRE_QUEUES] = {
		[WIRE_QUEUE_FRAME] = { KVMFR20_FRAME, WIRE_SLOTS, WIRE_TIMEOUT_MS },
		[WIRE_QUEUE_POINTER] = { KVMFR20_POINTER, WIRE_POINTER_LENGTH, WIRE_TIMEOUT_MS },
	};
	struct wire_udata udata = {
		.hello = {
			.magic = KVMFR20_MAGIC,
			.version = KVMFR20_VERSION,
			.host_name = "Vitrine",
			.features = set_cursor ? KVMFR20_FEATURE_SET_CURSOR : 0,
		},
		.record = {
			.type = KVMFR20_RECORD_VM_INFO,
			.bytes = sizeof(udata.vm) + sizeof(udata.model),
		},
		.vm = {
			.capture_name = "Vitrine",
			.threads = 1,
			.cores = (uint8_t)(vm->cpus < UINT8_MAX ? vm->cpus : UINT8_MAX),
			.sockets = 1,
		},
	};
	const struct lgmp_host_config config = {
		.base = base,
		.bytes = bytes,
		.queues = queues,
		.queue_count = WIRE_QUEUES,
		.udata = &udata,
		.udata_bytes = sizeof(udata),
	};

	memcpy(udata.vm.uuid, vm->uuid.bytes, sizeof(udata.vm.uuid));
	return lgmp_host_create(&config, now_ms);
}

struct lg_wire *lg_wire_kvmfr20_create(void *base, uint64_t bytes,
				       const struct looking_glass_vm *vm, bool set_cursor,
				       uint64_t now_ms)
{
	struct wire_kvmfr20 *wire;

	if (bytes < lg_wire_kvmfr20_needed_bytes(1, 1)) {
		errno = EFBIG;
		return NULL;
	}
	wire = calloc(1, sizeof(*wire));
	if (!wire)
		return NULL;
	wire->host = wire_create_host(base, bytes, vm, set_cursor, now_ms);
	if (!wire->host) {
		int error = errno;

		free(wire);
		errno = error;
		return NULL;
	}
	wire->base.ops = &wire_ops;
	wire->region = base;
	wire->slot_bytes = (bytes - WIRE_SLOTS_OFFSET) / WIRE_SLOTS & ~(WIRE_PAGE - 1);
	wire->latest = wire->current = WIRE_SLOTS;
	wire->positions_offset = lgmp_host_payload_offset(wire->host);
	return &wire->base;
}
