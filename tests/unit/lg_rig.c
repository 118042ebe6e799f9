/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lg_rig.h"

#include <base/loop.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct lg_rig_frame {
	struct display_frame base;
	struct lg_rig *rig;
};

struct lg_rig_job {
	struct lg_rig *rig;
	struct display_buffer *buffer;
	struct rect damage;
	const struct display_cursor *cursor;
	int32_t x, y;
};

void lg_rig_start(struct lg_rig *rig)
{
	rig->loop = loop_create("display");
	rig->display = display_create(rig->loop, rig->surfaces ? rig->surfaces : 2);
	assert_non_null(rig->display);
	assert_int_equal(loop_start(rig->loop), 0);
}

void lg_rig_stop(struct lg_rig *rig)
{
	loop_stop(rig->loop);
	display_destroy(rig->display);
	loop_destroy(rig->loop);
}

struct display_buffer *lg_rig_buffer(uint32_t width, uint32_t height, uint32_t fourcc,
				     uint32_t colour)
{
	struct display_buffer *buffer = display_buffer_create_host(width, height, fourcc);
	uint32_t *pixels;

	assert_non_null(buffer);
	pixels = display_buffer_host_pixels(buffer);
	for (uint32_t i = 0; i < width * height; i++)
		pixels[i] = colour + i * 2654435761u;
	return buffer;
}

static struct display_surface *rig_surface(struct lg_rig *rig)
{
	return display_surface_get(rig->display, rig->surface);
}

static void rig_frame_release(struct display_frame *base)
{
	struct lg_rig_frame *frame = (struct lg_rig_frame *)base;

	atomic_fetch_add(&frame->rig->released, 1);
	display_buffer_unref(base->buffer);
	free(frame);
}

static void rig_do_commit(void *data)
{
	struct lg_rig_job *job = data;
	struct lg_rig_frame *frame = calloc(1, sizeof(*frame));

	frame->rig = job->rig;
	frame->base.references = 1;
	frame->base.buffer = display_buffer_ref(job->buffer);
	frame->base.source = (struct rect){ .width = job->buffer->width,
					    .height = job->buffer->height };
	frame->base.release = rig_frame_release;
	damage_add(&frame->base.damage, &job->damage);
	atomic_fetch_add(&job->rig->committed, 1);
	display_surface_commit(rig_surface(job->rig), &frame->base);
}

void lg_rig_commit(struct lg_rig *rig, struct display_buffer *buffer, struct rect damage)
{
	struct lg_rig_job job = { .rig = rig, .buffer = buffer, .damage = damage };

	loop_call(rig->loop, rig_do_commit, &job);
}

static void rig_do_off(void *data)
{
	display_surface_disable(rig_surface(data));
}

void lg_rig_off(struct lg_rig *rig)
{
	loop_call(rig->loop, rig_do_off, rig);
}

static void rig_do_cursor(void *data)
{
	struct lg_rig_job *job = data;

	display_surface_set_cursor(rig_surface(job->rig), job->cursor);
}

void lg_rig_cursor(struct lg_rig *rig, const struct display_cursor *cursor)
{
	struct lg_rig_job job = { .rig = rig, .cursor = cursor };

	loop_call(rig->loop, rig_do_cursor, &job);
}

static void rig_do_move(void *data)
{
	struct lg_rig_job *job = data;

	display_surface_move_cursor(rig_surface(job->rig), job->x, job->y);
}

void lg_rig_move_cursor(struct lg_rig *rig, int32_t x, int32_t y)
{
	struct lg_rig_job job = { .rig = rig, .x = x, .y = y };

	loop_call(rig->loop, rig_do_move, &job);
}

void lg_rig_wait_released(struct lg_rig *rig)
{
	for (int i = 0; i < 5000 && rig->released != rig->committed; i++)
		usleep(1000);
	assert_int_equal(rig->released, rig->committed);
}
