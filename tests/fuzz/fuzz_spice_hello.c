/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client says first, in pieces, and the server between them. Whatever it is, the server gets
 * the link message unchanged; and on a DISPLAY channel an INIT, and then nothing before it has
 * spoken.
 */
#include "fuzz.h"

#include <spice/spice_hello.h>
#include <string.h>

/* A good link message and ticket, which nobody guesses. */
static void fuzz_link(struct spice_hello *hello, uint8_t channel, uint32_t caps)
{
	struct __attribute__((packed)) {
		SpiceLinkHeader header;
		SpiceLinkMess mess;
		uint32_t caps;
		uint8_t ticket[128];
	} link = {
		.header = { SPICE_MAGIC, SPICE_VERSION_MAJOR, SPICE_VERSION_MINOR,
			    sizeof(SpiceLinkMess) + 4 },
		.mess = { .channel_type = channel, .num_common_caps = 1,
			  .caps_offset = sizeof(SpiceLinkMess) },
		.caps = caps,
	};
	uint8_t out[sizeof(link) + SPICE_HELLO_EXTRA_BYTES];
	size_t put, taken;

	taken = spice_hello_client(hello, (const uint8_t *)&link, sizeof(link), out, &put);
	fuzz_check(taken == sizeof(link) && !memcmp(out, &link, sizeof(link)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spice_hello hello = { 0 };
	uint8_t out[256 + SPICE_HELLO_EXTRA_BYTES];
	size_t heard = 0, said = 0;

	/* Capabilities: the mini header or none, so that the ticket is where it is. */
	if (size > 1 && data[0] & 1)
		fuzz_link(&hello, data[1] & 7,
			  data[0] & 2 ? 1u << SPICE_COMMON_CAP_MINI_HEADER : 0);
	while (size > 1) {
		uint8_t count = *data++;
		size_t now = --size < (count & 0x7fu) ? size : (count & 0x7fu), taken, put;

		if (count & 0x80) {
			spice_hello_server(&hello, data, now);
		} else {
			taken = spice_hello_client(&hello, data, now, out, &put);
			fuzz_check(taken <= now && put <= now + SPICE_HELLO_EXTRA_BYTES);
			fuzz_check(taken == now || !spice_hello_takes(&hello));
			said += taken;
			heard += put;
		}
		data += now;
		size -= now;
		fuzz_check(heard <= said + SPICE_HELLO_EXTRA_BYTES);
		if (hello.state == SPICE_HELLO_HELD)
			fuzz_check(hello.display && !hello.server_spoke);
		if (hello.state == SPICE_HELLO_PASSES && hello.display)
			fuzz_check(hello.server_spoke);
	}
	return 0;
}
