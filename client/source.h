/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where pictures and sound come from and input goes to: the ring of a running VM, a Looking
 * Glass file, or a test pattern.
 *
 * A source has two sides. The reader loop waits (doorbells, sockets, timers) and only ever gives
 * notice; it never touches a pixel. Everything in the ops tables is called on the main thread,
 * for the sub-tables only between attach and disconnect. The exception is what is marked
 * "real-time": a sound server's thread calls it, and the caller sees to it that none does at a
 * disconnect.
 */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include <base/clipboard_channel.h>
#include <ivshmem/abi.h>
#include <ivshmem/cursor.h>
#include <ivshmem/slots_reader.h>
#include <ivshmem/sound.h>
#include <stdbool.h>
#include <stdint.h>

#define SOURCE_MAX_SCANOUTS SEGMENT_MAX_SCANOUTS
#define SOURCE_ERROR_BYTES 256

struct client_source;
struct input_peer;
struct loop;

/* Bits of a notice. */
enum source_notice {
	SOURCE_ATTACHED = 1u << 0,      /* connect found the other side */
	SOURCE_CHANGED = 1u << 1,       /* a frame, the cursor, a size, sound or the state: look */
	SOURCE_LOST = 1u << 2,          /* the other side is gone or talks nonsense: disconnect */
	SOURCE_FAILED = 1u << 3,        /* an impatient connect found nobody; error says why */
	SOURCE_CLIPBOARD = 1u << 4,     /* the clipboard that was opened may be joined */
};

struct source_listener {
	/* On the reader loop, or what the source has besides. Must not block and must not call
	 * back into the source. */
	void (*notice)(void *data, unsigned int notices);
	void *data;
};

struct source_video_ops {
	uint32_t (*scanout_count)(struct client_source *source);
	/* What the scanout shows; any size may come. */
	enum video_state (*state)(struct client_source *source, uint32_t scanout, uint32_t *width,
				  uint32_t *height);
	/* 1: a frame not seen yet, to be ended; 0: nothing new; -EAGAIN: look again soon;
	 * -EPROTO: nonsense: disconnect. */
	int (*begin)(struct client_source *source, uint32_t scanout, struct slots_frame *frame);
	/* False: the pixels changed while they were read; the next begin names them again. */
	bool (*end)(struct client_source *source, uint32_t scanout,
		    const struct slots_frame *frame);
	/* The next begin returns the newest frame, all of it. */
	void (*forget)(struct client_source *source, uint32_t scanout);
	/* 1: changed; 0: not; -EAGAIN: look again soon; -EPROTO: nonsense: disconnect. */
	int (*cursor)(struct client_source *source, uint32_t scanout, struct cursor_state *state);
	/* True when time stamps of frames compare with CLOCK_MONOTONIC here. */
	bool (*same_clock)(struct client_source *source);
};

/* Bits. */
enum source_input_state {
	SOURCE_INPUT_AWAY = 1u << 0,            /* whoever takes it is looked for */
	SOURCE_INPUT_REFUSED = 1u << 1,         /* whoever would take it is of another VM */
	SOURCE_INPUT_RELATIVE = 1u << 2,        /* of a pointer only how it moves is taken; a
						 * position is where the movement begins */
	/* Lamps of the guest's keyboard that are lit. */
	SOURCE_INPUT_SCROLL_LOCK = 1u << 3,
	SOURCE_INPUT_NUM_LOCK = 1u << 4,
	SOURCE_INPUT_CAPS_LOCK = 1u << 5,
};

struct source_input_ops {
	/* 0; -EPERM: another client holds the input; -EAGAIN: full, lost; -ENOTCONN: nobody takes
	 * it; -EPROTO: nonsense. */
	int (*push)(struct client_source *source, const struct input_record *record);
	/* SOURCE_CHANGED tells when it is another. NULL: always 0. */
	unsigned int (*state)(struct client_source *source);
};

/* ivshmem/sound.h says what each of these is; the client is the peer. */
struct source_sound_ops {
	/* 1: not what it was; 0: the same; -ENOENT: no sound that way; -EAGAIN: look again soon;
	 * -EPROTO: nonsense: disconnect. */
	int (*stream)(struct client_source *source, enum sound_direction direction,
		      struct sound_description *description);
	/* Away from whoever has it. */
	void (*take)(struct client_source *source, enum sound_direction direction);
	/* Once a second. False: another client has it: be silent. */
	bool (*beat)(struct client_source *source, enum sound_direction direction, uint64_t now_ns);
	void (*release)(struct client_source *source, enum sound_direction direction);
	/* While no callback runs. -EPROTO: that stream does not run any more. */
	int (*join)(struct client_source *source, enum sound_direction direction,
		    const struct sound_description *description, uint32_t keep_frames);
	/* Frames that were asked for and not there, ever. */
	uint64_t (*missed)(struct client_source *source, enum sound_direction direction);
	/* Real-time. Fills all of frames; how many of them are the guest's. */
	uint32_t (*read)(struct client_source *source, void *frames, uint32_t count,
			 uint64_t now_ns);
	/* Real-time. How many were taken. */
	uint32_t (*write)(struct client_source *source, const void *frames, uint32_t count,
			  uint64_t now_ns);
	/* Real-time. */
	void (*set_server)(struct client_source *source, enum sound_direction direction,
			   uint32_t quantum_frames, uint64_t delay_ns);
	/* Real-time, after every callback: the guest's clock has moved. */
	void (*ring_bell)(struct client_source *source);
};

/* The other side's clipboard, as over a channel: base/clipboard_channel.h. */
struct source_clipboard_ops {
	/* Asks for it; SOURCE_CLIPBOARD follows if the other side has one, now or later. desktop
	 * names our own, the same in every client that looks at it. 0 or -errno. */
	int (*open)(struct client_source *source, const char *desktop);
	/* After SOURCE_CLIPBOARD, once for each. The other side is heard by the ops from now on,
	 * on the loop, which the main thread runs. 0 or -errno. */
	int (*join)(struct client_source *source, struct loop *loop,
		    const struct clipboard_channel_ops *ops, void *data);
	/* Nothing is heard after this; also when it has ended. The rest is for who has joined. */
	void (*leave)(struct client_source *source);
	/* As clipboard_channel_grab and so on. */
	void (*grab)(struct client_source *source, uint32_t types);
	void (*release)(struct client_source *source);
	void (*request)(struct client_source *source, enum clipboard_wire_type type);
	void (*answer)(struct client_source *source, enum clipboard_wire_type type,
		       const void *bytes, size_t count);
};

struct client_source_ops {
	/* Starts looking for the other side; SOURCE_ATTACHED or, unless patient, SOURCE_FAILED
	 * follows. 0 or -errno. */
	int (*connect)(struct client_source *source, bool patient);
	/* After SOURCE_ATTACHED: makes the sub-tables ready. 0; -EPROTO: disconnect. */
	int (*attach)(struct client_source *source);
	/* Ends the session or the search; nothing is heard of the source after this. */
	void (*disconnect)(struct client_source *source);
	/* Disconnects first. */
	void (*destroy)(struct client_source *source);
	/* Once a second while attached. 0; -EPROTO: disconnect. */
	int (*beat)(struct client_source *source, uint64_t now_ns);
	enum segment_state (*state)(struct client_source *source);
	/* Of the VM. */
	const char *(*name)(struct client_source *source);
	const struct source_video_ops *video;   /* NULL: shows nothing */
	const struct source_input_ops *input;   /* NULL: takes no input */
	const struct source_sound_ops *sound;   /* NULL: silent and deaf */
	const struct source_clipboard_ops *clipboard;   /* NULL: has none */
};

struct client_source {
	const struct client_source_ops *ops;
	struct loop *loop;                      /* the reader loop */
	struct source_listener listener;
	struct clipboard_channel *clipboard;    /* source_clipboard.h; NULL: not joined */
	char error[SOURCE_ERROR_BYTES];         /* set before SOURCE_FAILED */
};

/* The VM behind a control socket. NULL with errno. */
struct client_source *source_ring_create_socket(struct loop *loop, const char *socket_path,
						struct source_listener listener);
/* A segment in a file, without doorbells: polled. NULL with errno. */
struct client_source *source_ring_create_file(struct loop *loop, const char *path,
					      struct source_listener listener);
/* Picture and cursor of a Looking Glass B7 host through its file; polled, silent. Input goes to the
 * peer, which becomes the source's own in any case; NULL: it takes none. NULL with errno. */
struct client_source *source_looking_glass_create(struct loop *loop, const char *path,
						  struct input_peer *peer,
						  struct source_listener listener);
/* A moving test pattern that behaves like a guest: follows DISPLAY_SIZE, moves its cursor with the
 * pointer, plugs its second monitor, plays a tone of 440 Hz, powers off. NULL with errno. */
struct client_source *source_test_create(struct loop *loop, uint32_t width, uint32_t height,
					 struct source_listener listener);

static inline void source_notice(const struct client_source *source, unsigned int notices)
{
	source->listener.notice(source->listener.data, notices);
}

#endif
