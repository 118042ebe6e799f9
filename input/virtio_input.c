/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/log.h>
#include <endian.h>
#include <errno.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_input_private.h"

#define BIT(code) (1u << (code))

#define VIRTIO_INPUT_WHEELS (BIT(REL_WHEEL) | BIT(REL_HWHEEL) | BIT(REL_WHEEL_HI_RES) | \
			     BIT(REL_HWHEEL_HI_RES))

/*
 * A tablet with mouse buttons and neither pen nor touch is what guests take for the pointer of a
 * virtual machine; the keyboard's keys end before the buttons for the same reason.
 */
static const struct virtio_input_model virtio_input_models[] = {
	[VIRTIO_INPUT_KEYBOARD] = {
		.name = "Vitrine keyboard",
		.product = 1,
		.first_key = KEY_ESC,
		.last_key = KEY_MICMUTE,
		.led_mask = BIT(LED_NUML) | BIT(LED_CAPSL) | BIT(LED_SCROLLL),
		.repeats = true,
	},
	[VIRTIO_INPUT_TABLET] = {
		.name = "Vitrine tablet",
		.product = 2,
		.first_key = BTN_LEFT,
		.last_key = BTN_TASK,
		.property_mask = BIT(INPUT_PROP_POINTER),
		.relative_mask = VIRTIO_INPUT_WHEELS,
		.absolute_mask = BIT(ABS_X) | BIT(ABS_Y),
	},
	[VIRTIO_INPUT_MOUSE] = {
		.name = "Vitrine mouse",
		.product = 3,
		.first_key = BTN_LEFT,
		.last_key = BTN_TASK,
		.property_mask = BIT(INPUT_PROP_POINTER),
		.relative_mask = BIT(REL_X) | BIT(REL_Y) | VIRTIO_INPUT_WHEELS,
	},
};

struct virtio_input *virtio_input_from(const struct virtio_device *device)
{
	return (struct virtio_input *)((char *)device - offsetof(struct virtio_input, base));
}

uint32_t virtio_input_leds(const struct virtio_device *device)
{
	return virtio_input_from(device)->leds;
}

void virtio_input_watch_leds(struct virtio_device *device, input_leds_func *func, void *data)
{
	struct virtio_input *input = virtio_input_from(device);

	input->leds_func = func;
	input->leds_data = data;
}

static void virtio_input_set_leds(struct virtio_input *input, uint32_t leds)
{
	if (leds == input->leds)
		return;
	input->leds = leds;
	if (input->leds_func)
		input->leds_func(input->leds_data, leds);
}

/* --- queues ------------------------------------------------------------------------------ */

static void virtio_input_event_kicked(struct virtqueue *queue, void *data)
{
	virtio_input_flush(data);
}

/* LEDs are remembered; key repeat and sound are the guest's own affair. */
static void virtio_input_status(struct virtio_input *input, const struct virtio_input_event *event)
{
	uint16_t code = le16toh(event->code);

	if (le16toh(event->type) != EV_LED || code >= 32 || !(input->model->led_mask & BIT(code)))
		return;
	virtio_input_set_leds(input, event->value ? input->leds | BIT(code) :
						    input->leds & ~BIT(code));
}

static void virtio_input_status_kicked(struct virtqueue *queue, void *data)
{
	struct virtio_input *input = data;
	struct virtio_input_event event;
	struct chain *chain;

	while ((chain = virtqueue_pop(queue))) {
		if (chain_read(chain, &event, sizeof(event)) == sizeof(event))
			virtio_input_status(input, &event);
		else
			log_guest_bug("%s: a status event that is too short", input->name);
		virtqueue_push(queue, chain);
	}
	virtqueue_notify(queue);
}

static int virtio_input_start_queue(struct virtio_device *device, uint16_t index,
				    const struct virtqueue_setup *setup)
{
	static virtqueue_func *const kicked[VIRTIO_INPUT_QUEUES] = {
		[VIRTIO_INPUT_QUEUE_EVENT] = virtio_input_event_kicked,
		[VIRTIO_INPUT_QUEUE_STATUS] = virtio_input_status_kicked,
	};
	struct virtio_input *input = virtio_input_from(device);

	if (index == VIRTIO_INPUT_QUEUE_EVENT && setup->size < VIRTIO_INPUT_REPORT_EVENTS) {
		log_guest_bug("%s: %u buffers are too few for a whole report", input->name,
			      setup->size);
		return -EINVAL;
	}
	input->queues[index] = virtqueue_create(device, index, setup, kicked[index], input);
	return input->queues[index] ? 0 : -errno;
}

static void virtio_input_stop_queue(struct virtio_device *device, uint16_t index)
{
	struct virtio_input *input = virtio_input_from(device);

	virtqueue_destroy(input->queues[index]);
	input->queues[index] = NULL;
	if (index == VIRTIO_INPUT_QUEUE_EVENT)
		virtio_input_forget(input);
}

/* --- the rest of the device -------------------------------------------------------------- */

static uint64_t virtio_input_features(struct virtio_device *device)
{
	return virtqueue_features();
}

static int virtio_input_set_features(struct virtio_device *device, uint64_t features)
{
	return 0;
}

static void virtio_input_read_config(struct virtio_device *device, size_t offset, void *to,
				     size_t bytes)
{
	struct virtio_input_config config;

	virtio_input_config_fill(virtio_input_from(device), &config);
	memcpy(to, (const uint8_t *)&config + offset, bytes);
}

/* Only select and subsel are for the driver to write (5.8.5.1). */
static void virtio_input_write_config(struct virtio_device *device, size_t offset,
				      const void *from, size_t bytes)
{
	struct virtio_input *input = virtio_input_from(device);

	for (size_t i = 0; i < bytes; i++) {
		uint8_t value = ((const uint8_t *)from)[i];

		if (offset + i == offsetof(struct virtio_input_config, select))
			input->select = value;
		else if (offset + i == offsetof(struct virtio_input_config, subsel))
			input->subsel = value;
	}
}

static void virtio_input_reset(struct virtio_device *device)
{
	struct virtio_input *input = virtio_input_from(device);

	input->select = input->subsel = 0;
	virtio_input_set_leds(input, 0);
	virtio_input_forget(input);
}

static void virtio_input_destroy(struct virtio_device *device)
{
	struct virtio_input *input = virtio_input_from(device);

	free(input->name);
	free(input);
}

static const struct virtio_device_ops virtio_input_ops = {
	.features = virtio_input_features,
	.set_features = virtio_input_set_features,
	.read_config = virtio_input_read_config,
	.write_config = virtio_input_write_config,
	.start_queue = virtio_input_start_queue,
	.stop_queue = virtio_input_stop_queue,
	.reset = virtio_input_reset,
	.destroy = virtio_input_destroy,
};

struct virtio_device *virtio_input_create(struct loop *loop, enum virtio_input_kind kind,
					  const char *name)
{
	static const uint16_t sizes[VIRTIO_INPUT_QUEUES] = {
		VIRTIO_INPUT_QUEUE_SIZE, VIRTIO_INPUT_QUEUE_SIZE,
	};
	struct virtio_input *input = calloc(1, sizeof(*input));

	if (!input)
		return NULL;
	input->name = strdup(name);
	if (!input->name) {
		free(input);
		errno = ENOMEM;
		return NULL;
	}
	input->model = &virtio_input_models[kind];
	input->base = (struct virtio_device){
		.ops = &virtio_input_ops,
		.loop = loop,
		.name = input->name,
		.type = VIRTIO_ID_INPUT,
		.queue_count = VIRTIO_INPUT_QUEUES,
		.queue_sizes = sizes,
		.config_bytes = sizeof(struct virtio_input_config),
	};
	return &input->base;
}
