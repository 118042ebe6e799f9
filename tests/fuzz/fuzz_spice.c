/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a SPICE client types and moves; when it goes nothing of it is held. */
#include "fuzz.h"

#include <base/loop.h>
#include <input/router.h>
#include <input/virtio_input.h>
#include <spice/spice_inputs.h>
#include <string.h>
#include <virtio/device.h>

struct fuzz_values {
	int32_t x, y, wheel;
	uint32_t buttons;
};

/* What is left of the data, then zeros. */
static void fuzz_take(const uint8_t **data, size_t *size, struct fuzz_values *values)
{
	size_t bytes = *size < sizeof(*values) ? *size : sizeof(*values);

	memset(values, 0, sizeof(*values));
	memcpy(values, *data, bytes);
	*data += bytes;
	*size -= bytes;
}

static void fuzz_step(struct spice_inputs *inputs, const uint8_t **data, size_t *size)
{
	uint8_t what = *(*data)++;
	struct fuzz_values values;

	--*size;
	if (what >= 5) {
		spice_inputs_scan(inputs, what);
		return;
	}
	fuzz_take(data, size, &values);
	if (what == 0)
		spice_inputs_motion(inputs, values.x, values.y, values.wheel, values.buttons);
	else if (what == 1)
		spice_inputs_position(inputs, values.x, values.y, values.buttons);
	else if (what == 2)
		spice_inputs_set_size(inputs, values.x, values.y);
	else if (what == 3)
		spice_inputs_buttons(inputs, values.buttons);
	else
		spice_inputs_release(inputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loop *loop = loop_create("fuzz");
	struct input_router_config config = {
		.keyboard = virtio_input_create(loop, VIRTIO_INPUT_KEYBOARD, "fuzz"),
		.tablet = virtio_input_create(loop, VIRTIO_INPUT_TABLET, "fuzz"),
		.mouse = virtio_input_create(loop, VIRTIO_INPUT_MOUSE, "fuzz"),
	};
	struct input_router *router = input_router_create(&config);
	struct spice_inputs *inputs = router ? spice_inputs_create(loop, router) : NULL;

	if (!config.keyboard || !config.tablet || !config.mouse || !inputs || input_source_start(spice_inputs_source(inputs)))
		abort();
	for (unsigned int step = 0; size; step++) {
		fuzz_step(inputs, &data, &size);
		if (step % 64 == 63)
			loop_dispatch(loop, 0);
	}
	spice_inputs_release(inputs);
	loop_dispatch(loop, 0);
	fuzz_check(!input_router_holds(router));
	input_source_destroy(spice_inputs_source(inputs));
	input_router_destroy(router);
	config.keyboard->ops->destroy(config.keyboard);
	config.tablet->ops->destroy(config.tablet);
	config.mouse->ops->destroy(config.mouse);
	loop_destroy(loop);
	return 0;
}
