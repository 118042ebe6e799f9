/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_client.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <spice/protocol.h>
#include <spice/vd_agent.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENT_TIMEOUT_S 10

int spice_client_connect(const char *path)
{
	const struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

int spice_client_read(int fd, void *bytes, size_t size)
{
	return recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size ? 0 : -1;
}

int spice_client_write(int fd, const void *bytes, size_t size)
{
	return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

/* An empty password, encrypted to the server's key. */
static int client_send_ticket(int fd, const uint8_t *key_bytes)
{
	uint8_t ticket[SPICE_TICKET_KEY_PAIR_LENGTH / 8];
	size_t size = sizeof(ticket);
	EVP_PKEY *key = d2i_PUBKEY(NULL, &key_bytes, SPICE_TICKET_PUBKEY_BYTES);
	EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	int good = context && EVP_PKEY_encrypt_init(context) > 0 &&
		   EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
		   EVP_PKEY_encrypt(context, ticket, &size, (const uint8_t *)"", 1) > 0;

	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(key);
	return good ? spice_client_write(fd, ticket, sizeof(ticket)) : -1;
}

static uint32_t client_caps(uint8_t channel)
{
	switch (channel) {
	case SPICE_CHANNEL_MAIN:
		return 1u << SPICE_MAIN_CAP_NAME_AND_UUID |
		       1u << SPICE_MAIN_CAP_AGENT_CONNECTED_TOKENS;
	case SPICE_CHANNEL_PLAYBACK:
		return 1u << SPICE_PLAYBACK_CAP_VOLUME;
	case SPICE_CHANNEL_RECORD:
		return 1u << SPICE_RECORD_CAP_VOLUME;
	}
	return 0;
}

int spice_client_link(int fd, uint32_t session, uint8_t channel)
{
	return spice_client_link_id(fd, session, channel, 0);
}

int spice_client_link_id(int fd, uint32_t session, uint8_t channel, uint8_t id)
{
	const struct __attribute__((packed)) {
		SpiceLinkHeader header;
		SpiceLinkMess mess;
		uint32_t common_caps, channel_caps;
	} hello = {
		.header = { SPICE_MAGIC, SPICE_VERSION_MAJOR, SPICE_VERSION_MINOR,
			    sizeof(SpiceLinkMess) + 8 },
		.mess = { .connection_id = session, .channel_type = channel,
			  .channel_id = id,
			  .num_common_caps = 1, .num_channel_caps = 1,
			  .caps_offset = sizeof(SpiceLinkMess) },
		.common_caps = 1u << SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION |
			       1u << SPICE_COMMON_CAP_AUTH_SPICE |
			       1u << SPICE_COMMON_CAP_MINI_HEADER,
		.channel_caps = client_caps(channel),
	};
	const uint32_t mechanism = SPICE_COMMON_CAP_AUTH_SPICE;
	SpiceLinkHeader header;
	uint8_t rest[4096];
	SpiceLinkReply reply;
	uint32_t result;

	if (spice_client_write(fd, &hello, sizeof(hello)) ||
	    spice_client_read(fd, &header, sizeof(header)) || header.magic != SPICE_MAGIC ||
	    header.size < sizeof(reply) || header.size > sizeof(rest) ||
	    spice_client_read(fd, rest, header.size))
		return -1;
	memcpy(&reply, rest, sizeof(reply));
	if (reply.error != SPICE_LINK_ERR_OK ||
	    spice_client_write(fd, &mechanism, sizeof(mechanism)) ||
	    client_send_ticket(fd, reply.pub_key) || spice_client_read(fd, &result, sizeof(result)))
		return -1;
	return result == SPICE_LINK_ERR_OK ? 0 : -1;
}

int spice_client_send(int fd, uint16_t type, const void *bytes, size_t size)
{
	const SpiceMiniDataHeader header = { type, (uint32_t)size };

	if (spice_client_write(fd, &header, sizeof(header)))
		return -1;
	return size ? spice_client_write(fd, bytes, size) : 0;
}

int spice_client_receive_one(int fd, struct spice_client_message *message)
{
	SpiceMiniDataHeader header;

	if (spice_client_read(fd, &header, sizeof(header)) ||
	    header.size > sizeof(message->bytes) ||
	    (header.size && spice_client_read(fd, message->bytes, header.size)))
		return -1;
	message->type = header.type;
	message->size = header.size;
	if (header.type == SPICE_MSG_PING && header.size >= 12)
		spice_client_send(fd, SPICE_MSGC_PONG, message->bytes, 12);
	else if (header.type == SPICE_MSG_SET_ACK && header.size >= 4)
		spice_client_send(fd, SPICE_MSGC_ACK_SYNC, message->bytes, 4);
	else if (header.type != SPICE_MSG_NOTIFY)
		return 1;
	return 0;
}

int spice_client_receive(int fd, struct spice_client_message *message)
{
	int result;

	do {
		result = spice_client_receive_one(fd, message);
	} while (!result);
	return result < 0 ? -1 : 0;
}

/* ---- the agent, over MAIN ---- */

int spice_client_agent_start(struct spice_client_agent *agent)
{
	const uint32_t tokens = agent->limited ? 10 : 0xffffffff;
	uint32_t connected;

	do {
		if (spice_client_receive(agent->fd, &agent->message))
			return -1;
	} while (agent->message.type != SPICE_MSG_MAIN_INIT);
	memcpy(&connected, agent->message.bytes + 16, 4);
	memcpy(&agent->tokens, agent->message.bytes + 20, 4);
	if (!connected)
		return -1;
	return spice_client_send(agent->fd, SPICE_MSGC_MAIN_AGENT_START, &tokens, sizeof(tokens));
}

/* 1: it was of the agent, 0: not, -1: the end. */
static int agent_receive_one(struct spice_client_agent *agent)
{
	const uint32_t one = 1;
	uint32_t tokens;

	if (spice_client_receive(agent->fd, &agent->message))
		return -1;
	if (agent->message.type == SPICE_MSG_MAIN_AGENT_TOKEN) {
		memcpy(&tokens, agent->message.bytes, sizeof(tokens));
		agent->tokens += tokens;
		return 0;
	}
	if (agent->message.type != SPICE_MSG_MAIN_AGENT_DATA)
		return 0;
	agent->heard(agent->data, agent->message.bytes, agent->message.size);
	if (agent->limited && spice_client_send(agent->fd, SPICE_MSGC_MAIN_AGENT_TOKEN, &one,
						sizeof(one)))
		return -1;
	return 1;
}

int spice_client_agent_receive(struct spice_client_agent *agent)
{
	int result;

	do {
		result = agent_receive_one(agent);
	} while (!result);
	return result < 0 ? -1 : 0;
}

int spice_client_agent_send_raw(struct spice_client_agent *agent, const void *bytes, size_t size)
{
	while (!agent->tokens)
		if (agent_receive_one(agent) < 0)
			return -1;
	agent->tokens--;
	return spice_client_send(agent->fd, SPICE_MSGC_MAIN_AGENT_DATA, bytes, size);
}

int spice_client_agent_send(struct spice_client_agent *agent, uint32_t type, const void *body,
			    size_t size)
{
	const VDAgentMessage header = { .protocol = VD_AGENT_PROTOCOL, .type = type,
					.size = (uint32_t)size };
	const uint8_t *from = body;

	if (spice_client_agent_send_raw(agent, &header, sizeof(header)))
		return -1;
	while (size) {
		size_t piece = size < VD_AGENT_MAX_DATA_SIZE ? size : VD_AGENT_MAX_DATA_SIZE;

		if (spice_client_agent_send_raw(agent, from, piece))
			return -1;
		from += piece;
		size -= piece;
	}
	return 0;
}
