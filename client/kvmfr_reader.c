/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kvmfr_reader.h"

#include "kvmfr_cursor.h"
#include "kvmfr_hello.h"

#include <base/log.h>
#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_client.h>
#include <stdlib.h>
#include <string.h>

#define READER_MAX_MESSAGES 256
/* How long a picture that is not looked at, or one that is, keeps the host from its slot. */
#define READER_HOLD_MS 20
#define READER_LOOK_MS 200
/* Hosts post before they copy; one that never gets done is left. */
#define READER_COPY_MS 1000

struct reader_picture {
	uint32_t slot;                          /* offset in the region */
	struct kvmfr20_frame header;            /* our copy, checked */
	uint32_t height;                        /* of what is stored of the picture */
	uint32_t total;                         /* the write pointer when all is there */
	uint64_t came_ms, sequence;
	bool held;                              /* its message is not finished */
};

struct reader_cursor {
	bool visible, moved, image_changed;
	int32_t x, y;                           /* of the image's corner */
	struct kvmfr20_cursor shape;
	uint32_t rows;                          /* 0: no image */
	uint32_t *pixels, *copy;                /* copy: what is out with the user */
	uint8_t *bytes;                         /* a shape as it came */
};

struct kvmfr_reader {
	uint8_t *base;
	uint64_t bytes;
	struct lgmp_client *lgmp;
	uint32_t version;
	struct kvmfr_hello hello;
	bool has_incoming, has_latest, reading, seen;
	struct reader_picture incoming, latest;
	bool on;
	uint32_t width, height;
	uint32_t told_version;                  /* the refused format that was logged */
	bool told;
	bool full;
	struct video_damage damage;             /* that the user has not seen */
	uint64_t sequence, seen_sequence;
	struct reader_cursor cursor;
};

struct kvmfr_reader *kvmfr_reader_create(void *base, uint64_t bytes)
{
	struct kvmfr_reader *reader = calloc(1, sizeof(*reader));
	int error;

	if (!reader)
		return NULL;
	reader->base = base;
	reader->bytes = bytes;
	reader->full = true;
	reader->lgmp = lgmp_client_create(base, bytes);
	if (!reader->lgmp)
		goto fail;
	reader->cursor.pixels = calloc(KVMFR_CURSOR_MAX_PIXELS, 4);
	reader->cursor.copy = calloc(KVMFR_CURSOR_MAX_PIXELS, 4);
	if (reader->cursor.pixels && reader->cursor.copy)
		return reader;
	errno = ENOMEM;
fail:
	error = errno;
	kvmfr_reader_destroy(reader);
	errno = error;
	return NULL;
}

void kvmfr_reader_destroy(struct kvmfr_reader *reader)
{
	if (!reader)
		return;
	lgmp_client_destroy(reader->lgmp);
	free(reader->cursor.pixels);
	free(reader->cursor.copy);
	free(reader->cursor.bytes);
	free(reader);
}

/* --- sessions ---------------------------------------------------------------------------- */

static enum kvmfr_finding reader_check_hello(struct kvmfr_reader *reader)
{
	if (kvmfr_hello_read(reader->lgmp, &reader->hello))
		return KVMFR_FOREIGN;
	reader->version = reader->hello.version;
	return reader->version == KVMFR20_VERSION ? KVMFR_ATTACHED : KVMFR_OTHER_KVMFR;
}

enum kvmfr_finding kvmfr_reader_attach(struct kvmfr_reader *reader, uint64_t now_ms)
{
	enum kvmfr_finding finding;

	switch (lgmp_client_attach(reader->lgmp, now_ms)) {
	case 0:
		break;
	case -EAGAIN:
		return KVMFR_SILENT;
	case -EPROTONOSUPPORT:
		reader->version = lgmp_client_version(reader->lgmp);
		return KVMFR_OTHER_LGMP;
	default:
		return lgmp_client_magic(reader->lgmp) ? KVMFR_FOREIGN : KVMFR_EMPTY;
	}
	finding = reader_check_hello(reader);
	if (finding != KVMFR_ATTACHED)
		lgmp_client_leave(reader->lgmp);
	return finding;
}

uint32_t kvmfr_reader_version(const struct kvmfr_reader *reader)
{
	return reader->version;
}

struct uuid kvmfr_reader_uuid(const struct kvmfr_reader *reader)
{
	return reader->hello.uuid;
}

int kvmfr_reader_place_cursor(struct kvmfr_reader *reader, int32_t x, int32_t y)
{
	const struct kvmfr20_set_cursor message = { .type = KVMFR20_SET_CURSOR, .x = x, .y = y };

	if (!(reader->hello.features & KVMFR20_FEATURE_SET_CURSOR))
		return -EOPNOTSUPP;
	return lgmp_client_send(reader->lgmp, KVMFR20_POINTER, &message, sizeof(message));
}

/* --- pictures ---------------------------------------------------------------------------- */

static _Atomic uint32_t *reader_word(const struct kvmfr_reader *reader, uint32_t offset)
{
	return (_Atomic uint32_t *)(reader->base + offset);
}

static bool reader_is_complete(const struct kvmfr_reader *reader,
			       const struct reader_picture *picture)
{
	const _Atomic uint32_t *pointer = reader_word(reader, picture->slot +
						      picture->header.offset);

	/* Acquire: the rows were written before the pointer. */
	return atomic_load_explicit(pointer, memory_order_acquire) >= picture->total;
}

/*
 * Whoever writes the slot again sets the pointer back before the first row, and the serial before
 * the last. The read-modify-write keeps our reads of the rows before it, as a fence would, which
 * ThreadSanitizer does not know.
 */
static bool reader_is_whole(const struct kvmfr_reader *reader, const struct reader_picture *picture)
{
	uint32_t pointer = picture->slot + picture->header.offset;
	uint32_t serial = picture->slot + offsetof(struct kvmfr20_frame, serial);
	uint32_t version = picture->slot + offsetof(struct kvmfr20_frame, format_version);

	return atomic_fetch_or(reader_word(reader, pointer), 0) >= picture->total &&
	       atomic_load(reader_word(reader, serial)) == picture->header.serial &&
	       atomic_load(reader_word(reader, version)) == picture->header.format_version;
}

/* What is to be shown but cannot be; NULL: it can. */
static const char *reader_refusal(const struct kvmfr20_frame *header)
{
	static const char *const types[] = {
		[3] = "10 bits a channel (RGBA10): turn HDR off in the guest",
		[4] = "16 bits a channel (RGBA16F): turn HDR off in the guest",
		[5] = "packed 24-bit pixels (BGR_32): turn that option of its host off",
		[6] = "packed 24-bit pixels (RGB_24): turn that option of its host off",
	};

	if (header->rotation)
		return "a rotated screen: turn it upright in the guest";
	if (header->type == KVMFR20_BGRA || header->type == KVMFR20_RGBA)
		return NULL;
	if (header->type < sizeof(types) / sizeof(types[0]) && types[header->type])
		return types[header->type];
	return "an unknown format of pixels";
}

/* The header was copied; false: it lies. Sets height and total. */
static bool reader_check_picture(const struct kvmfr_reader *reader, struct reader_picture *picture)
{
	const struct kvmfr20_frame *header = &picture->header;
	uint64_t room = reader->bytes - picture->slot;
	uint64_t total = (uint64_t)header->pitch * header->data_height;

	picture->height = header->frame_height < header->data_height ? header->frame_height :
								       header->data_height;
	picture->total = (uint32_t)total;
	return header->frame_width && picture->height &&
	       header->frame_width <= VIDEO_MAX_EXTENT && picture->height <= VIDEO_MAX_EXTENT &&
	       header->pitch % 4 == 0 && header->pitch / 4 >= header->frame_width &&
	       header->offset % 4 == 0 && header->offset >= sizeof(*header) &&
	       header->offset <= room && room - header->offset >= 4 &&
	       total <= room - header->offset - 4 && total <= UINT32_MAX &&
	       header->damage_count <= KVMFR20_MAX_RECTS;
}

static void reader_turn_off(struct kvmfr_reader *reader)
{
	reader->on = reader->has_latest = false;
	reader->full = true;
}

/* False: not to be shown. */
static bool reader_take_header(struct kvmfr_reader *reader, const struct lgmp_client_item *item,
			       struct reader_picture *picture)
{
	const char *refusal;

	picture->slot = item->offset;
	if (item->offset % 4 || reader->bytes - item->offset < sizeof(picture->header)) {
		log_peer_bug("the Looking Glass host: a picture outside the file");
		return false;
	}
	shared_copy(&picture->header, reader->base + item->offset, sizeof(picture->header));
	refusal = reader_refusal(&picture->header);
	if (refusal) {
		if (!reader->told || reader->told_version != picture->header.format_version)
			log_blame("host", "Looking Glass sends %s", refusal);
		reader->told = true;
		reader->told_version = picture->header.format_version;
		reader_turn_off(reader);
		return false;
	}
	if (reader_check_picture(reader, picture))
		return true;
	log_peer_bug("the Looking Glass host: an impossible picture");
	return false;
}

static void reader_finish(struct kvmfr_reader *reader, struct reader_picture *picture)
{
	if (picture->held)
		lgmp_client_done(reader->lgmp, KVMFR20_FRAME);
	picture->held = false;
}

static void reader_add_rect(struct kvmfr_reader *reader, const struct kvmfr20_rect *rect)
{
	struct video_damage *damage = &reader->damage;
	struct video_rect *to = &damage->rects[damage->count];

	if (rect->x >= reader->width || rect->y >= reader->height || !rect->width || !rect->height)
		return;
	if (damage->count == VIDEO_MAX_RECTS) {
		reader->full = true;
		return;
	}
	*to = (struct video_rect){ .x = rect->x, .y = rect->y,
				   .width = reader->width - rect->x,
				   .height = reader->height - rect->y };
	to->width = rect->width < to->width ? rect->width : to->width;
	to->height = rect->height < to->height ? rect->height : to->height;
	damage->count++;
}

/* Damage counts from the picture before; when that was missed, all of this one is new. */
static void reader_add_damage(struct kvmfr_reader *reader, const struct reader_picture *picture)
{
	const struct kvmfr20_frame *header = &picture->header;
	const struct kvmfr20_frame *before = &reader->latest.header;

	if (!reader->has_latest || !header->damage_count ||
	    header->format_version != before->format_version ||
	    header->serial != before->serial + 1 || header->type != before->type ||
	    header->frame_width != reader->width || picture->height != reader->height)
		reader->full = true;
	reader->width = header->frame_width;
	reader->height = picture->height;
	for (uint32_t i = 0; i < header->damage_count && !reader->full; i++)
		reader_add_rect(reader, &header->damage[i]);
}

static void reader_promote(struct kvmfr_reader *reader)
{
	reader->has_incoming = false;
	if (!reader_is_whole(reader, &reader->incoming)) {
		reader_finish(reader, &reader->incoming);
		reader->full = true;
		return;
	}
	reader_add_damage(reader, &reader->incoming);
	reader->latest = reader->incoming;
	reader->latest.sequence = ++reader->sequence;
	reader->has_latest = reader->on = true;
	reader->seen = reader->told = false;
}

/* False: nothing to do before its rows are there. */
static bool reader_chase(struct kvmfr_reader *reader, uint64_t now_ms, bool *moved)
{
	if (reader_is_complete(reader, &reader->incoming)) {
		reader->incoming.came_ms = now_ms;
		reader_promote(reader);
		*moved = true;
		return true;
	}
	if (now_ms - reader->incoming.came_ms < READER_COPY_MS)
		return false;
	log_peer_bug("the Looking Glass host: a picture that is never finished");
	reader_finish(reader, &reader->incoming);
	reader->has_incoming = false;
	reader->full = true;
	return true;
}

/* The host may need the slot: it is told to go on when the picture is old, seen or outdated. */
static bool reader_let_go(struct kvmfr_reader *reader, uint64_t now_ms)
{
	uint64_t age_ms = now_ms - reader->latest.came_ms;

	if (!reader->latest.held)
		return true;
	if (reader->reading ? age_ms < READER_LOOK_MS :
	    age_ms < READER_HOLD_MS && !reader->seen && reader->has_latest &&
	    lgmp_client_waiting(reader->lgmp, KVMFR20_FRAME) < 2)
		return false;
	reader_finish(reader, &reader->latest);
	return true;
}

static void reader_take_frame(struct kvmfr_reader *reader, const struct lgmp_client_item *item,
			      uint64_t now_ms)
{
	struct reader_picture *picture = &reader->incoming;
	bool good;

	*picture = (struct reader_picture){ .came_ms = now_ms, .held = true };
	good = reader_take_header(reader, item, picture);
	/* Posted once more for others. */
	if (good && reader->has_latest &&
	    picture->header.serial == reader->latest.header.serial &&
	    picture->header.format_version == reader->latest.header.format_version) {
		reader_finish(reader, picture);
		return;
	}
	reader->has_incoming = good;
	if (good)
		return;
	reader_finish(reader, picture);
	reader->full = true;
}

/* After an error of read; 0 when it can be mended by subscribing again. */
static int reader_mend(struct kvmfr_reader *reader, uint32_t queue, int result)
{
	if (result == -EPROTO) {
		log_peer_bug("the Looking Glass host: an impossible queue");
		return -EPROTO;
	}
	if (result == -ETIMEDOUT)
		log_blame("host", "Looking Glass had given us up: subscribing again");
	lgmp_client_unsubscribe(reader->lgmp, queue);
	return 0;
}

static int reader_poll_frames(struct kvmfr_reader *reader, uint64_t now_ms, bool *moved)
{
	struct lgmp_client_item item;

	for (int i = 0; i < READER_MAX_MESSAGES; i++) {
		int result;

		if (reader->has_incoming && !reader_chase(reader, now_ms, moved))
			return 0;
		if (!reader_let_go(reader, now_ms))
			return 0;
		result = lgmp_client_read(reader->lgmp, KVMFR20_FRAME, &item);
		if (result == 1) {
			reader_take_frame(reader, &item, now_ms);
		} else if (result == -ERANGE) {
			log_peer_bug("the Looking Glass host: a picture outside the file");
			lgmp_client_done(reader->lgmp, KVMFR20_FRAME);
			reader->full = true;
		} else if (result) {
			reader->has_incoming = false;
			reader->full = true;
			return reader_mend(reader, KVMFR20_FRAME, result);
		} else {
			return 0;
		}
	}
	return 0;
}

enum video_state kvmfr_reader_state(const struct kvmfr_reader *reader, uint32_t *width,
				    uint32_t *height)
{
	*width = reader->on ? reader->width : 0;
	*height = reader->on ? reader->height : 0;
	return reader->on ? VIDEO_ON : VIDEO_OFF;
}

int kvmfr_reader_begin(struct kvmfr_reader *reader, struct slots_frame *frame)
{
	const struct reader_picture *latest = &reader->latest;

	if (!reader->has_latest || reader->seen)
		return 0;
	/* Overwritten before anybody looked: there is a newer one on its way. */
	if (!reader_is_whole(reader, latest)) {
		reader->has_latest = false;
		return 0;
	}
	*frame = (struct slots_frame){
		.pixels = reader->base + latest->slot + latest->header.offset + 4,
		.sequence = latest->sequence, .lock = latest->sequence,
		.width = reader->width, .height = reader->height, .pitch = latest->header.pitch,
		.fourcc = latest->header.type == KVMFR20_BGRA ? VIDEO_FOURCC_XRGB8888 :
								VIDEO_FOURCC_XBGR8888,
		.full = reader->full, .damage = reader->damage,
	};
	if (reader->seen_sequence && latest->sequence > reader->seen_sequence)
		frame->skipped = latest->sequence - reader->seen_sequence - 1;
	if (reader->full)
		frame->damage = (struct video_damage){
			.count = 1, .rects = { { 0, 0, reader->width, reader->height } } };
	reader->reading = true;
	return 1;
}

bool kvmfr_reader_end(struct kvmfr_reader *reader, const struct slots_frame *frame)
{
	struct reader_picture *latest = &reader->latest;
	bool whole = latest->sequence == frame->sequence && reader->has_latest &&
		     reader_is_whole(reader, latest);

	reader->reading = false;
	if (latest->sequence == frame->sequence)
		reader_finish(reader, latest);
	if (!whole) {
		/* Anything may stand now in what the user has made of it. */
		reader->full = true;
		if (latest->sequence == frame->sequence)
			reader->has_latest = false;
		return false;
	}
	reader->seen = true;
	reader->seen_sequence = latest->sequence;
	reader->full = false;
	reader->damage.count = 0;
	return true;
}

void kvmfr_reader_forget(struct kvmfr_reader *reader)
{
	reader->full = true;
	reader->seen = false;
	reader->cursor.moved = reader->cursor.image_changed = true;
}

/* --- cursor ------------------------------------------------------------------------------ */

static void reader_take_shape(struct kvmfr_reader *reader, const struct kvmfr20_cursor *header,
			      uint32_t offset)
{
	struct reader_cursor *cursor = &reader->cursor;
	uint32_t rows = kvmfr_cursor_rows(header, reader->bytes - offset);
	uint8_t *bytes;

	if (!rows) {
		log_peer_bug("the Looking Glass host: an impossible cursor");
		return;
	}
	bytes = realloc(cursor->bytes, (size_t)header->pitch * header->height);
	if (!bytes)
		return;
	cursor->bytes = bytes;
	shared_copy(bytes, reader->base + offset, (size_t)header->pitch * header->height);
	kvmfr_cursor_convert(cursor->pixels, header, bytes);
	cursor->shape = *header;
	cursor->rows = rows;
	cursor->image_changed = true;
}

static void reader_take_cursor(struct kvmfr_reader *reader, const struct lgmp_client_item *item)
{
	struct reader_cursor *cursor = &reader->cursor;
	struct kvmfr20_cursor header;

	if (reader->bytes - item->offset < sizeof(header)) {
		log_peer_bug("the Looking Glass host: a cursor outside the file");
		return;
	}
	shared_copy(&header, reader->base + item->offset, sizeof(header));
	cursor->visible = item->user & KVMFR20_CURSOR_VISIBLE;
	cursor->moved = true;
	if (item->user & KVMFR20_CURSOR_POSITION) {
		cursor->x = header.x;
		cursor->y = header.y;
	}
	if (item->user & KVMFR20_CURSOR_SHAPE)
		reader_take_shape(reader, &header, item->offset + (uint32_t)sizeof(header));
}

static int reader_poll_cursor(struct kvmfr_reader *reader, bool *moved)
{
	struct lgmp_client_item item;

	for (int i = 0; i < READER_MAX_MESSAGES; i++) {
		int result = lgmp_client_read(reader->lgmp, KVMFR20_POINTER, &item);

		if (!result)
			return 0;
		if (result == 1)
			reader_take_cursor(reader, &item);
		else if (result == -ERANGE)
			log_peer_bug("the Looking Glass host: a cursor outside the file");
		else
			return reader_mend(reader, KVMFR20_POINTER, result);
		lgmp_client_done(reader->lgmp, KVMFR20_POINTER);
		*moved = true;
	}
	return 0;
}

int kvmfr_reader_cursor(struct kvmfr_reader *reader, struct cursor_state *state)
{
	struct reader_cursor *cursor = &reader->cursor;
	const struct kvmfr20_cursor *shape = &cursor->shape;
	bool hot_x = shape->hot_x > 0 && (uint32_t)shape->hot_x < shape->width;
	bool hot_y = shape->hot_y > 0 && (uint32_t)shape->hot_y < cursor->rows;

	*state = (struct cursor_state){
		.x = cursor->x + (hot_x ? shape->hot_x : 0),
		.y = cursor->y + (hot_y ? shape->hot_y : 0),
		.visible = cursor->visible && cursor->rows,
		.moved = cursor->moved,
		.image_changed = cursor->image_changed && cursor->rows,
		.image = {
			.width = shape->width, .height = cursor->rows,
			.hot_x = hot_x ? (uint32_t)shape->hot_x : 0,
			.hot_y = hot_y ? (uint32_t)shape->hot_y : 0,
			.fourcc = VIDEO_FOURCC_ARGB8888, .pixels = cursor->copy,
		},
	};
	if (state->image_changed)
		memcpy(cursor->copy, cursor->pixels, (size_t)shape->width * cursor->rows * 4);
	cursor->moved = cursor->image_changed = false;
	return state->moved || state->image_changed;
}

/* --- both -------------------------------------------------------------------------------- */

/* A queue that is not there yet, or held by somebody, is asked for again with the next poll. */
static int reader_subscribe(struct kvmfr_reader *reader)
{
	static const uint32_t queues[] = { KVMFR20_POINTER, KVMFR20_FRAME };

	for (int i = 0; i < 2; i++) {
		int result = lgmp_client_subscribe(reader->lgmp, queues[i]);

		if (result == -ENOSPC)
			log_blame("host", "32 Looking Glass clients are there already: waiting");
		if (result == -EPROTO)
			return reader_mend(reader, queues[i], result);
	}
	return 0;
}

int kvmfr_reader_poll(struct kvmfr_reader *reader, uint64_t now_ms)
{
	bool moved = false;
	int result;

	if (!lgmp_client_alive(reader->lgmp, now_ms))
		return -ENOTCONN;
	result = reader_subscribe(reader);
	if (!result)
		result = reader_poll_cursor(reader, &moved);
	if (!result)
		result = reader_poll_frames(reader, now_ms, &moved);
	return result ? result : moved;
}

bool kvmfr_reader_waits(const struct kvmfr_reader *reader)
{
	return reader->has_incoming;
}
