/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's clipboard over SPICE: the real library, a libspice-server with an agent that says what
 * a test makes it say, and the main thread's end of the channel.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/clipboard_channel.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <base/options.h>
#include <cmocka.h>
#include <input_peer.h>
#include <source.h>
#include <spice/vd_agent.h>
#include <spice_input.h>

#include "spice_rig.h"
#include "vdagent_other.h"

#define WAIT_NS UINT64_C(20000000000)
#define TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define PNG VD_AGENT_CLIPBOARD_IMAGE_PNG
#define BOTH_BITS (CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT) | CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG))
#define TEXT_BIT CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT)
#define PNG_BIT CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG)
#define CAPS (1u << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND | 1u << VD_AGENT_CAP_CLIPBOARD_SELECTION)
#define CAPS_CRLF (CAPS | 1u << VD_AGENT_CAP_GUEST_LINEEND_CRLF)
#define IMAGE_BYTES 300007
/* Long enough for what must not come. */
#define QUIET_MS 300

static char dir[] = "/tmp/vitrine-spice-clipboard-XXXXXX";
static char path[64];
static struct spice_rig_config rig_config = { .path = path, .uuid = { { 1, 2, 3 } } };
static struct loop *loop;
static struct spice_rig *rig;
static struct input_peer *peer;
static _Atomic unsigned int shared;
/* Our end of the channel: "grabbed 1; wanted 0; 'abc' 0; (300) 1; nothing 0; released; ended; " */
static struct clipboard_channel *channel;
static char heard[2048];
static uint8_t image[IMAGE_BYTES], last[IMAGE_BYTES + 1];
static size_t last_bytes;

/* --- the main thread's end ----------------------------------------------------------------- */

__attribute__((format(printf, 1, 2)))
static void hear(const char *format, ...)
{
	size_t used = strlen(heard);
	va_list args;

	va_start(args, format);
	vsnprintf(heard + used, sizeof(heard) - used, format, args);
	va_end(args);
}

static void on_grabbed(void *data, uint32_t types)
{
	hear("grabbed %u; ", types);
}

static void on_released(void *data)
{
	hear("released; ");
}

static void on_wanted(void *data, enum clipboard_wire_type type)
{
	hear("wanted %d; ", type);
}

static void on_answered(void *data, enum clipboard_wire_type type, const void *bytes, size_t count)
{
	last_bytes = count < sizeof(last) ? count : sizeof(last);
	if (bytes)
		memcpy(last, bytes, last_bytes);
	if (!bytes)
		hear("nothing %d; ", type);
	else if (count <= 64)
		hear("'%.*s' %d; ", (int)count, (const char *)bytes, type);
	else
		hear("(%zu) %d; ", count, type);
}

static void on_ended(void *data)
{
	hear("ended; ");
}

static const struct clipboard_channel_ops ops = { on_grabbed, on_released, on_wanted, on_answered,
						  on_ended };

/* Until all of that was heard since the last call. */
static void expect(const char *expected)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (strlen(heard) < strlen(expected) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 10);
	assert_string_equal(heard, expected);
	heard[0] = '\0';
}

static void stay_quiet(void)
{
	uint64_t end_ns = clock_now_ns() + QUIET_MS * UINT64_C(1000000);

	while (clock_now_ns() < end_ns)
		loop_dispatch(loop, 10);
	assert_string_equal(heard, "");
}

/* --- set-up -------------------------------------------------------------------------------- */

static void on_changed(void *data)
{
}

static void on_shared(void *data)
{
	shared++;
}

static void wait_shared(unsigned int count)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (shared != count && clock_now_ns() < end_ns)
		loop_dispatch(loop, 10);
	assert_int_equal(shared, count);
}

static void open_channel(void)
{
	struct clipboard_channel_config config = { .loop = loop, .ops = &ops, .name = "the peer",
						   .decided_by_other = true };

	clipboard_channel_destroy(channel);
	config.fd = peer->ops->open_clipboard(peer);
	assert_true(config.fd >= 0);
	channel = clipboard_channel_create(&config);
	assert_non_null(channel);
}

static int setup(void **state)
{
	struct spice_address address;
	struct option_error error;

	loop = loop_create("test");
	rig = spice_rig_create(&rig_config);
	assert_int_equal(spice_address_parse(&address, path, &error), 0);
	peer = spice_input_create(&address, "");
	assert_non_null(peer);
	peer->listener = (struct input_peer_listener){ on_changed, on_shared, NULL };
	assert_int_equal(peer->ops->open_clipboard(peer), -ENOTCONN);
	assert_int_equal(peer->ops->start(peer, &rig_config.uuid), 0);
	shared = 0;
	heard[0] = '\0';
	open_channel();
	return 0;
}

static int teardown(void **state)
{
	clipboard_channel_destroy(channel);
	channel = NULL;
	peer->ops->destroy(peer);
	spice_rig_destroy(rig);
	loop_destroy(loop);
	return 0;
}

static void say(uint32_t type, uint32_t words, const uint32_t *values)
{
	spice_rig_agent_say(rig, type, words, values, NULL, 0);
}

/* It is told that, among other things. */
static void expect_agent(const char *text)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	const char *told;

	while (!spice_rig_agent_has(rig, text) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 5);
	told = spice_rig_agent_take(rig);
	if (!strstr(told, text))
		fail_msg("the agent was told '%s', and not '%s'", told, text);
}

static void agent_comes(uint32_t caps)
{
	spice_rig_set_agent(rig, true);
	/* The client asks. */
	expect_agent("announce 1 ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, caps));
}

static void start(uint32_t caps)
{
	agent_comes(caps);
	wait_shared(1);
}

/* And nobody is told anything. */
static void agent_stays_quiet(void)
{
	stay_quiet();
	assert_string_equal(spice_rig_agent_take(rig), "");
}

static void agent_gives(uint32_t type, const void *bytes, size_t count)
{
	spice_rig_agent_say(rig, VD_AGENT_CLIPBOARD, OTHER_WORDS(0, type), bytes, count);
}

/* --- tests --------------------------------------------------------------------------------- */

static void check_text(uint32_t caps, const char *in_guest)
{
	static const char text[] = "two\nlines\n";

	start(caps);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect("grabbed 1; ");
	clipboard_channel_request(channel, CLIPBOARD_WIRE_TEXT);
	expect_agent("request 1; ");
	agent_gives(TEXT, in_guest, strlen(in_guest));
	expect("'two\nlines\n' 0; ");

	clipboard_channel_grab(channel, TEXT_BIT);
	expect_agent("grab 1; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	expect("wanted 0; ");
	clipboard_channel_answer(channel, CLIPBOARD_WIRE_TEXT, text, strlen(text));
	expect_agent("data 1 '");
	assert_memory_equal(spice_rig_agent_data(rig, &last_bytes), in_guest, strlen(in_guest));
	assert_int_equal(last_bytes, strlen(in_guest));
	clipboard_channel_release(channel);
	expect_agent("release");
}

static void test_text(void **state)
{
	check_text(CAPS, "two\nlines\n");
}

/* As Windows has it. */
static void test_text_crlf(void **state)
{
	check_text(CAPS_CRLF, "two\r\nlines\r\n");
}

static void test_images(void **state)
{
	size_t count;

	for (size_t i = 0; i < IMAGE_BYTES; i++)
		image[i] = (uint8_t)(i * 7 + (i >> 8));
	start(CAPS_CRLF);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, PNG, TEXT));
	expect("grabbed 3; ");
	clipboard_channel_request(channel, CLIPBOARD_WIRE_PNG);
	expect_agent("request 2; ");
	agent_gives(PNG, image, IMAGE_BYTES);
	expect("(300007) 1; ");
	assert_memory_equal(last, image, IMAGE_BYTES);

	clipboard_channel_grab(channel, BOTH_BITS);
	expect_agent("grab 1 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, PNG));
	expect("wanted 1; ");
	clipboard_channel_answer(channel, CLIPBOARD_WIRE_PNG, image, IMAGE_BYTES);
	expect_agent("data 2 (300007); ");
	assert_memory_equal(spice_rig_agent_data(rig, &count), image, IMAGE_BYTES);
}

/* What is not there, is not known, or is of another selection. */
static void test_nothing(void **state)
{
	start(CAPS);
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	expect_agent("data 0 ''; ");
	clipboard_channel_request(channel, CLIPBOARD_WIRE_TEXT);
	expect("nothing 0; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(1, TEXT));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, 77, VD_AGENT_CLIPBOARD_IMAGE_BMP));
	say(VD_AGENT_CLIPBOARD_RELEASE, OTHER_WORDS(0));
	agent_stays_quiet();

	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect("grabbed 1; ");
	clipboard_channel_request(channel, CLIPBOARD_WIRE_TEXT);
	expect_agent("request 1; ");
	agent_gives(VD_AGENT_CLIPBOARD_NONE, NULL, 0);
	expect("nothing 0; ");
	agent_gives(TEXT, "late", 4);
	clipboard_channel_request(channel, CLIPBOARD_WIRE_PNG);
	expect("nothing 1; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, 77));
	expect("released; ");

	clipboard_channel_grab(channel, PNG_BIT);
	expect_agent("grab 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, 77));
	expect_agent("data 0 ''; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, PNG));
	expect("wanted 1; ");
	clipboard_channel_answer(channel, CLIPBOARD_WIRE_PNG, NULL, 0);
	expect_agent("data 0 ''; ");
}

/* One that does not answer is given up on, and asked again when somebody pastes again. */
static void test_mute_agent(void **state)
{
	start(CAPS);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT, PNG));
	expect("grabbed 3; ");
	clipboard_channel_request(channel, CLIPBOARD_WIRE_TEXT);
	expect_agent("request 1; ");
	expect("nothing 0; ");
	clipboard_channel_request(channel, CLIPBOARD_WIRE_TEXT);
	expect_agent("request 1; ");
	agent_gives(TEXT, "at last", 7);
	expect("'at last' 0; ");
}

/* An agent that does not share, one that goes, and what each side has copied meanwhile. */
static void test_agents(void **state)
{
	clipboard_channel_grab(channel, TEXT_BIT);
	agent_comes(0);
	agent_stays_quiet();
	assert_int_equal(shared, 0);
	spice_rig_set_agent(rig, false);
	agent_comes(CAPS);
	wait_shared(1);
	expect_agent("grab 1; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	expect("wanted 0; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, PNG));
	expect("grabbed 2; ");
	clipboard_channel_answer(channel, CLIPBOARD_WIRE_TEXT, "late", 4);
	clipboard_channel_request(channel, CLIPBOARD_WIRE_PNG);
	expect_agent("request 2; ");
	spice_rig_set_agent(rig, false);
	expect("nothing 1; released; ");
	agent_comes(CAPS);
	agent_stays_quiet();
	clipboard_channel_grab(channel, BOTH_BITS);
	expect_agent("grab 1 2; ");
	assert_int_equal(shared, 1);
}

/* Both have copied while they were apart, and each says so before it hears of the other: what was
 * copied here counts. */
static void test_grabs_cross(void **state)
{
	const uint32_t caps = CAPS | 1u << VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL;

	clipboard_channel_grab(channel, TEXT_BIT);
	stay_quiet();
	spice_rig_set_agent(rig, true);
	expect_agent("announce 1 ");
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, caps));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, 0, PNG));
	expect_agent("grab 0 1; ");
	stay_quiet();
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	expect("wanted 0; ");
	clipboard_channel_answer(channel, CLIPBOARD_WIRE_TEXT, "ours", 4);
	expect_agent("data 1 'ours'; ");
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, 1, PNG));
	expect("grabbed 2; ");
}

static void test_server_goes_and_comes_back(void **state)
{
	start(CAPS);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect("grabbed 1; ");
	spice_rig_destroy(rig);
	expect("released; ");
	clipboard_channel_grab(channel, PNG_BIT);
	rig = spice_rig_create(&rig_config);
	agent_comes(CAPS);
	expect_agent("grab 2; ");
	assert_int_equal(shared, 1);
}

/* Another takes the place of the first. */
static void test_opened_again(void **state)
{
	struct clipboard_channel *first = channel;

	start(CAPS);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, TEXT));
	expect("grabbed 1; ");
	channel = NULL;
	open_channel();
	wait_shared(2);
	while (!strstr(heard, "grabbed 1; ") || !strstr(heard, "ended; "))
		loop_dispatch(loop, 10);
	heard[0] = '\0';
	clipboard_channel_destroy(first);
	clipboard_channel_grab(channel, TEXT_BIT);
	expect_agent("grab 1; ");
	/* Who has left has nothing any more. */
	clipboard_channel_destroy(channel);
	channel = NULL;
	expect_agent("release");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(0, TEXT));
	expect_agent("data 0 ''; ");
	peer->ops->stop(peer);
	assert_int_equal(peer->ops->open_clipboard(peer), -ENOTCONN);
}

/* Nothing crosses to a server that is not the picture's. */
static void test_another_machine(void **state)
{
	static const struct uuid other = { { 9 } };
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	peer->ops->stop(peer);
	expect("ended; ");
	spice_rig_set_agent(rig, true);
	assert_int_equal(peer->ops->start(peer, &other), 0);
	open_channel();
	clipboard_channel_grab(channel, TEXT_BIT);
	while (!(peer->ops->state(peer) & SOURCE_INPUT_REFUSED) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 10);
	assert_true(peer->ops->state(peer) & SOURCE_INPUT_REFUSED);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(0, CAPS));
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(0, PNG));
	stay_quiet();
	assert_null(strstr(spice_rig_agent_take(rig), "grab"));
	assert_int_equal(shared, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text),   TEST(test_text_crlf), TEST(test_images),
		TEST(test_nothing), TEST(test_mute_agent), TEST(test_agents),   TEST(test_grabs_cross),
		TEST(test_server_goes_and_comes_back),
		TEST(test_opened_again), TEST(test_another_machine),
	};
	int result;

	log_init(NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return result;
}
