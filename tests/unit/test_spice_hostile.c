/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole SPICE service, and clients that say anything on any channel once they are in: messages of
 * every type, well framed, of any size and content, in any order. The next client is served.
 */
#include "audio_rig.h"
#include "clipboard_mock.h"
#include "input_guest.h"
#include "lg_rig.h"
#include "spice_client.h"

#include <audio/tap.h>
#include <base/clock.h>
#include <base/log.h>
#include <drm_fourcc.h>
#include <input/router.h>
#include <setjmp.h>
#include <signal.h>
#include <spice/protocol.h>
#include <spice/spice_agent.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_NS UINT64_C(30000000000)
#define ROUNDS 20
#define MESSAGES 12

static char dir[] = "/tmp/vitrine-spice-hostile-XXXXXX";
static char path[64];
static struct lg_rig rig;
static struct audio_rig sound;
static struct audio_tap *tap;
static struct loop *input_loop, *main_loop;
static struct input_guest keyboard, tablet, mouse;
static struct input_router *router;
static struct spice_inputs *inputs;
static struct clipboard *clipboard;
static struct clipboard_mock guest;
static struct spice_agent *agent;
static struct spice_service *service;
static struct display_buffer *buffer;
static struct spice_client_message message;
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

/* ---- the machine ---- */

static void on_monitors(void *data, const struct vdagent_monitor *monitors, uint32_t count)
{
}

/* On main's loop. */
static void open_clipboard(void *data)
{
	struct spice_agent_config config = { .main_loop = main_loop, .monitors = on_monitors };

	config.clipboard = clipboard = clipboard_create(main_loop);
	clipboard_mock_init(&guest, "guest");
	assert_int_equal(clipboard_join(clipboard, &guest.party), 0);
	agent = spice_agent_create(&config);
}

static void close_clipboard(void *data)
{
	spice_agent_destroy(agent);
	clipboard_mock_finish(&guest);
	clipboard_destroy(clipboard);
}

static void open_sound(void)
{
	const struct audio_params params = { .format = AUDIO_FORMAT_S16, .rate = 48000, .channels = 2,
					     .period_frames = 480, .buffer_frames = 1920 };
	struct audio_backend *backend;

	sound.loop = loop_create("audio");
	audio_rig_init_backend(&sound, sound.loop);
	tap = audio_tap_create(&sound.backend);
	backend = audio_tap_backend(tap);
	for (int i = 0; i < AUDIO_DIRECTIONS; i++) {
		assert_int_equal(backend->ops->open(backend, (enum audio_direction)i, &params), 0);
		assert_int_equal(backend->ops->start(backend, (enum audio_direction)i), 0);
	}
}

static void close_sound(void)
{
	struct audio_backend *backend = audio_tap_backend(tap);

	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		backend->ops->close(backend, (enum audio_direction)i);
	backend->ops->destroy(backend);
	audio_rig_finish_backend(&sound);
	loop_destroy(sound.loop);
}

static int setup(void **state)
{
	struct spice_service_config config = { .listen = { .path = path }, .name = "a machine" };
	struct option_error error = { "" };

	rig.surfaces = 1;
	lg_rig_start(&rig);
	buffer = lg_rig_buffer(320, 240, DRM_FORMAT_XRGB8888, 9);
	lg_rig_commit(&rig, buffer, (struct rect){ 0, 0, 320, 240 });
	open_sound();
	input_loop = loop_create("test");
	input_guest_open(&keyboard, input_loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, input_loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&mouse, input_loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device, .mouse = mouse.device });
	inputs = spice_inputs_create(input_loop, router);
	assert_int_equal(input_source_start(spice_inputs_source(inputs)), 0);
	main_loop = loop_create("main");
	assert_int_equal(loop_start(main_loop), 0);
	loop_call(main_loop, open_clipboard, NULL);
	config.inputs = inputs;
	config.display = rig.display;
	config.sound = tap;
	config.agent = agent;
	service = spice_service_create(&config, &error);
	return service ? 0 : -1;
}

static int teardown(void **state)
{
	spice_service_destroy(service);
	loop_call(main_loop, close_clipboard, NULL);
	loop_stop(main_loop);
	loop_destroy(main_loop);
	input_source_destroy(spice_inputs_source(inputs));
	assert_false(input_router_holds(router));
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	input_guest_finish(&mouse);
	loop_destroy(input_loop);
	close_sound();
	lg_rig_wait_released(&rig);
	display_buffer_unref(buffer);
	lg_rig_stop(&rig);
	return 0;
}

/* ---- the clients ---- */

static uint32_t word(size_t at)
{
	uint32_t value;

	assert_true(at + 4 <= message.size);
	memcpy(&value, message.bytes + at, 4);
	return value;
}

/* MAIN of a new session, as soon as the server takes one. */
static int open_main(uint32_t *session)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	do {
		int fd = spice_client_connect(path);

		assert_true(fd >= 0);
		if (spice_client_link(fd, 0, SPICE_CHANNEL_MAIN) == 0 &&
		    spice_client_receive(fd, &message) == 0 &&
		    message.type == SPICE_MSG_MAIN_INIT) {
			*session = word(0);
			spice_client_send(fd, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL, 0);
			return fd;
		}
		close(fd);
	} while (clock_now_ns() < end_ns);
	fail_msg("nobody is served any more");
	return -1;
}

/* Small numbers are more telling than large ones. */
static void send_anything(int fd)
{
	static const uint32_t sizes[] = { 0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 32, 64, 300, 4000 };
	uint8_t bytes[4000];
	uint32_t size = sizes[random_below(sizeof(sizes) / sizeof(sizes[0]))];
	uint16_t type = (uint16_t)(random_below(4) ? 101 + random_below(14) : random_below(12));
	uint32_t large = random_below(3);

	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(large ? random_below(256) : i % 4 ? 0 : random_below(5));
	spice_client_send(fd, type, bytes, size);
}

static void misbehave(uint8_t channel)
{
	static const uint8_t init[14] = { 1, 0, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 16, 0 };
	uint32_t session;
	int main_fd = open_main(&session), fd = main_fd;

	if (channel != SPICE_CHANNEL_MAIN) {
		fd = spice_client_connect(path);
		assert_true(fd >= 0);
		if (spice_client_link(fd, session, channel)) {
			close(fd);
			close(main_fd);
			return;
		}
	}
	if (channel == SPICE_CHANNEL_DISPLAY)
		spice_client_send(fd, SPICE_MSGC_DISPLAY_INIT, init, sizeof(init));
	for (uint32_t i = 0; i < MESSAGES; i++) {
		send_anything(fd);
		if (random_below(3) == 0)
			lg_rig_commit(&rig, buffer, (struct rect){ random_below(300), 0, 20, 240 });
	}
	if (fd != main_fd)
		close(fd);
	close(main_fd);
}

static void test_channel(void **state, uint8_t channel)
{
	uint32_t session;

	random_state = channel;
	for (uint32_t i = 0; i < ROUNDS; i++)
		misbehave(channel);
	close(open_main(&session));
}

static void test_main(void **state)
{
	test_channel(state, SPICE_CHANNEL_MAIN);
}

static void test_inputs(void **state)
{
	test_channel(state, SPICE_CHANNEL_INPUTS);
}

static void test_display(void **state)
{
	test_channel(state, SPICE_CHANNEL_DISPLAY);
}

static void test_cursor(void **state)
{
	test_channel(state, SPICE_CHANNEL_CURSOR);
}

static void test_playback(void **state)
{
	test_channel(state, SPICE_CHANNEL_PLAYBACK);
}

static void test_record(void **state)
{
	test_channel(state, SPICE_CHANNEL_RECORD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_main, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inputs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_display, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_playback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_record, setup, teardown),
	};
	int result;

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return result;
}
