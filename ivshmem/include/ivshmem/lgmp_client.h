/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client side of an LGMP region (lgmp.h): attaches to a session, subscribes to queues and
 * consumes their messages.
 *
 * Nothing in the region is believed: what describes a ring is read once, at the subscription, and
 * checked against the region's size; offsets and sizes of messages are checked before they are
 * handed out. The lock in the region is waited for a bounded time. Nothing blocks.
 *
 * One thread at a time. now_ms is the caller's monotonic clock.
 */
#ifndef IVSHMEM_LGMP_CLIENT_H
#define IVSHMEM_LGMP_CLIENT_H

#include <ivshmem/lgmp.h>
#include <stdbool.h>
#include <stdint.h>

/* A host that has not beaten for so long is gone. */
#define LGMP_CLIENT_LOST_MS 1000u

struct lgmp_client;

struct lgmp_client_item {
	uint32_t user;
	uint32_t offset, bytes;         /* of the payload: begins inside the region, as does its end */
};

/* base: of the region, page aligned, outlives the client. NULL with errno (EFBIG: too small for a
 * header; ENOMEM). Changes nothing in the region. */
struct lgmp_client *lgmp_client_create(void *base, uint64_t bytes);
/* Leaves first. NULL is ignored. */
void lgmp_client_destroy(struct lgmp_client *client);

/* Asks again every 50 to 200 ms. 0: attached; -EAGAIN: no second heartbeat seen yet;
 * -ENOMSG: not an LGMP region, or not yet; -EPROTONOSUPPORT: another version of LGMP. */
int lgmp_client_attach(struct lgmp_client *client, uint64_t now_ms);
/* What the region says, whatever it is worth. */
uint32_t lgmp_client_magic(const struct lgmp_client *client);
uint32_t lgmp_client_version(const struct lgmp_client *client);
/* Copies the beginning of the udata; how many bytes, never more than the region has. */
uint32_t lgmp_client_udata(const struct lgmp_client *client, void *to, uint32_t bytes);
/* False: the session is another one, or its heart has stopped: leave, attach again. */
bool lgmp_client_alive(struct lgmp_client *client, uint64_t now_ms);
/* Unsubscribes from everything and forgets the session; so does a host that restarts expect. */
void lgmp_client_leave(struct lgmp_client *client);

/* --- queues, by id --- */

/* 0, also when subscribed already; -ENOENT: no such queue now; -EBUSY: somebody holds the lock;
 * -ENOSPC: 32 clients are there; -EPROTO: the ring is not in the region. */
int lgmp_client_subscribe(struct lgmp_client *client, uint32_t id);
void lgmp_client_unsubscribe(struct lgmp_client *client, uint32_t id);
/* The oldest message, which stays until it is done. 1; 0: none; -ENOTCONN: not subscribed, or not
 * any more; -ETIMEDOUT: the host gave us up; -EPROTO: the ring lies; -ERANGE: the payload is not in
 * the region: to be done all the same. After the first three: unsubscribe. */
int lgmp_client_read(struct lgmp_client *client, uint32_t id, struct lgmp_client_item *item);
/* How many messages are there, that one included; 0 also when not subscribed. */
uint32_t lgmp_client_waiting(struct lgmp_client *client, uint32_t id);
/* Of what read has returned. */
void lgmp_client_done(struct lgmp_client *client, uint32_t id);
/* A message to the host, which looks for it when it beats; nobody waits for its answer. 0; -EAGAIN:
 * there is no room, or somebody holds the lock: it is lost; -EMSGSIZE: none, or more than
 * LGMP_CLIENT_MESSAGE_BYTES; -ENOTCONN: not subscribed, or another session; -EPROTO: what the
 * queue says of its messages cannot be. */
int lgmp_client_send(struct lgmp_client *client, uint32_t id, const void *data, uint32_t bytes);

#endif
