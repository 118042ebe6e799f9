/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock covers queues and counts. A batch or cursor belongs to the SPICE thread while it is not
 * out, and nobody writes to it while it is.
 */
#include "spice/spice_commands.h"

#include <base/rect.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

/* A batch ends with an update: without it the server keeps what it drew until it is covered. */
#define BATCH_COMMANDS (DAMAGE_MAX_RECTS + 1)

struct commands_draw {
	QXLDrawable drawable;
	QXLImage image;
};

struct commands_batch {
	uint32_t out;                   /* commands not yet released */
	uint32_t *pixels;
	size_t pixel_count;             /* that there is room for */
	struct commands_draw draws[DAMAGE_MAX_RECTS];
	QXLUpdateCmd update;
};

struct commands_cursor {
	bool out;
	QXLCursorCmd command;
	QXLCursor *shape;
};

/* Never full: it has room for all there are. */
struct commands_queue {
	uint32_t first, count;
	QXLCommandExt commands[SPICE_COMMANDS_BATCHES * BATCH_COMMANDS];
};

struct spice_commands {
	int wake_fd;
	uint32_t unique;                /* of the images */
	pthread_mutex_t mutex;
	bool batch_wanted, cursor_wanted;       /* ring when one comes back */
	struct commands_queue draws, moves;
	struct commands_batch batches[SPICE_COMMANDS_BATCHES];
	struct commands_cursor cursors[SPICE_COMMANDS_CURSORS];
};

_Static_assert(SPICE_COMMANDS_CURSORS <= SPICE_COMMANDS_BATCHES * BATCH_COMMANDS, "one queue");

struct spice_commands *spice_commands_create(int wake_fd)
{
	struct spice_commands *commands = calloc(1, sizeof(*commands));

	if (!commands)
		return NULL;
	commands->wake_fd = wake_fd;
	pthread_mutex_init(&commands->mutex, NULL);
	return commands;
}

void spice_commands_destroy(struct spice_commands *commands)
{
	if (!commands)
		return;
	for (int i = 0; i < SPICE_COMMANDS_BATCHES; i++)
		free(commands->batches[i].pixels);
	for (int i = 0; i < SPICE_COMMANDS_CURSORS; i++)
		free(commands->cursors[i].shape);
	pthread_mutex_destroy(&commands->mutex);
	free(commands);
}

/* ---- queues; locked ---- */

/* The one memory slot there is begins at address 0. */
static uint64_t queue_address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static void queue_push(struct commands_queue *queue, uint32_t type, const void *command)
{
	uint32_t size = sizeof(queue->commands) / sizeof(queue->commands[0]);

	queue->commands[(queue->first + queue->count++) % size] = (QXLCommandExt){
		.cmd = { .data = queue_address(command), .type = type },
	};
}

static bool queue_pop(struct commands_queue *queue, QXLCommandExt *command)
{
	uint32_t size = sizeof(queue->commands) / sizeof(queue->commands[0]);

	if (!queue->count)
		return false;
	*command = queue->commands[queue->first];
	queue->first = (queue->first + 1) % size;
	queue->count--;
	return true;
}

/* ---- pictures ---- */

/* Batches first, then cursors. */
static QXLReleaseInfo commands_id(size_t index)
{
	return (QXLReleaseInfo){ .id = index };
}

static QXLRect commands_rect(const struct rect *rect)
{
	return (QXLRect){ .top = (int32_t)rect->y, .left = (int32_t)rect->x,
			  .bottom = (int32_t)(rect->y + rect->height),
			  .right = (int32_t)(rect->x + rect->width) };
}

static void commands_fill_draw(struct commands_draw *draw, QXLReleaseInfo id, uint32_t unique,
			       const struct rect *rect, const uint32_t *pixels)
{
	draw->image = (QXLImage){
		.descriptor = { .type = SPICE_IMAGE_TYPE_BITMAP, .width = rect->width,
				.height = rect->height },
		.bitmap = { .format = SPICE_BITMAP_FMT_32BIT,
			    .flags = QXL_BITMAP_DIRECT | QXL_BITMAP_TOP_DOWN,
			    .x = rect->width, .y = rect->height, .stride = rect->width * 4,
			    .data = queue_address(pixels) },
	};
	QXL_SET_IMAGE_ID(&draw->image, QXL_IMAGE_GROUP_DEVICE, unique);
	draw->drawable = (QXLDrawable){
		.release_info = id,
		.effect = QXL_EFFECT_OPAQUE,
		.type = QXL_DRAW_COPY,
		.bbox = commands_rect(rect),
		.clip = { .type = SPICE_CLIP_TYPE_NONE },
		.surfaces_dest = { -1, -1, -1 },
		.u.copy = { .src_bitmap = queue_address(&draw->image),
			    .src_area = { .bottom = (int32_t)rect->height,
					  .right = (int32_t)rect->width },
			    .rop_descriptor = SPICE_ROPD_OP_PUT },
	};
}

static bool commands_reserve(struct commands_batch *batch, size_t count)
{
	if (count <= batch->pixel_count)
		return true;
	free(batch->pixels);
	batch->pixels = malloc(count * sizeof(*batch->pixels));
	batch->pixel_count = batch->pixels ? count : 0;
	return batch->pixels;
}

static void commands_fill_batch(struct spice_commands *commands, struct commands_batch *batch,
				const uint32_t *pixels, uint32_t stride_pixels,
				const struct damage *damage)
{
	const QXLReleaseInfo id = commands_id((size_t)(batch - commands->batches));
	struct rect all = damage->rects[0];
	uint32_t *to = batch->pixels;

	for (uint32_t i = 0; i < damage->count; i++) {
		const struct rect *rect = &damage->rects[i];
		const uint32_t *from = pixels + (size_t)rect->y * stride_pixels + rect->x;

		commands_fill_draw(&batch->draws[i], id, ++commands->unique, rect, to);
		for (uint32_t y = 0; y < rect->height; y++) {
			memcpy(to, from, (size_t)rect->width * 4);
			from += stride_pixels;
			to += rect->width;
		}
		all = rect_join(&all, rect);
	}
	batch->update = (QXLUpdateCmd){ .release_info = id, .area = commands_rect(&all) };
}

static struct commands_batch *commands_free_batch(struct spice_commands *commands)
{
	struct commands_batch *found = NULL;

	pthread_mutex_lock(&commands->mutex);
	for (int i = 0; i < SPICE_COMMANDS_BATCHES && !found; i++)
		if (!commands->batches[i].out)
			found = &commands->batches[i];
	if (!found)
		commands->batch_wanted = true;
	pthread_mutex_unlock(&commands->mutex);
	return found;
}

int spice_commands_draw(struct spice_commands *commands, const uint32_t *pixels,
			uint32_t stride_pixels, const struct damage *damage)
{
	struct commands_batch *batch = commands_free_batch(commands);

	if (!batch)
		return -EAGAIN;
	if (!commands_reserve(batch, damage_pixels(damage)))
		return -ENOMEM;
	commands_fill_batch(commands, batch, pixels, stride_pixels, damage);
	pthread_mutex_lock(&commands->mutex);
	for (uint32_t i = 0; i < damage->count; i++)
		queue_push(&commands->draws, QXL_CMD_DRAW, &batch->draws[i].drawable);
	queue_push(&commands->draws, QXL_CMD_UPDATE, &batch->update);
	batch->out = damage->count + 1;
	pthread_mutex_unlock(&commands->mutex);
	return 0;
}

bool spice_commands_drained(struct spice_commands *commands)
{
	bool drained = true;

	pthread_mutex_lock(&commands->mutex);
	for (int i = 0; i < SPICE_COMMANDS_BATCHES; i++)
		drained &= !commands->batches[i].out;
	if (!drained)
		commands->batch_wanted = true;
	pthread_mutex_unlock(&commands->mutex);
	return drained;
}

void spice_commands_trim(struct spice_commands *commands)
{
	for (int i = 0; i < SPICE_COMMANDS_BATCHES; i++) {
		struct commands_batch *batch = &commands->batches[i];
		bool out;

		pthread_mutex_lock(&commands->mutex);
		out = batch->out;
		pthread_mutex_unlock(&commands->mutex);
		if (out)
			continue;
		free(batch->pixels);
		batch->pixels = NULL;
		batch->pixel_count = 0;
	}
}

/* ---- cursors ---- */

static int16_t commands_limit(int32_t position)
{
	return (int16_t)(position > INT16_MAX ? INT16_MAX :
			 position < INT16_MIN ? INT16_MIN : position);
}

/* Without a number of its own, so that clients need not keep it. */
static QXLCursor *commands_shape(const struct spice_cursor *cursor)
{
	uint32_t bytes = cursor->width * cursor->height * 4;
	QXLCursor *shape = malloc(sizeof(*shape) + bytes);

	if (!shape)
		return NULL;
	*shape = (QXLCursor){
		.header = { .type = SPICE_CURSOR_TYPE_ALPHA,
			    .width = (uint16_t)cursor->width, .height = (uint16_t)cursor->height,
			    .hot_spot_x = (uint16_t)cursor->hot_x,
			    .hot_spot_y = (uint16_t)cursor->hot_y },
		.data_size = bytes,
		.chunk = { .data_size = bytes },
	};
	memcpy(shape->chunk.data, cursor->pixels, bytes);
	return shape;
}

static int commands_fill_cursor(struct spice_commands *commands, struct commands_cursor *slot,
				const struct spice_cursor *cursor)
{
	const QXLPoint16 position = { commands_limit(cursor->x), commands_limit(cursor->y) };

	slot->command = (QXLCursorCmd){
		.release_info = commands_id(SPICE_COMMANDS_BATCHES +
					    (size_t)(slot - commands->cursors)),
		.type = cursor->visible ? QXL_CURSOR_MOVE : QXL_CURSOR_HIDE,
		.u.position = position,
	};
	free(slot->shape);
	slot->shape = NULL;
	if (!cursor->visible || !cursor->pixels)
		return 0;
	slot->shape = commands_shape(cursor);
	if (!slot->shape)
		return -ENOMEM;
	slot->command.type = QXL_CURSOR_SET;
	slot->command.u.set.position = position;
	slot->command.u.set.visible = true;
	slot->command.u.set.shape = queue_address(slot->shape);
	return 0;
}

static struct commands_cursor *commands_free_cursor(struct spice_commands *commands)
{
	struct commands_cursor *found = NULL;

	pthread_mutex_lock(&commands->mutex);
	for (int i = 0; i < SPICE_COMMANDS_CURSORS && !found; i++)
		if (!commands->cursors[i].out)
			found = &commands->cursors[i];
	if (!found)
		commands->cursor_wanted = true;
	pthread_mutex_unlock(&commands->mutex);
	return found;
}

int spice_commands_cursor(struct spice_commands *commands, const struct spice_cursor *cursor)
{
	struct commands_cursor *slot = commands_free_cursor(commands);
	int result;

	if (!slot)
		return -EAGAIN;
	result = commands_fill_cursor(commands, slot, cursor);
	if (result)
		return result;
	pthread_mutex_lock(&commands->mutex);
	slot->out = true;
	queue_push(&commands->moves, QXL_CMD_CURSOR, &slot->command);
	pthread_mutex_unlock(&commands->mutex);
	return 0;
}

/* ---- the worker ---- */

static bool commands_pop(struct spice_commands *commands, struct commands_queue *queue,
			 QXLCommandExt *command)
{
	bool popped;

	pthread_mutex_lock(&commands->mutex);
	popped = queue_pop(queue, command);
	pthread_mutex_unlock(&commands->mutex);
	return popped;
}

bool spice_commands_pop(struct spice_commands *commands, QXLCommandExt *command)
{
	return commands_pop(commands, &commands->draws, command);
}

bool spice_commands_pop_cursor(struct spice_commands *commands, QXLCommandExt *command)
{
	return commands_pop(commands, &commands->moves, command);
}

static bool commands_is_empty(struct spice_commands *commands, const struct commands_queue *queue)
{
	bool empty;

	pthread_mutex_lock(&commands->mutex);
	empty = !queue->count;
	pthread_mutex_unlock(&commands->mutex);
	return empty;
}

bool spice_commands_empty(struct spice_commands *commands)
{
	return commands_is_empty(commands, &commands->draws);
}

bool spice_commands_no_cursor(struct spice_commands *commands)
{
	return commands_is_empty(commands, &commands->moves);
}

void spice_commands_release(struct spice_commands *commands, const QXLReleaseInfo *info)
{
	uint64_t index = info->id;
	bool wake;

	pthread_mutex_lock(&commands->mutex);
	if (index < SPICE_COMMANDS_BATCHES) {
		wake = --commands->batches[index].out == 0 && commands->batch_wanted;
		commands->batch_wanted &= !wake;
	} else {
		commands->cursors[index - SPICE_COMMANDS_BATCHES].out = false;
		wake = commands->cursor_wanted;
		commands->cursor_wanted = false;
	}
	pthread_mutex_unlock(&commands->mutex);
	if (wake)
		eventfd_write(commands->wake_fd, 1);
}
