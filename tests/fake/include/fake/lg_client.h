/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Looking Glass B7 client for tests, as docs/looking-glass.md's protocol has it: it attaches,
 * subscribes, consumes, and gives up for good where the real one does. It never waits: each step
 * does what there is to do at now_ms.
 */
#ifndef FAKE_LG_CLIENT_H
#define FAKE_LG_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct lg_client;

enum lg_client_end {
	LG_CLIENT_ALIVE,
	LG_CLIENT_TIMED_OUT,            /* marked bad */
	LG_CLIENT_UNSUBSCRIBED,         /* lost its subscription in a good session */
	LG_CLIENT_CRASHED,              /* fault says of what */
};

struct lg_client_state {
	bool attached;
	enum lg_client_end end;
	const char *fault;
	uint32_t sessions;              /* attached to so far */
	uint32_t earlier_frames;        /* of frames, those before this session */
	uint32_t frames, full_frames, formats, repeats, stalls, cursor_messages, shapes;
	uint32_t features;
	/* The picture as it has been put together from damage; in another place after each frame. */
	uint32_t type, width, height, stride;
	const uint32_t *pixels;         /* NULL: none yet */
	bool cursor_visible;
	/* It came when the picture's size was known; before, some clients put it into the corner. */
	bool cursor_placed;
	int32_t cursor_x, cursor_y;
	uint32_t cursor_type, cursor_width, cursor_height, cursor_pitch;
	int32_t cursor_hot_x, cursor_hot_y;
	uint32_t cursor[512 * 512];
};

/* Maps the file behind fd, which stays the caller's. NULL: it cannot. */
struct lg_client *lg_client_create(int fd);
/* As when killed: a subscription stays. */
void lg_client_destroy(struct lg_client *client);
void lg_client_step(struct lg_client *client, uint64_t now_ms);
/* While it lingers each step finishes with a frame, takes the next and does not finish with that:
 * copying it takes so long. */
void lg_client_linger(struct lg_client *client, bool linger);
/* Lets go of its subscriptions, as at an orderly end. */
void lg_client_leave(struct lg_client *client);
const struct lg_client_state *lg_client_state(const struct lg_client *client);
/* The client's own mapping, for tests that damage it. */
void *lg_client_base(struct lg_client *client);
/* On the pointer queue. False: no slot is free. */
bool lg_client_send(struct lg_client *client, const void *data, uint32_t bytes, uint32_t *serial);
bool lg_client_acknowledged(const struct lg_client *client, uint32_t serial);

#endif
