/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test pattern in the place of a VM. The loop's timer only counts; pictures are drawn on the
 * main thread when they are asked for.
 */
#include "source.h"
#include "test_pattern.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TEST_TICK_NS (UINT64_C(1000000000) / 60)
#define TEST_SCANOUTS 2u
#define TEST_MAX_EXTENT 8192
#define TEST_BOX_COLOUR 0xff8020u
#define TEST_RATE 48000u
#define TEST_CHANNELS 2u
#define TEST_TONE_HZ 440.0
#define TEST_TONE_PEAK 3276.7           /* -20 dB */

struct test_screen {
	uint32_t width, height;         /* 0: unplugged */
	uint32_t *still, *pixels;       /* NULL: to be drawn */
	uint64_t tick;                  /* of what pixels shows */
	uint64_t sequence;
	bool all;                       /* the next frame is a full one */
	uint64_t cursor_serial, cursor_seen;
};

struct source_test {
	struct client_source base;
	struct loop_timer *timer;
	_Atomic uint64_t tick;
	bool connected, shut_down;
	struct test_screen screens[TEST_SCANOUTS];
	int32_t pointer_x, pointer_y;   /* pixels */
	uint32_t pointer_scanout;
	uint32_t cursor[TEST_PATTERN_CURSOR * TEST_PATTERN_CURSOR];
	double phase;                   /* of the tone, in periods */
};

static struct source_test *source_test_from(struct client_source *base)
{
	return (struct source_test *)base;
}

static void source_test_tick(void *data)
{
	struct source_test *source = data;

	atomic_fetch_add(&source->tick, 1);
	source_notice(&source->base, SOURCE_CHANGED);
}

static void source_test_start(void *data)
{
	struct source_test *source = data;

	loop_timer_arm(source->timer, TEST_TICK_NS, TEST_TICK_NS);
	source_notice(&source->base, SOURCE_ATTACHED | SOURCE_CHANGED);
}

static void source_test_stop(void *data)
{
	struct source_test *source = data;

	loop_timer_disarm(source->timer);
}

static int source_test_connect(struct client_source *base, bool patient)
{
	struct source_test *source = source_test_from(base);

	source->connected = true;
	return loop_post(base->loop, source_test_start, source);
}

static void source_test_disconnect(struct client_source *base)
{
	struct source_test *source = source_test_from(base);

	if (source->connected)
		loop_call(base->loop, source_test_stop, source);
	source->connected = false;
}

static void source_test_free_screen(struct test_screen *screen)
{
	free(screen->still);
	free(screen->pixels);
	screen->still = screen->pixels = NULL;
}

static void source_test_drop_timer(void *data)
{
	struct source_test *source = data;

	loop_timer_destroy(source->timer);
}

static void source_test_destroy(struct client_source *base)
{
	struct source_test *source = source_test_from(base);

	source_test_disconnect(base);
	loop_call(base->loop, source_test_drop_timer, source);
	for (uint32_t i = 0; i < TEST_SCANOUTS; i++)
		source_test_free_screen(&source->screens[i]);
	free(source);
}

static int source_test_attach(struct client_source *base)
{
	return 0;
}

static int source_test_beat(struct client_source *base, uint64_t now_ns)
{
	return 0;
}

static enum segment_state source_test_state(struct client_source *base)
{
	return source_test_from(base)->shut_down ? SEGMENT_SHUT_DOWN : SEGMENT_RUNNING;
}

static const char *source_test_name(struct client_source *base)
{
	return "test pattern";
}

/* --- video ------------------------------------------------------------------------------- */

static uint32_t source_test_scanout_count(struct client_source *base)
{
	return TEST_SCANOUTS;
}

static enum video_state source_test_video_state(struct client_source *base, uint32_t scanout,
						uint32_t *width, uint32_t *height)
{
	const struct test_screen *screen = &source_test_from(base)->screens[scanout];

	*width = screen->width;
	*height = screen->height;
	return screen->width ? VIDEO_ON : VIDEO_OFF;
}

static int test_screen_prepare(struct test_screen *screen)
{
	size_t bytes = (size_t)screen->width * screen->height * 4;

	if (screen->pixels)
		return 0;
	screen->still = malloc(bytes);
	screen->pixels = malloc(bytes);
	if (!screen->still || !screen->pixels) {
		source_test_free_screen(screen);
		return -ENOMEM;
	}
	test_pattern_draw(screen->still, (int)screen->width, (int)screen->height);
	memcpy(screen->pixels, screen->still, bytes);
	screen->all = true;
	return 0;
}

static void test_screen_step(struct test_screen *screen, uint64_t tick, struct slots_frame *frame)
{
	int width = (int)screen->width, height = (int)screen->height;
	struct video_rect before = test_pattern_box(screen->tick, width, height);
	struct video_rect after = test_pattern_box(tick, width, height);

	test_pattern_restore(screen->pixels, screen->still, width, &before);
	test_pattern_fill(screen->pixels, width, &after, TEST_BOX_COLOUR);
	screen->tick = tick;
	screen->sequence++;
	*frame = (struct slots_frame){
		.pixels = (const uint8_t *)screen->pixels,
		.sequence = screen->sequence,
		.width = screen->width, .height = screen->height, .pitch = screen->width * 4,
		.fourcc = VIDEO_FOURCC_XRGB8888,
		.guest_flush_ns = clock_now_ns(),
		.full = screen->all,
		.damage = { .count = 2, .rects = { before, after } },
	};
	frame->publish_ns = frame->guest_flush_ns;
	screen->all = false;
}

static int source_test_begin(struct client_source *base, uint32_t scanout,
			     struct slots_frame *frame)
{
	struct source_test *source = source_test_from(base);
	struct test_screen *screen = &source->screens[scanout];
	uint64_t tick = atomic_load(&source->tick);

	if (!screen->width || (screen->pixels && !screen->all && tick == screen->tick))
		return 0;
	if (test_screen_prepare(screen))
		return 0;
	test_screen_step(screen, tick, frame);
	return 1;
}

static bool source_test_end(struct client_source *base, uint32_t scanout,
			    const struct slots_frame *frame)
{
	return true;
}

static void source_test_forget(struct client_source *base, uint32_t scanout)
{
	source_test_from(base)->screens[scanout].all = true;
}

static int source_test_cursor(struct client_source *base, uint32_t scanout,
			      struct cursor_state *state)
{
	struct source_test *source = source_test_from(base);
	struct test_screen *screen = &source->screens[scanout];
	bool first = screen->cursor_seen == 0;

	if (!first && screen->cursor_seen == screen->cursor_serial)
		return 0;
	screen->cursor_seen = screen->cursor_serial;
	*state = (struct cursor_state){
		.x = source->pointer_x, .y = source->pointer_y,
		.visible = source->pointer_scanout == scanout,
		.moved = true,
		.image_changed = first,
		.image = { .width = TEST_PATTERN_CURSOR, .height = TEST_PATTERN_CURSOR,
			   .fourcc = VIDEO_FOURCC_ARGB8888, .pixels = source->cursor },
	};
	return 1;
}

static bool source_test_same_clock(struct client_source *base)
{
	return true;
}

/* --- input ------------------------------------------------------------------------------- */

static int32_t source_test_limit(int32_t value, uint32_t extent)
{
	if (value < 0 || extent == 0)
		return 0;
	return value < (int32_t)extent ? value : (int32_t)extent - 1;
}

static void source_test_move(struct source_test *source, uint32_t scanout, int32_t x, int32_t y)
{
	const struct test_screen *screen = &source->screens[scanout];

	source->pointer_scanout = scanout;
	source->pointer_x = source_test_limit(x, screen->width);
	source->pointer_y = source_test_limit(y, screen->height);
	for (uint32_t i = 0; i < TEST_SCANOUTS; i++)
		source->screens[i].cursor_serial++;
}

static void source_test_resize(struct test_screen *screen, int32_t width, int32_t height)
{
	source_test_free_screen(screen);
	screen->width = screen->height = 0;
	if (width <= 0 || height <= 0 || width > TEST_MAX_EXTENT || height > TEST_MAX_EXTENT)
		return;
	screen->width = (uint32_t)width;
	screen->height = (uint32_t)height;
}

static int source_test_push(struct client_source *base, const struct input_record *record)
{
	struct source_test *source = source_test_from(base);
	struct test_screen *screen = &source->screens[record->scanout % TEST_SCANOUTS];

	log_debug("input: type %u scanout %u code %u value %d x %d y %d", record->type,
		  record->scanout, record->code, record->value, record->x, record->y);
	switch (record->type) {
	case INPUT_POINTER_ABS:
		source_test_move(source, record->scanout % TEST_SCANOUTS,
				 (int32_t)((int64_t)record->x * screen->width / 65536),
				 (int32_t)((int64_t)record->y * screen->height / 65536));
		break;
	case INPUT_POINTER_REL:
		source_test_move(source, source->pointer_scanout, source->pointer_x + record->x,
				 source->pointer_y + record->y);
		break;
	case INPUT_DISPLAY_SIZE:
		source_test_resize(screen, record->x, record->y);
		break;
	case INPUT_POWER_BUTTON:
	case INPUT_FORCE_OFF:
		source->shut_down = true;
		break;
	default:
		break;
	}
	source_notice(base, SOURCE_CHANGED);
	return 0;
}

/* --- sound: a tone, and an ear that hears nothing ------------------------------------------- */

static int source_test_stream(struct client_source *base, enum sound_direction direction,
			      struct sound_description *description)
{
	*description = (struct sound_description){
		.flags = SOUND_OPEN | SOUND_RUNNING, .generation = 1, .format = SOUND_FORMAT_S16,
		.rate = TEST_RATE, .channels = TEST_CHANNELS, .period_frames = TEST_RATE / 100,
		.positions = { 3, 4 }, .frame_bytes = TEST_CHANNELS * sizeof(int16_t),
	};
	return 0;
}

static void source_test_take(struct client_source *base, enum sound_direction direction)
{
}

static bool source_test_sound_beat(struct client_source *base, enum sound_direction direction,
				   uint64_t now_ns)
{
	return true;
}

static int source_test_join(struct client_source *base, enum sound_direction direction,
			    const struct sound_description *description, uint32_t keep_frames)
{
	if (direction == SOUND_PLAYBACK)
		source_test_from(base)->phase = 0;
	return 0;
}

static uint64_t source_test_missed(struct client_source *base, enum sound_direction direction)
{
	return 0;
}

static uint32_t source_test_read(struct client_source *base, void *frames, uint32_t count,
				 uint64_t now_ns)
{
	struct source_test *source = source_test_from(base);
	int16_t *samples = frames;

	for (uint32_t i = 0; i < count; i++) {
		double value = TEST_TONE_PEAK * sin(2 * M_PI * source->phase);

		for (uint32_t channel = 0; channel < TEST_CHANNELS; channel++)
			samples[i * TEST_CHANNELS + channel] = (int16_t)lrint(value);
		source->phase += TEST_TONE_HZ / TEST_RATE;
		source->phase -= floor(source->phase);
	}
	return count;
}

static uint32_t source_test_write(struct client_source *base, const void *frames, uint32_t count,
				  uint64_t now_ns)
{
	return count;
}

static void source_test_set_server(struct client_source *base, enum sound_direction direction,
				   uint32_t quantum_frames, uint64_t delay_ns)
{
}

static void source_test_ring_bell(struct client_source *base)
{
}

static const struct source_sound_ops source_test_sound = {
	.stream = source_test_stream,
	.take = source_test_take,
	.beat = source_test_sound_beat,
	.release = source_test_take,
	.join = source_test_join,
	.missed = source_test_missed,
	.read = source_test_read,
	.write = source_test_write,
	.set_server = source_test_set_server,
	.ring_bell = source_test_ring_bell,
};

static const struct source_video_ops source_test_video = {
	.scanout_count = source_test_scanout_count,
	.state = source_test_video_state,
	.begin = source_test_begin,
	.end = source_test_end,
	.forget = source_test_forget,
	.cursor = source_test_cursor,
	.same_clock = source_test_same_clock,
};

static const struct source_input_ops source_test_input = {
	.push = source_test_push,
};

static const struct client_source_ops source_test_ops = {
	.connect = source_test_connect,
	.attach = source_test_attach,
	.disconnect = source_test_disconnect,
	.destroy = source_test_destroy,
	.beat = source_test_beat,
	.state = source_test_state,
	.name = source_test_name,
	.video = &source_test_video,
	.input = &source_test_input,
	.sound = &source_test_sound,
};

struct client_source *source_test_create(struct loop *loop, uint32_t width, uint32_t height,
					 struct source_listener listener)
{
	struct source_test *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->base = (struct client_source){ .ops = &source_test_ops, .loop = loop,
					       .listener = listener };
	source->timer = loop_timer_create(loop, source_test_tick, source);
	if (!source->timer) {
		free(source);
		return NULL;
	}
	source_test_resize(&source->screens[0], (int32_t)width, (int32_t)height);
	source_test_move(source, 0, (int32_t)width / 3, (int32_t)height / 3);
	test_pattern_cursor(source->cursor);
	return &source->base;
}
