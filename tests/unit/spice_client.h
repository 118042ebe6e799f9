/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least SPICE client, as Looking Glass B7's is: mini headers, ticket authentication with an
 * empty password. Blocks, with a time-out.
 */
#ifndef TESTS_UNIT_SPICE_CLIENT_H
#define TESTS_UNIT_SPICE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPICE_CLIENT_MAX_BYTES (1 << 20)

struct spice_client_message {
	uint16_t type;
	uint32_t size;
	uint8_t bytes[SPICE_CLIENT_MAX_BYTES];
};

/* A connected socket, or -1. */
int spice_client_connect(const char *path);
/* Links a channel (SPICE_CHANNEL_*) of a session, 0: a new one. 0, or -1. */
int spice_client_link(int fd, uint32_t session, uint8_t channel);
/* One of several of a kind. */
int spice_client_link_id(int fd, uint32_t session, uint8_t channel, uint8_t id);
int spice_client_send(int fd, uint16_t type, const void *bytes, size_t size);
/* The next message but for pings and acknowledgements, which it answers. 0, or -1: the end. */
int spice_client_receive(int fd, struct spice_client_message *message);

/* ---- the agent, over MAIN ---- */

struct spice_client_agent {
	int fd;                         /* linked as MAIN, INIT not yet received */
	uint32_t tokens;                /* so many AGENT_DATA may be sent */
	bool limited;                   /* the server's tokens are returned one by one */
	/* The bytes of one AGENT_DATA. */
	void (*heard)(void *data, const uint8_t *bytes, size_t size);
	void *data;
	struct spice_client_message message;
};

/* Receives INIT, in which there must be an agent, and says AGENT_START. 0, or -1. */
int spice_client_agent_start(struct spice_client_agent *agent);
/* One message as Looking Glass sends it: its header, then the body in pieces of at most 2048.
 * Waits for tokens, and hears what comes meanwhile. 0, or -1: the end. */
int spice_client_agent_send(struct spice_client_agent *agent, uint32_t type, const void *body,
			    size_t size);
/* As it is, whatever that is. */
int spice_client_agent_send_raw(struct spice_client_agent *agent, const void *bytes, size_t size);
/* Until something of the agent has come. 0, or -1: the end. */
int spice_client_agent_receive(struct spice_client_agent *agent);

/* The next message, whatever it is. 1; 0: it was one of those; -1: the end. */
int spice_client_receive_one(int fd, struct spice_client_message *message);
int spice_client_read(int fd, void *bytes, size_t size);
int spice_client_write(int fd, const void *bytes, size_t size);

#endif
