/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The desktop's clipboard, as its window system has it: what programs there copy and paste. Main
 * thread only; nothing here waits for other programs.
 */
#ifndef CLIENT_CLIPBOARD_H
#define CLIENT_CLIPBOARD_H

#include <base/clipboard_wire.h>

struct client_clipboard;
struct loop;

/* Called from the loop, or from inside the ops. None of them destroys the clipboard. */
struct client_clipboard_listener {
	/* A program has copied something that it can give as these types, never none. Not told of
	 * what we grab. */
	void (*grabbed)(void *data, uint32_t types);
	/* There is nothing any more that we could take. */
	void (*released)(void *data);
	/* A program pastes what we have grabbed: answer, at once or later, but in any case. */
	void (*wanted)(void *data, enum clipboard_wire_type type);
	/* To a request, in any case; the bytes are lent for the call. NULL, 0: not to be had. */
	void (*answered)(void *data, enum clipboard_wire_type type, const void *bytes,
			 size_t count);
	void *data;
};

struct client_clipboard_ops {
	/* Programs may paste these types now: CLIPBOARD_WIRE_BIT, never none. */
	void (*grab)(struct client_clipboard *clipboard, uint32_t types);
	/* What we had grabbed is not to be had any more. */
	void (*release)(struct client_clipboard *clipboard);
	/* For what a program has copied. It replaces an earlier request for the same type. */
	void (*request)(struct client_clipboard *clipboard, enum clipboard_wire_type type);
	/* To all that want this type now. The bytes are copied. */
	void (*answer)(struct client_clipboard *clipboard, enum clipboard_wire_type type,
		       const void *bytes, size_t count);
	/* SDL says that the clipboard has changed. NULL: is known by other means. */
	void (*updated)(struct client_clipboard *clipboard);
	/* Nothing is told after this. */
	void (*destroy)(struct client_clipboard *clipboard);
};

struct client_clipboard {
	const struct client_clipboard_ops *ops;
	struct client_clipboard_listener listener;
};

/*
 * On the loop, which the main thread runs. After SDL_Init of video. NULL with errno; ENOTSUP when
 * SDL uses another window system.
 */
struct client_clipboard *clipboard_x11_create(struct loop *loop,
					      const struct client_clipboard_listener *listener);
struct client_clipboard *clipboard_wayland_create(struct loop *loop,
						  const struct client_clipboard_listener *listener);
/* Text only, and taken from the VM as soon as it is copied there: for whatever else SDL uses. */
struct client_clipboard *clipboard_sdl_create(const struct client_clipboard_listener *listener);

#endif
