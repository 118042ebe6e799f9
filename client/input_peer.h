/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the input of a source goes, and where its clipboard is, when they take another way than the
 * picture. What is held is released at stop; between start and stop the other side may go and come
 * back as it likes.
 */
#ifndef CLIENT_INPUT_PEER_H
#define CLIENT_INPUT_PEER_H

#include <base/uuid.h>
#include <ivshmem/abi.h>

struct input_peer;

struct input_peer_listener {
	/* The state is another; not after stop. Any thread; must not block or call back. */
	void (*changed)(void *data);
	/* There is somebody now to share the clipboard that was opened; told once for each. As
	 * changed. */
	void (*clipboard)(void *data);
	void *data;
};

/* All on the main thread. */
struct input_peer_ops {
	/* Begins to look for the other side. uuid: of the VM that it must be; zero: any. 0 or
	 * -errno. */
	int (*start)(struct input_peer *peer, const struct uuid *uuid);
	/* Also when not started. */
	void (*stop)(struct input_peer *peer);
	/* Stops first. */
	void (*destroy)(struct input_peer *peer);
	/* As source_input_ops have it, but x and y of INPUT_POINTER_ABS are pixels of the
	 * picture. */
	int (*push)(struct input_peer *peer, const struct input_record *record);
	/* Bits of enum source_input_state. */
	unsigned int (*state)(struct input_peer *peer);
	/* Between start and stop: a clipboard channel's end, the caller's, for as long as the peer
	 * runs; an earlier one has ended. fd or -errno. */
	int (*open_clipboard)(struct input_peer *peer);
};

struct input_peer {
	const struct input_peer_ops *ops;
	struct input_peer_listener listener;    /* set before the first start */
};

#endif
