/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a display to clients that map the file: every pixel, through resizes, restarts, stops and
 * scribbling. The clients run on the test's thread, in real time.
 */
#include "lg_rig.h"

#include <base/clock.h>
#include <base/log.h>
#include <capture/looking_glass.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <fake/lg_client.h>
#include <fcntl.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TIMEOUT_MS 20000
#define MAX_CLIENTS 8
#define WIDTH 640u
#define HEIGHT 480u

struct fixture {
	struct lg_rig rig;
	struct looking_glass_config config;
	struct looking_glass *glass;
	int fd;
	struct lg_client *clients[MAX_CLIENTS];
	uint32_t client_count;
	struct display_buffer *buffer;
	_Atomic uint32_t set_cursor_calls;
	_Atomic uint64_t set_cursor_at;
};

static const struct looking_glass_vm vm = { { "a UUID, 16 bytes" }, 300 };

static uint64_t now_ms(void)
{
	return clock_now_ns() / 1000000;
}

static void on_set_cursor(void *data, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct fixture *fixture = data;

	fixture->set_cursor_at = (uint64_t)x << 32 | y;
	fixture->set_cursor_calls++;
}

static void start_glass(struct fixture *fixture)
{
	const struct looking_glass_callbacks callbacks = { .set_cursor = on_set_cursor };
	struct option_error error = { "" };

	fixture->glass = looking_glass_create(fixture->rig.display, &fixture->config, &vm,
					      &callbacks, fixture, &error);
	if (!fixture->glass)
		fail_msg("%s", error.text);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	assert_non_null(fixture);
	lg_rig_start(&fixture->rig);
	fixture->config.path = strdup("/tmp/vitrine-lg-XXXXXX");
	fixture->config.size_bytes = UINT64_C(32) << 20;
	fixture->fd = mkstemp(fixture->config.path);
	assert_true(fixture->fd >= 0);
	start_glass(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	looking_glass_destroy(fixture->glass);
	for (uint32_t i = 0; i < fixture->client_count; i++)
		lg_client_destroy(fixture->clients[i]);
	display_buffer_unref(fixture->buffer);
	lg_rig_stop(&fixture->rig);
	unlink(fixture->config.path);
	close(fixture->fd);
	looking_glass_config_finish(&fixture->config);
	free(fixture);
	return 0;
}

/* --- what clients see -------------------------------------------------------------------- */

static void step(struct fixture *fixture)
{
	for (uint32_t i = 0; i < fixture->client_count; i++) {
		lg_client_step(fixture->clients[i], now_ms());
		if (lg_client_state(fixture->clients[i])->end)
			fail_msg("client %u: %s", i, lg_client_state(fixture->clients[i])->fault);
	}
	usleep(1000);
}

typedef bool condition(struct fixture *fixture, const struct lg_client_state *state);

/* Until it is so for every client. */
static void wait_for(struct fixture *fixture, condition *holds, const char *what)
{
	uint64_t deadline_ms = now_ms() + TIMEOUT_MS;
	uint32_t good = 0;

	while (good < fixture->client_count) {
		if (now_ms() > deadline_ms)
			fail_msg("never: %s", what);
		step(fixture);
		good = 0;
		for (uint32_t i = 0; i < fixture->client_count; i++)
			good += holds(fixture, lg_client_state(fixture->clients[i]));
	}
}

static bool attached(struct fixture *fixture, const struct lg_client_state *state)
{
	return state->attached;
}

static bool shows_buffer(struct fixture *fixture, const struct lg_client_state *state)
{
	const struct display_buffer *buffer = fixture->buffer;
	const uint32_t *pixels = display_buffer_host_pixels(fixture->buffer);

	if (!state->pixels || state->width != buffer->width || state->height != buffer->height)
		return false;
	for (uint32_t y = 0; y < buffer->height; y++)
		if (memcmp(state->pixels + (size_t)y * state->stride,
			   pixels + (size_t)y * state->width, (size_t)state->width * 4) != 0)
			return false;
	return true;
}

static void add_clients(struct fixture *fixture, uint32_t count)
{
	while (count--) {
		struct lg_client *client = lg_client_create(fixture->fd);

		assert_non_null(client);
		fixture->clients[fixture->client_count++] = client;
	}
	wait_for(fixture, attached, "attached");
}

static const struct lg_client_state *client_state(struct fixture *fixture, uint32_t client)
{
	return lg_client_state(fixture->clients[client]);
}

static void show(struct fixture *fixture, uint32_t width, uint32_t height, uint32_t fourcc,
		 uint32_t colour)
{
	display_buffer_unref(fixture->buffer);
	fixture->buffer = lg_rig_buffer(width, height, fourcc, colour);
	lg_rig_commit(&fixture->rig, fixture->buffer,
		      (struct rect){ .width = width, .height = height });
}

/* Draws a rectangle and tells of it, and of nothing else. */
static void draw(struct fixture *fixture, struct rect rect, uint32_t colour)
{
	uint32_t *pixels = display_buffer_host_pixels(fixture->buffer);

	/* It is not being read: as a guest waits for its flush. */
	lg_rig_wait_released(&fixture->rig);
	for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
		for (uint32_t x = rect.x; x < rect.x + rect.width; x++)
			pixels[y * fixture->buffer->width + x] = colour ^ (x * 77 + y * 3001);
	lg_rig_commit(&fixture->rig, fixture->buffer, rect);
}

static void draw_random(struct fixture *fixture, uint32_t round)
{
	uint32_t width = fixture->buffer->width, height = fixture->buffer->height;
	uint32_t seed = round * 2654435761u;
	struct rect rect = { .x = seed % width, .y = (seed >> 7) % height };

	rect.width = 1 + (seed >> 11) % (width - rect.x);
	rect.height = 1 + (seed >> 5) % (height - rect.y);
	if (rect.width > 90 && round % 4)
		rect.width = 1 + round % 90;
	draw(fixture, rect, seed);
}

static void check_size(struct fixture *fixture, uint32_t width, uint32_t height)
{
	show(fixture, width, height, DRM_FORMAT_XRGB8888, 0x10203);
	wait_for(fixture, shows_buffer, "the whole picture");
	for (uint32_t round = 0; round < 24; round++) {
		draw_random(fixture, round);
		if (round % 3 == 0)
			wait_for(fixture, shows_buffer, "the damaged picture");
	}
	/* The last pixel. */
	draw(fixture, (struct rect){ width - 1, height - 1, 1, 1 }, 0xabcdef);
	wait_for(fixture, shows_buffer, "the last pixel");
	for (uint32_t i = 0; i < fixture->client_count; i++) {
		const struct lg_client_state *state = client_state(fixture, i);

		assert_int_equal(state->stride % 16, 0);
		assert_int_equal(state->stalls, 0);
	}
}

static void test_pixels_exact(void **state)
{
	struct fixture *fixture = *state;
	uint32_t before;

	add_clients(fixture, 1);
	check_size(fixture, 1280, 720);
	check_size(fixture, 1366, 768);
	check_size(fixture, 1920, 1080);
	assert_int_equal(client_state(fixture, 0)->formats, 3);
	/* What changed, not all of it. */
	before = client_state(fixture, 0)->full_frames;
	for (uint32_t i = 0; i < 10; i++) {
		draw(fixture, (struct rect){ i * 100, 10, 20, 20 }, i);
		wait_for(fixture, shows_buffer, "a small change");
	}
	/* A client that was late for once gets a whole one. */
	assert_true(client_state(fixture, 0)->full_frames - before <= 3);
}

static void test_formats(void **state)
{
	struct fixture *fixture = *state;

	add_clients(fixture, 1);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_ARGB8888, 1);
	wait_for(fixture, shows_buffer, "BGRA");
	assert_int_equal(client_state(fixture, 0)->type, KVMFR20_BGRA);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XBGR8888, 2);
	wait_for(fixture, shows_buffer, "RGBA");
	assert_int_equal(client_state(fixture, 0)->type, KVMFR20_RGBA);
	assert_int_equal(client_state(fixture, 0)->formats, 2);
}

static bool has_shape(struct fixture *fixture, const struct lg_client_state *state)
{
	return state->shapes > 0 && state->cursor_visible;
}

static bool cursor_moved(struct fixture *fixture, const struct lg_client_state *state)
{
	return state->cursor_x == -5 && state->cursor_y == 300;
}

static bool cursor_hidden(struct fixture *fixture, const struct lg_client_state *state)
{
	return !state->cursor_visible;
}

static bool is_monochrome(struct fixture *fixture, const struct lg_client_state *state)
{
	return state->cursor_width == 32;
}

static bool cursor_placed(struct fixture *fixture, const struct lg_client_state *state)
{
	return state->cursor_placed && state->cursor_x == 95;
}

static void test_cursor_of_newcomers(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *image = lg_rig_buffer(64, 64, DRM_FORMAT_ARGB8888, 0x80402010);
	const struct display_cursor cursor = { .buffer = image, .hot_x = 5, .hot_y = 6,
					       .x = 100, .y = 200 };

	lg_rig_cursor(&fixture->rig, &cursor);
	add_clients(fixture, 1);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	wait_for(fixture, cursor_placed, "the cursor behind the first picture");
	for (uint32_t i = 0; i < 3; i++) {
		add_clients(fixture, 1);
		wait_for(fixture, cursor_placed, "the cursor behind a newcomer's first picture");
	}
	display_buffer_unref(image);
}

static void test_cursor(void **state)
{
	struct fixture *fixture = *state;
	struct display_buffer *colour = lg_rig_buffer(64, 64, DRM_FORMAT_ARGB8888, 0x80402010);
	struct display_buffer *mono = lg_rig_buffer(32, 32, DRM_FORMAT_ARGB8888, 0);
	struct display_cursor cursor = { .buffer = colour, .hot_x = 5, .hot_y = 6,
					 .x = 100, .y = 200 };
	uint32_t *pixels = display_buffer_host_pixels(mono);

	for (uint32_t i = 0; i < 32 * 32; i++)
		pixels[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff000000 : 0xffffffff;
	/* Set before anybody looks. */
	lg_rig_cursor(&fixture->rig, &cursor);
	add_clients(fixture, 1);
	wait_for(fixture, has_shape, "a cursor");
	assert_int_equal(client_state(fixture, 0)->cursor_x, 95);
	assert_int_equal(client_state(fixture, 0)->cursor_y, 194);
	assert_int_equal(client_state(fixture, 0)->cursor_type, KVMFR20_CURSOR_COLOUR);
	assert_memory_equal(client_state(fixture, 0)->cursor, display_buffer_host_pixels(colour),
			    64 * 64 * 4);
	lg_rig_move_cursor(&fixture->rig, 0, 306);
	wait_for(fixture, cursor_moved, "the cursor elsewhere");
	assert_true(client_state(fixture, 0)->cursor_visible);
	cursor.buffer = mono;
	lg_rig_cursor(&fixture->rig, &cursor);
	wait_for(fixture, is_monochrome, "a black and white cursor");
	assert_memory_equal(client_state(fixture, 0)->cursor, pixels, 32 * 32 * 4);
	/* One who comes later has it at once. */
	add_clients(fixture, 1);
	wait_for(fixture, is_monochrome, "the same for the second");
	assert_memory_equal(client_state(fixture, 1)->cursor, pixels, 32 * 32 * 4);
	cursor.buffer = NULL;
	lg_rig_cursor(&fixture->rig, &cursor);
	wait_for(fixture, cursor_hidden, "no cursor");
	display_buffer_unref(colour);
	display_buffer_unref(mono);
}

/* Nobody listens: not a byte. Then the picture is there at once. */
static void test_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct looking_glass_stats stats;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	for (uint32_t i = 0; i < 20; i++)
		draw_random(fixture, i);
	lg_rig_wait_released(&fixture->rig);
	looking_glass_read_stats(fixture->glass, &stats);
	assert_int_equal(stats.bytes_copied, 0);
	assert_int_equal(stats.frames, 0);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture");
	/* And again, without a copy, for the second one. */
	looking_glass_read_stats(fixture->glass, &stats);
	assert_int_equal(stats.bytes_copied, WIDTH * HEIGHT * 4);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture for the second");
	looking_glass_read_stats(fixture->glass, &stats);
	assert_int_equal(stats.bytes_copied, WIDTH * HEIGHT * 4);
	assert_int_equal(stats.frames, 1);
	assert_int_equal(client_state(fixture, 0)->frames, 1);
	/* All leave: no copies again. */
	lg_client_leave(fixture->clients[0]);
	lg_client_leave(fixture->clients[1]);
	usleep(200000);
	for (uint32_t i = 0; i < 20; i++)
		draw_random(fixture, i);
	lg_rig_wait_released(&fixture->rig);
	looking_glass_read_stats(fixture->glass, &stats);
	assert_int_equal(stats.frames, 1);
}

static void test_eight_clients(void **state)
{
	struct fixture *fixture = *state;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 8);
	for (uint32_t round = 0; round < 40; round++) {
		draw_random(fixture, round);
		step(fixture);
	}
	wait_for(fixture, shows_buffer, "the picture for eight");
}

static void test_stopped_client(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *stopped;
	uint64_t start_ms;
	uint32_t round = 0;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 2);
	wait_for(fixture, shows_buffer, "the picture");
	stopped = fixture->clients[1];
	fixture->client_count = 1;
	for (start_ms = now_ms(); now_ms() - start_ms < 3000;) {
		draw_random(fixture, round++);
		step(fixture);
		wait_for(fixture, shows_buffer, "the picture for the one that runs");
	}
	fixture->clients[1] = stopped;
	fixture->client_count = 2;
	draw_random(fixture, round);
	wait_for(fixture, shows_buffer, "the picture for the one that was stopped");
}

/* While it copies one frame, a whole ring of others goes by, and the message that it then finishes
 * with is a newer one, which it has not read. */
static void test_slow_client(void **state)
{
	struct fixture *fixture = *state;
	uint32_t round = 0;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture");
	for (uint32_t lap = 0; lap < 30; lap++) {
		lg_client_linger(fixture->clients[0], true);
		draw_random(fixture, round++);
		step(fixture);
		for (uint32_t i = 0; i < 3; i++)
			draw_random(fixture, round++);
		lg_client_linger(fixture->clients[0], false);
		step(fixture);
		draw_random(fixture, round++);
		wait_for(fixture, shows_buffer, "the picture for the slow one");
	}
}

static bool second_session(struct fixture *fixture, const struct lg_client_state *state)
{
	return state->sessions >= 2 && shows_buffer(fixture, state);
}

static void test_restart_in_place(void **state)
{
	struct fixture *fixture = *state;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 3);
	wait_for(fixture, shows_buffer, "the picture");
	looking_glass_destroy(fixture->glass);
	start_glass(fixture);
	wait_for(fixture, second_session, "the picture of the next session");
}

static void test_set_cursor(void **state)
{
	struct fixture *fixture = *state;
	struct kvmfr20_set_cursor message = { .type = KVMFR20_SET_CURSOR, .x = 33, .y = 44 };
	uint8_t long_message[LGMP_CLIENT_MESSAGE_BYTES] = { 0xff };
	uint32_t serial = 0;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture");
	assert_int_equal(client_state(fixture, 0)->features, KVMFR20_FEATURE_SET_CURSOR);
	assert_true(lg_client_send(fixture->clients[0], &message, sizeof(message), &serial));
	for (int i = 0; i < 5000 && !fixture->set_cursor_calls; i++)
		usleep(1000);
	assert_int_equal(fixture->set_cursor_at, UINT64_C(33) << 32 | 44);
	/* Beside the screen, of no known type, too long: all are answered. */
	message.x = -1000000;
	message.y = INT32_MAX;
	assert_true(lg_client_send(fixture->clients[0], &message, sizeof(message), &serial));
	for (int i = 0; i < 5000 && fixture->set_cursor_calls < 2; i++)
		usleep(1000);
	assert_int_equal(fixture->set_cursor_at, HEIGHT - 1);
	message.type = 77;
	assert_true(lg_client_send(fixture->clients[0], &message, sizeof(message), &serial));
	assert_true(lg_client_send(fixture->clients[0], long_message, 0xffffffff, &serial));
	for (int i = 0; i < 5000 && !lg_client_acknowledged(fixture->clients[0], serial); i++)
		usleep(1000);
	assert_true(lg_client_acknowledged(fixture->clients[0], serial));
	assert_int_equal(fixture->set_cursor_calls, 2);
}

static void test_screen_off_and_on(void **state)
{
	struct fixture *fixture = *state;

	add_clients(fixture, 1);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	wait_for(fixture, shows_buffer, "the picture");
	lg_rig_off(&fixture->rig);
	step(fixture);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 99);
	wait_for(fixture, shows_buffer, "the next picture");
}

/* 3840 x 2160 is too much for 32 MiB; what comes after is shown again. */
static void test_too_large(void **state)
{
	struct fixture *fixture = *state;

	add_clients(fixture, 1);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	wait_for(fixture, shows_buffer, "the picture");
	show(fixture, 3840, 2160, DRM_FORMAT_XRGB8888, 2);
	lg_rig_wait_released(&fixture->rig);
	step(fixture);
	assert_int_equal(client_state(fixture, 0)->width, WIDTH);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 3);
	wait_for(fixture, shows_buffer, "the picture after");
}

/* All of the file is noise at once, locks, session and pixels too. */
static void test_noise(void **state)
{
	struct fixture *fixture = *state;
	struct lg_client *vandal = lg_client_create(fixture->fd);
	uint32_t *words = lg_client_base(vandal), seed = 5;

	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture");
	lg_client_destroy(fixture->clients[0]);
	fixture->client_count = 0;
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < (8 << 20) / 4; i++)
			words[i] = seed = seed * 1664525u + 1013904223u;
		draw_random(fixture, round);
		lg_rig_wait_released(&fixture->rig);
	}
	/* The dead and the made up are given 3 s. */
	usleep(3300000);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture after noise");
	draw_random(fixture, 9);
	wait_for(fixture, shows_buffer, "the next one");
	lg_client_destroy(vandal);
}

/* Somebody who may write the file makes it shorter. The client's own mapping is not looked at. */
static void test_truncated(void **state)
{
	struct fixture *fixture = *state;
	struct looking_glass_stats before, after;

	/* The test's framework has put its own handler in the way since setup. */
	looking_glass_destroy(fixture->glass);
	start_glass(fixture);
	show(fixture, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 1);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture");
	lg_client_destroy(fixture->clients[0]);
	fixture->client_count = 0;
	assert_int_equal(ftruncate(fixture->fd, 0), 0);
	for (uint32_t i = 0; i < 30; i++) {
		draw_random(fixture, i);
		usleep(3000);
	}
	looking_glass_read_stats(fixture->glass, &before);
	draw_random(fixture, 99);
	lg_rig_wait_released(&fixture->rig);
	looking_glass_read_stats(fixture->glass, &after);
	assert_int_equal(after.frames, before.frames);
	/* The next one works. */
	looking_glass_destroy(fixture->glass);
	start_glass(fixture);
	draw_random(fixture, 100);
	add_clients(fixture, 1);
	wait_for(fixture, shows_buffer, "the picture in a whole file");
}

static void test_tells_what_vm_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct __attribute__((packed)) {
		struct kvmfr20_hello hello;
		struct kvmfr20_record record;
		struct kvmfr20_vm_info vm;
		char model;
	} udata;
	uint32_t bytes;

	assert_int_equal(pread(fixture->fd, &bytes, sizeof(bytes),
			       offsetof(struct lgmp_header, udata_bytes)), sizeof(bytes));
	assert_int_equal(bytes, sizeof(udata));
	assert_int_equal(pread(fixture->fd, &udata, sizeof(udata),
			       offsetof(struct lgmp_header, udata)), sizeof(udata));
	assert_int_equal(udata.record.type, KVMFR20_RECORD_VM_INFO);
	assert_int_equal(udata.record.bytes, sizeof(udata.vm) + 1);
	assert_memory_equal(udata.vm.uuid, vm.uuid.bytes, sizeof(udata.vm.uuid));
	assert_int_equal(udata.vm.cores, 255);
	assert_int_equal(udata.model, '\0');
}

/* --- the file ---------------------------------------------------------------------------- */

static void refused(struct fixture *fixture, const char *text, const char *word)
{
	const struct looking_glass_callbacks callbacks = { .set_cursor = NULL };
	struct looking_glass_config config = { 0 };
	struct option_error error = { "" };

	if (!looking_glass_config_parse(&config, text, &error))
		assert_null(looking_glass_create(fixture->rig.display, &config, &vm, &callbacks,
						 NULL, &error));
	if (!strstr(error.text, word) || strchr(error.text, '\n'))
		fail_msg("'%s': '%s' is not in '%s'", text, word, error.text);
	looking_glass_config_finish(&config);
}

static void write_file(const char *path, const char *text, off_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	if (bytes)
		assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

static void test_bad_files(void **state)
{
	struct fixture *fixture = *state;
	char text[256], path[] = "/tmp/vitrine-lg-bad-XXXXXX";
	struct stat status;

	close(mkstemp(path));
	refused(fixture, "", "which file");
	refused(fixture, "colour=red", "colour");
	refused(fixture, "path=/tmp/x,size=lots", "size");
	refused(fixture, "path=/tmp/x,size=16M", "25M");
	refused(fixture, "path=/nonexistent/x", "No such file");
	refused(fixture, "path=/tmp", "directory");
	refused(fixture, "path=/dev/null", "not a regular file");
	snprintf(text, sizeof(text), "path=%s,size=32M", fixture->config.path);
	refused(fixture, text, "another VM");
	snprintf(text, sizeof(text), "path=%s,group=no-such-group", path);
	refused(fixture, text, "no-such-group");
	write_file(path, "LGMP", 32 << 20);
	snprintf(text, sizeof(text), "path=%s", path);
	refused(fixture, text, "32768 KiB");
	write_file(path, "root:x:0:0", 0);
	refused(fixture, text, "something else");
	write_file(path, "root:x:0:0", 64 << 20);
	refused(fixture, text, "something else");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 64 << 20);
	if (!geteuid()) {
		write_file(path, "", 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
		refused(fixture, text, "another user");
	}
	unlink(path);
}

static void test_access(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;

	looking_glass_destroy(fixture->glass);
	assert_int_equal(chmod(fixture->config.path, 0666), 0);
	start_glass(fixture);
	assert_int_equal(fstat(fixture->fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	assert_int_equal(status.st_size, fixture->config.size_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pixels_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_of_newcomers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_eight_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_in_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_screen_off_and_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tells_what_vm_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
