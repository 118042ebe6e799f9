/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client says, as it passes to libspice-server: the beginning of a connection above all.
 *
 * The worker of libspice-server 0.15.1 waits in place, up to 30 s, for the first message of a
 * DISPLAY channel, INIT; when it gets an end or another message instead it goes on with memory it
 * has freed. So the server finds an INIT of ours behind the link message, the client's own is left
 * out, and nothing else of the client, not even its end, reaches the server before it has gone on:
 * which is when it says its first word after the link's result. On every channel the messages that
 * follow pass one by one, where spice_rules.h allows them.
 *
 * Plain values, any one thread. Bytes are a peer's: any will do.
 */
#ifndef VMM_SPICE_SPICE_HELLO_H
#define VMM_SPICE_SPICE_HELLO_H

#include "spice/spice_rules.h"

#include <spice/protocol.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer link messages are refused. */
#define SPICE_HELLO_MAX_LINK 1024u
#define SPICE_HELLO_INIT_BYTES 14u
/* What may be put in. */
#define SPICE_HELLO_EXTRA_BYTES (sizeof(SpiceDataHeader) + SPICE_HELLO_INIT_BYTES)

enum spice_hello_state {
	SPICE_HELLO_LINK,               /* zero: how it begins */
	SPICE_HELLO_TICKET,
	SPICE_HELLO_FIRST,              /* the client's own INIT, left out */
	SPICE_HELLO_HELD,               /* until the server has spoken */
	SPICE_HELLO_PASSES,             /* message by message */
	SPICE_HELLO_BAD,                /* to be ended, once it may be */
};

struct spice_hello {
	enum spice_hello_state state;
	bool display;
	bool mini_header;
	bool passing;                   /* the message whose body is coming */
	struct spice_rules rules;
	bool server_spoke;
	uint32_t link_bytes;            /* so far */
	uint8_t link[sizeof(SpiceLinkHeader) + SPICE_HELLO_MAX_LINK];
	uint32_t left;                  /* bytes of the ticket or of a message's body */
	uint32_t header_bytes;          /* so far */
	uint8_t header[sizeof(SpiceDataHeader)];
	/* The server's side. */
	uint32_t reply_bytes;           /* so far */
	SpiceLinkHeader reply;
};

/* Takes bytes of the client; what goes to the server is put to out, which has room for count +
 * SPICE_HELLO_EXTRA_BYTES, out_count says how many. Returns how many were taken: fewer than count
 * when it is held or bad. */
size_t spice_hello_client(struct spice_hello *hello, const uint8_t *bytes, size_t count,
			  uint8_t *out, size_t *out_count);
/* Sees bytes of the server, which all go to the client. */
void spice_hello_server(struct spice_hello *hello, const uint8_t *bytes, size_t count);
/* Bytes of the client would be taken. */
bool spice_hello_takes(const struct spice_hello *hello);
/* The server may see the end of the connection. */
bool spice_hello_may_end(const struct spice_hello *hello);

#endif
