/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on each screen (scanout) of the guest, and who looks at it.
 *
 * A display and its surfaces belong to the producer's loop (the gpu loop); consumers are called there
 * and never block: they take references and go on elsewhere.
 */
#ifndef DISPLAY_SURFACE_H
#define DISPLAY_SURFACE_H

#include <base/rect.h>
#include <display/buffer.h>
#include <stdbool.h>
#include <stdint.h>

#define DISPLAY_MAX_SURFACES 16

struct display;
struct display_consumer;
struct display_surface;
struct loop;

/*
 * One commit: "this screen now shows this part of this buffer, these pixels changed".
 * Reference counted; the pixels stay still until the last reference is gone, as far as the guest
 * keeps its side. ref and unref: any thread; the rest is read-only after the commit.
 */
struct display_frame {
	_Atomic unsigned int references;
	struct display_buffer *buffer;
	struct rect source;             /* the part of the buffer that the screen shows */
	struct damage damage;           /* relative to source */
	uint64_t flush_ns;              /* CLOCK_MONOTONIC when the guest's flush was read */
	/* The last reference is gone; any thread. Frees what embeds the frame. */
	void (*release)(struct display_frame *frame);
};

struct display_frame *display_frame_ref(struct display_frame *frame);
void display_frame_unref(struct display_frame *frame);

struct display_cursor {
	struct display_buffer *buffer;  /* NULL: hidden. Pixels do not change after it was set. */
	uint32_t hot_x, hot_y;
	int32_t x, y;                   /* position of the hotspot on the surface */
};

struct display_consumer_ops {
	void (*surface_added)(struct display_consumer *consumer, struct display_surface *surface);
	/* The surface shows nothing any more (scanout disabled) or goes away. */
	void (*surface_removed)(struct display_consumer *consumer, struct display_surface *surface);
	void (*frame)(struct display_consumer *consumer, struct display_surface *surface,
		      struct display_frame *frame);
	/* image_changed: buffer or hotspot are new, not only the position. */
	void (*cursor)(struct display_consumer *consumer, struct display_surface *surface,
		       const struct display_cursor *cursor, bool image_changed);
};

struct display_consumer {
	const struct display_consumer_ops *ops;
	struct display_consumer *next;  /* the display's list */
};

/* Whoever can change the guest's idea of its monitors (the gpu device). */
struct display_resize_listener {
	/* On the display's loop. The monitor at this surface has this size now. 0 x 0: unplugged. */
	void (*monitor)(struct display_resize_listener *listener, uint32_t index, uint32_t width,
			uint32_t height);
};

struct display *display_create(struct loop *loop, uint32_t surface_count);
void display_destroy(struct display *display);
struct loop *display_loop(struct display *display);
uint32_t display_surface_count(const struct display *display);
struct display_surface *display_surface_get(struct display *display, uint32_t index);

/* A new consumer is told at once what every surface shows: surface_added, one whole frame, and the
 * cursor if there is one. On the display's loop, not from inside a consumer's callback. */
void display_add_consumer(struct display *display, struct display_consumer *consumer);
void display_remove_consumer(struct display *display, struct display_consumer *consumer);

void display_set_resize_listener(struct display *display, struct display_resize_listener *listener);
/* Any thread. Posts to the display's loop; the newest wish for each surface wins. */
void display_set_monitor(struct display *display, uint32_t index, uint32_t width, uint32_t height);

uint32_t display_surface_index(const struct display_surface *surface);
/* The buffer on show (borrowed) and the part of it that is shown; NULL when the surface is off. */
struct display_buffer *display_surface_buffer(struct display_surface *surface, struct rect *source);
/* The cursor as it was set last (borrowed); its buffer is NULL while it is hidden. */
const struct display_cursor *display_surface_cursor(const struct display_surface *surface);

/* Producer's side. The surface is on from now. Takes the caller's reference of the frame and drops
 * it when every consumer was called (release may run before this returns); the surface keeps only
 * a reference of the buffer, for consumers that come later. */
void display_surface_commit(struct display_surface *surface, struct display_frame *frame);
/* The surface shows nothing; hides the cursor too. */
void display_surface_disable(struct display_surface *surface);
/* Copies *cursor and takes its own reference of the buffer. */
void display_surface_set_cursor(struct display_surface *surface,
				const struct display_cursor *cursor);
void display_surface_move_cursor(struct display_surface *surface, int32_t x, int32_t y);

#endif
