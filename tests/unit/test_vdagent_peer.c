/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clipboard's party that speaks vdagent, with another side of our own at the end of its
 * pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/loop.h>
#include <clipboard/clipboard.h>
#include <clipboard/vdagent_peer.h>
#include <clipboard/vdagent_pipe.h>
#include <cmocka.h>

#include "clipboard_mock.h"
#include "vdagent_other.h"

#define WAIT_NS UINT64_C(20000000000)
#define CAP(name) (1u << VD_AGENT_CAP_##name)
#define BY_DEMAND CAP(CLIPBOARD_BY_DEMAND)
#define SELECTION CAP(CLIPBOARD_SELECTION)
#define TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define PNG VD_AGENT_CLIPBOARD_IMAGE_PNG
#define CLIENT VDP_CLIENT_PORT

/* What we tell a guest and a client that we can do. */
#define TO_GUEST "65634"
#define TO_CLIENT "197030"

static struct loop *loop;
static struct clipboard *clipboard;
static struct vdagent_pipe *pipe_;
static struct vdagent_peer *peer;
static struct vdagent_other other;
static struct clipboard_mock mock;
static bool deaf;
static char sizes[256];

static void hear(void *data)
{
	uint8_t bytes[1000];
	size_t count;

	while (!deaf) {
		count = vdagent_pipe_read(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_),
					  bytes, sizeof(bytes));
		if (!count)
			break;
		vdagent_other_hear(&other, bytes, count);
	}
}

static void on_monitors(void *data, const struct vdagent_monitor *monitors, uint32_t count)
{
	assert_ptr_equal(data, &sizes);
	for (uint32_t i = 0; i < count; i++) {
		size_t used = strlen(sizes);

		snprintf(sizes + used, sizeof(sizes) - used, "%ux%u ", monitors[i].width,
			 monitors[i].height);
	}
}

static int open_all(enum vdagent_role role, bool with_clipboard, bool with_monitors)
{
	struct vdagent_peer_config config = { .role = role, .name = "the other side" };

	loop = loop_create("test");
	clipboard = clipboard_create(loop);
	pipe_ = vdagent_pipe_create();
	config.loop = loop;
	config.clipboard = with_clipboard ? clipboard : NULL;
	config.pipe = pipe_;
	config.monitors = with_monitors ? on_monitors : NULL;
	config.data = &sizes;
	peer = vdagent_peer_create(&config);
	vdagent_other_init(&other);
	clipboard_mock_init(&mock, "mock");
	assert_int_equal(clipboard_join(clipboard, &mock.party), 0);
	assert_int_equal(vdagent_pipe_attach(pipe_, VDAGENT_PIPE_PORT, loop, hear, NULL), 0);
	vdagent_pipe_open(pipe_);
	deaf = false;
	sizes[0] = 0;
	return peer ? 0 : -1;
}

static int open_guest(void **state)
{
	return open_all(VDAGENT_WITH_GUEST, true, false);
}

static int open_client(void **state)
{
	return open_all(VDAGENT_WITH_CLIENT, true, true);
}

static int open_bare_guest(void **state)
{
	return open_all(VDAGENT_WITH_GUEST, false, false);
}

static int open_bare_client(void **state)
{
	return open_all(VDAGENT_WITH_CLIENT, false, false);
}

static int close_all(void **state)
{
	vdagent_peer_destroy(peer);
	vdagent_pipe_detach(pipe_, VDAGENT_PIPE_PORT);
	vdagent_pipe_destroy(pipe_);
	vdagent_other_finish(&other);
	clipboard_mock_finish(&mock);
	clipboard_destroy(clipboard);
	loop_destroy(loop);
	return 0;
}

/* ---- saying and expecting ---- */

/* What is in the other side's writer; while the peer takes it. */
static void speak(void)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (other.writer.backlog && clock_now_ns() < end_ns) {
		size_t count, taken;
		const uint8_t *bytes = vdagent_writer_peek(&other.writer, &count);

		taken = vdagent_pipe_write(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_),
					   bytes, count);
		vdagent_writer_take(&other.writer, taken);
		if (!taken)
			loop_dispatch(loop, 10);
	}
	assert_int_equal(other.writer.backlog, 0);
}

/* The number of bytes that the pipe had room for. */
static size_t speak_until_full(void)
{
	size_t total = 0, count, taken;

	do {
		const uint8_t *bytes = vdagent_writer_peek(&other.writer, &count);

		taken = vdagent_pipe_write(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_),
					   bytes, count);
		vdagent_writer_take(&other.writer, taken);
		total += taken;
	} while (taken);
	return total;
}

static void say(uint32_t type, uint32_t words, const uint32_t *values)
{
	vdagent_other_say(&other, CLIENT, type, words, values, NULL, 0);
	speak();
}

static void say_data(uint32_t type, const void *bytes, size_t count)
{
	const uint32_t values[2] = { 0, type };

	vdagent_other_say(&other, CLIENT, VD_AGENT_CLIPBOARD, other.selections ? 2 : 1,
			  values + !other.selections, bytes, count);
	speak();
}

/* Until nothing more happens at once. */
static void settle(void)
{
	while (loop_dispatch(loop, 20) > 0)
		;
}

static void expect_text(char *text, const char *expected)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (strlen(text) < strlen(expected) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 10);
	settle();
	assert_string_equal(text, expected);
	text[0] = 0;
}

static void expect_heard(const char *expected)
{
	expect_text(other.text, expected);
}

static void expect_told(const char *expected)
{
	expect_text(mock.text, expected);
}

/* A guest's agent that has come and can do so much. */
static void meet_guest(uint32_t caps)
{
	expect_heard("announce 1 " TO_GUEST "; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, caps));
	other.selections = caps & SELECTION;
	settle();
}

static void meet_client(uint32_t caps)
{
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, caps));
	expect_heard("announce 0 " TO_CLIENT "; ");
}

/* ---- both ways ---- */

static void test_guest_copies(void **state)
{
	meet_guest(BY_DEMAND);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT, PNG, 3, 77));
	expect_told("grabbed 3; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	say_data(TEXT, "hello\r\n\0\0", 9);
	expect_told("'hello\r\n' 0; ");
	clipboard_request(&mock.party, CLIPBOARD_PNG);
	expect_heard("request 2; ");
	say_data(PNG, "\x89PNG\0", 5);
	expect_told("'\x89PNG' 1; ");
	assert_int_equal(mock.count, 5);
	/* Files only, then text again, then nothing. */
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(VD_AGENT_CLIPBOARD_FILE_LIST));
	expect_told("released 0; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	say(VD_AGENT_CLIPBOARD_RELEASE, 0, NULL);
	expect_told("released 0; ");
	expect_heard("");
}

static void test_guest_pastes(void **state)
{
	meet_guest(BY_DEMAND | CAP(MAX_CLIPBOARD));
	expect_heard("max 33554432; ");
	clipboard_grab(&mock.party, 3);
	expect_heard("grab 1 2; ");
	mock.answer = "line\nline";
	mock.answer_bytes = 9;
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(TEXT));
	expect_heard("data 1 'line\nline'; ");
	mock.answer = "";
	mock.answer_bytes = 0;
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
	expect_heard("data 0 ''; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(VD_AGENT_CLIPBOARD_IMAGE_BMP));
	say(VD_AGENT_CLIPBOARD_REQUEST, 0, NULL);
	expect_heard("data 0 ''; data 0 ''; ");
	clipboard_grab(&mock.party, CLIPBOARD_BIT(CLIPBOARD_PNG));
	expect_heard("grab 2; ");
	clipboard_release(&mock.party);
	expect_heard("release; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(TEXT));
	expect_heard("data 0 ''; ");
}

/* The Linux agent's way; its other selections are left alone. */
static void test_selections(void **state)
{
	meet_guest(BY_DEMAND | SELECTION);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(VD_AGENT_CLIPBOARD_SELECTION_PRIMARY, TEXT));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(VD_AGENT_CLIPBOARD_SELECTION_SECONDARY, TEXT));
	say(VD_AGENT_CLIPBOARD_GRAB, 0, NULL);
	expect_told("");
	/* Three bytes of it are reserved. */
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0xabcdef00, TEXT));
	expect_told("grabbed 1; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	vdagent_other_say(&other, CLIENT, VD_AGENT_CLIPBOARD,
			  OTHER_WORDS(VD_AGENT_CLIPBOARD_SELECTION_PRIMARY, TEXT), "no", 2);
	say_data(TEXT, "yes", 3);
	expect_told("'yes' 0; ");
	say(VD_AGENT_CLIPBOARD_RELEASE, OTHER_WORDS(VD_AGENT_CLIPBOARD_SELECTION_PRIMARY));
	expect_told("");
	clipboard_grab(&mock.party, 1);
	expect_heard("grab 1; ");
	mock.answer = "from b";
	mock.answer_bytes = 6;
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(VD_AGENT_CLIPBOARD_SELECTION_PRIMARY, TEXT));
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, 5));
	expect_heard("data 0 ''; data 1 'from b'; ");
	clipboard_release(&mock.party);
	expect_heard("release; ");
}

static void test_crlf(void **state)
{
	meet_guest(BY_DEMAND | CAP(GUEST_LINEEND_CRLF));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	say_data(TEXT, "a\r\nb\rc\n\r\n\0", 10);
	expect_told("'a\nb\rc\n\n' 0; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	say_data(TEXT, "\0", 1);
	expect_told("nothing 0; ");
	clipboard_grab(&mock.party, 3);
	expect_heard("grab 1 2; ");
	mock.answer = "a\nb\r\nc";
	mock.answer_bytes = 6;
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(TEXT));
	expect_heard("data 1 'a\r\nb\r\nc'; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
	expect_heard("data 2 'a\nb\r\nc'; ");
}

/* A client's lines end with LF, as it was told, and there are no selections whatever it knows. */
static void test_client(void **state)
{
	/* Before it has said what it can do there is nothing. */
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("");
	clipboard_grab(&mock.party, 1);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES,
	    OTHER_WORDS(1, BY_DEMAND | SELECTION | CAP(GUEST_LINEEND_CRLF) | CAP(MAX_CLIPBOARD)));
	expect_heard("announce 0 " TO_CLIENT "; grab 1; ");
	mock.answer = "a\nb";
	mock.answer_bytes = 3;
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(TEXT));
	expect_heard("data 1 'a\nb'; ");
	mock.text[0] = 0;
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	say_data(TEXT, "x\r\ny", 4);
	expect_told("'x\r\ny' 0; ");
	expect_heard("");
}

/* Its answers may bear any type. */
static void test_client_misnames(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\nrest";

	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, BY_DEMAND));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(PNG));
	expect_told("grabbed 2; ");
	clipboard_request(&mock.party, CLIPBOARD_PNG);
	settle();
	say_data(TEXT, png, sizeof(png) - 1);
	expect_told("'\x89PNG\r\n\x1a\nrest' 1; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	settle();
	say_data(PNG, "text", 4);
	expect_told("'text' 0; ");
}

/* Both sides count grabs. */
static void test_client_numbers_grabs(void **state)
{
	const uint32_t caps = BY_DEMAND | CAP(CLIPBOARD_GRAB_SERIAL);

	meet_client(caps);
	clipboard_grab(&mock.party, 1);
	expect_heard("grab 0 1; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(1, TEXT));
	expect_told("grabbed 1; ");
	clipboard_grab(&mock.party, 2);
	clipboard_grab(&mock.party, 3);
	expect_heard("grab 2 2; grab 3 1 2; ");
	/* It crossed both of ours: the client takes the second. Had it crossed only that one, the
	 * client's would be the later. */
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(2, PNG));
	expect_told("");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(3, TEXT));
	expect_told("grabbed 1; ");
	/* No serial, and none at all. */
	say(VD_AGENT_CLIPBOARD_GRAB, 0, NULL);
	expect_told("");
	clipboard_grab(&mock.party, 1);
	expect_heard("grab 4 1; ");
	/* The next client begins anew. */
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, caps));
	expect_heard("announce 0 " TO_CLIENT "; grab 0 1; ");
}

/* ---- coming and going ---- */

static void test_client_goes(void **state)
{
	static const uint8_t half[32] = { CLIENT, 0, 0, 0, 24, [8] = VD_AGENT_PROTOCOL,
					  [12] = VD_AGENT_CLIPBOARD, [24] = 99, [28] = TEXT };

	meet_client(BY_DEMAND);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	/* In the middle of its answer; the chunk has come whole, as libspice-server sees to. */
	assert_int_equal(vdagent_pipe_write(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_),
					    half, sizeof(half)), sizeof(half));
	vdagent_other_say(&other, VDP_SERVER_PORT, VD_AGENT_CLIENT_DISCONNECTED, 0, NULL, NULL, 0);
	speak();
	expect_told("nothing 0; released 0; ");
	clipboard_grab(&mock.party, 3);
	clipboard_grab(&mock.party, 1);
	expect_heard("");
	/* The next one knows nothing of that, and need not ask. */
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, BY_DEMAND));
	expect_heard("announce 0 " TO_CLIENT "; grab 1; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, BY_DEMAND));
	expect_heard("");
}

/* A client's own port may not say that it has gone: nor may a guest. */
static void test_who_may_disconnect(void **state)
{
	meet_client(BY_DEMAND);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	say(VD_AGENT_CLIENT_DISCONNECTED, 0, NULL);
	expect_told("");
}

static void test_guest_agent_restarts(void **state)
{
	expect_heard("announce 1 " TO_GUEST "; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, BY_DEMAND));
	expect_heard("announce 0 " TO_GUEST "; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, BY_DEMAND));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	/* The answer to our question does not make it a new one; another question does. */
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, BY_DEMAND));
	expect_told("");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, BY_DEMAND));
	expect_told("released 0; ");
	expect_heard("announce 0 " TO_GUEST "; ");
	clipboard_grab(&mock.party, 1);
	expect_heard("grab 1; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, BY_DEMAND));
	expect_heard("announce 0 " TO_GUEST "; grab 1; ");
}

static void test_guest_reboots(void **state)
{
	uint8_t bytes[20] = { 1, 0, 0, 0, 100 };

	meet_guest(BY_DEMAND);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	assert_int_equal(vdagent_pipe_write(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_),
					    bytes, sizeof(bytes)), sizeof(bytes));
	settle();
	vdagent_pipe_close(pipe_);
	expect_told("nothing 0; released 0; ");
	clipboard_grab(&mock.party, 1);
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	mock.answer = "own";
	mock.answer_bytes = 3;
	expect_told("wanted 0; 'own' 0; ");
	vdagent_pipe_open(pipe_);
	meet_guest(BY_DEMAND);
	expect_heard("grab 1; ");
	/* Two at once: the first is not even seen. */
	vdagent_pipe_open(pipe_);
	vdagent_pipe_open(pipe_);
	meet_guest(BY_DEMAND);
	expect_heard("grab 1; ");
}

static void test_agent_without_clipboard(void **state)
{
	clipboard_grab(&mock.party, 1);
	meet_guest(CAP(CLIPBOARD));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(TEXT));
	expect_heard("");
	expect_told("");
}

static void test_bare(void **state)
{
	const struct vdagent_monitor monitor = { 800, 600 };

	clipboard_grab(&mock.party, 1);
	expect_heard("announce 1 65538; ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, BY_DEMAND | CAP(MONITORS_CONFIG)));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_heard("");
	expect_told("");
	vdagent_peer_set_monitors(peer, &monitor, 1);
	expect_heard("monitors 1 0 600 800 32 0 0; ");
}

static void test_bare_client(void **state)
{
	clipboard_grab(&mock.party, 1);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, BY_DEMAND | CAP(REPLY)));
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(1, 0, 600, 800, 32, 0, 0));
	expect_heard("announce 0 65792; ");
	assert_string_equal(sizes, "");
}

/* ---- what is not so ---- */

static void test_answers(void **state)
{
	uint8_t *huge = calloc(1, CLIPBOARD_MAX_BYTES + 1);

	assert_non_null(huge);
	meet_guest(BY_DEMAND);
	say_data(TEXT, "unasked", 7);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT, PNG));
	expect_told("grabbed 3; ");
	say_data(TEXT, "unasked", 7);
	clipboard_request(&mock.party, CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	clipboard_request(&mock.party, CLIPBOARD_PNG);
	expect_heard("request 2; ");
	/* "None" is for the question that was first. */
	say_data(VD_AGENT_CLIPBOARD_NONE, NULL, 0);
	expect_told("nothing 0; ");
	say_data(99, "what", 4);
	expect_told("nothing 1; ");
	say(VD_AGENT_CLIPBOARD, 0, NULL);
	expect_told("");
	clipboard_request(&mock.party, CLIPBOARD_PNG);
	expect_heard("request 2; ");
	say_data(PNG, huge, CLIPBOARD_MAX_BYTES + 1);
	expect_told("nothing 1; ");
	clipboard_request(&mock.party, CLIPBOARD_PNG);
	expect_heard("request 2; ");
	huge[CLIPBOARD_MAX_BYTES - 1] = 7;
	say_data(PNG, huge, CLIPBOARD_MAX_BYTES);
	expect_told("(33554432) 1; ");
	assert_int_equal(mock.bytes[CLIPBOARD_MAX_BYTES - 1], 7);
	free(huge);
}

/* Longer than is read at all, then a message that is. */
static void test_skipped(void **state)
{
	uint8_t *huge = calloc(1, VDAGENT_CLIPBOARD_BYTES);

	assert_non_null(huge);
	meet_guest(BY_DEMAND);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(PNG));
	expect_told("grabbed 2; ");
	clipboard_request(&mock.party, CLIPBOARD_PNG);
	expect_heard("request 2; ");
	say_data(PNG, huge, VDAGENT_CLIPBOARD_BYTES);
	expect_told("nothing 1; ");
	vdagent_other_say(&other, CLIENT, VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT), huge, 8000);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	free(huge);
}

static void test_unknown_messages(void **state)
{
	meet_guest(BY_DEMAND);
	for (uint32_t type = 0; type < 40; type++)
		if (type != VD_AGENT_ANNOUNCE_CAPABILITIES && type != VD_AGENT_CLIPBOARD_REQUEST &&
		    type != VD_AGENT_CLIPBOARD_GRAB)
			say(type, OTHER_WORDS(0xffffffff, 0xffffffff, 0xffffffff));
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, 0, NULL);
	vdagent_other_say(&other, CLIENT, VD_AGENT_ANNOUNCE_CAPABILITIES, 0, NULL, "abc", 3);
	vdagent_other_say(&other, VDP_SERVER_PORT, VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT),
			  NULL, 0);
	vdagent_other_say(&other, CLIENT, VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(PNG), "abc", 3);
	speak();
	expect_told("grabbed 2; ");
	expect_heard("");
}

/* A stream that is none is hung up on, until there is another. */
static void test_no_stream(void **state)
{
	static const uint8_t garbage[] = "this is not a vdagent";

	meet_guest(BY_DEMAND);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_told("grabbed 1; ");
	vdagent_pipe_write(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_), garbage,
			   sizeof(garbage));
	expect_told("released 0; ");
	assert_true(vdagent_pipe_is_hung_up(pipe_));
	vdagent_pipe_write(pipe_, VDAGENT_PIPE_PORT, vdagent_pipe_session(pipe_), garbage,
			   sizeof(garbage));
	clipboard_grab(&mock.party, 1);
	settle();
	expect_heard("");
	vdagent_pipe_open(pipe_);
	assert_false(vdagent_pipe_is_hung_up(pipe_));
	vdagent_reader_finish(&other.reader);
	meet_guest(BY_DEMAND);
	expect_heard("grab 1; ");
}

static size_t count_of(const char *words)
{
	size_t count = 0;

	for (const char *at = other.text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* One that does not listen costs no memory: only the last of what there is to tell is kept, and
 * what it says itself is not read either. */
static void test_deaf(void **state)
{
	static uint8_t image[200000];
	size_t taken = 0, written;

	meet_guest(BY_DEMAND | CAP(MONITORS_CONFIG));
	clipboard_grab(&mock.party, 3);
	expect_heard("grab 1 2; ");
	deaf = true;
	memset(image, 'i', sizeof(image));
	mock.answer = image;
	mock.answer_bytes = sizeof(image);
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
	expect_told("wanted 1; ");
	for (uint32_t i = 1; i <= 3000; i++) {
		const struct vdagent_monitor monitor = { i, i };

		vdagent_peer_set_monitors(peer, &monitor, 1);
		clipboard_grab(&mock.party, i % 2 + 1);
		clipboard_release(&mock.party);
	}
	/* It can speak until the pipe is full, and no more. */
	for (uint32_t i = 0; i < 100000; i++)
		vdagent_other_say(&other, CLIENT, VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(99),
				  NULL, 0);
	do {
		settle();
		written = speak_until_full();
		taken += written;
	} while (written);
	assert_true(taken <= VDAGENT_PIPE_BYTES);
	vdagent_writer_cut(&other.writer);
	assert_true(other.writer.backlog < 64);
	clipboard_grab(&mock.party, 2);
	deaf = false;
	vdagent_pipe_wake(pipe_, VDAGENT_PIPE_PORT);
	speak();
	settle();
	/* The answer, of sizes and grabs the last ones only, and an answer to each of those
	 * questions. */
	assert_memory_equal(other.text, "data 2 (200000); ", 17);
	assert_int_equal(count_of("monitors"), 1);
	assert_int_equal(count_of("grab"), 1);
	assert_int_equal(count_of("monitors 1 0 3000 3000 32 0 0; "), 1);
	assert_int_equal(count_of("grab 2; "), 1);
	assert_in_range(count_of("data 0 ''; "), 2, VDAGENT_PIPE_BYTES);
}

/* ---- monitors ---- */

static void test_monitors_to_guest(void **state)
{
	const struct vdagent_monitor both[2] = { { 1920, 1080 }, { 800, 600 } };
	const struct vdagent_monitor second[2] = { { 0, 0 }, { 800, 600 } };

	vdagent_peer_set_monitors(peer, both, 2);
	meet_guest(CAP(MONITORS_CONFIG) | CAP(MONITORS_CONFIG_POSITION));
	expect_heard("monitors 2 1 1080 1920 32 0 0 600 800 32 1920 0; ");
	vdagent_peer_set_monitors(peer, second, 2);
	expect_heard("monitors 1 1 600 800 32 0 0; ");
	vdagent_peer_set_monitors(peer, second, 1);
	expect_heard("");
	vdagent_peer_set_monitors(peer, second, 2);
	expect_heard("monitors 1 1 600 800 32 0 0; ");
	vdagent_pipe_open(pipe_);
	meet_guest(CAP(MONITORS_CONFIG) | CAP(SPARSE_MONITORS_CONFIG));
	expect_heard("monitors 2 0 0 0 32 0 0 600 800 32 0 0; ");
	vdagent_pipe_open(pipe_);
	meet_guest(BY_DEMAND);
	expect_heard("");
}

static void test_monitors_from_client(void **state)
{
	meet_client(BY_DEMAND | CAP(REPLY));
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(1, 0, 600, 800, 32, 0, 0));
	expect_heard("reply 2 1; ");
	assert_string_equal(sizes, "800x600 ");
	sizes[0] = 0;
	/* With positions and millimetres. */
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(2, 3, 1, 2, 32, 5, 6, 0, 0, 0, 0, 0, 7, 8));
	expect_heard("reply 2 1; ");
	assert_string_equal(sizes, "2x1 0x0 ");
	sizes[0] = 0;
	say(VD_AGENT_MONITORS_CONFIG, 0, NULL);
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(0, 0));
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(2, 0, 600, 800, 32, 0, 0));
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(0xffffffff, 0, 600, 800, 32, 0, 0));
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(0x0ccccccd, 0, 600, 800, 32, 0, 0));
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(17, 0, 600, 800, 32, 0, 0));
	expect_heard("reply 2 2; reply 2 2; reply 2 2; reply 2 2; reply 2 2; reply 2 2; ");
	assert_string_equal(sizes, "");
}

#define GUEST(name) cmocka_unit_test_setup_teardown(name, open_guest, close_all)
#define SPICE(name) cmocka_unit_test_setup_teardown(name, open_client, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(test_guest_copies),
		GUEST(test_guest_pastes),
		GUEST(test_selections),
		GUEST(test_crlf),
		SPICE(test_client),
		SPICE(test_client_misnames),
		SPICE(test_client_numbers_grabs),
		SPICE(test_client_goes),
		SPICE(test_who_may_disconnect),
		GUEST(test_guest_agent_restarts),
		GUEST(test_guest_reboots),
		GUEST(test_agent_without_clipboard),
		cmocka_unit_test_setup_teardown(test_bare, open_bare_guest, close_all),
		cmocka_unit_test_setup_teardown(test_bare_client, open_bare_client, close_all),
		GUEST(test_answers),
		GUEST(test_skipped),
		GUEST(test_unknown_messages),
		GUEST(test_no_stream),
		GUEST(test_deaf),
		GUEST(test_monitors_to_guest),
		SPICE(test_monitors_from_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
