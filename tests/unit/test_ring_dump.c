/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tool as a user runs it, on a segment with something in it, with garbage, and on none. */
#include <fcntl.h>
#include <ivshmem/cursor.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_writer.h>
#include <ivshmem/sound.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Its output (both streams), and its exit status. */
static int run(const char *arguments, char *output, size_t bytes)
{
	char command[512];
	size_t length;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s %s 2>&1", RING_DUMP, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(output, 1, bytes - 1, pipe);
	output[length] = 0;
	return WEXITSTATUS(pclose(pipe));
}

static void assert_has(const char *output, const char *wanted)
{
	if (!strstr(output, wanted))
		fail_msg("\"%s\" is not in:\n%s", wanted, output);
}

static struct segment *make_segment(void)
{
	const struct segment_config config = {
		.name = "dumped", .scanout_count = 1, .slot_count = 3, .slot_bytes = 640 * 480 * 4,
	};
	struct segment *segment = segment_create_memfd(&config);

	assert_non_null(segment);
	/* For the tool to inherit. */
	assert_int_equal(fcntl(segment_fd(segment), F_SETFD, 0), 0);
	return segment;
}

static void test_live(void **state)
{
	const struct slots_picture picture = { .width = 200, .height = 100,
					       .fourcc = VIDEO_FOURCC_XRGB8888 };
	const struct input_record record = { .type = INPUT_KEY };
	struct segment *segment = make_segment();
	struct slots_writer *writer = slots_writer_create(segment, 0);
	struct cursor_writer *cursor = cursor_writer_create(segment, 0);
	struct ring_writer *ring = ring_writer_create(segment);
	struct slots_write write;
	char output[4096], arguments[32];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(slots_writer_begin(writer, &picture, NULL, &write), 0);
		slots_writer_publish(writer, 1000, 43000);
	}
	cursor_writer_move(cursor, 12, -34, true);
	assert_int_equal(ring_writer_acquire(ring, 0), 0);
	assert_int_equal(ring_writer_push(ring, &record), 0);
	segment_set_state(segment, SEGMENT_RUNNING);
	snprintf(arguments, sizeof(arguments), "--fd %d", segment_fd(segment));
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "\"dumped\"");
	assert_has(output, "running");
	assert_has(output, "video 0  on  200x100  3 slots of 1228800 bytes  frames 2");
	assert_has(output, "slot 1 latest  frame 2  200x100 pitch 800 XR24");
	assert_has(output, "flush to publish 42.0 us");
	assert_has(output, "slot 2  never written");
	assert_has(output, "at 12,-34");
	assert_has(output, "1 of 1024 records wait");
	/* Looking has changed nothing. */
	assert_int_equal(ring_writer_owns(ring), 1);
	/* The end of the VM ends a --follow. */
	segment_set_state(segment, SEGMENT_SHUT_DOWN);
	strcat(arguments, " --follow");
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "shut down");
	ring_writer_destroy(ring);
	cursor_writer_destroy(cursor);
	slots_writer_destroy(writer);
	segment_destroy(segment);
}

static void test_sound(void **state)
{
	struct segment *segment = make_segment();
	struct sound_host *host = sound_host_create(segment, SOUND_PLAYBACK);
	struct sound_peer *peer = sound_peer_create(segment, SOUND_PLAYBACK);
	struct sound_description description = {
		.flags = SOUND_OPEN | SOUND_RUNNING, .format = SOUND_FORMAT_FLOAT, .rate = 48000,
		.channels = 2, .period_frames = 441,
	};
	char output[4096], arguments[32];
	uint64_t frames[480] = { 0 };

	snprintf(arguments, sizeof(arguments), "--fd %d", segment_fd(segment));
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "sound 0 playback  closed  generation 0\n  no owner\n");
	assert_has(output, "sound 1 microphone  closed");
	sound_host_describe(host, &description);
	assert_int_equal(sound_host_write(host, frames, 480, 0), 480);
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "running  generation 1  FLOAT 48000 Hz 2 channels  period 441\n");
	assert_has(output, "written 480  read 0 (of generation 0)  fill 480 of 65536 (10.0 ms)\n");
	sound_peer_set_server(peer, 128, 12500000);
	sound_peer_take(peer);
	assert_int_equal(sound_peer_join(peer, &description, 480), 0);
	assert_int_equal(sound_peer_read(peer, frames, 360, 0), 360);
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "written 480  read 360  fill 120 of 65536 (2.5 ms)\n");
	assert_has(output, "beat 1  clock 360 of generation 1  quantum 128  delay 12.5 ms  missed 0");
	/* Looking has changed nothing. */
	assert_true(sound_peer_owns(peer));
	description.flags = SOUND_OPEN;
	sound_host_describe(host, &description);
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "  open  generation 1");
	sound_peer_destroy(peer);
	sound_host_destroy(host);
	segment_destroy(segment);
}

static void test_garbage(void **state)
{
	struct segment *segment = make_segment();
	char output[4096], arguments[32];

	memset(segment_find(segment, SEGMENT_SECTION_VIDEO, 0, NULL), 0xff,
	       sizeof(struct video_section));
	memset(segment_find(segment, SEGMENT_SECTION_INPUT, 0, NULL), 0xa5,
	       offsetof(struct input_section, tail));
	memset(segment_find(segment, SEGMENT_SECTION_SOUND, 0, NULL), 0xa5,
	       offsetof(struct sound_section, data));
	memset(segment_find(segment, SEGMENT_SECTION_SOUND, 0, NULL), 0x44, 8);
	snprintf(arguments, sizeof(arguments), "--fd %d", segment_fd(segment));
	assert_int_equal(run(arguments, output, sizeof(output)), 0);
	assert_has(output, "nonsense");
	assert_has(output, "fill nonsense");
	segment_destroy(segment);
}

static void test_bad_arguments(void **state)
{
	char output[4096];

	assert_int_equal(run("--help", output, sizeof(output)), 0);
	assert_has(output, "--follow");
	assert_int_equal(run("", output, sizeof(output)), 2);
	assert_int_equal(run("--shm /nonexistent", output, sizeof(output)), 1);
	assert_has(output, "No such file");
	assert_int_equal(run("--fd x", output, sizeof(output)), 1);
	assert_int_equal(run("--name no-such-vm-here", output, sizeof(output)), 1);
	assert_has(output, "no VM of the name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
