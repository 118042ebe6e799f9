/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Config space as questions and answers (virtio 1.2, 5.8.4): the driver writes select and subsel,
 * then reads size and that many bytes of answer; size 0 is "there is none".
 */
#include <endian.h>
#include <input/event.h>
#include <linux/input.h>
#include <string.h>

#include "virtio_input_private.h"

#define VIRTIO_INPUT_VENDOR 0x5654   /* "VT" */
#define VIRTIO_INPUT_VERSION 1

static uint8_t virtio_input_answer_string(struct virtio_input_config *config, const char *text)
{
	size_t bytes = strnlen(text, sizeof(config->u.string));

	memcpy(config->u.string, text, bytes);
	return (uint8_t)bytes;
}

static uint8_t virtio_input_answer_ids(struct virtio_input_config *config,
				       const struct virtio_input_model *model)
{
	config->u.ids = (struct virtio_input_devids){
		.bustype = htole16(BUS_VIRTUAL),
		.vendor = htole16(VIRTIO_INPUT_VENDOR),
		.product = htole16(model->product),
		.version = htole16(VIRTIO_INPUT_VERSION),
	};
	return sizeof(config->u.ids);
}

static uint8_t virtio_input_answer_mask(struct virtio_input_config *config, uint32_t mask)
{
	uint8_t bytes = 0;

	for (; mask; mask >>= 8)
		config->u.bitmap[bytes++] = (uint8_t)mask;
	return bytes;
}

static uint8_t virtio_input_answer_keys(struct virtio_input_config *config,
					const struct virtio_input_model *model)
{
	for (uint16_t code = model->first_key; code <= model->last_key; code++)
		config->u.bitmap[code / 8] |= (uint8_t)(1u << (code % 8));
	return (uint8_t)(model->last_key / 8 + 1);
}

static uint8_t virtio_input_answer_events(struct virtio_input_config *config,
					  const struct virtio_input_model *model, uint8_t type)
{
	switch (type) {
	case EV_KEY:
		return virtio_input_answer_keys(config, model);
	case EV_REL:
		return virtio_input_answer_mask(config, model->relative_mask);
	case EV_ABS:
		return virtio_input_answer_mask(config, model->absolute_mask);
	case EV_LED:
		return virtio_input_answer_mask(config, model->led_mask);
	case EV_REP:
		return virtio_input_answer_mask(config, model->repeats ? 1u << REP_DELAY |
									 1u << REP_PERIOD : 0);
	default:
		return 0;
	}
}

static uint8_t virtio_input_answer_axis(struct virtio_input_config *config,
					const struct virtio_input_model *model, uint8_t axis)
{
	if (axis >= 32 || !(model->absolute_mask >> axis & 1))
		return 0;
	config->u.abs.max = htole32(INPUT_POSITION_MAX);
	return sizeof(config->u.abs);
}

static uint8_t virtio_input_answer(const struct virtio_input *input,
				   struct virtio_input_config *config)
{
	const struct virtio_input_model *model = input->model;

	switch (input->select) {
	case VIRTIO_INPUT_CFG_EV_BITS:
		return virtio_input_answer_events(config, model, input->subsel);
	case VIRTIO_INPUT_CFG_ABS_INFO:
		return virtio_input_answer_axis(config, model, input->subsel);
	}
	if (input->subsel)   /* the others have no parts */
		return 0;
	switch (input->select) {
	case VIRTIO_INPUT_CFG_ID_NAME:
		return virtio_input_answer_string(config, model->name);
	case VIRTIO_INPUT_CFG_ID_SERIAL:
		return virtio_input_answer_string(config, input->name);
	case VIRTIO_INPUT_CFG_ID_DEVIDS:
		return virtio_input_answer_ids(config, model);
	case VIRTIO_INPUT_CFG_PROP_BITS:
		return virtio_input_answer_mask(config, model->property_mask);
	default:
		return 0;
	}
}

void virtio_input_config_fill(const struct virtio_input *input, struct virtio_input_config *config)
{
	memset(config, 0, sizeof(*config));
	config->select = input->select;
	config->subsel = input->subsel;
	config->size = virtio_input_answer(input, config);
}
