/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's source for a Looking Glass file, against our own host side in the same process: every
 * pixel, damage, cursor, resizes, restarts, and what the user is told when there is no such host.
 * The source has its reader loop; host and the client's main thread are the test's.
 */
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/looking_glass.h>
#include <errno.h>
#include <fcntl.h>
#include <input_peer.h>
#include <ivshmem/abi.h>
#include <ivshmem/copy.h>
#include <ivshmem/lgmp.h>
#include <layout.h>
#include <lg_wire.h>
#include <setjmp.h>
#include <source.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define REGION_BYTES (32u << 20)
#define MAX_PIXELS (1920u * 1080)
#define TIMEOUT_MS 20000

struct fixture {
	char path[64];
	int fd;
	uint8_t *base;
	struct lg_wire *wire;
	struct loop *loop;
	struct client_source *source;
	_Atomic uint32_t notices;
	/* The host's. */
	struct lg_wire_picture picture;
	uint32_t *pixels;
	struct lg_wire_cursor cursor;
	bool set_cursor;                /* a client has asked for it, there: */
	int32_t set_cursor_x, set_cursor_y;
	/* What the client sees. */
	bool attached;
	uint32_t sessions, losses, frames, torn, width, height, fourcc;
	uint64_t read_pixels;
	uint32_t *screen, *cursor_image;
	struct cursor_state seen_cursor;
};

static uint64_t now_ms(void)
{
	return clock_now_ns() / 1000000;
}

static void on_notice(void *data, unsigned int notices)
{
	struct fixture *fixture = data;

	atomic_fetch_or(&fixture->notices, notices);
}

static void start_host(struct fixture *fixture)
{
	fixture->wire = lg_wire_kvmfr20_create(fixture->base, REGION_BYTES,
					       &(struct looking_glass_vm){ .cpus = 1 }, true, now_ms());
	assert_non_null(fixture->wire);
}

static void stop_host(struct fixture *fixture)
{
	fixture->wire->ops->destroy(fixture->wire);
	fixture->wire = NULL;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	assert_non_null(fixture);
	strcpy(fixture->path, "/tmp/vitrine-lgview-XXXXXX");
	fixture->fd = mkstemp(fixture->path);
	assert_true(fixture->fd >= 0);
	assert_int_equal(ftruncate(fixture->fd, REGION_BYTES), 0);
	fixture->base = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->fd,
			     0);
	assert_true(fixture->base != MAP_FAILED);
	fixture->pixels = calloc(MAX_PIXELS, 4);
	fixture->screen = calloc(MAX_PIXELS, 4);
	fixture->cursor_image = calloc(512 * 512, 4);
	fixture->loop = loop_create("reader");
	fixture->source = source_looking_glass_create(fixture->loop, fixture->path, NULL,
		(struct source_listener){ on_notice, fixture });
	assert_non_null(fixture->source);
	assert_int_equal(loop_start(fixture->loop), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fixture->source->ops->destroy(fixture->source);
	loop_stop(fixture->loop);
	loop_destroy(fixture->loop);
	if (fixture->wire)
		stop_host(fixture);
	munmap(fixture->base, REGION_BYTES);
	close(fixture->fd);
	unlink(fixture->path);
	free(fixture->pixels);
	free(fixture->screen);
	free(fixture->cursor_image);
	free(fixture);
	return 0;
}

/* --- the host ---------------------------------------------------------------------------- */

static void put_slot(struct fixture *fixture, const struct damage *damage)
{
	const struct lg_wire_ops *ops = fixture->wire->ops;
	struct lg_wire_slot slot;

	assert_int_equal(ops->frame_begin(fixture->wire, &fixture->picture, &slot, now_ms()), 0);
	shared_copy_rows(slot.pixels, slot.pitch, fixture->pixels, fixture->picture.width * 4u,
			 fixture->picture.width * 4u, fixture->picture.height);
	ops->frame_end(fixture->wire, damage, now_ms());
}

static void put_picture(struct fixture *fixture, uint32_t width, uint32_t height, uint32_t fourcc,
			uint32_t colour)
{
	fixture->picture = (struct lg_wire_picture){ width, height, fourcc };
	for (uint32_t i = 0; i < width * height; i++)
		fixture->pixels[i] = colour + i * 2654435761u;
	if (fixture->wire)
		put_slot(fixture, NULL);
}

static void put_cursor(struct fixture *fixture)
{
	if (fixture->cursor.image)
		fixture->wire->ops->cursor(fixture->wire, &fixture->cursor, now_ms());
}

static void beat_host(struct fixture *fixture)
{
	struct lg_wire_news news;

	if (!fixture->wire)
		return;
	fixture->wire->ops->beat(fixture->wire, now_ms(), &news);
	if (news.set_cursor) {
		fixture->set_cursor = true;
		fixture->set_cursor_x = news.x;
		fixture->set_cursor_y = news.y;
	}
	if (news.frame_again && fixture->picture.width)
		put_slot(fixture, NULL);
	if (news.cursor_again)
		put_cursor(fixture);
}

/* --- the client -------------------------------------------------------------------------- */

static void take_rect(struct fixture *fixture, const struct slots_frame *frame,
		      const struct video_rect *rect)
{
	assert_true(rect->x <= frame->width && rect->width <= frame->width - rect->x);
	assert_true(rect->y <= frame->height && rect->height <= frame->height - rect->y);
	shared_copy_rows(fixture->screen + (size_t)rect->y * frame->width + rect->x,
			 frame->width * 4u,
			 frame->pixels + (size_t)rect->y * frame->pitch + rect->x * 4u,
			 frame->pitch, rect->width * 4u, rect->height);
	fixture->read_pixels += (uint64_t)rect->width * rect->height;
}

static void take_frame(struct fixture *fixture)
{
	const struct source_video_ops *ops = fixture->source->ops->video;
	struct slots_frame frame;

	if (ops->begin(fixture->source, 0, &frame) != 1)
		return;
	assert_true(frame.width * frame.height <= MAX_PIXELS);
	if (frame.width != fixture->width || frame.height != fixture->height ||
	    frame.fourcc != fixture->fourcc)
		assert_true(frame.full);
	fixture->width = frame.width;
	fixture->height = frame.height;
	fixture->fourcc = frame.fourcc;
	for (uint32_t i = 0; i < frame.damage.count; i++)
		take_rect(fixture, &frame, &frame.damage.rects[i]);
	if (ops->end(fixture->source, 0, &frame))
		fixture->frames++;
	else
		fixture->torn++;
}

static void take_cursor(struct fixture *fixture)
{
	struct cursor_state cursor;

	if (fixture->source->ops->video->cursor(fixture->source, 0, &cursor) != 1)
		return;
	if (cursor.image_changed)
		memcpy(fixture->cursor_image, cursor.image.pixels,
		       (size_t)cursor.image.width * cursor.image.height * 4);
	fixture->seen_cursor = cursor;
}

static void take_notices(struct fixture *fixture)
{
	uint32_t notices = atomic_exchange(&fixture->notices, 0);

	if (notices & SOURCE_FAILED)
		fail_msg("%s", fixture->source->error);
	if (notices & SOURCE_ATTACHED) {
		assert_int_equal(fixture->source->ops->attach(fixture->source), 0);
		assert_int_equal(fixture->source->ops->video->scanout_count(fixture->source), 1);
		fixture->attached = true;
		fixture->sessions++;
	}
	if (fixture->attached && notices & SOURCE_LOST) {
		fixture->source->ops->disconnect(fixture->source);
		fixture->attached = false;
		fixture->losses++;
		assert_int_equal(fixture->source->ops->connect(fixture->source, true), 0);
		return;
	}
	if (fixture->attached && notices & SOURCE_CHANGED) {
		take_frame(fixture);
		take_cursor(fixture);
	}
}

static void step(struct fixture *fixture)
{
	beat_host(fixture);
	take_notices(fixture);
	usleep(2000);
}

static bool shows_picture(struct fixture *fixture)
{
	return fixture->width == fixture->picture.width &&
	       fixture->height == fixture->picture.height &&
	       fixture->fourcc == fixture->picture.fourcc &&
	       !memcmp(fixture->screen, fixture->pixels, (size_t)fixture->width *
		       fixture->height * 4);
}

static bool is_attached(struct fixture *fixture)
{
	return fixture->attached;
}

static bool is_lost(struct fixture *fixture)
{
	return !fixture->attached;
}

static void wait_for(struct fixture *fixture, bool (*condition)(struct fixture *fixture),
		     const char *what)
{
	uint64_t end_ms = now_ms() + TIMEOUT_MS;

	while (!condition(fixture)) {
		if (now_ms() > end_ms)
			fail_msg("waited in vain: %s", what);
		step(fixture);
	}
}

static void attach(struct fixture *fixture)
{
	start_host(fixture);
	assert_int_equal(fixture->source->ops->connect(fixture->source, false), 0);
	wait_for(fixture, is_attached, "attached");
}

/* --- tests ------------------------------------------------------------------------------- */

static void test_exact(void **state)
{
	struct fixture *fixture = *state;
	enum video_state video;
	uint32_t width, height;

	attach(fixture);
	put_picture(fixture, 1280, 720, VIDEO_FOURCC_XRGB8888, 1);
	wait_for(fixture, shows_picture, "1280x720");
	video = fixture->source->ops->video->state(fixture->source, 0, &width, &height);
	assert_int_equal(video, VIDEO_ON);
	assert_int_equal(width, 1280);
	assert_int_equal(height, 720);
	assert_null(fixture->source->ops->input);
	assert_null(fixture->source->ops->sound);
	for (uint32_t i = 0; i < 10; i++) {
		put_picture(fixture, 1366, 768, VIDEO_FOURCC_XRGB8888, i);
		wait_for(fixture, shows_picture, "1366x768");
	}
	put_picture(fixture, 1366, 768, VIDEO_FOURCC_XBGR8888, 77);
	wait_for(fixture, shows_picture, "RGBA");
	put_picture(fixture, 1, 1, VIDEO_FOURCC_XRGB8888, 3);
	wait_for(fixture, shows_picture, "1x1");
}

static void test_damage(void **state)
{
	struct fixture *fixture = *state;
	const struct rect rect = { .x = 1301, .y = 700, .width = 65, .height = 68 };
	struct damage damage = { 0 };

	attach(fixture);
	put_picture(fixture, 1366, 768, VIDEO_FOURCC_XRGB8888, 5);
	wait_for(fixture, shows_picture, "first");
	damage_add(&damage, &rect);
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
			for (uint32_t x = rect.x; x < rect.x + rect.width; x++)
				fixture->pixels[y * 1366 + x] = round * 0x01010101 + x * y;
		fixture->read_pixels = 0;
		put_slot(fixture, &damage);
		wait_for(fixture, shows_picture, "damage");
		/* Widened to columns of 8, not to everything. */
		if (!fixture->torn)
			assert_true(fixture->read_pixels <= 72 * 68);
	}
}

static bool shows_cursor(struct fixture *fixture)
{
	const struct cursor_state *seen = &fixture->seen_cursor;
	const struct lg_wire_cursor *put = &fixture->cursor;

	return seen->visible == put->visible && seen->image.width == put->width &&
	       seen->image.height == put->height && seen->image.hot_x == put->hot_x &&
	       seen->x == put->x + (int32_t)put->hot_x &&
	       seen->y == put->y + (int32_t)put->hot_y &&
	       !memcmp(fixture->cursor_image, put->image, (size_t)put->width * put->height * 4);
}

static void test_cursor(void **state)
{
	struct fixture *fixture = *state;
	static uint32_t image[64 * 64];

	for (uint32_t i = 0; i < 64 * 64; i++)
		image[i] = 0xff000000 | i * 40503u;
	attach(fixture);
	fixture->cursor = (struct lg_wire_cursor){ .visible = true, .x = -5, .y = 100, .hot_x = 3,
						   .hot_y = 4, .width = 64, .height = 64,
						   .image = image };
	put_cursor(fixture);
	wait_for(fixture, shows_cursor, "image");
	for (int32_t i = 0; i < 20; i++) {
		fixture->cursor.x = i * 31;
		fixture->cursor.visible = i % 4;
		put_cursor(fixture);
		wait_for(fixture, shows_cursor, "move");
	}
	fixture->cursor.width = 24;
	fixture->cursor.height = 33;
	put_cursor(fixture);
	wait_for(fixture, shows_cursor, "another image");
}

static void test_host_restarts(void **state)
{
	struct fixture *fixture = *state;

	attach(fixture);
	for (uint32_t i = 0; i < 4; i++) {
		put_picture(fixture, 640 + i * 10, 480, VIDEO_FOURCC_XRGB8888, i);
		wait_for(fixture, shows_picture, "picture");
		assert_int_equal(fixture->losses, i);
		stop_host(fixture);
		if (i % 2)
			wait_for(fixture, is_lost, "loss");
		start_host(fixture);
		memset(fixture->screen, 0, MAX_PIXELS * 4u);
		/* A picture from before the client is there: it comes with its subscription. */
		put_picture(fixture, 640, 400 + i, VIDEO_FOURCC_XRGB8888, 100 + i);
		wait_for(fixture, is_lost, "loss");
		wait_for(fixture, is_attached, "attached again");
		wait_for(fixture, shows_picture, "picture of the new session");
		assert_int_equal(fixture->losses, i + 1);
	}
	assert_int_equal(fixture->sessions, 5);
}

static void test_client_comes_and_goes(void **state)
{
	struct fixture *fixture = *state;

	attach(fixture);
	for (uint32_t i = 0; i < 5; i++) {
		put_picture(fixture, 320, 200, VIDEO_FOURCC_XRGB8888, i);
		wait_for(fixture, shows_picture, "picture");
		fixture->source->ops->disconnect(fixture->source);
		fixture->attached = false;
		atomic_store(&fixture->notices, 0);
		assert_int_equal(fixture->source->ops->connect(fixture->source, i % 2), 0);
		wait_for(fixture, is_attached, "attached");
		memset(fixture->screen, 0, 320 * 200 * 4);
		wait_for(fixture, shows_picture, "the same again");
	}
}

static void test_noise_and_back(void **state)
{
	struct fixture *fixture = *state;
	uint32_t seed = 7;

	attach(fixture);
	put_picture(fixture, 640, 480, VIDEO_FOURCC_XRGB8888, 9);
	wait_for(fixture, shows_picture, "picture");
	stop_host(fixture);
	for (uint32_t i = 0; i < 16384; i++) {
		seed = seed * 1664525 + 1013904223;
		atomic_store((_Atomic uint32_t *)fixture->base + i, seed);
	}
	wait_for(fixture, is_lost, "loss");
	for (uint32_t i = 0; i < 50; i++)
		step(fixture);
	memset(fixture->screen, 0, MAX_PIXELS * 4u);
	start_host(fixture);
	put_picture(fixture, 640, 480, VIDEO_FOURCC_XRGB8888, 10);
	wait_for(fixture, shows_picture, "picture after the noise");
}

static void test_file_cut_short(void **state)
{
	struct fixture *fixture = *state;

	attach(fixture);
	put_picture(fixture, 640, 480, VIDEO_FOURCC_XRGB8888, 9);
	wait_for(fixture, shows_picture, "picture");
	stop_host(fixture);
	assert_int_equal(ftruncate(fixture->fd, 0), 0);
	wait_for(fixture, is_lost, "loss");
	assert_int_equal(ftruncate(fixture->fd, REGION_BYTES), 0);
	memset(fixture->screen, 0, MAX_PIXELS * 4u);
	start_host(fixture);
	put_picture(fixture, 640, 480, VIDEO_FOURCC_XRGB8888, 10);
	wait_for(fixture, shows_picture, "picture of the file made long again");
}

/* --- what the user is told --------------------------------------------------------------- */

static void expect_failure(struct fixture *fixture, const char *what)
{
	uint64_t end_ms = now_ms() + TIMEOUT_MS;

	assert_int_equal(fixture->source->ops->connect(fixture->source, false), 0);
	while (!(atomic_load(&fixture->notices) & SOURCE_FAILED)) {
		if (now_ms() > end_ms)
			fail_msg("no failure: %s", what);
		usleep(2000);
	}
	if (!strstr(fixture->source->error, what))
		fail_msg("'%s' does not say '%s'", fixture->source->error, what);
	fixture->source->ops->disconnect(fixture->source);
	atomic_store(&fixture->notices, 0);
}

static void test_failures(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_header *header = (struct lgmp_header *)fixture->base;

	expect_failure(fixture, "no Looking Glass host runs there");
	atomic_store(&header->magic, 0x464c457f);
	expect_failure(fixture, "not a Looking Glass file");
	start_host(fixture);
	expect_failure(fixture, "no Looking Glass host runs there");
	atomic_store(&header->version, 10);
	expect_failure(fixture, "LGMP version 10, this client 6");
	stop_host(fixture);
	assert_int_equal(ftruncate(fixture->fd, sizeof(*header) - 1), 0);
	expect_failure(fixture, "too small");
	unlink(fixture->path);
	expect_failure(fixture, "no such file");
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	expect_failure(fixture, "not a file of shared memory");
	rmdir(fixture->path);
	close(open(fixture->path, O_CREAT | O_RDWR, 0400));
	/* Root may do anything; of all threads, since the reader's opens it. */
	if (!geteuid())
		assert_int_equal(seteuid(65534), 0);
	expect_failure(fixture, "you may not read and write it");
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
}

static void test_waits_for_the_file(void **state)
{
	struct fixture *fixture = *state;
	char away[80];

	snprintf(away, sizeof(away), "%s.away", fixture->path);
	assert_int_equal(rename(fixture->path, away), 0);
	assert_int_equal(fixture->source->ops->connect(fixture->source, true), 0);
	for (uint32_t i = 0; i < 150; i++)
		step(fixture);
	assert_false(fixture->attached);
	assert_int_equal(rename(away, fixture->path), 0);
	start_host(fixture);
	put_picture(fixture, 64, 64, VIDEO_FOURCC_XRGB8888, 10);
	wait_for(fixture, shows_picture, "picture");
}

/* --- input ------------------------------------------------------------------------------- */

struct fake_peer {
	struct input_peer base;
	struct uuid uuid;
	unsigned int state, starts, stops, destroys, pushes;
	struct input_record last;
	int clipboard_fd;               /* the peer's end; 0: none */
};

static int fake_peer_start(struct input_peer *peer, const struct uuid *uuid)
{
	struct fake_peer *fake = (struct fake_peer *)peer;

	fake->uuid = *uuid;
	fake->starts++;
	return 0;
}

static void fake_peer_stop(struct input_peer *peer)
{
	((struct fake_peer *)peer)->stops++;
}

static void fake_peer_destroy(struct input_peer *peer)
{
	((struct fake_peer *)peer)->destroys++;
}

static int fake_peer_push(struct input_peer *peer, const struct input_record *record)
{
	struct fake_peer *fake = (struct fake_peer *)peer;

	fake->last = *record;
	fake->pushes++;
	return 0;
}

static unsigned int fake_peer_state(struct input_peer *peer)
{
	return ((struct fake_peer *)peer)->state;
}

static int fake_peer_open_clipboard(struct input_peer *peer)
{
	struct fake_peer *fake = (struct fake_peer *)peer;
	int pair[2];

	if (fake->starts == fake->stops)
		return -ENOTCONN;
	if (fake->clipboard_fd)
		close(fake->clipboard_fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	fake->clipboard_fd = pair[1];
	return pair[0];
}

static const struct input_peer_ops fake_peer_ops = {
	fake_peer_start, fake_peer_stop, fake_peer_destroy, fake_peer_push, fake_peer_state,
	fake_peer_open_clipboard,
};

static void use_peer(struct fixture *fixture, struct fake_peer *peer)
{
	peer->base.ops = &fake_peer_ops;
	fixture->source->ops->destroy(fixture->source);
	fixture->source = source_looking_glass_create(fixture->loop, fixture->path, &peer->base,
		(struct source_listener){ on_notice, fixture });
	assert_non_null(fixture->source);
}

static int push_position(struct fixture *fixture, int32_t x, int32_t y)
{
	const struct input_record record = { .type = INPUT_POINTER_ABS, .x = x, .y = y };

	return fixture->source->ops->input->push(fixture->source, &record);
}

static void test_input_goes_to_the_peer(void **state)
{
	struct fixture *fixture = *state;
	const struct input_record key = { .type = INPUT_KEY, .code = 30, .value = 1 };
	const struct source_input_ops *input;
	struct fake_peer peer = { .state = SOURCE_INPUT_AWAY };

	use_peer(fixture, &peer);
	input = fixture->source->ops->input;
	assert_non_null(input);
	attach(fixture);
	assert_int_equal(peer.starts, 1);
	assert_true(uuid_is_zero(&peer.uuid));
	assert_int_equal(input->state(fixture->source), SOURCE_INPUT_AWAY);
	peer.state = 0;
	peer.base.listener.changed(peer.base.listener.data);
	assert_true(atomic_load(&fixture->notices) & SOURCE_CHANGED);
	assert_int_equal(input->push(fixture->source, &key), 0);
	assert_memory_equal(&peer.last, &key, sizeof(key));
	/* Nothing is shown: nothing is there to be at. */
	assert_int_equal(push_position(fixture, 0, 0), -EAGAIN);
	put_picture(fixture, 1366, 768, VIDEO_FOURCC_XRGB8888, 1);
	wait_for(fixture, shows_picture, "1366x768");
	for (int32_t x = 0; x < 1366; x++) {
		assert_int_equal(push_position(fixture, layout_absolute(x, 1366),
					       layout_absolute(767 - x % 768, 768)), 0);
		assert_int_equal(peer.last.x, x);
		assert_int_equal(peer.last.y, 767 - x % 768);
	}
	stop_host(fixture);
	wait_for(fixture, is_lost, "loss");
	assert_int_equal(peer.stops, 1);
	start_host(fixture);
	wait_for(fixture, is_attached, "attached again");
	assert_int_equal(peer.starts, 2);
	fixture->source->ops->destroy(fixture->source);
	assert_int_equal(peer.stops, 2);
	assert_int_equal(peer.destroys, 1);
	fixture->source = source_looking_glass_create(fixture->loop, fixture->path, NULL,
		(struct source_listener){ on_notice, fixture });
}

static void on_clipboard_grabbed(void *data, uint32_t types)
{
	*(uint32_t *)data = types;
}

static void on_clipboard_ended(void *data)
{
	*(uint32_t *)data = UINT32_MAX;
}

/* The peer's end of the channel says something; what ours has heard. */
static uint32_t hear_clipboard(struct loop *loop, int fd, const char *text, const uint32_t *heard)
{
	uint64_t end_ns = clock_now_ns() + UINT64_C(10000000000);
	uint32_t before = *heard;

	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	while (*heard == before && clock_now_ns() < end_ns)
		loop_dispatch(loop, 10);
	return *heard;
}

static void test_clipboard_is_the_peers(void **state)
{
	static const char text_grab[] = "{\"clipboard\":\"grab\",\"types\":[\"text\"],\"seen\":0}";
	static const char png_grab[] = "{\"clipboard\":\"grab\",\"types\":[\"png\"],\"seen\":0}";
	const struct clipboard_channel_ops ops = { .grabbed = on_clipboard_grabbed,
						   .ended = on_clipboard_ended };
	struct fixture *fixture = *state;
	const struct source_clipboard_ops *clipboard;
	struct fake_peer peer = { .state = SOURCE_INPUT_AWAY };
	struct loop *loop = loop_create("main");
	uint32_t heard = 0;
	char byte;

	assert_null(fixture->source->ops->clipboard);
	use_peer(fixture, &peer);
	clipboard = fixture->source->ops->clipboard;
	assert_non_null(clipboard);
	assert_int_equal(clipboard->open(fixture->source, ":0"), -ENOTCONN);
	attach(fixture);
	assert_int_equal(clipboard->join(fixture->source, loop, &ops, &heard), -ENOTCONN);
	assert_int_equal(clipboard->open(fixture->source, ":0"), 0);
	assert_false(atomic_load(&fixture->notices) & SOURCE_CLIPBOARD);
	peer.base.listener.clipboard(peer.base.listener.data);
	assert_true(atomic_load(&fixture->notices) & SOURCE_CLIPBOARD);
	assert_int_equal(clipboard->join(fixture->source, loop, &ops, &heard), 0);
	assert_int_equal(clipboard->join(fixture->source, loop, &ops, &heard), -ENOTCONN);
	assert_int_equal(hear_clipboard(loop, peer.clipboard_fd, text_grab, &heard),
			 CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT));
	clipboard->leave(fixture->source);
	assert_int_equal(recv(peer.clipboard_fd, &byte, 1, 0), 0);
	/* Another, which nobody joins, and one that is joined when the host goes. */
	assert_int_equal(clipboard->open(fixture->source, ":0"), 0);
	assert_int_equal(clipboard->open(fixture->source, ":0"), 0);
	assert_int_equal(clipboard->join(fixture->source, loop, &ops, &heard), 0);
	assert_int_equal(hear_clipboard(loop, peer.clipboard_fd, png_grab, &heard),
			 CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG));
	fixture->source->ops->disconnect(fixture->source);
	assert_int_equal(recv(peer.clipboard_fd, &byte, 1, 0), 0);
	close(peer.clipboard_fd);
	fixture->source->ops->destroy(fixture->source);
	loop_destroy(loop);
	fixture->source = source_looking_glass_create(fixture->loop, fixture->path, NULL,
		(struct source_listener){ on_notice, fixture });
}

static bool has_set_cursor(struct fixture *fixture)
{
	return fixture->set_cursor;
}

/* Where the peer takes only motion, the host is asked to begin it there. */
static void test_position_goes_to_the_host(void **state)
{
	struct fixture *fixture = *state;
	struct fake_peer peer = { .state = SOURCE_INPUT_RELATIVE };

	use_peer(fixture, &peer);
	attach(fixture);
	put_picture(fixture, 640, 480, VIDEO_FOURCC_XRGB8888, 1);
	wait_for(fixture, shows_picture, "640x480");
	assert_int_equal(push_position(fixture, layout_absolute(639, 640),
				       layout_absolute(100, 480)), 0);
	wait_for(fixture, has_set_cursor, "the message");
	assert_int_equal(fixture->set_cursor_x, 639);
	assert_int_equal(fixture->set_cursor_y, 100);
	assert_int_equal(peer.pushes, 0);
	peer.state = SOURCE_INPUT_AWAY;
	assert_int_equal(push_position(fixture, 0, 0), 0);
	assert_int_equal(peer.pushes, 1);
	stop_host(fixture);
	fixture->source->ops->destroy(fixture->source);
	fixture->source = source_looking_glass_create(fixture->loop, fixture->path, NULL,
		(struct source_listener){ on_notice, fixture });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_comes_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_cut_short, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_input_goes_to_the_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clipboard_is_the_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_position_goes_to_the_host, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
