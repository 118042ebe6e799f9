/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WAVE files read back by a reader of their own, bit by bit; the writer's thread and its ring. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <audio/backend.h>
#include <base/bytes.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wav_file.h>
#include <wav_writer.h>

static char folder[64];
static char path[128], path2[128], path3[128];

static int setup(void **state)
{
	strcpy(folder, "/tmp/test-audio-wav-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.b.wav", folder);
	snprintf(path2, sizeof(path2), "%s/a.b-2.wav", folder);
	snprintf(path3, sizeof(path3), "%s/a.b-3.wav", folder);
	return 0;
}

static int teardown(void **state)
{
	remove(path);
	remove(path2);
	remove(path3);
	return rmdir(folder);
}

/* --- a reader ---------------------------------------------------------------------------- */

struct wav {
	uint8_t *bytes;
	size_t size;
	uint16_t tag, channels, block, bits, valid_bits;
	uint32_t rate, byte_rate, mask, fact_frames;
	bool extensible, has_fact;
	const uint8_t *data;
	uint32_t data_bytes;
};

/* The whole of every length must be there; complete: nothing more may be. */
static struct wav wav_read(const char *name, bool complete)
{
	struct wav wav = { 0 };
	FILE *file = fopen(name, "rb");
	struct stat stat;
	size_t at = 12;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &stat), 0);
	wav.size = (size_t)stat.st_size;
	wav.bytes = malloc(wav.size + 1);
	assert_int_equal(fread(wav.bytes, 1, wav.size, file), wav.size);
	fclose(file);
	assert_true(wav.size >= 12);
	assert_memory_equal(wav.bytes, "RIFF", 4);
	assert_memory_equal(wav.bytes + 8, "WAVE", 4);
	assert_true(8 + (size_t)le32_load(wav.bytes + 4) <= wav.size);
	if (complete)
		assert_int_equal(8 + (size_t)le32_load(wav.bytes + 4), wav.size);
	while (!wav.data) {
		const uint8_t *chunk = wav.bytes + at;
		uint32_t bytes = le32_load(chunk + 4);

		assert_true(at + 8 + bytes <= wav.size);
		if (memcmp(chunk, "fmt ", 4) == 0) {
			wav.tag = le16_load(chunk + 8);
			wav.channels = le16_load(chunk + 10);
			wav.rate = le32_load(chunk + 12);
			wav.byte_rate = le32_load(chunk + 16);
			wav.block = le16_load(chunk + 20);
			wav.bits = wav.valid_bits = le16_load(chunk + 22);
			if (wav.tag == 0xfffe) {
				static const uint8_t tail[] = { 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0,
								0xaa, 0, 0x38, 0x9b, 0x71 };

				assert_int_equal(bytes, 40);
				assert_int_equal(le16_load(chunk + 24), 22);
				wav.extensible = true;
				wav.valid_bits = le16_load(chunk + 26);
				wav.mask = le32_load(chunk + 28);
				wav.tag = le16_load(chunk + 32);
				assert_memory_equal(chunk + 34, tail, 14);
			} else {
				assert_int_equal(bytes, wav.tag == 1 ? 16 : 18);
			}
		} else if (memcmp(chunk, "fact", 4) == 0) {
			wav.has_fact = true;
			wav.fact_frames = le32_load(chunk + 8);
		} else {
			assert_memory_equal(chunk, "data", 4);
			wav.data = chunk + 8;
			wav.data_bytes = bytes;
		}
		at += 8 + bytes;
	}
	if (complete)
		assert_int_equal(at, wav.size);
	assert_int_equal(wav.byte_rate, wav.rate * wav.block);
	assert_int_equal(wav.data_bytes % wav.block, 0);
	return wav;
}

/* --- samples ----------------------------------------------------------------------------- */

static struct audio_params params_of(enum audio_format format, uint32_t channels)
{
	struct audio_params params = {
		.format = format, .rate = 48000, .channels = channels, .period_frames = 480,
		.buffer_frames = 1920,
	};

	audio_positions_default(params.positions, channels);
	return params;
}

/* Sample n as the guest has it: every bit of the format is used. */
static uint32_t sample(enum audio_format format, uint32_t n)
{
	uint32_t value = n * 2654435761u;

	if (format == AUDIO_FORMAT_S16)
		return value >> 16;
	if (format == AUDIO_FORMAT_S24)
		return (uint32_t)((int32_t)value >> 8);
	return value;
}

static void fill(uint8_t *to, const struct audio_params *params, uint32_t first, uint32_t samples)
{
	for (uint32_t i = 0; i < samples; i++) {
		if (audio_format_bytes(params->format) == 2)
			le16_store(to + 2 * i, (uint16_t)sample(params->format, first + i));
		else
			le32_store(to + 4 * i, sample(params->format, first + i));
	}
}

/* The speakers in the order a reader of the mask takes them: FL FR FC LFE BL BR SL SR. */
static const uint8_t mask_order[] = {
	AUDIO_POSITION_FL, AUDIO_POSITION_FR, AUDIO_POSITION_FC, AUDIO_POSITION_LFE,
	AUDIO_POSITION_RL, AUDIO_POSITION_RR, AUDIO_POSITION_SL, AUDIO_POSITION_SR,
};
static const uint32_t mask_bits[] = { 1, 2, 4, 8, 0x10, 0x20, 0x200, 0x400 };

/* Which of the guest's channels a player sends to the speaker of the file's channel n. */
static uint32_t channel_at(const struct wav *wav, const struct audio_params *params, uint32_t n)
{
	if (!wav->extensible || params->channels == 1)
		return n;
	for (uint32_t bit = 0; bit < 8; bit++) {
		if (!(wav->mask & mask_bits[bit]) || n-- > 0)
			continue;
		for (uint32_t i = 0; i < params->channels; i++) {
			if (params->positions[i] == mask_order[bit])
				return i;
		}
	}
	fail();
	return 0;
}

/* The file holds frames of the samples from sample number first on. */
static void assert_samples(const struct wav *wav, const struct audio_params *params,
			   uint32_t first, uint32_t frames)
{
	uint32_t bytes = audio_format_bytes(params->format);

	assert_int_equal(wav->rate, params->rate);
	assert_int_equal(wav->channels, params->channels);
	assert_int_equal(wav->bits, bytes * 8);
	assert_int_equal(wav->tag, params->format == AUDIO_FORMAT_FLOAT ? 3 : 1);
	assert_int_equal(wav->valid_bits, params->format == AUDIO_FORMAT_S24 ? 24 : bytes * 8);
	assert_int_equal(wav->block, bytes * params->channels);
	assert_int_equal(wav->data_bytes, frames * wav->block);
	assert_int_equal(wav->has_fact, params->format == AUDIO_FORMAT_FLOAT);
	if (wav->has_fact)
		assert_int_equal(wav->fact_frames, frames);
	for (uint32_t f = 0; f < frames; f++) {
		for (uint32_t c = 0; c < params->channels; c++) {
			const uint8_t *at = wav->data + (f * params->channels + c) * bytes;
			uint32_t number = first + f * params->channels +
					  channel_at(wav, params, c);
			uint32_t wanted = sample(params->format, number);

			if (params->format == AUDIO_FORMAT_S24)
				wanted <<= 8;
			if (bytes == 2)
				assert_int_equal(le16_load(at), wanted);
			else
				assert_int_equal(le32_load(at), wanted);
		}
	}
}

static void test_every_format(void **state)
{
	static uint8_t frames[1000 * AUDIO_MAX_FRAME_BYTES];

	for (int format = AUDIO_FORMAT_S16; format <= AUDIO_FORMAT_FLOAT; format++) {
		for (uint32_t channels = 1; channels <= AUDIO_MAX_CHANNELS; channels++) {
			struct audio_params params = params_of(format, channels);
			struct wav_file file;
			struct wav wav;

			fill(frames, &params, 0, 1000 * channels);
			assert_int_equal(wav_file_create(&file, path, &params, 0), 0);
			assert_int_equal(wav_file_append(&file, frames, 999), 0);
			assert_int_equal(wav_file_append(&file, frames + 999 * file.frame_bytes, 1),
					 0);
			assert_int_equal(wav_file_close(&file), 0);
			assert_int_equal(wav_file_close(&file), 0);
			wav = wav_read(path, true);
			assert_samples(&wav, &params, 0, 1000);
			assert_int_equal(wav.extensible,
					 channels > 2 || format == AUDIO_FORMAT_S24 ||
						 format == AUDIO_FORMAT_S32);
			free(wav.bytes);
		}
	}
}

/* The masks players know: quadrophonic, 5.1, 7.1. */
static void test_masks(void **state)
{
	static const uint32_t masks[][2] = { { 4, 0x33 }, { 6, 0x3f }, { 8, 0x63f } };
	struct wav_file file;
	struct wav wav;

	for (int i = 0; i < 3; i++) {
		struct audio_params params = params_of(AUDIO_FORMAT_S16, masks[i][0]);

		assert_int_equal(wav_file_create(&file, path, &params, 0), 0);
		assert_int_equal(wav_file_close(&file), 0);
		wav = wav_read(path, true);
		assert_int_equal(wav.mask, masks[i][1]);
		free(wav.bytes);
	}
	/* Two channels for one speaker: no mask, and no other order. */
	for (int i = 0; i < 2; i++) {
		struct audio_params params = params_of(AUDIO_FORMAT_S16, 6);

		params.positions[5] = i ? AUDIO_POSITION_FL : AUDIO_POSITION_NONE;
		assert_int_equal(wav_file_create(&file, path, &params, 0), 0);
		assert_int_equal(file.mask, 0);
		assert_false(file.reordered);
		assert_int_equal(wav_file_close(&file), 0);
	}
}

/* RIFF's lengths have 32 bits: a file takes no more than they can say. */
static void test_greatest_file(void **state)
{
	struct audio_params params = params_of(AUDIO_FORMAT_FLOAT, 7);
	uint8_t header[WAV_MAX_HEADER_BYTES];
	struct wav_file file;

	assert_int_equal(wav_file_create(&file, path, &params, 0), 0);
	assert_true(file.max_data_bytes > UINT32_MAX - 200);
	file.data_bytes = file.max_data_bytes;
	assert_int_equal(wav_file_room(&file), 0);
	assert_true(wav_header(&file, header) <= WAV_MAX_HEADER_BYTES);
	assert_true(le32_load(header + 4) > file.max_data_bytes);
	file.data_bytes = 0;
	assert_int_equal(wav_file_close(&file), 0);
}

/* --- writer ------------------------------------------------------------------------------ */

static void push(struct wav_writer *writer, const struct audio_params *params, uint32_t first_frame,
		 uint32_t frames)
{
	static uint8_t data[1 << 21];

	assert_true(frames * audio_frame_bytes(params) <= sizeof(data));
	fill(data, params, first_frame * params->channels, frames * params->channels);
	wav_writer_push(writer, params, data, frames);
}

static void test_nothing_played(void **state)
{
	struct wav_writer *writer = wav_writer_create(path, 0);
	struct wav wav;

	assert_non_null(writer);
	wav_writer_destroy(writer);
	wav = wav_read(path, true);
	assert_int_equal(wav.data_bytes, 0);
	assert_int_equal(wav.channels, 2);
	free(wav.bytes);
	assert_int_equal(access(path2, F_OK), -1);
}

/* Other params begin another file, the same ones do not; a hint is no difference. */
static void test_files(void **state)
{
	struct wav_writer *writer = wav_writer_create(path, 0);
	struct audio_params first = params_of(AUDIO_FORMAT_S24, 6);
	struct audio_params second = params_of(AUDIO_FORMAT_FLOAT, 2);
	struct wav wav;

	push(writer, &first, 0, 100);
	first.period_frames = 77;
	push(writer, &first, 100, 0);
	push(writer, &first, 100, 100);
	push(writer, &second, 0, 50);
	push(writer, &first, 0, 10);
	wav_writer_destroy(writer);
	wav = wav_read(path, true);
	assert_samples(&wav, &first, 0, 200);
	free(wav.bytes);
	wav = wav_read(path2, true);
	assert_samples(&wav, &second, 0, 50);
	free(wav.bytes);
	wav = wav_read(path3, true);
	assert_samples(&wav, &first, 0, 10);
	free(wav.bytes);
}

static void test_full_file(void **state)
{
	/* 100 frames and a bit. */
	struct wav_writer *writer = wav_writer_create(path, 403);
	struct audio_params params = params_of(AUDIO_FORMAT_S16, 2);
	struct wav wav;

	push(writer, &params, 0, 250);
	wav_writer_destroy(writer);
	wav = wav_read(path, true);
	assert_samples(&wav, &params, 0, 100);
	free(wav.bytes);
	wav = wav_read(path2, true);
	assert_samples(&wav, &params, 200, 100);
	free(wav.bytes);
	wav = wav_read(path3, true);
	assert_samples(&wav, &params, 400, 50);
	free(wav.bytes);
}

/* A crash after a second leaves a file that says what it holds. */
static void test_update(void **state)
{
	struct wav_writer *writer = wav_writer_create(path, 0);
	struct audio_params params = params_of(AUDIO_FORMAT_S16, 2);
	uint32_t data_bytes = 0;
	struct wav wav;

	push(writer, &params, 0, 1000);
	for (int i = 0; i < 100 && data_bytes == 0; i++) {
		usleep(50000);
		wav = wav_read(path, false);
		data_bytes = wav.data_bytes;
		if (data_bytes)
			assert_samples(&wav, &params, 0, 1000);
		free(wav.bytes);
	}
	assert_int_equal(data_bytes, 4000);
	wav_writer_destroy(writer);
}

/* More than the ring holds at once: whole pushes are missing, and they are counted. */
static void test_full_ring(void **state)
{
	struct wav_writer *writer = wav_writer_create(path, 0);
	struct audio_params params = params_of(AUDIO_FORMAT_S32, 8);
	const uint32_t frames = 32768, pushes = 32;
	uint8_t *data = malloc(frames * 32);
	uint64_t dropped;
	uint32_t number = 0, got;
	struct wav wav;

	for (uint32_t i = 0; i < pushes; i++) {
		memset(data, (int)i, frames * 32);
		wav_writer_push(writer, &params, data, frames);
	}
	dropped = wav_writer_dropped(writer);
	print_message("%u of %u frames dropped\n", (unsigned)dropped, frames * pushes);
	assert_int_equal(dropped % frames, 0);
	assert_true(dropped <= (pushes - 7) * frames);
	wav_writer_destroy(writer);
	wav = wav_read(path, true);
	got = wav.data_bytes / 32;
	assert_int_equal(got + dropped, frames * pushes);
	for (uint32_t i = 0; i < got; i += frames) {
		uint8_t value = wav.data[(size_t)i * 32];

		assert_true(i == 0 ? value == 0 : value > number);
		number = value;
		for (size_t b = 0; b < frames * 32; b++) {
			if (wav.data[(size_t)i * 32 + b] != value)
				fail_msg("byte %zu of push %u", b, number);
		}
	}
	free(wav.bytes);
	free(data);
}

static void test_no_file(void **state)
{
	char name[160];

	snprintf(name, sizeof(name), "%s/none/a.wav", folder);
	assert_null(wav_writer_create(name, 0));
	assert_int_equal(errno, ENOENT);
	assert_null(wav_writer_create(folder, 0));
	assert_int_equal(errno, EISDIR);
	assert_null(wav_writer_create("/dev/full", 0));
}

/* The next file cannot be made: its samples are gone, the first file is whole, the third one comes. */
static void test_second_file_fails(void **state)
{
	struct wav_writer *writer = wav_writer_create(path, 0);
	struct audio_params first = params_of(AUDIO_FORMAT_S16, 2);
	struct audio_params second = params_of(AUDIO_FORMAT_S16, 1);
	struct wav wav;

	assert_int_equal(mkdir(path2, 0755), 0);
	push(writer, &first, 0, 10);
	push(writer, &second, 0, 10);
	push(writer, &second, 10, 10);
	push(writer, &first, 10, 10);
	wav_writer_destroy(writer);
	wav = wav_read(path, true);
	assert_samples(&wav, &first, 0, 10);
	free(wav.bytes);
	wav = wav_read(path3, true);
	assert_samples(&wav, &first, 20, 10);
	free(wav.bytes);
}

/* A disk that is full: what fitted stays readable. */
static void test_disk_full(void **state)
{
	struct audio_params params = params_of(AUDIO_FORMAT_S16, 2);
	struct wav_writer *writer = wav_writer_create(path, 0);
	struct rlimit old, limit;
	struct wav wav;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 10000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	push(writer, &params, 0, 1000);
	push(writer, &params, 1000, 100000);
	push(writer, &params, 101000, 1000);
	wav_writer_destroy(writer);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	wav = wav_read(path, false);
	assert_samples(&wav, &params, 0, 1000);
	free(wav.bytes);
}

/* --- backend ----------------------------------------------------------------------------- */

struct player {
	struct audio_backend *backend;
	struct audio_params params;
	_Atomic uint32_t frames;        /* played so far */
};

static void player_notify(void *data, enum audio_direction direction)
{
	struct player *player = data;
	static uint8_t frames[20000 * AUDIO_MAX_FRAME_BYTES];
	uint32_t room = player->backend->ops->room(player->backend, direction);

	if (room > 20000)
		room = 20000;
	fill(frames, &player->params, player->frames * player->params.channels,
	     room * player->params.channels);
	player->frames += player->backend->ops->write(player->backend, frames, room);
}

struct order {
	struct player *player;
	bool start;
};

static void order_on_loop(void *data)
{
	struct order *order = data;
	struct audio_backend *backend = order->player->backend;

	if (order->start) {
		assert_int_equal(backend->ops->open(backend, AUDIO_PLAYBACK, &order->player->params),
				 0);
		assert_int_equal(backend->ops->start(backend, AUDIO_PLAYBACK), 0);
	} else {
		backend->ops->stop(backend, AUDIO_PLAYBACK);
		backend->ops->close(backend, AUDIO_PLAYBACK);
	}
}

/* On a loop with a thread of its own, in two pieces of one file. */
static void test_backend(void **state)
{
	struct loop *loop = loop_create("audio");
	struct player player = { .params = params_of(AUDIO_FORMAT_S24, 6) };
	struct order order = { .player = &player };
	struct wav wav;

	player.backend = audio_wav_create(loop, path);
	assert_non_null(player.backend);
	player.backend->listener = (struct audio_listener){ player_notify, &player };
	assert_int_equal(loop_start(loop), 0);
	for (int i = 0; i < 2; i++) {
		order.start = true;
		loop_call(loop, order_on_loop, &order);
		usleep(100000);
		order.start = false;
		loop_call(loop, order_on_loop, &order);
	}
	loop_stop(loop);
	player.backend->ops->destroy(player.backend);
	loop_destroy(loop);
	/* Twice the buffer and some of the time. */
	assert_true(player.frames > 2 * 960);
	wav = wav_read(path, true);
	assert_samples(&wav, &player.params, 0, player.frames);
	free(wav.bytes);
}

int main(void)
{
#define TEST(func) cmocka_unit_test_setup_teardown(func, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_format),
		TEST(test_masks),
		TEST(test_greatest_file),
		TEST(test_nothing_played),
		TEST(test_files),
		TEST(test_full_file),
		TEST(test_update),
		TEST(test_full_ring),
		TEST(test_no_file),
		TEST(test_second_file_fails),
		TEST(test_disk_full),
		TEST(test_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
