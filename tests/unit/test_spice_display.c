/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a display to a SPICE client: every pixel, through damage, resizes, clients that come, go,
 * stop reading or never begin.
 */
#include "input_guest.h"
#include "lg_rig.h"
#include "spice_client.h"
#include "spice_viewer.h"

#include <base/clock.h>
#include <drm_fourcc.h>
#include <input/router.h>
#include <setjmp.h>
#include <signal.h>
#include <spice/protocol.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_NS UINT64_C(20000000000)
/* What the guest waits for a frame at most, whatever clients do; libspice-server waits 15 s and
 * more for one of them. */
#define PROMPT_NS UINT64_C(10000000000)

static char dir[] = "/tmp/vitrine-spice-display-XXXXXX";
static char path[64];

struct fixture {
	struct lg_rig rig;
	struct loop *loop;              /* of the input devices; the test's thread */
	struct input_guest keyboard, tablet, mouse;
	struct input_router *router;
	struct spice_inputs *inputs;
	struct spice_service *service;
	struct display_buffer *buffer;
	int main_fd;
	uint32_t session;
	uint8_t displays;               /* in the channel list */
	struct spice_client_message message;
};

static void start_service(struct fixture *fixture)
{
	struct spice_service_config config = { .listen = { .path = path }, .name = "a machine",
					       .inputs = fixture->inputs,
					       .display = fixture->rig.display };
	struct option_error error = { "" };

	fixture->service = spice_service_create(&config, &error);
	assert_non_null(fixture->service);
}

static int open_with(void **state, uint32_t surfaces)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->rig.surfaces = surfaces;
	fixture->main_fd = -1;
	lg_rig_start(&fixture->rig);
	fixture->loop = loop_create("test");
	input_guest_open(&fixture->keyboard, fixture->loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&fixture->tablet, fixture->loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&fixture->mouse, fixture->loop, VIRTIO_INPUT_MOUSE);
	fixture->router = input_router_create(&(struct input_router_config){
		.keyboard = fixture->keyboard.device, .tablet = fixture->tablet.device,
		.mouse = fixture->mouse.device });
	fixture->inputs = spice_inputs_create(fixture->loop, fixture->router);
	assert_int_equal(input_source_start(spice_inputs_source(fixture->inputs)), 0);
	start_service(fixture);
	*state = fixture;
	return 0;
}

static int open_one(void **state)
{
	return open_with(state, 1);
}

static int open_two(void **state)
{
	return open_with(state, 2);
}

static int close_all(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->main_fd >= 0)
		close(fixture->main_fd);
	spice_service_destroy(fixture->service);
	lg_rig_wait_released(&fixture->rig);
	display_buffer_unref(fixture->buffer);
	lg_rig_stop(&fixture->rig);
	input_source_destroy(spice_inputs_source(fixture->inputs));
	input_router_destroy(fixture->router);
	input_guest_finish(&fixture->keyboard);
	input_guest_finish(&fixture->tablet);
	input_guest_finish(&fixture->mouse);
	loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

/* ---- the guest ---- */

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

/* Until the guest has all its frames back. */
static void expect_prompt(struct fixture *fixture)
{
	uint64_t end_ns = clock_now_ns() + PROMPT_NS;

	while (fixture->rig.released != fixture->rig.committed && clock_now_ns() < end_ns)
		usleep(500);
	assert_int_equal(fixture->rig.released, fixture->rig.committed);
}

static void show(struct fixture *fixture, uint32_t width, uint32_t height, uint32_t fourcc,
		 uint32_t colour)
{
	struct display_buffer *before = fixture->buffer;

	fixture->buffer = lg_rig_buffer(width, height, fourcc, colour);
	lg_rig_commit(&fixture->rig, fixture->buffer, (struct rect){ 0, 0, width, height });
	display_buffer_unref(before);
}

/* Somewhere in the buffer; nowhere else. */
static void scribble(struct fixture *fixture, uint32_t max_extent)
{
	uint32_t *pixels = display_buffer_host_pixels(fixture->buffer);
	uint32_t width = fixture->buffer->width, height = fixture->buffer->height;
	struct rect rect = { random_below(width), random_below(height),
			     random_below(max_extent) + 1, random_below(max_extent) + 1 };
	uint32_t colour = random_below(1 << 24);

	rect_clip(&rect, width, height);
	for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
		for (uint32_t x = rect.x; x < rect.x + rect.width; x++)
			pixels[(size_t)y * width + x] = colour + x * y;
	lg_rig_commit(&fixture->rig, fixture->buffer, rect);
}

static uint32_t xrgb(uint32_t pixel, uint32_t fourcc)
{
	if (fourcc == DRM_FORMAT_XBGR8888 || fourcc == DRM_FORMAT_ABGR8888)
		return (pixel & 0xff) << 16 | (pixel & 0xff00) | (pixel >> 16 & 0xff);
	if (fourcc == DRM_FORMAT_RGBX8888)
		return pixel >> 8;
	return pixel & 0xffffff;
}

/* ---- the client ---- */

static uint32_t word(const struct fixture *fixture, size_t at)
{
	uint32_t value;

	assert_true(at + 4 <= fixture->message.size);
	memcpy(&value, fixture->message.bytes + at, 4);
	return value;
}

static void open_main(struct fixture *fixture)
{
	struct spice_client_message *message = &fixture->message;

	fixture->main_fd = spice_client_connect(path);
	assert_true(fixture->main_fd >= 0);
	assert_int_equal(spice_client_link(fixture->main_fd, 0, SPICE_CHANNEL_MAIN), 0);
	assert_int_equal(spice_client_receive(fixture->main_fd, message), 0);
	assert_int_equal(message->type, SPICE_MSG_MAIN_INIT);
	fixture->session = word(fixture, 0);
	spice_client_send(fixture->main_fd, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL, 0);
	do {
		assert_int_equal(spice_client_receive(fixture->main_fd, message), 0);
	} while (message->type != SPICE_MSG_MAIN_CHANNELS_LIST);
	fixture->displays = 0;
	for (uint32_t i = 0; i < word(fixture, 0); i++)
		fixture->displays += message->bytes[4 + 2 * i] == SPICE_CHANNEL_DISPLAY;
}

static void open_viewer(struct fixture *fixture, struct spice_viewer *viewer)
{
	open_main(fixture);
	spice_viewer_open(viewer, path, fixture->session, 0);
}

static void close_viewer(struct fixture *fixture, struct spice_viewer *viewer)
{
	spice_viewer_close(viewer);
	close(fixture->main_fd);
	fixture->main_fd = -1;
}

static bool shows(const struct spice_viewer *viewer, struct display_buffer *buffer)
{
	const uint32_t *pixels = display_buffer_host_pixels(buffer);

	if (viewer->width != buffer->width || viewer->height != buffer->height)
		return false;
	for (size_t i = 0; i < (size_t)buffer->width * buffer->height; i++)
		if (viewer->pixels[i] != xrgb(pixels[i], buffer->fourcc))
			return false;
	return true;
}

static void expect_picture(struct fixture *fixture, struct spice_viewer *viewer)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (!shows(viewer, fixture->buffer)) {
		spice_viewer_step(viewer, 100);
		assert_true(clock_now_ns() < end_ns);
	}
}

#define EXPECT(viewer, condition)                                                                  \
	do {                                                                                       \
		uint64_t expect_end_ns = clock_now_ns() + WAIT_NS;                                 \
                                                                                                   \
		while (!(condition)) {                                                             \
			spice_viewer_step(viewer, 100);                                            \
			assert_true(clock_now_ns() < expect_end_ns);                               \
		}                                                                                  \
	} while (0)

/* ---- pictures ---- */

static void test_first_picture(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 320, 240, DRM_FORMAT_XRGB8888, 0x123456);
	expect_prompt(fixture);
	open_viewer(fixture, &viewer);
	assert_int_equal(fixture->displays, 1);
	expect_picture(fixture, &viewer);
	assert_int_equal(viewer.surfaces, 1);
	/* The whole of it, once. */
	assert_int_equal(viewer.drawn_pixels, 320 * 240);
	close_viewer(fixture, &viewer);
}

/* The guest's screen comes on when somebody is there already, goes off and comes again. */
static void test_on_and_off(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	open_viewer(fixture, &viewer);
	show(fixture, 64, 48, DRM_FORMAT_ARGB8888, 7);
	expect_picture(fixture, &viewer);
	for (uint32_t i = 0; i < 5; i++) {
		lg_rig_off(&fixture->rig);
		EXPECT(&viewer, !viewer.pixels);
		show(fixture, 64 + i % 2, 48, DRM_FORMAT_XRGB8888, i * 99);
		expect_picture(fixture, &viewer);
	}
	close_viewer(fixture, &viewer);
}

static void test_damage(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 333, 217, DRM_FORMAT_XRGB8888, 0xabc);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	/* The first one after that may be all of the picture. */
	scribble(fixture, 5);
	expect_picture(fixture, &viewer);
	for (uint32_t i = 0; i < 400; i++) {
		uint64_t before = viewer.drawn_pixels;

		expect_prompt(fixture);
		scribble(fixture, i % 7 ? 20 : 300);
		if (random_below(3))
			spice_viewer_step(&viewer, 0);
		if (i % 10)
			continue;
		expect_picture(fixture, &viewer);
		/* Parts are not all of it. */
		if (i % 70)
			assert_true(viewer.drawn_pixels - before < 10u * 333 * 217);
	}
	expect_picture(fixture, &viewer);
	assert_int_equal(viewer.surfaces, 1);
	close_viewer(fixture, &viewer);
}

/* A small change is a small message. */
static void test_damage_is_small(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;
	uint64_t before;

	show(fixture, 400, 300, DRM_FORMAT_XRGB8888, 1);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	scribble(fixture, 4);
	expect_picture(fixture, &viewer);
	before = viewer.drawn_pixels;
	for (int i = 0; i < 20; i++) {
		expect_prompt(fixture);
		scribble(fixture, 8);
		expect_picture(fixture, &viewer);
	}
	assert_true(viewer.drawn_pixels - before <= 20 * 8 * 8);
	close_viewer(fixture, &viewer);
}

static void test_resizes(void **state)
{
	static const uint32_t formats[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888,
					    DRM_FORMAT_RGBX8888, DRM_FORMAT_ABGR8888 };
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 1, 1, DRM_FORMAT_XRGB8888, 0);
	open_viewer(fixture, &viewer);
	for (uint32_t i = 0; i < 60; i++) {
		expect_prompt(fixture);
		show(fixture, random_below(500) + 1, random_below(400) + 1, formats[i % 4],
		     random_below(1 << 24));
		if (i % 3)
			spice_viewer_step(&viewer, 1);
		else
			expect_picture(fixture, &viewer);
		if (i % 4 == 1)
			scribble(fixture, 50);
	}
	expect_picture(fixture, &viewer);
	/* Another format of the same size. */
	show(fixture, fixture->buffer->width, fixture->buffer->height, DRM_FORMAT_XBGR8888, 5);
	expect_picture(fixture, &viewer);
	close_viewer(fixture, &viewer);
}

/* Until the channel list has as many. */
static void wait_displays(struct fixture *fixture, uint8_t displays)
{
	struct spice_client_message *message = &fixture->message;

	while (fixture->displays != displays) {
		assert_int_equal(spice_client_receive(fixture->main_fd, message), 0);
		if (message->type != SPICE_MSG_MAIN_CHANNELS_LIST)
			continue;
		/* Further lists are of further channels. */
		for (uint32_t i = 0; i < word(fixture, 0); i++)
			fixture->displays += message->bytes[4 + 2 * i] == SPICE_CHANNEL_DISPLAY;
	}
}

/* One that is off is told of when it comes on. */
static void test_two_screens(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *other = lg_rig_buffer(200, 100, DRM_FORMAT_XRGB8888, 0x777777);
	struct spice_viewer first, second;
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	show(fixture, 160, 120, DRM_FORMAT_XRGB8888, 0x111111);
	open_main(fixture);
	assert_int_equal(fixture->displays, 1);
	spice_viewer_open(&first, path, fixture->session, 0);
	expect_picture(fixture, &first);
	fixture->rig.surface = 1;
	lg_rig_commit(&fixture->rig, other, (struct rect){ 0, 0, 200, 100 });
	wait_displays(fixture, 2);
	spice_viewer_open(&second, path, fixture->session, 1);
	expect_picture(fixture, &first);
	while (!shows(&second, other)) {
		spice_viewer_step(&second, 100);
		assert_true(clock_now_ns() < end_ns);
	}
	lg_rig_off(&fixture->rig);
	EXPECT(&second, !second.pixels);
	fixture->rig.surface = 0;
	scribble(fixture, 30);
	expect_picture(fixture, &first);
	spice_viewer_close(&second);
	close_viewer(fixture, &first);
	display_buffer_unref(other);
}

/* ---- clients ---- */

/* Whoever comes again sees what is there now, and nothing of what was there before. */
static void test_reconnects(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 300, 200, DRM_FORMAT_XRGB8888, 3);
	for (uint32_t i = 0; i < 12; i++) {
		open_viewer(fixture, &viewer);
		EXPECT(&viewer, viewer.draws > 0);
		assert_true(shows(&viewer, fixture->buffer));
		close_viewer(fixture, &viewer);
		for (uint32_t k = 0; k < i; k++) {
			expect_prompt(fixture);
			scribble(fixture, 150);
		}
		/* The picture is another one for sure. */
		show(fixture, i % 3 ? 300 : 200 + i, 200, DRM_FORMAT_XRGB8888, i * 77);
		expect_prompt(fixture);
	}
}

/* A second client takes over while the first one's channels are still there. */
static void test_takeover(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer first, second;
	int first_main;

	show(fixture, 300, 200, DRM_FORMAT_XRGB8888, 3);
	open_viewer(fixture, &first);
	first_main = fixture->main_fd;
	expect_picture(fixture, &first);
	open_viewer(fixture, &second);
	expect_picture(fixture, &second);
	scribble(fixture, 100);
	expect_picture(fixture, &second);
	spice_viewer_close(&first);
	close(first_main);
	expect_prompt(fixture);
	scribble(fixture, 100);
	expect_picture(fixture, &second);
	close_viewer(fixture, &second);
}

/* One that reads nothing is owed the newest picture; the guest does not wait. */
static void test_stopped_client(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;
	uint64_t before;

	show(fixture, 1280, 720, DRM_FORMAT_XRGB8888, 9);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	before = viewer.drawn_pixels;
	for (uint32_t i = 0; i < 150; i++) {
		scribble(fixture, 1280);
		expect_prompt(fixture);
	}
	expect_picture(fixture, &viewer);
	/* Two batches that were on their way, and what it was owed. */
	assert_true(viewer.drawn_pixels - before < UINT64_C(8) * 1280 * 720);
	/* And through a change of the size. */
	for (uint32_t i = 0; i < 5; i++) {
		show(fixture, 1200 + i, 700, DRM_FORMAT_XRGB8888, i);
		expect_prompt(fixture);
		for (uint32_t k = 0; k < 20; k++) {
			scribble(fixture, 600);
			expect_prompt(fixture);
		}
	}
	expect_picture(fixture, &viewer);
	close_viewer(fixture, &viewer);
}

/* One that goes while it is owed much, and another one. */
static void test_stopped_client_goes(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 1280, 720, DRM_FORMAT_XRGB8888, 9);
	for (uint32_t i = 0; i < 4; i++) {
		open_viewer(fixture, &viewer);
		if (i % 2)
			expect_picture(fixture, &viewer);
		for (uint32_t k = 0; k < 10; k++) {
			if (k == 5 && i > 1)
				show(fixture, 1300 - i, 720, DRM_FORMAT_XRGB8888, k);
			expect_prompt(fixture);
			scribble(fixture, 1280);
			expect_prompt(fixture);
		}
		close_viewer(fixture, &viewer);
	}
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	close_viewer(fixture, &viewer);
}

/* libspice-server's worker waits half a minute for the first message of a DISPLAY channel, and its
 * own main thread for the worker. The guest does not. */
static void test_client_that_never_begins(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;
	int fd;

	show(fixture, 320, 240, DRM_FORMAT_XRGB8888, 9);
	open_main(fixture);
	fd = spice_client_connect(path);
	assert_int_equal(spice_client_link(fd, fixture->session, SPICE_CHANNEL_DISPLAY), 0);
	for (uint32_t i = 0; i < 50; i++) {
		if (i == 25)
			show(fixture, 330, 240, DRM_FORMAT_XRGB8888, 9);
		if (i == 30)
			close(fixture->main_fd);
		scribble(fixture, 100);
		expect_prompt(fixture);
	}
	close(fd);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	close_viewer(fixture, &viewer);
}

/* Also right behind the message that the worker waits for. */
static void send_garbage(const struct fixture *fixture, uint8_t channel, bool begins)
{
	static const uint8_t init[14];
	uint8_t bytes[256];
	int fd = spice_client_connect(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_below(256);
	assert_int_equal(spice_client_link(fd, fixture->session, channel), 0);
	if (begins)
		spice_client_send(fd, SPICE_MSGC_DISPLAY_INIT, init, sizeof(init));
	spice_client_send(fd, (uint16_t)(101 + random_below(6)), bytes, random_below(64));
	spice_client_write(fd, bytes, sizeof(bytes));
	close(fd);
}

static void test_garbage(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 320, 240, DRM_FORMAT_XRGB8888, 9);
	for (uint32_t i = 0; i < 30; i++) {
		open_main(fixture);
		send_garbage(fixture, i % 3 ? SPICE_CHANNEL_DISPLAY : SPICE_CHANNEL_CURSOR,
			     i % 3 == 2);
		scribble(fixture, 100);
		expect_prompt(fixture);
		close(fixture->main_fd);
	}
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	close_viewer(fixture, &viewer);
}

/* The server goes first, with much on its way. */
static void test_server_ends(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 1280, 720, DRM_FORMAT_XRGB8888, 9);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	for (uint32_t i = 0; i < 10; i++) {
		expect_prompt(fixture);
		scribble(fixture, 1280);
	}
	spice_service_destroy(fixture->service);
	expect_prompt(fixture);
	spice_viewer_close(&viewer);
	close(fixture->main_fd);
	start_service(fixture);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	close_viewer(fixture, &viewer);
}

/* ---- the cursor ---- */

/* The guest's pixels, and what they are in a SPICE client: not multiplied with alpha. */
static const uint32_t guest_pixels[] = { 0x00000000, 0xff123456, 0x80402010, 0x01010001,
					 0x40ff4020 };
static const uint32_t client_pixels[] = { 0x00000000, 0xff123456, 0x80804020, 0x01ff00ff,
					  0x40ffff80 };

static void set_cursor(struct fixture *fixture, uint32_t extent, int32_t x, int32_t y)
{
	struct display_buffer *buffer = display_buffer_create_host(extent, extent,
								   DRM_FORMAT_ARGB8888);
	const struct display_cursor cursor = { .buffer = buffer, .hot_x = extent / 3,
					       .hot_y = extent / 2, .x = x, .y = y };
	uint32_t *pixels = display_buffer_host_pixels(buffer);

	for (uint32_t i = 0; i < extent * extent; i++)
		pixels[i] = guest_pixels[(i + extent) % 5];
	lg_rig_cursor(&fixture->rig, &cursor);
	display_buffer_unref(buffer);
}

static bool has_cursor(const struct spice_viewer *viewer, uint32_t extent, int32_t x, int32_t y)
{
	if (!viewer->cursor_pixels || !viewer->visible || viewer->cursor_width != extent ||
	    viewer->cursor_height != extent || viewer->x != x || viewer->y != y)
		return false;
	assert_int_equal(viewer->hot_x, extent / 3);
	assert_int_equal(viewer->hot_y, extent / 2);
	for (uint32_t i = 0; i < extent * extent; i++)
		assert_int_equal(viewer->cursor_pixels[i], client_pixels[(i + extent) % 5]);
	return true;
}

static void test_cursor(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;
	uint32_t shapes;

	show(fixture, 320, 240, DRM_FORMAT_XRGB8888, 9);
	set_cursor(fixture, 24, 100, 50);
	open_viewer(fixture, &viewer);
	EXPECT(&viewer, has_cursor(&viewer, 24, 100, 50));
	lg_rig_move_cursor(&fixture->rig, 6, 7);
	EXPECT(&viewer, has_cursor(&viewer, 24, 6, 7));
	/* Without a new image. */
	shapes = viewer.shapes;
	lg_rig_move_cursor(&fixture->rig, -5, 77);
	EXPECT(&viewer, has_cursor(&viewer, 24, -5, 77));
	assert_int_equal(viewer.shapes, shapes);
	set_cursor(fixture, 1, 3, 4);
	EXPECT(&viewer, has_cursor(&viewer, 1, 3, 4));
	set_cursor(fixture, 256, 319, 239);
	EXPECT(&viewer, has_cursor(&viewer, 256, 319, 239));
	lg_rig_cursor(&fixture->rig, &(struct display_cursor){ .x = 1, .y = 2 });
	EXPECT(&viewer, !viewer.visible);
	set_cursor(fixture, 31, 9, 9);
	EXPECT(&viewer, has_cursor(&viewer, 31, 9, 9));
	/* The server forgets it when the surface changes. */
	show(fixture, 200, 100, DRM_FORMAT_XRGB8888, 9);
	expect_picture(fixture, &viewer);
	EXPECT(&viewer, has_cursor(&viewer, 31, 9, 9));
	close_viewer(fixture, &viewer);
	/* And while nobody looked. */
	lg_rig_move_cursor(&fixture->rig, 40, 41);
	open_viewer(fixture, &viewer);
	EXPECT(&viewer, has_cursor(&viewer, 31, 40, 41));
	close_viewer(fixture, &viewer);
}

/* More than there is room for while the client reads nothing: the last one counts. */
static void test_many_cursors(void **state)
{
	struct fixture *fixture = *state;
	struct spice_viewer viewer;

	show(fixture, 320, 240, DRM_FORMAT_XRGB8888, 9);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	for (uint32_t i = 0; i < 300; i++) {
		set_cursor(fixture, i % 200 + 1, (int32_t)i, (int32_t)i);
		lg_rig_move_cursor(&fixture->rig, (int32_t)i + 1, 5);
	}
	EXPECT(&viewer, has_cursor(&viewer, 100, 300, 5));
	close_viewer(fixture, &viewer);
}

/* ---- the pointer ---- */

static void send_position(int fd, uint32_t x, uint32_t y)
{
	const struct __attribute__((packed)) {
		uint32_t x, y;
		uint16_t buttons;
		uint8_t display;
	} position = { x, y, 0, 0 };

	assert_int_equal(spice_client_send(fd, SPICE_MSGC_INPUTS_MOUSE_POSITION, &position,
					   sizeof(position)), 0);
}

/* With one screen the client's own pointer is the guest's: absolute positions. */
static void test_client_mouse(void **state)
{
	static const uint16_t mode = SPICE_MOUSE_MODE_CLIENT;
	struct fixture *fixture = *state;
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	struct spice_viewer viewer;
	const char *seen = "";
	int fd;

	show(fixture, 400, 200, DRM_FORMAT_XRGB8888, 9);
	open_viewer(fixture, &viewer);
	expect_picture(fixture, &viewer);
	do {
		assert_int_equal(spice_client_receive(fixture->main_fd, &fixture->message), 0);
	} while (fixture->message.type != SPICE_MSG_MAIN_MOUSE_MODE ||
		 !(fixture->message.bytes[0] & SPICE_MOUSE_MODE_CLIENT));
	fd = spice_client_connect(path);
	assert_int_equal(spice_client_link(fd, fixture->session, SPICE_CHANNEL_INPUTS), 0);
	spice_client_send(fixture->main_fd, SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, &mode,
			  sizeof(mode));
	/* Positions come over another socket: until this has been heard they are dropped. */
	do {
		assert_int_equal(spice_client_receive(fixture->main_fd, &fixture->message), 0);
	} while (fixture->message.type != SPICE_MSG_MAIN_MOUSE_MODE ||
		 fixture->message.bytes[2] != SPICE_MOUSE_MODE_CLIENT);
	send_position(fd, 100, 50);
	while (!*seen && clock_now_ns() < end_ns) {
		loop_dispatch(fixture->loop, 10);
		seen = input_guest_text(&fixture->tablet, true);
	}
	assert_string_equal(seen, "abs 0 16465, abs 1 16547; ");
	close(fd);
	close_viewer(fixture, &viewer);
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, open_one, close_all)
#define TWO(name) cmocka_unit_test_setup_teardown(name, open_two, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(test_first_picture),
		ONE(test_on_and_off),
		ONE(test_damage),
		ONE(test_damage_is_small),
		ONE(test_resizes),
		TWO(test_two_screens),
		ONE(test_reconnects),
		ONE(test_takeover),
		ONE(test_stopped_client),
		ONE(test_stopped_client_goes),
		ONE(test_garbage),
		ONE(test_server_ends),
		ONE(test_cursor),
		ONE(test_many_cursors),
		ONE(test_client_mouse),
		ONE(test_client_that_never_begins),
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
