/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lg_picture.h"

#include <ivshmem/copy.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PICTURE_POINTER_WAITS 10000
#define PICTURE_STEP_BYTES (UINT64_C(1) << 20)

/* False: it was not there in time; the client shows what it has. */
static bool picture_wait(struct lg_client_state *state, const uint8_t *slot, uint32_t offset,
			 uint64_t bytes)
{
	const _Atomic uint32_t *pointer = (const _Atomic uint32_t *)(slot + offset);

	for (uint32_t i = 0; atomic_load_explicit(pointer, memory_order_acquire) < bytes; i++) {
		if (i == PICTURE_POINTER_WAITS) {
			state->stalls++;
			return false;
		}
		sched_yield();
	}
	return true;
}

/* --- what the real client does not look at and dies of ----------------------------------- */

static const char *picture_frame_fault(const struct kvmfr20_frame *frame, uint64_t room)
{
	if (frame->type < 1 || frame->type > 6)
		return "unknown type";
	if (frame->stride > 16384 || frame->frame_height > 16384 ||
	    frame->pitch != frame->stride * 4 || frame->frame_width > frame->stride)
		return "pitch is not stride";
	if (frame->data_width != frame->frame_width || frame->data_height != frame->frame_height)
		return "data size is not frame size";
	if (frame->offset > room ||
	    room - frame->offset < 4 + (uint64_t)frame->pitch * frame->data_height)
		return "pixels outside the region";
	if (frame->damage_count > KVMFR20_MAX_RECTS)
		return "too many rectangles";
	if (frame->damage_count && frame->pitch % KVMFR20_COLUMN_BYTES)
		return "damage with an odd pitch";
	if (!frame->format_version || !frame->serial)
		return "version or serial 0";
	return NULL;
}

static bool picture_rect_fault(const struct kvmfr20_frame *frame, const struct kvmfr20_rect *rect)
{
	return !rect->width || !rect->height || rect->x % 8 || rect->width % 8 ||
	       rect->x > frame->stride || rect->width > frame->stride - rect->x ||
	       rect->y > frame->data_height || rect->height > frame->data_height - rect->y;
}

static const char *picture_damage_fault(const struct kvmfr20_frame *frame)
{
	for (uint32_t i = 0; i < frame->damage_count; i++)
		if (picture_rect_fault(frame, &frame->damage[i]))
			return "rectangle";
	return NULL;
}

/* --- the upload buffers ------------------------------------------------------------------ */

static void picture_take_format(struct lg_picture *picture, struct lg_client_state *state,
				const struct kvmfr20_frame *frame)
{
	picture->has_format = true;
	picture->format_version = frame->format_version;
	state->formats++;
	state->type = frame->type;
	state->width = frame->frame_width;
	state->height = frame->frame_height;
	state->stride = frame->stride;
	for (uint32_t i = 0; i < LG_PICTURE_UPLOADS; i++) {
		free(picture->uploads[i].pixels);
		picture->uploads[i] = (struct lg_upload){
			.pixels = calloc((size_t)state->stride * state->height + 1, 4),
			.missed_all = true,
		};
	}
}

/* Every buffer misses what this frame brings; one that would miss too much is copied whole. */
static void picture_add_damage(struct lg_picture *picture, const struct kvmfr20_frame *frame)
{
	for (uint32_t i = 0; i < LG_PICTURE_UPLOADS; i++) {
		struct lg_upload *upload = &picture->uploads[i];

		if (!frame->damage_count ||
		    frame->damage_count > KVMFR20_MAX_RECTS - upload->missed_count)
			upload->missed_all = true;
		if (upload->missed_all)
			continue;
		memcpy(upload->missed + upload->missed_count, frame->damage,
		       frame->damage_count * sizeof(*frame->damage));
		upload->missed_count += frame->damage_count;
	}
}

static int picture_compare_bottoms(const void *a, const void *b)
{
	const struct kvmfr20_rect *first = a, *second = b;
	uint32_t bottom = first->y + first->height, other = second->y + second->height;

	return bottom < other ? -1 : bottom > other;
}

/* From the top down, each when the rows it ends with are there. */
static void picture_copy_missed(struct lg_upload *upload, struct lg_client_state *state,
				const struct kvmfr20_frame *frame, const uint8_t *slot)
{
	qsort(upload->missed, upload->missed_count, sizeof(*upload->missed),
	      picture_compare_bottoms);
	for (uint32_t i = 0; i < upload->missed_count; i++) {
		const struct kvmfr20_rect *rect = &upload->missed[i];
		uint64_t at = (uint64_t)rect->y * frame->stride + rect->x;

		if (!picture_wait(state, slot, frame->offset,
				  (uint64_t)(rect->y + rect->height) * frame->pitch))
			return;
		shared_copy_rows(upload->pixels + at, frame->pitch,
				 slot + frame->offset + 4 + at * 4, frame->pitch,
				 (size_t)rect->width * 4, rect->height);
	}
}

/* In steps, each when so much is there. */
static void picture_copy_all(struct lg_upload *upload, struct lg_client_state *state,
			     const struct kvmfr20_frame *frame, const uint8_t *slot)
{
	uint64_t all = (uint64_t)frame->pitch * frame->data_height, bytes;

	state->full_frames++;
	for (uint64_t at = 0; at < all; at += bytes) {
		bytes = all - at < PICTURE_STEP_BYTES ? all - at : PICTURE_STEP_BYTES;
		if (!picture_wait(state, slot, frame->offset, at + bytes))
			return;
		shared_copy((uint8_t *)upload->pixels + at, slot + frame->offset + 4 + at, bytes);
	}
}

static void picture_copy(struct lg_picture *picture, struct lg_client_state *state,
			 const struct kvmfr20_frame *frame, const uint8_t *slot)
{
	struct lg_upload *upload = &picture->uploads[picture->turn];

	picture->turn = (picture->turn + 1) % LG_PICTURE_UPLOADS;
	state->frames++;
	if (upload->missed_all)
		picture_copy_all(upload, state, frame, slot);
	else
		picture_copy_missed(upload, state, frame, slot);
	upload->missed_all = false;
	upload->missed_count = 0;
	state->pixels = upload->pixels;
}

void lg_picture_forget(struct lg_picture *picture)
{
	picture->has_format = false;
}

const char *lg_picture_take(struct lg_picture *picture, struct lg_client_state *state,
			    const uint8_t *base, uint64_t bytes, uint32_t offset)
{
	const uint8_t *slot = base + offset;
	bool first = !picture->has_format;
	struct kvmfr20_frame frame;
	const char *fault;

	if (offset > bytes || bytes - offset < sizeof(frame))
		return "slot outside the region";
	shared_copy(&frame, slot, sizeof(frame));
	fault = picture_frame_fault(&frame, bytes - offset);
	if (!fault)
		fault = picture_damage_fault(&frame);
	if (fault)
		return fault;
	if (!first && frame.serial == picture->serial) {
		state->repeats++;
		return NULL;
	}
	picture->serial = frame.serial;
	if (first || frame.format_version != picture->format_version)
		picture_take_format(picture, state, &frame);
	else if (frame.stride != state->stride || frame.frame_height != state->height)
		return "another size in the same format version";
	picture_add_damage(picture, &frame);
	picture_copy(picture, state, &frame, slot);
	return NULL;
}

void lg_picture_finish(struct lg_picture *picture)
{
	for (uint32_t i = 0; i < LG_PICTURE_UPLOADS; i++)
		free(picture->uploads[i].pixels);
}
