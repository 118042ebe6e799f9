/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the first surface shows, onto a wire. A frame is let go at once when nobody listens; the
 * buffer on show is kept, as the display itself keeps it, for whoever comes.
 */
#include "capture_private.h"
#include "lg_wire.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/looking_glass.h>
#include <errno.h>
#include <ivshmem/abi.h>
#include <ivshmem/doorbell_eventfd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
/* A region in which this does not fit is refused at once. */
#define LG_LEAST_WIDTH 1920
#define LG_LEAST_HEIGHT 1080
#define LG_BEAT_IDLE_NS (50 * NS_PER_MS)
#define LG_BEAT_ACTIVE_NS (10 * NS_PER_MS)

struct looking_glass {
	struct lg_wire *wire;
	struct lg_file *file;                   /* NULL: the wire has none */
	struct looking_glass_callbacks callbacks;
	void *data;
	struct loop *loop;
	struct loop_fd *wake_source;
	struct loop_timer *beat_timer;
	int wake_fd;
	struct source_display *source;
	bool wanted;                            /* somebody listens */
	/* The picture. */
	struct display_buffer *buffer;          /* on show; NULL: none */
	struct rect shown;                      /* the part of it */
	struct lg_wire_picture picture;         /* as the slots have it */
	struct lg_wire_picture refused;         /* too large for a slot: told once */
	bool owed;                              /* the newest picture was not published */
	bool unsettled;                         /* what was published may be ahead of its frame */
	struct damage changed;                  /* since what was published last */
	struct damage missed[LG_WIRE_MAX_SLOTS];        /* what each slot lacks */
	/* The cursor. */
	struct lg_wire_cursor cursor;
	bool has_image;
	_Atomic uint64_t frames, bytes_copied;
	uint32_t image[CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT];
	uint32_t row[VIDEO_MAX_EXTENT];
};

static uint64_t glass_now_ms(void)
{
	return clock_now_ns() / NS_PER_MS;
}

/* --- frames ------------------------------------------------------------------------------ */

static void glass_add_damage(struct looking_glass *glass, const struct damage *damage)
{
	struct damage clipped = *damage;

	damage_clip(&clipped, glass->picture.width, glass->picture.height);
	damage_merge(&glass->changed, &clipped);
	for (uint32_t i = 0; i < LG_WIRE_MAX_SLOTS; i++)
		damage_merge(&glass->missed[i], &clipped);
}

static void glass_add_everything(struct looking_glass *glass)
{
	struct damage all = { 0 };

	damage_set_full(&all, glass->picture.width, glass->picture.height);
	glass->changed.count = 0;
	for (uint32_t i = 0; i < LG_WIRE_MAX_SLOTS; i++)
		glass->missed[i].count = 0;
	glass_add_damage(glass, &all);
}

static bool glass_everything_changed(const struct looking_glass *glass)
{
	const struct rect *rect = glass->changed.rects;

	return glass->changed.count == 1 && rect->width == glass->picture.width &&
	       rect->height == glass->picture.height;
}

/* 0, or -EINVAL: an unknown format. */
static int glass_set_picture(struct looking_glass *glass, struct frame_format *format)
{
	struct lg_wire_picture picture = {
		.width = glass->shown.width, .height = glass->shown.height,
	};
	int error = frame_format_find(glass->buffer->fourcc, format);

	if (error) {
		log_guest_bug("unknown pixel format 0x%08x", glass->buffer->fourcc);
		return error;
	}
	picture.fourcc = format->fourcc;
	if (memcmp(&picture, &glass->picture, sizeof(picture))) {
		glass->picture = picture;
		glass_add_everything(glass);
	}
	return 0;
}

static void glass_refuse(struct looking_glass *glass)
{
	const struct lg_wire_picture *picture = &glass->picture;
	uint64_t needed = glass->wire->ops->needed_bytes(glass->wire, picture->width,
							 picture->height);

	if (!memcmp(&glass->refused, picture, sizeof(*picture)))
		return;
	glass->refused = *picture;
	log_warn("Looking Glass clients do not see the screen of %u x %u pixels: that takes "
		 "size=%lluM", picture->width, picture->height,
		 (unsigned long long)((needed + (1 << 20) - 1) >> 20));
}

static int glass_fill(struct looking_glass *glass, const struct frame_format *format,
		      const struct lg_wire_slot *slot)
{
	struct damage *missed = &glass->missed[slot->index];
	struct video_damage damage = { .count = missed->count };
	struct display_pixels pixels;
	int error = display_buffer_begin_read(glass->buffer, &pixels);
	uint64_t bytes;

	if (error)
		return error;
	for (uint32_t i = 0; i < missed->count; i++)
		damage.rects[i] = (struct video_rect){
			.x = missed->rects[i].x, .y = missed->rects[i].y,
			.width = missed->rects[i].width, .height = missed->rects[i].height,
		};
	bytes = frame_copy(&pixels, &glass->shown, &damage, format, slot->pixels, slot->pitch,
			   glass->row);
	display_buffer_end_read(glass->buffer);
	missed->count = 0;
	atomic_fetch_add_explicit(&glass->bytes_copied, bytes, memory_order_relaxed);
	return 0;
}

/* What the buffer shows now goes out. */
static void glass_publish(struct looking_glass *glass)
{
	const struct lg_wire_ops *ops = glass->wire->ops;
	struct frame_format format;
	struct lg_wire_slot slot;
	int error = glass_set_picture(glass, &format);

	if (error)
		return;
	error = ops->frame_begin(glass->wire, &glass->picture, &slot, glass_now_ms());
	if (error) {
		glass_refuse(glass);
		return;
	}
	error = glass_fill(glass, &format, &slot);
	if (error) {
		ops->frame_cancel(glass->wire);
		damage_set_full(&glass->missed[slot.index], glass->picture.width,
				glass->picture.height);
		log_error("Looking Glass: cannot read the picture: %s", strerror(-error));
		return;
	}
	ops->frame_end(glass->wire, glass_everything_changed(glass) ? NULL : &glass->changed,
		       glass_now_ms());
	glass->changed.count = 0;
	glass->owed = false;
	glass->refused = (struct lg_wire_picture){ 0 };
	atomic_fetch_add_explicit(&glass->frames, 1, memory_order_relaxed);
}

static void glass_drop_buffer(struct looking_glass *glass)
{
	display_buffer_unref(glass->buffer);
	glass->buffer = NULL;
}

/* The frame may be let go when this returns. */
static void glass_show(struct looking_glass *glass, const struct display_frame *frame,
		       const struct damage *damage)
{
	bool same_size = frame->source.width == glass->picture.width &&
			 frame->source.height == glass->picture.height;

	glass_drop_buffer(glass);
	glass->buffer = display_buffer_ref(frame->buffer);
	glass->shown = frame->source;
	/* Another size is seen when it is published. */
	if (same_size && !glass->unsettled)
		glass_add_damage(glass, damage);
	else if (same_size)
		glass_add_everything(glass);
	glass->unsettled = false;
	glass->owed = true;
	if (glass->wanted)
		glass_publish(glass);
}

static void glass_show_again(struct looking_glass *glass)
{
	if (!glass->owed || !glass->buffer) {
		glass->wire->ops->frame_again(glass->wire, glass_now_ms());
		return;
	}
	glass_add_everything(glass);
	glass_publish(glass);
	/* The guest may have been drawing already what the next frame will say has changed. */
	glass->unsettled = true;
}

/* Somebody has written over them. */
static void glass_lose_slots(struct looking_glass *glass)
{
	glass_add_everything(glass);
	glass->owed = true;
}

/* --- cursor ------------------------------------------------------------------------------ */

static void glass_send_cursor(struct looking_glass *glass, bool with_image)
{
	if (!glass->wanted)
		return;
	glass->cursor.image = with_image && glass->has_image ? glass->image : NULL;
	glass->wire->ops->cursor(glass->wire, &glass->cursor, glass_now_ms());
}

static void glass_set_image(struct looking_glass *glass, const struct display_cursor *cursor)
{
	int error = cursor_pixels_read(cursor->buffer, glass->image);

	glass->has_image = !error;
	if (error) {
		log_guest_bug("cursor of %u x %u pixels, format 0x%08x, is not shown",
			      cursor->buffer->width, cursor->buffer->height,
			      cursor->buffer->fourcc);
		return;
	}
	glass->cursor.width = cursor->buffer->width;
	glass->cursor.height = cursor->buffer->height;
	glass->cursor.hot_x = cursor->hot_x;
	glass->cursor.hot_y = cursor->hot_y;
}

static int32_t glass_corner(int32_t position, uint32_t hotspot)
{
	int64_t corner = (int64_t)position - hotspot;

	return corner < INT32_MIN ? INT32_MIN : (int32_t)corner;
}

static void glass_show_cursor(struct looking_glass *glass, const struct display_cursor *cursor,
			      bool image_changed)
{
	if (image_changed) {
		glass->has_image = false;
		if (cursor->buffer)
			glass_set_image(glass, cursor);
	}
	glass->cursor.visible = cursor->buffer && glass->has_image;
	glass->cursor.x = glass_corner(cursor->x, cursor->hot_x);
	glass->cursor.y = glass_corner(cursor->y, cursor->hot_y);
	glass_send_cursor(glass, image_changed);
}

/* --- the loop ---------------------------------------------------------------------------- */

static void glass_on_news(void *data, uint32_t events)
{
	struct looking_glass *glass = data;
	struct source_news news;

	doorbell_eventfd_clear(glass->wake_fd);
	if (!source_display_take(glass->source, 0, &news))
		return;
	if (news.went_off)
		glass_drop_buffer(glass);
	if (news.cursor_changed)
		glass_show_cursor(glass, &news.cursor, news.cursor_image_changed);
	if (news.frame)
		glass_show(glass, news.frame, &news.damage);
	/* The guest waits for its flush until here. */
	display_frame_unref(news.frame);
	display_buffer_unref(news.cursor.buffer);
}

static void glass_set_wanted(struct looking_glass *glass, bool wanted)
{
	uint64_t interval_ns = wanted ? LG_BEAT_ACTIVE_NS : LG_BEAT_IDLE_NS;

	if (glass->wanted == wanted)
		return;
	glass->wanted = wanted;
	loop_timer_arm(glass->beat_timer, interval_ns, interval_ns);
}

static uint32_t glass_clamp(int32_t position, uint32_t extent)
{
	if (position < 0)
		return 0;
	return (uint32_t)position < extent ? (uint32_t)position : extent - 1;
}

static void glass_set_cursor(struct looking_glass *glass, int32_t x, int32_t y)
{
	const struct lg_wire_picture *picture = &glass->picture;

	if (glass->callbacks.set_cursor && picture->width && picture->height)
		glass->callbacks.set_cursor(glass->data, glass_clamp(x, picture->width),
					    glass_clamp(y, picture->height), picture->width,
					    picture->height);
}

/* The heart stops; the next start makes the file whole again. */
static void glass_give_up(struct looking_glass *glass)
{
	log_error("the Looking Glass file was truncated: its clients see nothing more of this VM");
	glass->wanted = false;
	loop_timer_disarm(glass->beat_timer);
}

static void glass_on_beat(void *data)
{
	struct looking_glass *glass = data;
	struct lg_wire_news news;

	if (lg_file_lost(glass->file)) {
		glass_give_up(glass);
		return;
	}
	glass->wire->ops->beat(glass->wire, glass_now_ms(), &news);
	glass_set_wanted(glass, news.wanted);
	if (news.slots_lost)
		glass_lose_slots(glass);
	if (news.frame_again)
		glass_show_again(glass);
	if (news.cursor_again)
		glass_send_cursor(glass, true);
	if (news.set_cursor)
		glass_set_cursor(glass, news.x, news.y);
}

/* --- create and destroy ------------------------------------------------------------------ */

static int glass_create_loop(struct looking_glass *glass)
{
	glass->loop = loop_create("looking-glass");
	if (!glass->loop)
		return -errno;
	glass->wake_source = loop_fd_add(glass->loop, glass->wake_fd, EPOLLIN, glass_on_news,
					 glass);
	if (!glass->wake_source)
		return -errno;
	glass->beat_timer = loop_timer_create(glass->loop, glass_on_beat, glass);
	if (!glass->beat_timer)
		return -errno;
	return loop_timer_arm(glass->beat_timer, LG_BEAT_IDLE_NS, LG_BEAT_IDLE_NS);
}

static int glass_start(struct looking_glass *glass, struct display *display)
{
	int error;

	glass->wake_fd = doorbell_eventfd_create();
	if (glass->wake_fd < 0)
		return glass->wake_fd;
	error = glass_create_loop(glass);
	if (error)
		return error;
	glass->source = source_display_create(display, 1, glass->wake_fd);
	if (!glass->source)
		return -errno;
	return loop_start(glass->loop);
}

struct looking_glass *looking_glass_create_on(struct display *display, struct lg_wire *wire,
					      struct lg_file *file,
					      const struct looking_glass_callbacks *callbacks,
					      void *data)
{
	struct looking_glass *glass = calloc(1, sizeof(*glass));
	int error;

	if (!glass) {
		wire->ops->destroy(wire);
		lg_file_close(file);
		errno = ENOMEM;
		return NULL;
	}
	glass->wire = wire;
	glass->file = file;
	glass->callbacks = *callbacks;
	glass->data = data;
	glass->wake_fd = -1;
	error = glass_start(glass, display);
	if (error) {
		looking_glass_destroy(glass);
		errno = -error;
		return NULL;
	}
	return glass;
}

struct looking_glass *looking_glass_create(struct display *display,
					   const struct looking_glass_config *config,
					   const struct looking_glass_vm *vm,
					   const struct looking_glass_callbacks *callbacks,
					   void *data, struct option_error *error)
{
	uint64_t needed_bytes = lg_wire_kvmfr20_needed_bytes(LG_LEAST_WIDTH, LG_LEAST_HEIGHT);
	struct lg_file *file = lg_file_open(config, needed_bytes, error);
	struct looking_glass *glass = NULL;
	struct lg_wire *wire;

	if (!file)
		return NULL;
	wire = lg_wire_kvmfr20_create(lg_file_base(file), lg_file_bytes(file), vm,
				      callbacks->set_cursor, glass_now_ms());
	if (wire)
		glass = looking_glass_create_on(display, wire, file, callbacks, data);
	else
		lg_file_close(file);
	if (!glass)
		option_error_set(error, "looking-glass: %s", strerror(errno));
	return glass;
}

/* Also takes down one that is not complete. */
void looking_glass_destroy(struct looking_glass *glass)
{
	if (!glass)
		return;
	if (glass->loop)
		loop_stop(glass->loop);
	source_display_destroy(glass->source);
	loop_timer_destroy(glass->beat_timer);
	loop_fd_remove(glass->wake_source);
	loop_destroy(glass->loop);
	glass_drop_buffer(glass);
	glass->wire->ops->destroy(glass->wire);
	lg_file_close(glass->file);
	if (glass->wake_fd >= 0)
		close(glass->wake_fd);
	free(glass);
}

void looking_glass_read_stats(const struct looking_glass *glass, struct looking_glass_stats *stats)
{
	stats->frames = atomic_load_explicit(&glass->frames, memory_order_relaxed);
	stats->bytes_copied = atomic_load_explicit(&glass->bytes_copied, memory_order_relaxed);
}
