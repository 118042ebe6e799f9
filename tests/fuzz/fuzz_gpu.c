/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gpu's queues, driven by a guest whose script is the fuzzer's bytes. */
#include "fuzz.h"
#include "gpu_rig.h"
#include "gpu_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gpu_rig *rig;

	if (!rig) {
		struct gpu_config config;

		gpu_config_init(&config);
		config.max_hostmem_bytes = 8 << 20;
		config.max_resources = 16;
		rig = gpu_rig_create(&config);
	}
	fake_memory_reset(fake_guest_memory(rig->guest));
	gpu_rig_start(rig, FAKE_ALL_FEATURES);
	gpu_script_run(rig, data, size);
	fake_guest_stop(rig->guest);
	return 0;
}
