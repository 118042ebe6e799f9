/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_hello.h"

#include <spice/enums.h>
#include <string.h>

#define HELLO_TICKET_BYTES (SPICE_TICKET_KEY_PAIR_LENGTH / 8)
#define HELLO_RESULT_BYTES 4

/* Nothing of ours is kept in caches; sizes that the server is at ease with. */
static const struct __attribute__((packed)) {
	uint8_t pixmap_cache_id;
	int64_t pixmap_cache_bytes;
	uint8_t dictionary_id;
	int32_t dictionary_pixels;
} hello_init = { 1, 1 << 20, 1, 1 << 20 };

_Static_assert(sizeof(hello_init) == SPICE_HELLO_INIT_BYTES, "as the protocol has it");

static bool hello_has_cap(const struct spice_hello *hello, const SpiceLinkMess *mess, uint32_t cap)
{
	const uint8_t *caps = hello->link + sizeof(SpiceLinkHeader) + mess->caps_offset;
	uint32_t word;

	if (!mess->num_common_caps)
		return false;
	memcpy(&word, caps, sizeof(word));
	return word & 1u << cap;
}

/* The whole link message is there: the server reads it in the same way. */
static void hello_judge_link(struct spice_hello *hello, uint32_t size)
{
	uint64_t caps_bytes;
	SpiceLinkMess mess;

	memcpy(&mess, hello->link + sizeof(SpiceLinkHeader), sizeof(mess));
	caps_bytes = ((uint64_t)mess.num_common_caps + mess.num_channel_caps) * 4;
	if (mess.caps_offset > size || caps_bytes > size - mess.caps_offset) {
		hello->state = SPICE_HELLO_BAD;
		return;
	}
	hello->mini_header = hello_has_cap(hello, &mess, SPICE_COMMON_CAP_MINI_HEADER);
	hello->left = HELLO_TICKET_BYTES;
	if (hello_has_cap(hello, &mess, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION))
		hello->left += sizeof(SpiceLinkAuthMechanism);
	hello->state = SPICE_HELLO_TICKET;
	hello->rules.channel = mess.channel_type;
	hello->display = mess.channel_type == SPICE_CHANNEL_DISPLAY;
}

static void hello_take_link(struct spice_hello *hello, uint8_t byte)
{
	SpiceLinkHeader header;

	hello->link[hello->link_bytes++] = byte;
	if (hello->link_bytes < sizeof(header))
		return;
	memcpy(&header, hello->link, sizeof(header));
	if (header.magic != SPICE_MAGIC || header.size < sizeof(SpiceLinkMess) ||
	    header.size > SPICE_HELLO_MAX_LINK)
		hello->state = SPICE_HELLO_BAD;
	else if (hello->link_bytes == sizeof(header) + header.size)
		hello_judge_link(hello, header.size);
}

/* Where it goes to. */
static size_t hello_put_init(const struct spice_hello *hello, uint8_t *out)
{
	const SpiceMiniDataHeader mini = { SPICE_MSGC_DISPLAY_INIT, SPICE_HELLO_INIT_BYTES };
	const SpiceDataHeader full = { .serial = 1, .type = SPICE_MSGC_DISPLAY_INIT,
				       .size = SPICE_HELLO_INIT_BYTES };
	size_t header_bytes = hello->mini_header ? sizeof(mini) : sizeof(full);

	memcpy(out, hello->mini_header ? (const void *)&mini : &full, header_bytes);
	memcpy(out + header_bytes, &hello_init, sizeof(hello_init));
	return header_bytes + sizeof(hello_init);
}

/* What is put in behind it. */
static size_t hello_end_ticket(struct spice_hello *hello, uint8_t *out)
{
	if (!hello->display) {
		hello->state = SPICE_HELLO_PASSES;
		return 0;
	}
	hello->state = SPICE_HELLO_FIRST;
	return hello_put_init(hello, out);
}

static void hello_let_go(struct spice_hello *hello)
{
	hello->state = hello->server_spoke ? SPICE_HELLO_PASSES : SPICE_HELLO_HELD;
}

/* True when the header of a message is whole; its body is what is left then. */
static bool hello_take_header(struct spice_hello *hello, uint8_t byte, uint16_t *type)
{
	uint32_t header_bytes = hello->mini_header ? sizeof(SpiceMiniDataHeader) :
						     sizeof(SpiceDataHeader);
	SpiceMiniDataHeader mini;
	SpiceDataHeader full;

	hello->header[hello->header_bytes++] = byte;
	if (hello->header_bytes < header_bytes)
		return false;
	memcpy(&mini, hello->header, sizeof(mini));
	memcpy(&full, hello->header, sizeof(full));
	*type = hello->mini_header ? mini.type : full.type;
	hello->left = hello->mini_header ? mini.size : full.size;
	hello->header_bytes = 0;
	return true;
}

static void hello_take_first(struct spice_hello *hello, uint8_t byte)
{
	uint16_t type;

	if (hello->left) {
		if (--hello->left == 0)
			hello_let_go(hello);
	} else if (hello_take_header(hello, byte, &type) &&
		   (type != SPICE_MSGC_DISPLAY_INIT || hello->left != SPICE_HELLO_INIT_BYTES)) {
		hello->state = SPICE_HELLO_BAD;
	}
}

/* Takes some of a message's body, or a byte of its header, which goes out when it is whole. Returns
 * how many were taken. */
static size_t hello_pass(struct spice_hello *hello, const uint8_t *bytes, size_t count,
			 uint8_t *out, size_t *put)
{
	uint32_t header_bytes = hello->header_bytes + 1;
	enum spice_rule rule;
	uint16_t type;
	size_t body = count < hello->left ? count : hello->left;

	if (hello->left) {
		if (hello->passing) {
			memcpy(out + *put, bytes, body);
			*put += body;
		}
		hello->left -= (uint32_t)body;
		return body;
	}
	if (!hello_take_header(hello, *bytes, &type))
		return 1;
	rule = spice_rules_judge(&hello->rules, type, hello->left);
	if (rule == SPICE_RULE_ENDS)
		hello->state = SPICE_HELLO_BAD;
	hello->passing = rule == SPICE_RULE_PASSES;
	if (hello->passing) {
		memcpy(out + *put, hello->header, header_bytes);
		*put += header_bytes;
	}
	return 1;
}

bool spice_hello_takes(const struct spice_hello *hello)
{
	return hello->state != SPICE_HELLO_HELD && hello->state != SPICE_HELLO_BAD;
}

bool spice_hello_may_end(const struct spice_hello *hello)
{
	/* With the ticket the server goes over to the channel, and no sooner. */
	return !hello->display || hello->server_spoke || hello->state == SPICE_HELLO_LINK ||
	       hello->state == SPICE_HELLO_TICKET;
}

size_t spice_hello_client(struct spice_hello *hello, const uint8_t *bytes, size_t count,
			  uint8_t *out, size_t *out_count)
{
	size_t taken = 0, put = 0;

	while (taken < count && spice_hello_takes(hello)) {
		if (hello->state == SPICE_HELLO_PASSES) {
			taken += hello_pass(hello, bytes + taken, count - taken, out, &put);
			continue;
		}
		if (hello->state == SPICE_HELLO_FIRST) {
			hello_take_first(hello, bytes[taken++]);
			continue;
		}
		out[put++] = bytes[taken];
		if (hello->state == SPICE_HELLO_LINK) {
			hello_take_link(hello, bytes[taken++]);
		} else {
			taken++;
			if (--hello->left == 0)
				put += hello_end_ticket(hello, out + put);
		}
	}
	*out_count = put;
	return taken;
}

void spice_hello_server(struct spice_hello *hello, const uint8_t *bytes, size_t count)
{
	uint64_t all;

	for (size_t i = 0; i < count && !hello->server_spoke; i++) {
		if (hello->reply_bytes < sizeof(hello->reply))
			((uint8_t *)&hello->reply)[hello->reply_bytes] = bytes[i];
		hello->reply_bytes++;
		all = sizeof(hello->reply) + (uint64_t)hello->reply.size + HELLO_RESULT_BYTES;
		hello->server_spoke = hello->reply_bytes > sizeof(hello->reply) &&
				      hello->reply_bytes > all;
	}
	if (hello->server_spoke && hello->state == SPICE_HELLO_HELD)
		hello->state = SPICE_HELLO_PASSES;
}
