/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ten thousand commands, good and bad, in random order. */
#include "gpu_rig.h"
#include "gpu_script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RANDOM_COMMANDS 10000u
#define RANDOM_SCRIPT_BYTES 20000u

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void test_random_commands(void **state)
{
	struct gpu_rig *rig = *state;
	unsigned int commands = 0, frames = 0, cursors = 0;
	uint64_t random = 20;

	while (commands < RANDOM_COMMANDS) {
		uint8_t script[RANDOM_SCRIPT_BYTES];

		for (uint32_t i = 0; i < sizeof(script); i++)
			script[i] = (uint8_t)random_next(&random);
		commands += gpu_script_run(rig, script, sizeof(script));
		fake_guest_stop(rig->guest);
		fake_memory_reset(fake_guest_memory(rig->guest));
		gpu_rig_start(rig, FAKE_ALL_FEATURES);
	}
	frames = rig->recorder.frames[0] + rig->recorder.frames[1];
	cursors = rig->recorder.cursor_images;
	print_message("%u commands, %u frames, %u cursors\n", commands, frames, cursors);
	/* The script must get through to the screen, or it tests nothing. */
	assert_true(frames > 100);
	assert_true(cursors > 10);
	/* All host memory is back: exactly the limit fits. */
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(gpu_rig_create_2d(rig, id, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 4096,
						   4096), VIRTIO_GPU_RESP_OK_NODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_commands, gpu_rig_setup,
						gpu_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
