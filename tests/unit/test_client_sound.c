/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who plays when: the client's sound between a source and a sound server that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sound.h>
#include <sound_output.h>
#include <stdio.h>

#define SECOND UINT64_C(1000000000)
#define FRAMES 480

/* --- a source ------------------------------------------------------------------------------- */

struct fake_source {
	struct client_source base;
	struct sound_description streams[2];
	bool changed[2], present[2], owned[2];
	int answer;                     /* of stream, when not 0 */
	uint32_t joins, takes, releases, bells, reads, writes;
	uint32_t joined, keep_frames, quantum_frames;
	uint64_t delay_ns;
};

static struct fake_source *fake(struct client_source *source)
{
	return (struct fake_source *)source;
}

static int fake_stream(struct client_source *source, enum sound_direction direction,
		       struct sound_description *description)
{
	int changed = fake(source)->changed[direction];

	if (!fake(source)->present[direction])
		return -ENOENT;
	if (fake(source)->answer)
		return fake(source)->answer;
	*description = fake(source)->streams[direction];
	fake(source)->changed[direction] = false;
	return changed;
}

static void fake_take(struct client_source *source, enum sound_direction direction)
{
	fake(source)->takes++;
	fake(source)->owned[direction] = true;
}

static bool fake_beat(struct client_source *source, enum sound_direction direction,
		      uint64_t now_ns)
{
	return fake(source)->owned[direction];
}

static void fake_release(struct client_source *source, enum sound_direction direction)
{
	fake(source)->releases++;
}

static int fake_join(struct client_source *source, enum sound_direction direction,
		     const struct sound_description *description, uint32_t keep_frames)
{
	fake(source)->joins++;
	fake(source)->joined = description->generation;
	fake(source)->keep_frames = keep_frames;
	return 0;
}

static uint64_t fake_missed(struct client_source *source, enum sound_direction direction)
{
	return 7;
}

static uint32_t fake_read(struct client_source *source, void *frames, uint32_t count,
			  uint64_t now_ns)
{
	memset(frames, 0x40, (size_t)count * 4);
	fake(source)->reads += count;
	return count;
}

static uint32_t fake_write(struct client_source *source, const void *frames, uint32_t count,
			   uint64_t now_ns)
{
	fake(source)->writes += count;
	return count;
}

static void fake_set_server(struct client_source *source, enum sound_direction direction,
			    uint32_t quantum_frames, uint64_t delay_ns)
{
	fake(source)->quantum_frames = quantum_frames;
	fake(source)->delay_ns = delay_ns;
}

static void fake_ring_bell(struct client_source *source)
{
	fake(source)->bells++;
}

static const char *fake_name(struct client_source *source)
{
	return "demo";
}

static const struct source_sound_ops fake_sound_ops = {
	.stream = fake_stream, .take = fake_take, .beat = fake_beat, .release = fake_release,
	.join = fake_join, .missed = fake_missed, .read = fake_read, .write = fake_write,
	.set_server = fake_set_server, .ring_bell = fake_ring_bell,
};

static const struct client_source_ops fake_ops = { .name = fake_name, .sound = &fake_sound_ops };

/* --- two servers ---------------------------------------------------------------------------- */

struct sound_output {
	struct sound_output_stream streams[2];
	bool running[2], dead, waiting;
};

static struct server {
	struct sound_output output;
	int result;                     /* of start */
	uint32_t creates, destroys, starts, stops;
} servers[2];

static struct server *server(struct sound_output *output)
{
	return (struct server *)output;
}

static struct sound_output *server_create_first(const struct sound_output_listener *listener)
{
	servers[0].creates++;
	return &servers[0].output;
}

static struct sound_output *server_create_second(const struct sound_output_listener *listener)
{
	servers[1].creates++;
	return &servers[1].output;
}

static void server_destroy(struct sound_output *output)
{
	server(output)->destroys++;
}

static int server_start(struct sound_output *output, const struct sound_output_stream *stream)
{
	server(output)->starts++;
	assert_false(output->running[stream->direction]);
	assert_string_equal(stream->name, "demo");
	if (server(output)->result)
		return server(output)->result;
	output->streams[stream->direction] = *stream;
	output->running[stream->direction] = true;
	output->dead = false;
	return 0;
}

static void server_stop(struct sound_output *output, enum sound_direction direction)
{
	server(output)->stops++;
	output->running[direction] = false;
}

static enum sound_output_state server_state(struct sound_output *output,
					    enum sound_direction direction)
{
	return output->dead ? SOUND_OUTPUT_GONE : output->waiting ? SOUND_OUTPUT_WAITING :
								   SOUND_OUTPUT_STREAMING;
}

static const struct sound_output_ops server_first = {
	.name = "first", .returns = true, .create = server_create_first, .destroy = server_destroy,
	.start = server_start, .stop = server_stop, .state = server_state,
};

static const struct sound_output_ops server_second = {
	.name = "second", .create = server_create_second, .destroy = server_destroy,
	.start = server_start, .stop = server_stop, .state = server_state,
};

/* --- the rig -------------------------------------------------------------------------------- */

struct rig {
	struct fake_source source;
	struct sound sound;
	uint64_t now_ns;
};

static const struct sound_description running = {
	.flags = SOUND_OPEN | SOUND_RUNNING, .generation = 1, .format = SOUND_FORMAT_S16,
	.rate = 48000, .channels = 2, .period_frames = FRAMES, .positions = { 3, 4 },
	.frame_bytes = 4,
};

static void rig_tell(struct rig *rig, enum sound_direction direction, uint32_t flags,
		     uint32_t generation)
{
	rig->source.streams[direction] = running;
	rig->source.streams[direction].flags = flags;
	rig->source.streams[direction].generation = generation;
	rig->source.changed[direction] = true;
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
}

static void rig_beat(struct rig *rig)
{
	rig->now_ns += SECOND;
	sound_beat(&rig->sound, rig->now_ns);
}

static struct rig *rig_create(bool microphone)
{
	static struct rig rig;
	const struct sound_config config = {
		.backends = { &server_first, &server_second }, .playback = true,
		.microphone = microphone, .volume = 100,
	};

	memset(&rig, 0, sizeof(rig));
	memset(servers, 0, sizeof(servers));
	rig.now_ns = 100 * SECOND;
	rig.source.base.ops = &fake_ops;
	rig.source.present[0] = rig.source.present[1] = true;
	sound_init(&rig.sound, &config);
	sound_set_source(&rig.sound, &rig.source.base);
	return &rig;
}

static void callback(struct server *from, enum sound_direction direction, void *frames,
		     uint32_t count)
{
	const struct sound_output_stream *stream = &from->output.streams[direction];

	assert_true(from->output.running[direction]);
	stream->process(stream->data, frames, count, 21000000);
}

/* --- tests ---------------------------------------------------------------------------------- */

static void test_an_idle_guest_costs_nothing(void **state)
{
	struct rig *rig = rig_create(false);

	rig_tell(rig, SOUND_PLAYBACK, 0, 0);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 0);
	rig_beat(rig);
	assert_int_equal(servers[0].creates, 1);
	assert_int_equal(servers[0].starts + servers[1].starts, 0);
	assert_int_equal(rig->source.takes, 1);
	sound_finish(&rig->sound);
	assert_int_equal(rig->source.releases, 1);
}

static void test_plays_while_the_guest_does(void **state)
{
	struct rig *rig = rig_create(false);
	uint8_t frames[FRAMES * 4] = { 0 };

	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 0);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 1);
	assert_int_equal(servers[0].starts, 1);
	assert_int_equal(rig->source.joined, 1);
	/* It began under our eyes. */
	assert_int_equal(rig->source.keep_frames, UINT32_MAX);
	assert_int_equal(rig->source.quantum_frames, FRAMES);
	callback(&servers[0], SOUND_PLAYBACK, frames, 256);
	assert_int_equal(frames[255 * 4 + 3], 0x40);
	assert_int_equal(frames[256 * 4], 0);
	assert_int_equal(rig->source.quantum_frames, 256);
	assert_int_equal(rig->source.delay_ns, 21000000);
	assert_int_equal(rig->source.bells, 1);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 2);
	assert_int_equal(servers[0].stops, 1);
	assert_int_equal(servers[0].starts, 2);
	assert_int_equal(rig->source.joined, 2);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 2);
	assert_false(servers[0].output.running[SOUND_PLAYBACK]);
	rig_beat(rig);
	assert_int_equal(servers[0].starts, 2);
	sound_finish(&rig->sound);
	assert_int_equal(servers[0].destroys, 1);
	assert_int_equal(servers[1].starts, 0);
}

/* What the ring was not filled for would have a hole in it. */
static void test_a_larger_quantum_is_told_first(void **state)
{
	struct rig *rig = rig_create(false);
	uint8_t frames[2048 * 4];

	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 1);
	memset(frames, 0x55, sizeof(frames));
	callback(&servers[0], SOUND_PLAYBACK, frames, 2048);
	assert_int_equal(frames[0] | frames[sizeof(frames) - 1], 0);
	assert_int_equal(rig->source.reads, 0);
	assert_int_equal(rig->source.quantum_frames, 2048);
	assert_int_equal(rig->source.bells, 1);
	callback(&servers[0], SOUND_PLAYBACK, frames, 2048);
	assert_int_equal(rig->source.reads, 2048);
	/* The next stream's ring is filled for it at once; its rate may be another. */
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 2);
	assert_int_equal(rig->source.quantum_frames, 2048);
	callback(&servers[0], SOUND_PLAYBACK, frames, 2048);
	assert_int_equal(rig->source.reads, 4096);
	rig->source.streams[SOUND_PLAYBACK].rate = 96000;
	rig->source.streams[SOUND_PLAYBACK].generation = 3;
	rig->source.changed[SOUND_PLAYBACK] = true;
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
	assert_int_equal(rig->source.quantum_frames, 4096);
	sound_finish(&rig->sound);
}

static void test_comes_late_to_a_stream(void **state)
{
	struct rig *rig = rig_create(false);

	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 9);
	assert_int_equal(rig->source.joined, 9);
	assert_int_equal(rig->source.keep_frames, 0);
	sound_set_source(&rig->sound, NULL);
	assert_false(servers[0].output.running[SOUND_PLAYBACK]);
	sound_finish(&rig->sound);
}

static void test_latency_within_reason(void **state)
{
	struct rig *rig = rig_create(false);

	rig->source.streams[SOUND_PLAYBACK] = running;
	rig->source.streams[SOUND_PLAYBACK].period_frames = 48000;
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
	assert_int_equal(servers[0].output.streams[SOUND_PLAYBACK].latency_frames, 1200);
	rig->source.streams[SOUND_PLAYBACK].period_frames = 0;
	rig->source.streams[SOUND_PLAYBACK].generation = 2;
	rig->source.changed[SOUND_PLAYBACK] = true;
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
	assert_int_equal(servers[0].output.streams[SOUND_PLAYBACK].latency_frames, 120);
	sound_finish(&rig->sound);
}

static void test_falls_back_and_tries_again(void **state)
{
	struct rig *rig = rig_create(false);

	servers[0].result = servers[1].result = -EHOSTDOWN;
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 1);
	assert_int_equal(servers[0].starts, 1);
	assert_int_equal(servers[1].starts, 1);
	rig_beat(rig);
	rig_beat(rig);
	rig_beat(rig);
	/* Every few seconds, and only where that is cheap. */
	assert_int_equal(servers[0].starts, 2);
	assert_int_equal(servers[1].starts, 1);
	/* Not with every new stream either. */
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 1);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 2);
	assert_int_equal(servers[0].starts, 3);
	assert_int_equal(servers[1].starts, 1);
	rig->now_ns += 60 * SECOND;
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 2);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 3);
	assert_int_equal(servers[1].starts, 2);
	servers[0].result = 0;
	rig_beat(rig);
	rig_beat(rig);
	assert_true(servers[0].output.running[SOUND_PLAYBACK]);
	/* Once it was there it is waited for. */
	servers[0].output.dead = true;
	servers[0].result = -EHOSTDOWN;
	sound_check(&rig->sound, rig->now_ns);
	assert_false(servers[0].output.running[SOUND_PLAYBACK]);
	for (int i = 0; i < 5; i++)
		rig_beat(rig);
	rig->now_ns += 60 * SECOND;
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 3);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 4);
	assert_int_equal(servers[1].starts, 2);
	servers[0].result = 0;
	rig_beat(rig);
	rig_beat(rig);
	assert_true(servers[0].output.running[SOUND_PLAYBACK]);
	/* It is there and refuses: every few seconds is enough. */
	servers[0].starts = 0;
	for (int i = 0; i < 10; i++) {
		servers[0].output.dead = true;
		rig_beat(rig);
	}
	assert_in_range(servers[0].starts, 3, 5);
	sound_finish(&rig->sound);
}

static void test_second_choice(void **state)
{
	struct rig *rig = rig_create(false);

	servers[0].result = -EHOSTDOWN;
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 1);
	assert_true(servers[1].output.running[SOUND_PLAYBACK]);
	servers[1].output.dead = true;
	rig_beat(rig);
	assert_true(servers[1].output.running[SOUND_PLAYBACK]);
	assert_int_equal(servers[1].starts, 2);
	/* The next stream looks for the first one again. */
	servers[0].result = 0;
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN, 1);
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 2);
	assert_true(servers[0].output.running[SOUND_PLAYBACK]);
	assert_false(servers[1].output.running[SOUND_PLAYBACK]);
	sound_finish(&rig->sound);
	assert_int_equal(servers[0].destroys, 1);
	assert_int_equal(servers[1].destroys, 1);
}

static void test_another_client_plays(void **state)
{
	struct rig *rig = rig_create(false);
	char text[128];

	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 1);
	rig->source.owned[SOUND_PLAYBACK] = false;
	rig_beat(rig);
	assert_false(servers[0].output.running[SOUND_PLAYBACK]);
	sound_format_figures(&rig->sound, text, sizeof(text));
	assert_string_equal(text, "silent: another client has the sound");
	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 2);
	assert_false(servers[0].output.running[SOUND_PLAYBACK]);
	rig->source.owned[SOUND_PLAYBACK] = true;
	rig_beat(rig);
	assert_true(servers[0].output.running[SOUND_PLAYBACK]);
	assert_int_equal(rig->source.joined, 2);
	sound_finish(&rig->sound);
}

static void test_the_microphone_is_asked_for(void **state)
{
	struct rig *rig = rig_create(false);
	uint8_t frames[FRAMES * 4] = { 0 };

	rig_tell(rig, SOUND_MICROPHONE, SOUND_OPEN | SOUND_RUNNING, 1);
	assert_false(sound_microphone_is_on(&rig->sound));
	assert_false(servers[0].output.running[SOUND_MICROPHONE]);
	sound_finish(&rig->sound);

	rig = rig_create(true);
	rig_tell(rig, SOUND_MICROPHONE, SOUND_OPEN, 0);
	assert_false(sound_microphone_is_on(&rig->sound));
	rig_tell(rig, SOUND_MICROPHONE, SOUND_OPEN | SOUND_RUNNING, 1);
	assert_true(sound_microphone_is_on(&rig->sound));
	servers[0].output.waiting = true;
	assert_false(sound_microphone_is_on(&rig->sound));
	servers[0].output.waiting = false;
	callback(&servers[0], SOUND_MICROPHONE, frames, 128);
	assert_int_equal(rig->source.writes, 128);
	assert_int_equal(rig->source.reads, 0);
	assert_int_equal(rig->source.bells, 1);
	/* The volume is that of what is played. */
	sound_toggle_mute(&rig->sound);
	rig_tell(rig, SOUND_MICROPHONE, SOUND_OPEN, 1);
	assert_false(sound_microphone_is_on(&rig->sound));
	sound_finish(&rig->sound);
}

static void test_sources_that_lack_sound_or_lie(void **state)
{
	struct rig *rig = rig_create(false);
	struct client_source_ops silent = fake_ops;

	rig->source.answer = -EPROTO;
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), -EPROTO);
	rig->source.answer = -EAGAIN;
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), -EAGAIN);
	sound_set_source(&rig->sound, NULL);
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
	rig_beat(rig);
	rig->source.present[0] = rig->source.present[1] = false;
	sound_set_source(&rig->sound, &rig->source.base);
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
	rig_beat(rig);
	silent.sound = NULL;
	rig->source.base.ops = &silent;
	sound_set_source(&rig->sound, &rig->source.base);
	assert_int_equal(sound_update(&rig->sound, rig->now_ns), 0);
	rig_beat(rig);
	assert_int_equal(servers[0].starts, 0);
	sound_finish(&rig->sound);
}

static void test_volume_keys(void **state)
{
	struct rig *rig = rig_create(false);
	int16_t frames[48000 / 50 * 2];
	char text[32];

	rig_tell(rig, SOUND_PLAYBACK, SOUND_OPEN | SOUND_RUNNING, 1);
	sound_change_volume(&rig->sound, 3);
	sound_format_volume(&rig->sound, text, sizeof(text));
	assert_string_equal(text, "Volume 100 %");
	sound_toggle_mute(&rig->sound);
	sound_format_volume(&rig->sound, text, sizeof(text));
	assert_string_equal(text, "Muted");
	callback(&servers[0], SOUND_PLAYBACK, frames, 1);
	callback(&servers[0], SOUND_PLAYBACK, frames, 48000 / 50);
	assert_int_equal(frames[48000 / 50 * 2 - 1], 0);
	sound_change_volume(&rig->sound, -1);
	sound_format_volume(&rig->sound, text, sizeof(text));
	assert_string_equal(text, "Volume 95 %");
	sound_change_volume(&rig->sound, -100);
	sound_format_volume(&rig->sound, text, sizeof(text));
	assert_string_equal(text, "Volume 0 %");
	sound_finish(&rig->sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_idle_guest_costs_nothing),
		cmocka_unit_test(test_plays_while_the_guest_does),
		cmocka_unit_test(test_a_larger_quantum_is_told_first),
		cmocka_unit_test(test_comes_late_to_a_stream),
		cmocka_unit_test(test_latency_within_reason),
		cmocka_unit_test(test_falls_back_and_tries_again),
		cmocka_unit_test(test_second_choice),
		cmocka_unit_test(test_another_client_plays),
		cmocka_unit_test(test_the_microphone_is_asked_for),
		cmocka_unit_test(test_sources_that_lack_sound_or_lie),
		cmocka_unit_test(test_volume_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
