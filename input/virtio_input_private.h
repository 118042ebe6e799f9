/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a virtio input device, shared by its three files. */
#ifndef INPUT_VIRTIO_INPUT_PRIVATE_H
#define INPUT_VIRTIO_INPUT_PRIVATE_H

#include <input/virtio_input.h>
#include <linux/virtio_input.h>
#include <virtio/device.h>

#include "state.h"

enum virtio_input_queue {
	VIRTIO_INPUT_QUEUE_EVENT,
	VIRTIO_INPUT_QUEUE_STATUS,
	VIRTIO_INPUT_QUEUES,
};

#define VIRTIO_INPUT_QUEUE_SIZE 64
/* High-resolution and plain, for both wheels, and the SYN. */
#define VIRTIO_INPUT_REPORT_EVENTS 5
#define VIRTIO_INPUT_BACKLOG 128

/* What a kind of device is to the guest; bit n of a mask is evdev code n of its type. */
struct virtio_input_model {
	const char *name;
	uint16_t product;
	uint16_t first_key, last_key;
	uint32_t property_mask, relative_mask, absolute_mask, led_mask;
	bool repeats;                      /* the guest makes key repeats */
};

enum virtio_input_report_type {
	VIRTIO_INPUT_REPORT_KEY,
	VIRTIO_INPUT_REPORT_ABS,
	VIRTIO_INPUT_REPORT_REL,
	VIRTIO_INPUT_REPORT_WHEEL,
};

struct virtio_input_report {
	enum virtio_input_report_type type;
	uint16_t code;                     /* KEY */
	bool down;                         /* KEY */
	int32_t x, y;                      /* the others */
};

struct virtio_input {
	struct virtio_device base;
	const struct virtio_input_model *model;
	char *name;
	struct virtqueue *queues[VIRTIO_INPUT_QUEUES];

	uint8_t select, subsel;            /* config space: what the driver asks for */
	uint32_t leds;
	input_leds_func *leds_func;        /* NULL: nobody watches them */
	void *leds_data;

	struct virtio_input_report backlog[VIRTIO_INPUT_BACKLOG];
	unsigned int first, count;         /* of the backlog, a ring */
	int32_t wheel_rest_x, wheel_rest_y; /* parts of a notch not yet told as a whole one */
	struct input_state wanted;         /* what is held */
	struct input_state reported;       /* what the guest was told */
	bool resync;                       /* the backlog lost keys: tell the difference */
};

/* virtio_input_config.c: the answer to select and subsel, and zeros behind it. */
void virtio_input_config_fill(const struct virtio_input *input,
			      struct virtio_input_config *config);

/* virtio_input_event.c */
void virtio_input_forget(struct virtio_input *input);
/* Sends what waits as far as the guest has buffers for whole reports. */
void virtio_input_flush(struct virtio_input *input);

struct virtio_input *virtio_input_from(const struct virtio_device *device);

#endif
