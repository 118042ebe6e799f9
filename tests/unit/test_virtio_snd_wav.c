/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole way with threads: a guest on one, the device on the audio loop's, the file on a third. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <audio/backend.h>
#include <audio/virtio_snd.h>
#include <base/clock.h>
#include <base/loop.h>
#include <fake/guest.h>
#include <linux/virtio_snd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERIOD_FRAMES 480
#define PERIOD_BYTES (PERIOD_FRAMES * 4)
#define PERIODS 30
#define WAV_HEADER_BYTES 44
#define IN_FLIGHT 4

/* A period of either direction: header, samples, status. */
struct period {
	uint64_t gpa;
	uint16_t head;
};

static struct fake_guest *guest;

static uint8_t sample_byte(uint32_t n)
{
	return (uint8_t)(n * 31 + n / 256);
}

static uint32_t command(uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_hdr request = { { code }, stream };
	struct virtio_snd_hdr answer = { 0 };

	assert_int_equal(fake_queue_request(fake_guest_queue(guest, VIRTIO_SND_VQ_CONTROL),
					    &request, sizeof(request), &answer, sizeof(answer)),
			 sizeof(answer));
	return answer.code;
}

static void prepare(uint32_t stream)
{
	const struct virtio_snd_pcm_set_params params = {
		.hdr = { { VIRTIO_SND_R_PCM_SET_PARAMS }, stream },
		.buffer_bytes = IN_FLIGHT * PERIOD_BYTES,
		.period_bytes = PERIOD_BYTES,
		.channels = 2,
		.format = VIRTIO_SND_PCM_FMT_S16,
		.rate = VIRTIO_SND_PCM_RATE_48000,
	};
	struct virtio_snd_hdr answer = { 0 };

	fake_queue_request(fake_guest_queue(guest, VIRTIO_SND_VQ_CONTROL), &params, sizeof(params),
			   &answer, sizeof(answer));
	assert_int_equal(answer.code, VIRTIO_SND_S_OK);
	assert_int_equal(command(VIRTIO_SND_R_PCM_PREPARE, stream), VIRTIO_SND_S_OK);
}

static void offer(uint32_t stream, struct period *period, uint32_t number)
{
	struct fake_memory *memory = fake_guest_memory(guest);
	struct fake_queue *queue =
		fake_guest_queue(guest, (uint16_t)(VIRTIO_SND_VQ_TX + stream));
	const struct fake_buffer buffers[] = {
		{ period->gpa, 4, false },
		{ period->gpa + 4, PERIOD_BYTES, stream == 1 },
		{ period->gpa + 4 + PERIOD_BYTES, 8, true },
	};
	uint8_t data[PERIOD_BYTES];
	int head;

	for (uint32_t i = 0; i < PERIOD_BYTES; i++)
		data[i] = stream ? 0x77 : sample_byte(number * PERIOD_BYTES + i);
	fake_memory_write(memory, period->gpa, &stream, 4);
	fake_memory_write(memory, period->gpa + 4, data, sizeof(data));
	head = fake_queue_add(queue, buffers, 3);
	assert_true(head >= 0);
	period->head = (uint16_t)head;
	fake_queue_kick(queue);
}

/* The oldest period comes back; its samples are in data. */
static void take(uint32_t stream, const struct period *period, uint8_t data[PERIOD_BYTES])
{
	struct fake_queue *queue =
		fake_guest_queue(guest, (uint16_t)(VIRTIO_SND_VQ_TX + stream));
	struct virtio_snd_pcm_status status;
	struct fake_used used;

	assert_true(fake_queue_wait_used(queue, &used));
	assert_int_equal(used.head, period->head);
	assert_int_equal(used.bytes, stream ? PERIOD_BYTES + 8 : 8);
	fake_memory_read(fake_guest_memory(guest), period->gpa + 4, data, PERIOD_BYTES);
	fake_memory_read(fake_guest_memory(guest), period->gpa + 4 + PERIOD_BYTES, &status, 8);
	assert_int_equal(status.status, VIRTIO_SND_S_OK);
	/* 20 ms of buffer, or 100 ms behind at most. */
	assert_true(status.latency_bytes <= 4 * 48000 / 10);
}

/* Plays and records at once. */
static void play(void)
{
	struct period periods[2][IN_FLIGHT];
	uint8_t data[PERIOD_BYTES];
	static const uint8_t silence[PERIOD_BYTES];

	for (uint32_t stream = 0; stream < 2; stream++) {
		prepare(stream);
		for (uint32_t i = 0; i < IN_FLIGHT; i++) {
			periods[stream][i].gpa = fake_memory_alloc(fake_guest_memory(guest),
								   PERIOD_BYTES + 12, 4);
			offer(stream, &periods[stream][i], i);
		}
		assert_int_equal(command(VIRTIO_SND_R_PCM_START, stream), VIRTIO_SND_S_OK);
	}
	for (uint32_t i = 0; i < PERIODS; i++) {
		for (uint32_t stream = 0; stream < 2; stream++) {
			struct period *period = &periods[stream][i % IN_FLIGHT];

			take(stream, period, data);
			if (stream == 1)
				assert_memory_equal(data, silence, sizeof(data));
			if (i + IN_FLIGHT < PERIODS)
				offer(stream, period, i + IN_FLIGHT);
		}
	}
	for (uint32_t stream = 0; stream < 2; stream++) {
		assert_int_equal(command(VIRTIO_SND_R_PCM_STOP, stream), VIRTIO_SND_S_OK);
		assert_int_equal(command(VIRTIO_SND_R_PCM_RELEASE, stream), VIRTIO_SND_S_OK);
	}
}

static void test_guest_to_file(void **state)
{
	static uint8_t bytes[WAV_HEADER_BYTES + PERIODS * PERIOD_BYTES + 1];
	char path[] = "/tmp/test-virtio-snd-XXXXXX";
	struct audio_backend *backend;
	struct loop *loop;
	uint64_t start_ns;
	FILE *file;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	loop = loop_create("audio");
	backend = audio_wav_create(loop, path);
	assert_non_null(backend);
	guest = fake_guest_create(virtio_snd_create(loop, backend), FAKE_LOOP_THREADED);
	assert_int_equal(loop_start(loop), 0);
	assert_int_equal(fake_guest_start(guest, FAKE_ALL_FEATURES), 0);
	start_ns = clock_now_ns();
	play();
	/* 300 ms of sound do not pass faster, but for the buffer's 20 ms. */
	assert_true(clock_now_ns() - start_ns >= (PERIODS * 10 - 20) * UINT64_C(1000000));
	fake_guest_stop(guest);
	loop_stop(loop);
	fake_guest_destroy(guest);
	backend->ops->destroy(backend);
	loop_destroy(loop);

	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes) - 1);
	fclose(file);
	for (uint32_t i = 0; i < PERIODS * PERIOD_BYTES; i++)
		assert_int_equal(bytes[WAV_HEADER_BYTES + i], sample_byte(i));
	remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_to_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
