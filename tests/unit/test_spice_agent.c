/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clipboard through libspice-server, with a client of our own that speaks as Looking Glass B7
 * does. Three threads, as in a run: the clipboard's, libspice-server's, and here the client.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/loop.h>
#include <clipboard/clipboard.h>
#include <cmocka.h>
#include <input/router.h>
#include <spice/protocol.h>
#include <spice/spice_agent.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>

#include "clipboard_mock.h"
#include "input_guest.h"
#include "spice_client.h"
#include "vdagent_other.h"

#define WAIT_NS UINT64_C(20000000000)
#define CAPS (1u << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND | 1u << VD_AGENT_CAP_CLIPBOARD_SELECTION)
/* By demand, no selection, numbered grabs; monitors with holes, and a reply about them; LF; no
 * release before a grab; and of libspice-server, no files. */
#define ANNOUNCED "announce 0 205222; "
#define TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define PNG VD_AGENT_CLIPBOARD_IMAGE_PNG
#define IMAGE_BYTES 300007

static char dir[] = "/tmp/vitrine-agent-XXXXXX";
static char path[64];
static struct loop *loop;
static struct loop *input_loop;
static struct input_guest keyboard, tablet, mouse;
static struct input_router *router;
static struct spice_inputs *inputs;
static struct clipboard *clipboard;
static struct clipboard_mock guest;
static struct spice_agent *agent;
static struct spice_service *service;
static struct spice_client_agent client;
static struct vdagent_other other;
static uint32_t piece_left;     /* of the message that is coming */
static uint8_t image[IMAGE_BYTES];
static char sizes[128];

/* ---- on the clipboard's thread ---- */

static void on_monitors(void *data, const struct vdagent_monitor *monitors, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		size_t used = strlen(sizes);

		snprintf(sizes + used, sizeof(sizes) - used, "%ux%u ", monitors[i].width,
			 monitors[i].height);
	}
}

static void open_clipboard(void *data)
{
	const struct spice_agent_config config = { .main_loop = loop, .monitors = on_monitors };
	struct spice_agent_config with = config;

	clipboard = clipboard_create(loop);
	clipboard_mock_init(&guest, "guest");
	assert_int_equal(clipboard_join(clipboard, &guest.party), 0);
	with.clipboard = clipboard;
	agent = spice_agent_create(&with);
}

static void close_clipboard(void *data)
{
	spice_agent_destroy(agent);
	clipboard_mock_finish(&guest);
	clipboard_destroy(clipboard);
}

static void guest_grab(void *data)
{
	const uint32_t *types = data;

	clipboard_grab(&guest.party, *types);
}

static void guest_request(void *data)
{
	const enum clipboard_type *type = data;

	clipboard_request(&guest.party, *type);
}

struct copied_text {
	const char *from;
	char text[1024];
};

static void copy_text(void *data)
{
	struct copied_text *copied = data;

	snprintf(copied->text, sizeof(copied->text), "%s", copied->from);
}

static void clear_guest_text(void *data)
{
	guest.text[0] = 0;
}

/* ---- on the test's ---- */

/* Every message begins a fresh AGENT_DATA, which has its header whole and nothing of another
 * one. */
static void on_heard(void *data, const uint8_t *bytes, size_t size)
{
	uint32_t chunk[2] = { VDP_CLIENT_PORT, (uint32_t)size };

	assert_true(size <= VD_AGENT_MAX_DATA_SIZE);
	if (!piece_left) {
		assert_true(size >= sizeof(VDAgentMessage));
		memcpy(&piece_left, bytes + offsetof(VDAgentMessage, size), sizeof(piece_left));
		assert_true(piece_left >= size - sizeof(VDAgentMessage));
		piece_left -= (uint32_t)(size - sizeof(VDAgentMessage));
	} else {
		assert_true(size <= piece_left);
		piece_left -= (uint32_t)size;
	}
	vdagent_other_hear(&other, (const uint8_t *)chunk, sizeof(chunk));
	vdagent_other_hear(&other, bytes, size);
}

static int open_all(void **state)
{
	struct spice_service_config config = { .name = "a machine", .listen = { .path = path } };
	struct option_error error;

	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 2654435761u >> 13);
	input_loop = loop_create("input");
	input_guest_open(&keyboard, input_loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, input_loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&mouse, input_loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device, .mouse = mouse.device });
	inputs = spice_inputs_create(input_loop, router);
	loop = loop_create("main");
	assert_int_equal(loop_start(loop), 0);
	loop_call(loop, open_clipboard, NULL);
	config.inputs = inputs;
	config.agent = agent;
	service = spice_service_create(&config, &error);
	vdagent_other_init(&other);
	client = (struct spice_client_agent){ .fd = -1, .heard = on_heard };
	sizes[0] = 0;
	return service && agent ? 0 : -1;
}

static int close_all(void **state)
{
	if (client.fd >= 0)
		close(client.fd);
	spice_service_destroy(service);
	loop_call(loop, close_clipboard, NULL);
	loop_stop(loop);
	loop_destroy(loop);
	vdagent_other_finish(&other);
	input_source_destroy(spice_inputs_source(inputs));
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	input_guest_finish(&mouse);
	loop_destroy(input_loop);
	return 0;
}

static void connect_client(bool limited)
{
	client.fd = spice_client_connect(path);
	client.limited = limited;
	piece_left = 0;
	vdagent_other_finish(&other);
	vdagent_other_init(&other);
	assert_true(client.fd >= 0);
	assert_int_equal(spice_client_link(client.fd, 0, SPICE_CHANNEL_MAIN), 0);
	assert_int_equal(spice_client_agent_start(&client), 0);
}

static void close_client(void)
{
	close(client.fd);
	client.fd = -1;
}

static void say(uint32_t type, uint32_t words, const uint32_t *values)
{
	assert_int_equal(spice_client_agent_send(&client, type, values, 4 * words), 0);
}

static void say_data(uint32_t type, const void *bytes, size_t count)
{
	uint8_t *body = malloc(count + 4);

	memcpy(body, &type, 4);
	memcpy(body + 4, bytes, count);
	assert_int_equal(spice_client_agent_send(&client, VD_AGENT_CLIPBOARD, body, count + 4), 0);
	free(body);
}

static void expect_heard(const char *expected)
{
	while (strlen(other.text) < strlen(expected))
		assert_int_equal(spice_client_agent_receive(&client), 0);
	assert_string_equal(other.text, expected);
	other.text[0] = 0;
}

/* What the guest's party was told, or the sizes that came, in time. */
static void expect_on_main(const char *from, const char *expected)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	struct copied_text copied = { .from = from };

	do {
		loop_call(loop, copy_text, &copied);
		if (strlen(copied.text) < strlen(expected))
			usleep(1000);
	} while (strlen(copied.text) < strlen(expected) && clock_now_ns() < end_ns);
	assert_string_equal(copied.text, expected);
	if (from == guest.text)
		loop_call(loop, clear_guest_text, NULL);
}

static void expect_guest(const char *expected)
{
	expect_on_main(guest.text, expected);
}

static void grab_for_guest(uint32_t types)
{
	loop_call(loop, guest_grab, &types);
}

static void request_for_guest(enum clipboard_type type)
{
	loop_call(loop, guest_request, &type);
}

static void meet(bool limited)
{
	connect_client(limited);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, CAPS));
	expect_heard(ANNOUNCED);
}

/* ---- tests ---- */

static void test_text(void **state)
{
	meet(false);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_guest("grabbed 1; ");
	request_for_guest(CLIPBOARD_TEXT);
	expect_heard("request 1; ");
	say_data(TEXT, "from the client\nin UTF-8: \xc3\xa4", 28);
	expect_guest("'from the client\nin UTF-8: \xc3\xa4' 0; ");

	guest.answer = "from the guest";
	guest.answer_bytes = 14;
	grab_for_guest(3);
	expect_heard("grab 1 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(TEXT));
	expect_heard("data 1 'from the guest'; ");
	expect_guest("wanted 0; ");
	grab_for_guest(0);
	expect_heard("release; ");
}

static void test_images(void **state)
{
	/* As Looking Glass gives tokens, and as spice-gtk does. */
	for (int limited = 0; limited < 2; limited++) {
		meet(limited);
		say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(PNG));
		expect_guest("grabbed 2; ");
		request_for_guest(CLIPBOARD_PNG);
		expect_heard("request 2; ");
		say_data(PNG, image, sizeof(image));
		expect_guest("(300007) 1; ");
		assert_memory_equal(guest.bytes, image, sizeof(image));

		guest.answer = image;
		guest.answer_bytes = sizeof(image);
		grab_for_guest(2);
		expect_heard("grab 2; ");
		say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
		expect_heard("data 2 (300007); ");
		assert_int_equal(other.body_bytes, sizeof(image));
		assert_memory_equal(other.body, image, sizeof(image));
		expect_guest("wanted 1; ");
		grab_for_guest(0);
		expect_heard("release; ");
		close_client();
	}
}

static void test_largest(void **state)
{
	uint8_t *large = malloc(CLIPBOARD_MAX_BYTES);

	assert_non_null(large);
	for (size_t i = 0; i < CLIPBOARD_MAX_BYTES; i++)
		large[i] = (uint8_t)(i * 2654435761u >> 16);
	guest.answer = large;
	guest.answer_bytes = CLIPBOARD_MAX_BYTES;
	grab_for_guest(2);
	connect_client(true);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, CAPS));
	expect_heard(ANNOUNCED "grab 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
	expect_heard("data 2 (33554432); ");
	assert_memory_equal(other.body, large, CLIPBOARD_MAX_BYTES);
	free(large);
}

static void test_client_goes(void **state)
{
	const VDAgentMessage half = { .protocol = VD_AGENT_PROTOCOL, .type = VD_AGENT_CLIPBOARD,
				      .size = 5000 };

	meet(false);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_guest("grabbed 1; ");
	/* In the middle of what it says. */
	assert_int_equal(spice_client_agent_send_raw(&client, &half, sizeof(half)), 0);
	assert_int_equal(spice_client_agent_send_raw(&client, image, 2048), 0);
	close_client();
	expect_guest("released 0; ");

	/* In the middle of what it is told, without ever reading it. */
	guest.answer = image;
	guest.answer_bytes = sizeof(image);
	for (int round = 0; round < 3; round++) {
		meet(true);
		grab_for_guest(2);
		expect_heard("grab 2; ");
		say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
		expect_guest("wanted 1; ");
		close_client();
		grab_for_guest(0);
	}
	grab_for_guest(1);
	connect_client(false);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, CAPS));
	expect_heard(ANNOUNCED "grab 1; ");
}

/* A second client takes over, in the middle of what both are about. */
static void test_second_client(void **state)
{
	int first;

	guest.answer = image;
	guest.answer_bytes = sizeof(image);
	meet(true);
	grab_for_guest(2);
	expect_heard("grab 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
	expect_guest("wanted 1; ");
	first = client.fd;
	connect_client(false);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, CAPS));
	expect_heard(ANNOUNCED "grab 2; ");
	say(VD_AGENT_CLIPBOARD_REQUEST, OTHER_WORDS(PNG));
	expect_heard("data 2 (300007); ");
	assert_memory_equal(other.body, image, sizeof(image));
	close(first);
}

static void test_monitors(void **state)
{
	connect_client(false);
	say(VD_AGENT_ANNOUNCE_CAPABILITIES, OTHER_WORDS(1, CAPS | 1u << VD_AGENT_CAP_REPLY));
	expect_heard(ANNOUNCED);
	say(VD_AGENT_MONITORS_CONFIG, OTHER_WORDS(1, 0, 600, 800, 32, 0, 0));
	expect_heard("reply 2 1; ");
	expect_on_main(sizes, "800x600 ");
}

/* A message without an end. */
static void send_without_tokens(const uint8_t *bytes, size_t count)
{
	const VDAgentMessage endless = { .protocol = VD_AGENT_PROTOCOL, .type = VD_AGENT_CLIPBOARD,
					 .size = 0xffffffff };

	spice_client_agent_send_raw(&client, &endless, sizeof(endless));
	for (int i = 0; i < 200; i++)
		spice_client_send(client.fd, SPICE_MSGC_MAIN_AGENT_DATA, bytes, count);
}

/* Ended by us or by libspice-server; the next client is served. */
static void test_hostile(void **state)
{
	const VDAgentMessage foreign = { .protocol = 7, .type = VD_AGENT_CLIPBOARD, .size = 10 };
	uint8_t noise[2048];
	uint64_t seed = 1;

	for (int round = 0; round < 12; round++) {
		meet(false);
		for (size_t i = 0; i < sizeof(noise); i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			noise[i] = (uint8_t)(seed >> 56);
		}
		if (round % 3 == 0)
			spice_client_agent_send_raw(&client, &foreign, sizeof(foreign));
		else if (round % 3 == 1)
			for (uint32_t type = 0; type < 40; type++)
				spice_client_agent_send(&client, type, noise, 400);
		else
			send_without_tokens(noise, sizeof(noise));
		close_client();
	}
	meet(false);
	loop_call(loop, clear_guest_text, NULL);
	say(VD_AGENT_CLIPBOARD_GRAB, OTHER_WORDS(TEXT));
	expect_guest("grabbed 1; ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text),        TEST(test_images),        TEST(test_largest),
		TEST(test_client_goes), TEST(test_second_client), TEST(test_monitors),
		TEST(test_hostile),
	};
	int failed;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
