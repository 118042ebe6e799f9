/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libspice-server with a client of our own, over its unix socket; the guest is a fake. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <cmocka.h>
#include <input/router.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>
#include <spice/protocol.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>

#include "input_guest.h"
#include "spice_client.h"

#define WAIT_NS UINT64_C(10000000000)

static char dir[] = "/tmp/vitrine-spice-XXXXXX";
static char path[64];
static const struct uuid uuid = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };
static struct loop *loop;
static struct input_guest keyboard, tablet, mouse;
static struct input_router *router;
static struct spice_inputs *inputs;
static struct spice_service *service;
static struct spice_client_message message;

static struct spice_service *create(const char *text, struct option_error *error)
{
	struct spice_service_config config = { .name = "a machine", .uuid = uuid,
					       .inputs = inputs };
	struct spice_service *made = NULL;

	if (spice_listen_config_parse(&config.listen, text, error) == 0)
		made = spice_service_create(&config, error);
	spice_listen_config_finish(&config.listen);
	return made;
}

static int open_all(void **state)
{
	struct option_error error;
	char text[80];

	loop = loop_create("test");
	input_guest_open(&keyboard, loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&mouse, loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device, .mouse = mouse.device });
	inputs = spice_inputs_create(loop, router);
	assert_int_equal(input_source_start(spice_inputs_source(inputs)), 0);
	snprintf(text, sizeof(text), "unix=%s", path);
	service = create(text, &error);
	return service ? 0 : -1;
}

static int close_all(void **state)
{
	spice_service_destroy(service);
	assert_int_equal(access(path, F_OK), -1);
	input_source_destroy(spice_inputs_source(inputs));
	assert_false(input_router_holds(router));
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	input_guest_finish(&mouse);
	loop_destroy(loop);
	return 0;
}

static uint32_t word(size_t at)
{
	uint32_t value;

	assert_true(at + 4 <= message.size);
	memcpy(&value, message.bytes + at, 4);
	return value;
}

static int connected(void)
{
	int fd = spice_client_connect(path);

	assert_true(fd >= 0);
	return fd;
}

/* MAIN up to its channel list, which must name INPUTS. The session's number. */
static uint32_t open_main(int fd)
{
	bool name = false, same_uuid = false, list = false, has_inputs = false;
	uint32_t session;

	assert_int_equal(spice_client_link(fd, 0, SPICE_CHANNEL_MAIN), 0);
	assert_int_equal(spice_client_receive(fd, &message), 0);
	assert_int_equal(message.type, SPICE_MSG_MAIN_INIT);
	session = word(0);
	assert_int_equal(word(12), SPICE_MOUSE_MODE_SERVER);
	assert_int_equal(word(16), 0);          /* no agent */
	assert_int_equal(spice_client_send(fd, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL, 0), 0);
	while (!name || !same_uuid || !list) {
		assert_int_equal(spice_client_receive(fd, &message), 0);
		if (message.type == SPICE_MSG_MAIN_NAME)
			name = word(0) == 10 && !strcmp((char *)message.bytes + 4, "a machine");
		else if (message.type == SPICE_MSG_MAIN_UUID)
			same_uuid = message.size == 16 && !memcmp(message.bytes, &uuid, 16);
		else if (message.type == SPICE_MSG_MAIN_CHANNELS_LIST)
			list = true;
		if (message.type == SPICE_MSG_MAIN_CHANNELS_LIST)
			for (uint32_t i = 0; i < word(0); i++)
				has_inputs |= message.bytes[4 + 2 * i] == SPICE_CHANNEL_INPUTS;
	}
	assert_true(has_inputs);
	return session;
}

static int open_inputs(uint32_t session)
{
	int fd = connected();

	assert_int_equal(spice_client_link(fd, session, SPICE_CHANNEL_INPUTS), 0);
	assert_int_equal(spice_client_receive(fd, &message), 0);
	assert_int_equal(message.type, SPICE_MSG_INPUTS_INIT);
	return fd;
}

/* Until that is what the guest has seen since the last call. */
static void expect(struct input_guest *guest, const char *expected)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	char seen[256] = "";

	while (strlen(seen) < strlen(expected) && clock_now_ns() < end_ns) {
		loop_dispatch(loop, 10);
		strncat(seen, input_guest_text(guest, true), sizeof(seen) - strlen(seen) - 1);
	}
	assert_string_equal(seen, expected);
}

static void send_key(int fd, uint16_t type, uint32_t code)
{
	assert_int_equal(spice_client_send(fd, type, &code, sizeof(code)), 0);
}

static void send_button(int fd, uint16_t type, uint8_t button, uint16_t mask)
{
	const struct __attribute__((packed)) {
		uint8_t button;
		uint16_t mask;
	} press = { button, mask };

	assert_int_equal(spice_client_send(fd, type, &press, sizeof(press)), 0);
}

static void test_session(void **state)
{
	const struct __attribute__((packed)) {
		int32_t x, y;
		uint16_t buttons;
	} motion = { -7, 9, 0 };
	int main_fd = connected();
	int fd = open_inputs(open_main(main_fd));

	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
	send_key(fd, SPICE_MSGC_INPUTS_KEY_UP, 0x9e);
	/* Right, as Looking Glass B7 sends it. */
	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x00df4de0);
	send_key(fd, SPICE_MSGC_INPUTS_KEY_UP, 0x00dfcde0);
	expect(&keyboard, "key 30 1; key 30 0; key 106 1; key 106 0; ");

	assert_int_equal(spice_client_send(fd, SPICE_MSGC_INPUTS_MOUSE_MOTION, &motion,
					   sizeof(motion)), 0);
	expect(&mouse, "rel 0 -7, rel 1 9; ");
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_LEFT,
		    SPICE_MOUSE_BUTTON_MASK_LEFT);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_RELEASE, SPICE_MOUSE_BUTTON_LEFT, 0);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_RIGHT,
		    SPICE_MOUSE_BUTTON_MASK_RIGHT);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_RELEASE, SPICE_MOUSE_BUTTON_RIGHT, 0);
	expect(&mouse, "key 272 1; key 272 0; key 273 1; key 273 0; ");
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_MIDDLE,
		    SPICE_MOUSE_BUTTON_MASK_MIDDLE);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_SIDE,
		    SPICE_MOUSE_BUTTON_MASK_MIDDLE | SPICE_MOUSE_BUTTON_MASK_SIDE);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_EXTRA,
		    SPICE_MOUSE_BUTTON_MASK_SIDE | SPICE_MOUSE_BUTTON_MASK_EXTRA);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_RELEASE, SPICE_MOUSE_BUTTON_EXTRA, 0);
	expect(&mouse, "key 274 1; key 275 1; key 274 0; key 276 1; key 275 0; key 276 0; ");
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_UP, 0);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_RELEASE, SPICE_MOUSE_BUTTON_UP, 0);
	expect(&mouse, "rel 11 120, rel 8 1; ");
	close(fd);
	close(main_fd);
}

/* It dies with keys and a button down. */
static void test_close_releases(void **state)
{
	int main_fd = connected();
	int fd = open_inputs(open_main(main_fd));

	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x00df1de0);
	send_button(fd, SPICE_MSGC_INPUTS_MOUSE_PRESS, SPICE_MOUSE_BUTTON_LEFT,
		    SPICE_MOUSE_BUTTON_MASK_LEFT);
	expect(&keyboard, "key 30 1; key 97 1; ");
	expect(&tablet, "key 272 1; ");
	close(fd);
	expect(&tablet, "key 272 0; ");
	expect(&keyboard, "key 30 0; key 97 0; ");
	/* MAIN goes on, and INPUTS may come again. */
	close(main_fd);
	main_fd = connected();
	fd = open_inputs(open_main(main_fd));
	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1f);
	expect(&keyboard, "key 31 1; ");
	spice_service_destroy(service);
	service = NULL;
	expect(&keyboard, "key 31 0; ");
	close(fd);
	close(main_fd);
}

/* The mouse stays relative whatever is asked for: there is no display to be absolute on. */
static void test_mouse_mode(void **state)
{
	const uint16_t client = SPICE_MOUSE_MODE_CLIENT;
	const struct __attribute__((packed)) {
		uint32_t x, y;
		uint16_t buttons;
		uint8_t display;
	} position = { 5, 5, 0, 0 };
	int main_fd = connected();
	int fd = open_inputs(open_main(main_fd));

	assert_int_equal(spice_client_send(main_fd, SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, &client,
					   sizeof(client)), 0);
	assert_int_equal(spice_client_send(fd, SPICE_MSGC_INPUTS_MOUSE_POSITION, &position,
					   sizeof(position)), 0);
	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
	expect(&keyboard, "key 30 1; ");
	assert_string_equal(input_guest_text(&tablet, true), "");
	close(fd);
	close(main_fd);
}

static void light(uint16_t code, uint32_t value)
{
	struct virtio_input_event event = {
		.type = htole16(EV_LED), .code = htole16(code), .value = htole32(value),
	};

	assert_int_equal(fake_queue_request(fake_guest_queue(keyboard.guest, 1), &event,
					    sizeof(event), NULL, 0), 0);
}

static void expect_leds(int fd, uint16_t leds)
{
	/* The same may be told twice. */
	do {
		assert_int_equal(spice_client_receive(fd, &message), 0);
		assert_int_equal(message.type, SPICE_MSG_INPUTS_KEY_MODIFIERS);
	} while ((message.bytes[0] | message.bytes[1] << 8) != leds);
}

static void test_leds(void **state)
{
	int main_fd = connected(), fd;
	uint32_t session;

	light(LED_NUML, 1);
	session = open_main(main_fd);
	fd = open_inputs(session);
	assert_int_equal(message.bytes[0], SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK);
	light(LED_CAPSL, 1);
	expect_leds(fd, SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK |
			SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK);
	light(LED_NUML, 0);
	expect_leds(fd, SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK);
	light(LED_SCROLLL, 1);
	expect_leds(fd, SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK |
			SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK);
	fake_guest_stop(keyboard.guest);
	expect_leds(fd, 0);
	close(fd);
	close(main_fd);
}

static void send_garbage(uint64_t seed)
{
	uint8_t bytes[512];
	int fd = connected();

	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(seed >> 56);
	}
	if (seed % 2)
		memcpy(bytes, "REDQ\2\0\0\0\2\0\0\0", 12);
	spice_client_write(fd, bytes, sizeof(bytes));
	close(fd);
}

/* Before a session, and within one: both are ended, the next is served. */
/* A connection as MAIN, as soon as the server has seen enough of the others go. */
static int linked_in_time(void)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	int fd;

	do {
		fd = connected();
		if (spice_client_link(fd, 0, SPICE_CHANNEL_MAIN) == 0)
			return fd;
		close(fd);
	} while (clock_now_ns() < end_ns);
	fail_msg("the server takes no connection any more");
	return -1;
}

static void test_garbage(void **state)
{
	static const uint8_t bad[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	int main_fd, fd;

	for (uint64_t i = 0; i < 32; i++)
		send_garbage(i * 77 + 1);
	close(linked_in_time());
	main_fd = connected();
	fd = open_inputs(open_main(main_fd));
	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
	expect(&keyboard, "key 30 1; ");
	spice_client_write(fd, bad, sizeof(bad));
	expect(&keyboard, "key 30 0; ");
	close(fd);
	close(main_fd);
	main_fd = connected();
	open_main(main_fd);
	close(main_fd);
}

static void test_many_connections(void **state)
{
	int fds[3 * SPICE_SERVICE_MAX_CONNECTIONS], fd;
	char byte;

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fds[i] = connected();
	/* The last is beyond the limit. */
	assert_int_equal(recv(fds[sizeof(fds) / sizeof(fds[0]) - 1], &byte, 1, 0), 0);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	fd = linked_in_time();
	close(fd);
}

/* The end finds connections that are half open, some of whose clients have just gone. */
static void test_half_open(void **state)
{
	struct option_error error;
	char text[80];
	int fds[SPICE_SERVICE_MAX_CONNECTIONS];

	snprintf(text, sizeof(text), "unix=%s", path);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
			fds[i] = connected();
			assert_int_equal(send(fds[i], "REDQ", 4, MSG_NOSIGNAL), 4);
		}
		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i += 2)
			close(fds[i]);
		spice_service_destroy(service);
		for (size_t i = 1; i < sizeof(fds) / sizeof(fds[0]); i += 2)
			close(fds[i]);
		service = create(text, &error);
		assert_non_null(service);
	}
}

/* A second one takes over; what the first held goes up. */
static void test_second_client(void **state)
{
	int main_fd = connected(), fd = open_inputs(open_main(main_fd)), other_main, other;

	send_key(fd, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
	expect(&keyboard, "key 30 1; ");
	other_main = connected();
	other = open_inputs(open_main(other_main));
	expect(&keyboard, "key 30 0; ");
	send_key(other, SPICE_MSGC_INPUTS_KEY_DOWN, 0x1f);
	expect(&keyboard, "key 31 1; ");
	close(fd);
	close(main_fd);
	close(other);
	close(other_main);
}

static void refuse(const char *text, const char *words)
{
	struct option_error error = { "" };

	assert_null(create(text, &error));
	if (!strstr(error.text, words) || strncmp(error.text, "spice: ", 7))
		fail_msg("no '%s' in '%s'", words, error.text);
}

static void test_config(void **state)
{
	char text[256];

	refuse("", "either");
	refuse("unix=", "value");
	refuse("unix=/a,port=5900", "either");
	refuse("unix=/a,addr=127.0.0.1", "addr=");
	refuse("addr=127.0.0.1", "either");
	refuse("port=0", "port");
	refuse("port=65536", "port");
	refuse("port=5900,addr=0.0.0.0", "loopback");
	refuse("port=5900,addr=192.168.1.1", "loopback");
	refuse("port=5900,addr=::", "loopback");
	refuse("port=5900,addr=localhost", "loopback");
	refuse("prot=5900", "port");
	snprintf(text, sizeof(text), "unix=/tmp/%0120d", 0);
	refuse(text, "too long");
	snprintf(text, sizeof(text), "unix=/tmp/%0102d", 0);
	assert_int_equal(strlen(text + 5), 107);
	refuse("unix=/nonexistent/spice", "No such file");
	refuse("unix=/dev/null", "no socket");
}

static void test_path(void **state)
{
	struct option_error error = { "" };
	struct stat status;
	char text[80];
	int stale;

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	snprintf(text, sizeof(text), "unix=%s", path);
	refuse(text, "in use");
	assert_int_equal(access(path, F_OK), 0);
	spice_service_destroy(service);

	/* One whose owner has died is replaced. */
	stale = spice_listen_open(&(struct spice_listen_config){ .path = path }, &error);
	assert_true(stale >= 0);
	close(stale);
	service = create(text, &error);
	assert_non_null(service);
}

static void test_port(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t bytes = sizeof(address);
	int taken = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct option_error error = { "" };
	struct spice_service *other;
	char text[32];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(taken, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &bytes), 0);
	snprintf(text, sizeof(text), "port=%u", ntohs(address.sin_port));
	refuse(text, "in use");
	close(taken);
	other = create(text, &error);
	assert_non_null(other);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, bytes), 0);
	open_main(fd);
	close(fd);
	spice_service_destroy(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session),     TEST(test_close_releases),   TEST(test_mouse_mode),
		TEST(test_garbage),     TEST(test_many_connections), TEST(test_half_open),
		TEST(test_second_client),
		TEST(test_config),      TEST(test_path),             TEST(test_port),
		TEST(test_leds),
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
