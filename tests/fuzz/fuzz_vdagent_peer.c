/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent in the guest or a SPICE client, by the first byte, that says what it likes and listens
 * when it likes, while another party copies and pastes. Whatever happens, what it is told is a
 * vdagent stream, and every question of the other party is answered at most once.
 */
#include "fuzz.h"

#include <base/loop.h>
#include <clipboard/clipboard.h>
#include <clipboard/vdagent_peer.h>
#include <clipboard/vdagent_pipe.h>
#include <clipboard/vdagent_stream.h>
#include <string.h>

struct fuzz {
	struct clipboard_party party;
	bool answers;
	unsigned int open;              /* questions by type, a bit each */
	struct loop *loop;
	struct vdagent_pipe *pipe;
	struct vdagent_reader reader;
	uint64_t heard_session;
	bool deaf;
};

/* ---- the other party ---- */

static void fuzz_grabbed(struct clipboard_party *party, uint32_t types)
{
	fuzz_check(types && types < CLIPBOARD_BIT(CLIPBOARD_TYPE_COUNT));
}

static void fuzz_released(struct clipboard_party *party)
{
}

static void fuzz_wanted(struct clipboard_party *party, enum clipboard_type type)
{
	static const char text[] = "one\ntwo\r\n";

	if (((struct fuzz *)party)->answers)
		clipboard_answer(party, type, text, sizeof(text) - 1);
}

static void fuzz_answered(struct clipboard_party *party, enum clipboard_type type,
			  const void *bytes, size_t count)
{
	struct fuzz *fuzz = (struct fuzz *)party;

	fuzz_check(!bytes == !count && count <= CLIPBOARD_MAX_BYTES);
	fuzz_check(fuzz->open & 1u << type);
	fuzz->open &= ~(1u << type);
}

/* ---- the agent's or client's side ---- */

static void fuzz_on_message(void *data, const struct vdagent_message *message)
{
	fuzz_check(message->port == VDP_CLIENT_PORT && message->body);
	fuzz_check(message->type && message->type < VD_AGENT_END_MESSAGE);
}

static void fuzz_hear(void *data)
{
	struct fuzz *fuzz = data;
	uint64_t session = vdagent_pipe_session(fuzz->pipe);
	uint8_t bytes[512];
	size_t count;

	if (fuzz->heard_session != session) {
		vdagent_reader_finish(&fuzz->reader);
		vdagent_reader_init(&fuzz->reader, fuzz_on_message, fuzz);
		fuzz->heard_session = session;
	}
	while (!fuzz->deaf) {
		count = vdagent_pipe_read(fuzz->pipe, VDAGENT_PIPE_PORT, session, bytes,
					  sizeof(bytes));
		if (!count)
			return;
		fuzz_check(!vdagent_reader_feed(&fuzz->reader, bytes, count));
	}
}

static void fuzz_write(struct fuzz *fuzz, const void *bytes, size_t count)
{
	vdagent_pipe_write(fuzz->pipe, VDAGENT_PIPE_PORT, vdagent_pipe_session(fuzz->pipe), bytes,
			   count);
}

static void fuzz_say(struct fuzz *fuzz, uint8_t what, uint8_t type, const uint8_t *body,
		     size_t count)
{
	struct vdagent_writer writer = { 0 };

	if (vdagent_writer_add(&writer, what & 16 ? VDP_SERVER_PORT : VDP_CLIENT_PORT, type % 20, NULL,
			       0, body, count))
		abort();
	while (writer.backlog) {
		size_t bytes;
		const uint8_t *from = vdagent_writer_peek(&writer, &bytes);

		fuzz_write(fuzz, from, bytes);
		vdagent_writer_take(&writer, bytes);
	}
}

/* ---- steps ---- */

static void fuzz_step(struct fuzz *fuzz, struct vdagent_peer *peer, uint8_t what, uint8_t value,
		      const uint8_t *bytes, size_t count)
{
	const struct vdagent_monitor monitors[2] = { { value, 10 }, { 0, value } };

	switch (what % 16) {
	case 0:
		fuzz_write(fuzz, bytes, count);
		break;
	case 1:
		clipboard_grab(&fuzz->party, value);
		break;
	case 2:
		clipboard_release(&fuzz->party);
		break;
	case 3:
		fuzz->open |= 1u << value % CLIPBOARD_TYPE_COUNT;
		clipboard_request(&fuzz->party, value % CLIPBOARD_TYPE_COUNT);
		break;
	case 4:
		if (value % 8 == 0)
			vdagent_pipe_close(fuzz->pipe);
		else if (value % 8 == 1 || vdagent_pipe_is_hung_up(fuzz->pipe))
			vdagent_pipe_open(fuzz->pipe);
		break;
	case 5:
		fuzz->deaf = value % 2;
		vdagent_pipe_wake(fuzz->pipe, VDAGENT_PIPE_PORT);
		break;
	case 6:
		vdagent_peer_set_monitors(peer, monitors, value % 3);
		break;
	case 7:
		fuzz->answers = value % 2;
		break;
	default:
		fuzz_say(fuzz, what, value, bytes, count);
	}
}

static void fuzz_settle(struct fuzz *fuzz)
{
	for (int i = 0; i < 100 && loop_dispatch(fuzz->loop, 0) > 0; i++)
		;
}

static void fuzz_on_monitors(void *data, const struct vdagent_monitor *monitors, uint32_t count)
{
	fuzz_check(count && count <= VDAGENT_MAX_MONITORS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct clipboard_party_ops ops = { fuzz_grabbed, fuzz_released, fuzz_wanted,
							fuzz_answered };
	static const uint8_t announce[8] = { 1, 0, 0, 0, 0xff, 0xff };
	struct fuzz fuzz = { .party = { .ops = &ops, .name = "fuzz" }, .loop = loop_create("fuzz"),
			     .pipe = vdagent_pipe_create() };
	struct clipboard *clipboard = clipboard_create(fuzz.loop);
	const struct vdagent_peer_config config = {
		.role = size && data[0] % 2 ? VDAGENT_WITH_CLIENT : VDAGENT_WITH_GUEST,
		.name = "the other side", .loop = fuzz.loop, .clipboard = clipboard,
		.pipe = fuzz.pipe, .monitors = fuzz_on_monitors,
	};
	struct vdagent_peer *peer = vdagent_peer_create(&config);

	vdagent_reader_init(&fuzz.reader, fuzz_on_message, &fuzz);
	if (!peer || clipboard_join(clipboard, &fuzz.party) ||
	    vdagent_pipe_attach(fuzz.pipe, VDAGENT_PIPE_PORT, fuzz.loop, fuzz_hear, &fuzz))
		abort();
	vdagent_pipe_open(fuzz.pipe);
	/* Most of what there is begins with this. */
	fuzz_say(&fuzz, 0, VD_AGENT_ANNOUNCE_CAPABILITIES, announce, size && data[0] & 2 ? 8 : 0);
	while (size >= 3) {
		size_t count = data[2] % 64;

		if (count > size - 3)
			count = size - 3;
		fuzz_step(&fuzz, peer, data[0], data[1], data + 3, count);
		fuzz_settle(&fuzz);
		data += 3 + count;
		size -= 3 + count;
	}
	vdagent_peer_destroy(peer);
	vdagent_pipe_detach(fuzz.pipe, VDAGENT_PIPE_PORT);
	clipboard_leave(&fuzz.party);
	vdagent_reader_finish(&fuzz.reader);
	vdagent_pipe_destroy(fuzz.pipe);
	clipboard_destroy(clipboard);
	loop_destroy(fuzz.loop);
	return 0;
}
