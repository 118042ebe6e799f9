/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <source.h>
#include <video.h>

#define SIDE 64

/* A source with one frame in hand, which may be torn or lie. */
struct fake_source {
	struct client_source base;
	struct slots_frame frame;
	uint32_t pixels[SIDE * SIDE];
	int begin_result;
	int torn;                       /* so many ends say: torn */
	int begins, ends, forgets;
};

static struct fake_source *fake_from(struct client_source *base)
{
	return (struct fake_source *)base;
}

static int fake_begin(struct client_source *base, uint32_t scanout, struct slots_frame *frame)
{
	struct fake_source *source = fake_from(base);

	source->begins++;
	*frame = source->frame;
	return source->begin_result;
}

static bool fake_end(struct client_source *base, uint32_t scanout, const struct slots_frame *frame)
{
	struct fake_source *source = fake_from(base);

	source->ends++;
	return source->torn-- <= 0;
}

static void fake_forget(struct client_source *base, uint32_t scanout)
{
	fake_from(base)->forgets++;
}

static const struct source_video_ops fake_video = {
	.begin = fake_begin, .end = fake_end, .forget = fake_forget,
};
static const struct client_source_ops fake_ops = { .video = &fake_video };

struct rig {
	struct fake_source source;
	struct video video;
	SDL_Surface *screen;
	SDL_Renderer *renderer;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->source.base.ops = &fake_ops;
	rig->source.begin_result = 1;
	rig->source.frame = (struct slots_frame){
		.pixels = (const uint8_t *)rig->source.pixels, .sequence = 1,
		.width = SIDE, .height = SIDE, .pitch = SIDE * 4,
		.fourcc = VIDEO_FOURCC_XRGB8888, .full = true,
	};
	rig->screen = SDL_CreateRGBSurfaceWithFormat(0, SIDE, SIDE, 32, SDL_PIXELFORMAT_ARGB8888);
	rig->renderer = SDL_CreateSoftwareRenderer(rig->screen);
	video_init(&rig->video, rig->renderer);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	video_finish(&rig->video);
	SDL_DestroyRenderer(rig->renderer);
	SDL_FreeSurface(rig->screen);
	free(rig);
	return 0;
}

static void fill(struct rig *rig, uint32_t colour)
{
	for (int i = 0; i < SIDE * SIDE; i++)
		rig->source.pixels[i] = colour;
}

static uint32_t shown(struct rig *rig, int x, int y)
{
	SDL_RenderCopy(rig->renderer, rig->video.texture, NULL, NULL);
	SDL_RenderFlush(rig->renderer);
	return ((uint32_t *)rig->screen->pixels)[y * SIDE + x] & 0xffffff;
}

static int update(struct rig *rig)
{
	return video_update(&rig->video, &rig->source.base, 0);
}

static void test_first_frame_is_whole(void **state)
{
	struct rig *rig = *state;

	fill(rig, 0x123456);
	/* Even when the source claims that only a part changed: the texture is new. */
	rig->source.frame.full = false;
	assert_int_equal(update(rig), 1);
	assert_int_equal(rig->video.uploaded_pixels, SIDE * SIDE);
	assert_int_equal(shown(rig, 0, 0), 0x123456);
	assert_int_equal(shown(rig, SIDE - 1, SIDE - 1), 0x123456);
}

static void test_only_damage_is_uploaded(void **state)
{
	struct rig *rig = *state;

	fill(rig, 0x111111);
	update(rig);
	fill(rig, 0x222222);
	rig->source.frame.full = false;
	rig->source.frame.skipped = 3;
	rig->source.frame.damage = (struct video_damage){
		.count = 3, .rects = { { 2, 3, 4, 5 }, { 60, 60, 4, 4 }, { 0, 0, 0, 9 } } };
	rig->video.uploaded_pixels = 0;
	assert_int_equal(update(rig), 1);
	assert_int_equal(rig->video.uploaded_pixels, 4 * 5 + 4 * 4);
	assert_int_equal(rig->video.skipped, 3);
	assert_int_equal(shown(rig, 2, 3), 0x222222);
	assert_int_equal(shown(rig, 5, 7), 0x222222);
	assert_int_equal(shown(rig, 63, 63), 0x222222);
	assert_int_equal(shown(rig, 1, 3), 0x111111);
	assert_int_equal(shown(rig, 6, 7), 0x111111);
	assert_int_equal(shown(rig, 2, 8), 0x111111);
}

static void test_rows_may_be_far_apart(void **state)
{
	struct rig *rig = *state;

	fill(rig, 0x111111);
	rig->source.frame.width = SIDE / 2;
	for (int y = 0; y < SIDE; y++)
		rig->source.pixels[y * SIDE + 31] = 0x00ff00;
	assert_int_equal(update(rig), 1);
	assert_int_equal(rig->video.width, SIDE / 2);
	assert_int_equal(shown(rig, 63, 40), 0x00ff00);
	assert_int_equal(shown(rig, 0, 40), 0x111111);
}

static void test_formats(void **state)
{
	struct rig *rig = *state;

	fill(rig, 0x00112233);
	rig->source.frame.fourcc = VIDEO_FOURCC_ABGR8888;
	assert_int_equal(update(rig), 1);
	assert_int_equal(shown(rig, 9, 9), 0x332211);
	rig->source.frame.fourcc = VIDEO_FOURCC_ARGB8888;
	assert_int_equal(update(rig), 1);
	assert_int_equal(shown(rig, 9, 9), 0x112233);
}

/* A torn frame is tried again; one that stays torn is not shown as new. */
static void test_torn_frames(void **state)
{
	struct rig *rig = *state;

	rig->source.torn = 2;
	assert_int_equal(update(rig), 1);
	assert_int_equal(rig->source.begins, 3);
	assert_int_equal(rig->video.torn, 2);
	rig->source.torn = 1000;
	assert_int_equal(update(rig), -EAGAIN);
	assert_int_equal(rig->video.frames, 1);
	assert_int_equal(rig->source.begins, rig->source.ends);
}

static void test_nothing_new_and_nonsense(void **state)
{
	struct rig *rig = *state;

	rig->source.begin_result = 0;
	assert_int_equal(update(rig), 0);
	assert_null(rig->video.texture);
	rig->source.begin_result = -EPROTO;
	assert_int_equal(update(rig), -EPROTO);
	rig->source.begin_result = -EAGAIN;
	assert_int_equal(update(rig), -EAGAIN);
	assert_int_equal(rig->source.ends, 0);
	rig->source.begin_result = 1;
	rig->source.frame.fourcc = 0x20202020;
	assert_int_equal(update(rig), -EPROTO);
	assert_int_equal(rig->source.ends, 1);
}

static void test_size_changes(void **state)
{
	struct rig *rig = *state;

	update(rig);
	rig->source.frame.height = 10;
	rig->source.frame.full = false;
	rig->video.uploaded_pixels = 0;
	assert_int_equal(update(rig), 1);
	assert_int_equal(rig->video.height, 10);
	assert_int_equal(rig->video.uploaded_pixels, SIDE * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_frame_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_damage_is_uploaded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rows_may_be_far_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_new_and_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
