/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our client's input over SPICE: to our own service with its virtio devices, and to a server as of
 * another VMM with a password and a screen.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/scan_codes.h>
#include <cmocka.h>
#include <input/router.h>
#include <input_peer.h>
#include <linux/input-event-codes.h>
#include <source.h>
#include <spice/enums.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <spice_input.h>

#include "input_guest.h"
#include "spice_rig.h"

#define WAIT_NS UINT64_C(20000000000)

static char dir[] = "/tmp/vitrine-spice-input-XXXXXX";
static char path[64];
static const struct uuid uuid = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };
static const struct uuid other_uuid = { { 9 } }, no_uuid;
static struct loop *loop;
static struct input_guest keyboard, tablet, mouse;
static struct input_router *router;
static struct spice_inputs *inputs;
static struct spice_service *service;
static struct input_peer *peer;
static struct spice_rig *rig;
static _Atomic unsigned int changes;

static void on_changed(void *data)
{
	changes++;
}

static void make_service(void)
{
	struct spice_service_config config = { .name = "a machine", .uuid = uuid,
					       .inputs = inputs, .listen = { .path = path } };
	struct option_error error = { "" };

	service = spice_service_create(&config, &error);
	if (!service)
		fail_msg("%s", error.text);
}

static void make_peer(const char *password)
{
	struct spice_address address;
	struct option_error error;

	assert_int_equal(spice_address_parse(&address, path, &error), 0);
	peer = spice_input_create(&address, password);
	assert_non_null(peer);
	peer->listener = (struct input_peer_listener){ .changed = on_changed };
}

static int setup(void **state)
{
	loop = loop_create("test");
	input_guest_open(&keyboard, loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&mouse, loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device, .mouse = mouse.device });
	inputs = spice_inputs_create(loop, router);
	assert_int_equal(input_source_start(spice_inputs_source(inputs)), 0);
	return 0;
}

static int teardown(void **state)
{
	if (peer)
		peer->ops->destroy(peer);
	peer = NULL;
	spice_rig_destroy(rig);
	rig = NULL;
	spice_service_destroy(service);
	service = NULL;
	input_source_destroy(spice_inputs_source(inputs));
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	input_guest_finish(&mouse);
	loop_destroy(loop);
	return 0;
}

static void wait_state(unsigned int state)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (peer->ops->state(peer) != state) {
		if (clock_now_ns() > end_ns)
			fail_msg("state %u instead of %u", peer->ops->state(peer), state);
		loop_dispatch(loop, 5);
	}
}

static void start(void)
{
	make_service();
	make_peer("");
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(SOURCE_INPUT_RELATIVE);
}

static void push(struct input_record record)
{
	assert_int_equal(peer->ops->push(peer, &record), 0);
}

static void key(uint32_t code, int32_t down)
{
	push((struct input_record){ .type = INPUT_KEY, .code = code, .value = down });
}

static void button(uint32_t code, int32_t down)
{
	push((struct input_record){ .type = INPUT_BUTTON, .code = code, .value = down });
}

/* Until that is what the guest has seen since the last call. */
static void expect(struct input_guest *guest, const char *expected)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	char seen[1024] = "";

	while (strlen(seen) < strlen(expected) && clock_now_ns() < end_ns) {
		loop_dispatch(loop, 10);
		strncat(seen, input_guest_text(guest, true), sizeof(seen) - strlen(seen) - 1);
	}
	assert_string_equal(seen, expected);
}

/* --- our own service --------------------------------------------------------------------- */

/* What the keyboard device knows and SPICE has a code for arrives as itself. */
static void test_every_key(void **state)
{
	unsigned int sent = 0;

	start();
	for (uint32_t code = 1; code < KEY_CNT; code++) {
		char expected[64];

		if (!scan_code_of_key(code))
			continue;
		key(code, 1);
		key(code, 0);
		snprintf(expected, sizeof(expected), "key %u 1; key %u 0; ", code, code);
		expect(&keyboard, expected);
		sent++;
	}
	assert_true(sent > 130);
	/* One without a code, and one that is not down. */
	key(KEY_FN, 1);
	key(KEY_B, 0);
	key(KEY_LEFTSHIFT, 1);
	key(KEY_A, 1);
	key(KEY_A, 0);
	key(KEY_LEFTSHIFT, 0);
	expect(&keyboard, "key 42 1; key 30 1; key 30 0; key 42 0; ");
}

static void test_mouse(void **state)
{
	start();
	push((struct input_record){ .type = INPUT_POINTER_REL, .x = -7, .y = 9 });
	expect(&mouse, "rel 0 -7, rel 1 9; ");
	for (uint32_t code = BTN_LEFT; code <= BTN_EXTRA; code++) {
		char expected[64];

		button(code, 1);
		button(code, 0);
		snprintf(expected, sizeof(expected), "key %u 1; key %u 0; ", code, code);
		expect(&mouse, expected);
	}
	button(BTN_TASK, 1);
	button(BTN_LEFT, 1);
	button(BTN_EXTRA, 1);
	button(BTN_LEFT, 0);
	button(BTN_EXTRA, 0);
	expect(&mouse, "key 272 1; key 276 1; key 272 0; key 276 0; ");
	/* Half a notch, and the rest of it; then two the other way. */
	push((struct input_record){ .type = INPUT_WHEEL, .y = 60, .x = 500 });
	push((struct input_record){ .type = INPUT_KEY, .code = KEY_A });
	push((struct input_record){ .type = INPUT_WHEEL, .y = 60 });
	expect(&mouse, "rel 11 120, rel 8 1; ");
	button(BTN_LEFT, 1);
	push((struct input_record){ .type = INPUT_WHEEL, .y = -120 });
	button(BTN_LEFT, 0);
	expect(&mouse, "key 272 1; rel 11 -120, rel 8 -1; key 272 0; ");
}

/* However much comes while the thread is away: none of it is lost in part. */
static void test_many(void **state)
{
	long x = 0, y = 0;
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	start();
	for (int i = 0; i < 20000; i++)
		push((struct input_record){ .type = INPUT_POINTER_REL, .x = 3, .y = -1 });
	while ((x != 60000 || y != -20000) && clock_now_ns() < end_ns) {
		const char *text;

		loop_dispatch(loop, 5);
		text = input_guest_text(&mouse, true);
		while ((text = strstr(text, "rel "))) {
			int axis, value;

			assert_int_equal(sscanf(text, "rel %d %d", &axis, &value), 2);
			*(axis ? &y : &x) += value;
			text++;
		}
	}
	assert_int_equal(x, 60000);
	assert_int_equal(y, -20000);
}

static void hold(void)
{
	key(KEY_A, 1);
	key(KEY_RIGHTCTRL, 1);
	expect(&keyboard, "key 30 1; key 97 1; ");
	button(BTN_LEFT, 1);
	expect(&tablet, "key 272 1; ");
}

static void test_releases(void **state)
{
	start();
	hold();
	push((struct input_record){ .type = INPUT_RELEASE_ALL });
	expect(&keyboard, "key 30 0; key 97 0; ");
	expect(&tablet, "key 272 0; ");
	hold();
	peer->ops->stop(peer);
	expect(&keyboard, "key 30 0; key 97 0; ");
	expect(&tablet, "key 272 0; ");
	/* And in a new session nothing is down. */
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(SOURCE_INPUT_RELATIVE);
	hold();
	peer->ops->destroy(peer);
	peer = NULL;
	expect(&keyboard, "key 30 0; key 97 0; ");
	expect(&tablet, "key 272 0; ");
}

static void test_stopped_is_silent(void **state)
{
	const struct input_record record = { .type = INPUT_KEY, .code = KEY_A, .value = 1 };
	unsigned int before;

	start();
	peer->ops->stop(peer);
	peer->ops->stop(peer);
	before = changes;
	spice_service_destroy(service);
	make_service();
	for (int i = 0; i < 200; i++)
		loop_dispatch(loop, 5);
	assert_int_equal(changes, before);
	peer->ops->push(peer, &record);
	for (int i = 0; i < 20; i++)
		loop_dispatch(loop, 5);
	assert_string_equal(input_guest_text(&keyboard, true), "");
}

/* --- servers that come and go ------------------------------------------------------------ */

static void test_server_restarts(void **state)
{
	const struct input_record record = { .type = INPUT_KEY, .code = KEY_A, .value = 1 };

	make_peer("");
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(SOURCE_INPUT_AWAY);
	assert_int_equal(peer->ops->push(peer, &record), -ENOTCONN);
	for (int i = 0; i < 3; i++) {
		make_service();
		wait_state(SOURCE_INPUT_RELATIVE);
		hold();
		spice_service_destroy(service);
		service = NULL;
		expect(&keyboard, "key 30 0; key 97 0; ");
		expect(&tablet, "key 272 0; ");
		wait_state(SOURCE_INPUT_AWAY);
		assert_int_equal(peer->ops->push(peer, &record), -ENOTCONN);
	}
}

static int listen_here(void)
{
	struct option_error error = { "" };
	int fd = spice_listen_open(&(struct spice_listen_config){ .path = path }, &error);

	if (fd < 0)
		fail_msg("%s", error.text);
	return fd;
}

/* One that says nothing, one that hangs up, and ones that talk nonsense: all are left. */
static void test_liars(void **state)
{
	static const char *const says[] = { "", "REDQ", "HTTP/1.0 400 Bad Request\r\n\r\n",
		"REDQ\2\0\0\0\2\0\0\0\xff\xff\xff\x0f", "REDQ\2\0\0\0\2\0\0\0\xba\0\0\0" };
	static const size_t bytes[] = { 0, 4, 28, 16, 16 };
	uint64_t end_ns;

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		int listener = listen_here(), fd = -1;

		make_peer("");
		assert_int_equal(peer->ops->start(peer, &uuid), 0);
		end_ns = clock_now_ns() + WAIT_NS;
		while (fd < 0 && clock_now_ns() < end_ns) {
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			usleep(1000);
		}
		assert_true(fd >= 0);
		if (bytes[i])
			assert_int_equal(send(fd, says[i], bytes[i], MSG_NOSIGNAL), bytes[i]);
		usleep(50000);
		assert_int_equal(peer->ops->state(peer), SOURCE_INPUT_AWAY);
		close(fd);
		close(listener);
		unlink(path);
		peer->ops->destroy(peer);
	}
	start();
	key(KEY_A, 1);
	expect(&keyboard, "key 30 1; ");
}

static void test_other_vm(void **state)
{
	const struct input_record record = { .type = INPUT_KEY, .code = KEY_A, .value = 1 };

	make_service();
	make_peer("");
	assert_int_equal(peer->ops->start(peer, &other_uuid), 0);
	wait_state(SOURCE_INPUT_REFUSED);
	assert_int_equal(peer->ops->push(peer, &record), -ENOTCONN);
	for (int i = 0; i < 300; i++)
		loop_dispatch(loop, 5);
	assert_int_equal(peer->ops->state(peer), SOURCE_INPUT_REFUSED);
	assert_string_equal(input_guest_text(&keyboard, true), "");
	peer->ops->stop(peer);
	/* One that does not say is taken. */
	assert_int_equal(peer->ops->start(peer, &no_uuid), 0);
	wait_state(SOURCE_INPUT_RELATIVE);
}

/* --- another VMM's server ---------------------------------------------------------------- */

static void expect_rig(const char *expected)
{
	assert_string_equal(spice_rig_wait(rig, expected), expected);
}

static void test_password(void **state)
{
	const struct spice_rig_config config = { .path = path, .password = "open sesame" };

	rig = spice_rig_create(&config);
	make_peer("open sesame");
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(SOURCE_INPUT_RELATIVE);
	key(KEY_RIGHT, 1);
	expect_rig("scan e0; scan 4d; ");
	peer->ops->destroy(peer);
	expect_rig("scan e0; scan cd; ");
	for (int i = 0; i < 2; i++) {
		unsigned int channels = spice_rig_channels(rig);

		make_peer(i ? "open barley" : "");
		assert_int_equal(peer->ops->start(peer, &uuid), 0);
		for (int j = 0; j < 300; j++)
			loop_dispatch(loop, 5);
		assert_int_equal(peer->ops->state(peer), SOURCE_INPUT_AWAY);
		assert_int_equal(spice_rig_channels(rig), channels);
		peer->ops->destroy(peer);
	}
	peer = NULL;
}

static void test_only_two_channels(void **state)
{
	const struct spice_rig_config config = { .path = path, .screen = true };

	rig = spice_rig_create(&config);
	make_peer("");
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(0);
	assert_int_equal(spice_rig_channels(rig), 2);
}

static void test_lamps(void **state)
{
	const struct spice_rig_config config = { .path = path, .screen = true };

	rig = spice_rig_create(&config);
	make_peer("");
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(0);
	spice_rig_set_lamps(rig, SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK |
			    SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK);
	wait_state(SOURCE_INPUT_CAPS_LOCK | SOURCE_INPUT_SCROLL_LOCK);
	spice_rig_set_lamps(rig, SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK);
	wait_state(SOURCE_INPUT_NUM_LOCK);
	/* They are known from the beginning of a connection, too. */
	peer->ops->stop(peer);
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(SOURCE_INPUT_NUM_LOCK);
	spice_rig_set_lamps(rig, 0);
	wait_state(0);
}

static void position(int32_t x, int32_t y)
{
	push((struct input_record){ .type = INPUT_POINTER_ABS, .x = x, .y = y });
}

static void test_positions(void **state)
{
	const struct spice_rig_config config = { .path = path, .screen = true };

	rig = spice_rig_create(&config);
	make_peer("");
	assert_int_equal(peer->ops->start(peer, &uuid), 0);
	wait_state(0);
	position(100, 200);
	expect_rig("at 100 200 0; ");
	button(BTN_LEFT, 1);
	expect_rig("buttons 1; ");
	position(1919, 1079);
	button(BTN_LEFT, 0);
	expect_rig("at 1919 1079 1; buttons 0; ");
	/* Relative by the user's wish and back: the server is asked for the other mode. */
	for (int i = 0; i < 3; i++) {
		/* What comes before the mode has changed is lost. */
		for (int j = 0; j < 5000 && !spice_rig_has(rig, "motion"); j++) {
			push((struct input_record){ .type = INPUT_POINTER_REL, .x = 5 });
			usleep(1000);
		}
		assert_true(spice_rig_has(rig, "motion"));
		assert_int_equal(peer->ops->state(peer), 0);
		position(33, 44);
		assert_non_null(strstr(spice_rig_wait(rig, "at 33 44 0; "), "at 33 44 0; "));
	}
	/* The tablet goes, and comes back. */
	spice_rig_set_tablet(rig, false);
	wait_state(SOURCE_INPUT_RELATIVE);
	push((struct input_record){ .type = INPUT_POINTER_REL, .x = 6, .y = 1 });
	assert_non_null(strstr(spice_rig_wait(rig, "motion 6 1 0; "), "motion 6 1 0; "));
	spice_rig_set_tablet(rig, true);
	position(1, 2);
	wait_state(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_key),         TEST(test_mouse),
		TEST(test_many),              TEST(test_releases),
		TEST(test_stopped_is_silent), TEST(test_server_restarts),
		TEST(test_liars),             TEST(test_other_vm),
		TEST(test_password),          TEST(test_only_two_channels),
		TEST(test_lamps),
		TEST(test_positions),
	};
	int failed;

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
