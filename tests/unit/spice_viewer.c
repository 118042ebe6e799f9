/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_viewer.h"

#include "spice_client.h"

#include <poll.h>
#include <setjmp.h>
#include <spice/protocol.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define VIEWER_MAX_BYTES (256u << 20)
#define VIEWER_MAX_EXTENT 16384u

/* ---- a message, read from its beginning ---- */

struct viewer_reader {
	const uint8_t *bytes;
	size_t size, at;
};

static const uint8_t *reader_take(struct viewer_reader *reader, size_t bytes)
{
	const uint8_t *taken = reader->bytes + reader->at;

	assert_true(reader->at <= reader->size && bytes <= reader->size - reader->at);
	reader->at += bytes;
	return taken;
}

static uint8_t reader_u8(struct viewer_reader *reader)
{
	return *reader_take(reader, 1);
}

static uint16_t reader_u16(struct viewer_reader *reader)
{
	uint16_t value;

	memcpy(&value, reader_take(reader, 2), 2);
	return value;
}

static uint32_t reader_u32(struct viewer_reader *reader)
{
	uint32_t value;

	memcpy(&value, reader_take(reader, 4), 4);
	return value;
}

/* ---- DISPLAY ---- */

struct viewer_box {
	uint32_t top, left, bottom, right;
};

static struct viewer_box reader_box(struct viewer_reader *reader)
{
	struct viewer_box box;

	box.top = reader_u32(reader);
	box.left = reader_u32(reader);
	box.bottom = reader_u32(reader);
	box.right = reader_u32(reader);
	assert_true(box.top < box.bottom && box.left < box.right);
	return box;
}

static void viewer_drop_surface(struct spice_viewer *viewer)
{
	free(viewer->pixels);
	viewer->pixels = NULL;
	viewer->width = viewer->height = 0;
}

static void viewer_create_surface(struct spice_viewer *viewer, struct viewer_reader *reader)
{
	assert_int_equal(reader_u32(reader), 0);
	assert_null(viewer->pixels);
	viewer->width = reader_u32(reader);
	viewer->height = reader_u32(reader);
	assert_int_equal(reader_u32(reader), SPICE_SURFACE_FMT_32_xRGB);
	assert_int_equal(reader_u32(reader), SPICE_SURFACE_FLAGS_PRIMARY);
	assert_in_range(viewer->width, 1, VIEWER_MAX_EXTENT);
	assert_in_range(viewer->height, 1, VIEWER_MAX_EXTENT);
	viewer->pixels = calloc(viewer->height, (size_t)viewer->width * 4);
	assert_non_null(viewer->pixels);
	viewer->surfaces++;
}

static void viewer_destroy_surface(struct spice_viewer *viewer, struct viewer_reader *reader)
{
	assert_int_equal(reader_u32(reader), 0);
	assert_non_null(viewer->pixels);
	viewer_drop_surface(viewer);
}

/* A plain bitmap of that size at the reader. */
static void viewer_draw_bitmap(struct spice_viewer *viewer, struct viewer_reader *reader,
			       const struct viewer_box *box)
{
	uint32_t width = box->right - box->left, height = box->bottom - box->top, stride;
	const uint8_t *rows;
	uint8_t flags;

	reader_take(reader, 8);                 /* its number */
	assert_int_equal(reader_u8(reader), SPICE_IMAGE_TYPE_BITMAP);
	reader_u8(reader);
	assert_int_equal(reader_u32(reader), width);
	assert_int_equal(reader_u32(reader), height);
	assert_int_equal(reader_u8(reader), SPICE_BITMAP_FMT_32BIT);
	flags = reader_u8(reader);
	assert_int_equal(flags & ~SPICE_BITMAP_FLAGS_TOP_DOWN, 0);
	assert_int_equal(reader_u32(reader), width);
	assert_int_equal(reader_u32(reader), height);
	stride = reader_u32(reader);
	assert_true(stride >= width * 4);
	assert_int_equal(reader_u32(reader), 0);        /* no palette */
	rows = reader_take(reader, (size_t)stride * height);
	for (uint32_t y = 0; y < height; y++) {
		uint32_t row = flags & SPICE_BITMAP_FLAGS_TOP_DOWN ? y : height - 1 - y;
		uint32_t *to = viewer->pixels + (size_t)(box->top + y) * viewer->width + box->left;

		memcpy(to, rows + (size_t)row * stride, (size_t)width * 4);
		for (uint32_t x = 0; x < width; x++)
			to[x] &= 0xffffff;
	}
}

static void viewer_draw_copy(struct spice_viewer *viewer, struct viewer_reader *reader)
{
	struct viewer_box box, area;
	uint32_t bitmap;

	assert_int_equal(reader_u32(reader), 0);
	box = reader_box(reader);
	assert_true(box.bottom <= viewer->height && box.right <= viewer->width);
	assert_int_equal(reader_u8(reader), SPICE_CLIP_TYPE_NONE);
	bitmap = reader_u32(reader);
	area = reader_box(reader);
	assert_int_equal(area.top | area.left, 0);
	assert_int_equal(area.bottom, box.bottom - box.top);
	assert_int_equal(area.right, box.right - box.left);
	assert_int_equal(reader_u16(reader), SPICE_ROPD_OP_PUT);
	reader->at = bitmap;
	viewer_draw_bitmap(viewer, reader, &box);
	viewer->draws++;
	viewer->drawn_pixels += (uint64_t)area.bottom * area.right;
}

static void viewer_take_display(struct spice_viewer *viewer, uint16_t type,
				struct viewer_reader *reader)
{
	switch (type) {
	case SPICE_MSG_DISPLAY_SURFACE_CREATE:
		viewer_create_surface(viewer, reader);
		break;
	case SPICE_MSG_DISPLAY_SURFACE_DESTROY:
		viewer_destroy_surface(viewer, reader);
		break;
	case SPICE_MSG_DISPLAY_DRAW_COPY:
		viewer_draw_copy(viewer, reader);
		break;
	case SPICE_MSG_DISPLAY_MARK:
	case SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES:
	case SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS:
		break;
	default:
		fail_msg("DISPLAY message %u", type);
	}
}

/* ---- CURSOR ---- */

static void viewer_take_shape(struct spice_viewer *viewer, struct viewer_reader *reader)
{
	size_t bytes;

	free(viewer->cursor_pixels);
	viewer->cursor_pixels = NULL;
	if (reader_u16(reader) & SPICE_CURSOR_FLAGS_NONE)
		return;
	reader_take(reader, 8);                 /* its number */
	assert_int_equal(reader_u8(reader), SPICE_CURSOR_TYPE_ALPHA);
	viewer->cursor_width = reader_u16(reader);
	viewer->cursor_height = reader_u16(reader);
	viewer->hot_x = reader_u16(reader);
	viewer->hot_y = reader_u16(reader);
	bytes = (size_t)viewer->cursor_width * viewer->cursor_height * 4;
	assert_true(bytes > 0);
	viewer->cursor_pixels = malloc(bytes);
	assert_non_null(viewer->cursor_pixels);
	memcpy(viewer->cursor_pixels, reader_take(reader, bytes), bytes);
	viewer->shapes++;
}

static void viewer_take_position(struct spice_viewer *viewer, struct viewer_reader *reader)
{
	viewer->x = (int16_t)reader_u16(reader);
	viewer->y = (int16_t)reader_u16(reader);
}

static void viewer_take_cursor(struct spice_viewer *viewer, uint16_t type,
			       struct viewer_reader *reader)
{
	switch (type) {
	case SPICE_MSG_CURSOR_INIT:
	case SPICE_MSG_CURSOR_SET:
		viewer_take_position(viewer, reader);
		if (type == SPICE_MSG_CURSOR_INIT)
			reader_take(reader, 4);         /* the trail */
		viewer->visible = reader_u8(reader);
		viewer_take_shape(viewer, reader);
		break;
	case SPICE_MSG_CURSOR_MOVE:
		viewer_take_position(viewer, reader);
		viewer->visible = true;
		break;
	case SPICE_MSG_CURSOR_HIDE:
	case SPICE_MSG_CURSOR_RESET:
		viewer->visible = false;
		break;
	case SPICE_MSG_CURSOR_INVAL_ALL:
		break;
	default:
		fail_msg("CURSOR message %u", type);
	}
}

/* ---- channels ---- */

static void viewer_link(struct spice_viewer_channel *channel, const char *path, uint32_t session,
			uint8_t type, uint8_t screen)
{
	channel->fd = spice_client_connect(path);
	assert_true(channel->fd >= 0);
	assert_int_equal(spice_client_link_id(channel->fd, session, type, screen), 0);
}

void spice_viewer_open_display(struct spice_viewer *viewer, const char *path, uint32_t session,
			       uint8_t screen)
{
	/* No caches. */
	static const uint8_t init[1 + 8 + 1 + 4] = { 0 };
	static const uint8_t compression = SPICE_IMAGE_COMPRESSION_OFF;

	*viewer = (struct spice_viewer){ .cursor.fd = -1 };
	viewer_link(&viewer->display, path, session, SPICE_CHANNEL_DISPLAY, screen);
	assert_int_equal(spice_client_send(viewer->display.fd, SPICE_MSGC_DISPLAY_INIT, init,
					   sizeof(init)), 0);
	assert_int_equal(spice_client_send(viewer->display.fd,
					   SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, &compression,
					   1), 0);
}

void spice_viewer_open(struct spice_viewer *viewer, const char *path, uint32_t session,
		       uint8_t screen)
{
	spice_viewer_open_display(viewer, path, session, screen);
	viewer_link(&viewer->cursor, path, session, SPICE_CHANNEL_CURSOR, screen);
}

void spice_viewer_close(struct spice_viewer *viewer)
{
	close(viewer->display.fd);
	if (viewer->cursor.fd >= 0)
		close(viewer->cursor.fd);
	free(viewer->display.bytes);
	free(viewer->cursor.bytes);
	free(viewer->cursor_pixels);
	viewer_drop_surface(viewer);
}

/* The type of the next message, answered when it is one that every channel has. */
static uint16_t channel_receive(struct spice_viewer_channel *channel)
{
	SpiceMiniDataHeader header;

	assert_int_equal(spice_client_read(channel->fd, &header, sizeof(header)), 0);
	assert_true(header.size <= VIEWER_MAX_BYTES);
	if (header.size > channel->room) {
		channel->bytes = realloc(channel->bytes, header.size);
		assert_non_null(channel->bytes);
		channel->room = header.size;
	}
	channel->size = header.size;
	if (header.size)
		assert_int_equal(spice_client_read(channel->fd, channel->bytes, header.size), 0);
	if (channel->window && ++channel->unacknowledged >= channel->window) {
		channel->unacknowledged = 0;
		spice_client_send(channel->fd, SPICE_MSGC_ACK, NULL, 0);
	}
	return header.type;
}

static bool channel_answer(struct spice_viewer_channel *channel, uint16_t type)
{
	struct viewer_reader reader = { channel->bytes, channel->size, 4 };

	if (type == SPICE_MSG_SET_ACK) {
		channel->window = reader_u32(&reader);
		channel->unacknowledged = 0;
		spice_client_send(channel->fd, SPICE_MSGC_ACK_SYNC, channel->bytes, 4);
	} else if (type == SPICE_MSG_PING) {
		reader_take(&reader, 8);
		spice_client_send(channel->fd, SPICE_MSGC_PONG, channel->bytes, 12);
	}
	return type < 101;
}

bool spice_viewer_step(struct spice_viewer *viewer, int timeout_ms)
{
	struct pollfd polls[] = { { viewer->display.fd, POLLIN, 0 },
				  { viewer->cursor.fd, POLLIN, 0 } };
	bool came = false;
	uint16_t type;

	assert_true(poll(polls, 2, timeout_ms) >= 0);
	for (int i = 0; i < 2; i++) {
		struct spice_viewer_channel *channel = i ? &viewer->cursor : &viewer->display;
		struct viewer_reader reader = { 0 };

		if (!polls[i].revents)
			continue;
		came = true;
		type = channel_receive(channel);
		reader.bytes = channel->bytes;
		reader.size = channel->size;
		if (channel_answer(channel, type))
			continue;
		if (i)
			viewer_take_cursor(viewer, type, &reader);
		else
			viewer_take_display(viewer, type, &reader);
	}
	return came;
}
