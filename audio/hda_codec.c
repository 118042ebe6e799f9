/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec: one audio function with two paths (chapter 7)
 *
 *	output converter 2 -> line out pin 3
 *	microphone pin 5 -> input converter 4
 *
 * There are no amplifiers: volume is the guest's own software's, and what it plays arrives bit for
 * bit. The jacks are always taken, so no unsolicited response is ever due.
 */
#include <stddef.h>
#include <string.h>

#include "hda_private.h"

#define CODEC_ROOT 0u
#define CODEC_FUNCTION 1u
#define CODEC_OUTPUT 2u
#define CODEC_LINE_OUT 3u
#define CODEC_INPUT 4u
#define CODEC_MICROPHONE 5u

#define CODEC_VENDOR_ID 0x1af45654u
#define CODEC_SUBSYSTEM_ID 0x1af41100u
#define CODEC_REVISION 0x00100001u

/* 7.3.4 */
enum codec_parameter {
	CODEC_PARAMETER_VENDOR = 0x00,
	CODEC_PARAMETER_REVISION = 0x02,
	CODEC_PARAMETER_NODES = 0x04,
	CODEC_PARAMETER_FUNCTION = 0x05,
	CODEC_PARAMETER_WIDGET = 0x09,
	CODEC_PARAMETER_PCM = 0x0a,
	CODEC_PARAMETER_STREAM = 0x0b,
	CODEC_PARAMETER_PIN = 0x0c,
	CODEC_PARAMETER_CONNECTIONS = 0x0e,
	CODEC_PARAMETER_POWER = 0x0f,
	CODEC_PARAMETERS = 0x14,
};

/* 16, 20, 24 and 32 bits; 44.1, 48, 88.2, 96, 176.4 and 192 kHz. */
#define CODEC_PCM (0x1eu << 16 | 0x07e0u)
#define CODEC_STREAM_PCM 1u
#define CODEC_WIDGET(type) ((type) << 20)
#define CODEC_WIDGET_OUTPUT 0x0u
#define CODEC_WIDGET_INPUT 0x1u
#define CODEC_WIDGET_PIN 0x4u
#define CODEC_WIDGET_STEREO (1u << 0)
#define CODEC_WIDGET_OWN_FORMAT (1u << 4)
#define CODEC_WIDGET_CONNECTED (1u << 8)
#define CODEC_PIN_OUT (1u << 4)
#define CODEC_PIN_IN (1u << 5)
#define CODEC_POWER_D0_D3 0x9u

/* Rear 3.5 mm jacks that cannot sense (7.3.3.31). */
#define CODEC_CONFIG_LINE_OUT 0x01014110u
#define CODEC_CONFIG_MICROPHONE 0x01a19120u

enum codec_kind {
	CODEC_KIND_ROOT,
	CODEC_KIND_FUNCTION,
	CODEC_KIND_CONVERTER,
	CODEC_KIND_PIN,
};

struct codec_node {
	enum codec_kind kind;
	uint32_t parameters[CODEC_PARAMETERS];
	uint8_t connection;             /* the one node that it hears */
	struct hda_node_state reset;
};

#define CODEC_FORMAT_RESET 0x0011u      /* 48 kHz, 16 bits, 2 channels */
#define CODEC_PIN_CONTROL_OUT 0x40u
#define CODEC_PIN_CONTROL_IN 0x20u
#define CODEC_EAPD 0x02u

static const struct codec_node codec_nodes[HDA_NODES] = {
	[CODEC_ROOT] = {
		.kind = CODEC_KIND_ROOT,
		.parameters = {
			[CODEC_PARAMETER_VENDOR] = CODEC_VENDOR_ID,
			[CODEC_PARAMETER_REVISION] = CODEC_REVISION,
			[CODEC_PARAMETER_NODES] = CODEC_FUNCTION << 16 | 1,
		},
	},
	[CODEC_FUNCTION] = {
		.kind = CODEC_KIND_FUNCTION,
		.parameters = {
			[CODEC_PARAMETER_NODES] = CODEC_OUTPUT << 16 | 4,
			[CODEC_PARAMETER_FUNCTION] = 1,
			[CODEC_PARAMETER_PCM] = CODEC_PCM,
			[CODEC_PARAMETER_STREAM] = CODEC_STREAM_PCM,
			[CODEC_PARAMETER_POWER] = CODEC_POWER_D0_D3,
		},
		.reset = { .id = CODEC_SUBSYSTEM_ID },
	},
	[CODEC_OUTPUT] = {
		.kind = CODEC_KIND_CONVERTER,
		.parameters = {
			[CODEC_PARAMETER_WIDGET] = CODEC_WIDGET(CODEC_WIDGET_OUTPUT) |
						   CODEC_WIDGET_STEREO | CODEC_WIDGET_OWN_FORMAT,
			[CODEC_PARAMETER_PCM] = CODEC_PCM,
			[CODEC_PARAMETER_STREAM] = CODEC_STREAM_PCM,
		},
		.reset = { .format = CODEC_FORMAT_RESET },
	},
	[CODEC_LINE_OUT] = {
		.kind = CODEC_KIND_PIN,
		.parameters = {
			[CODEC_PARAMETER_WIDGET] = CODEC_WIDGET(CODEC_WIDGET_PIN) |
						   CODEC_WIDGET_STEREO | CODEC_WIDGET_CONNECTED,
			[CODEC_PARAMETER_PIN] = CODEC_PIN_OUT,
			[CODEC_PARAMETER_CONNECTIONS] = 1,
		},
		.connection = CODEC_OUTPUT,
		.reset = { .pin_control = CODEC_PIN_CONTROL_OUT, .eapd = CODEC_EAPD,
			   .id = CODEC_CONFIG_LINE_OUT },
	},
	[CODEC_INPUT] = {
		.kind = CODEC_KIND_CONVERTER,
		.parameters = {
			[CODEC_PARAMETER_WIDGET] = CODEC_WIDGET(CODEC_WIDGET_INPUT) |
						   CODEC_WIDGET_STEREO | CODEC_WIDGET_OWN_FORMAT |
						   CODEC_WIDGET_CONNECTED,
			[CODEC_PARAMETER_PCM] = CODEC_PCM,
			[CODEC_PARAMETER_STREAM] = CODEC_STREAM_PCM,
			[CODEC_PARAMETER_CONNECTIONS] = 1,
		},
		.connection = CODEC_MICROPHONE,
		.reset = { .format = CODEC_FORMAT_RESET },
	},
	[CODEC_MICROPHONE] = {
		.kind = CODEC_KIND_PIN,
		.parameters = {
			[CODEC_PARAMETER_WIDGET] = CODEC_WIDGET(CODEC_WIDGET_PIN) |
						   CODEC_WIDGET_STEREO,
			[CODEC_PARAMETER_PIN] = CODEC_PIN_IN,
		},
		.reset = { .pin_control = CODEC_PIN_CONTROL_IN, .id = CODEC_CONFIG_MICROPHONE },
	},
};

/* 7.3.3; the first two carry 16 bits, the others 8. Gets have bit 11 (bit 3) set. */
enum codec_verb {
	CODEC_SET_FORMAT = 0x2,
	CODEC_GET_FORMAT = 0xa,
	CODEC_SET_POWER = 0x705,
	CODEC_SET_STREAM = 0x706,
	CODEC_SET_PIN_CONTROL = 0x707,
	CODEC_SET_EAPD = 0x70c,
	CODEC_SET_CONFIG_0 = 0x71c,
	CODEC_SET_CONFIG_3 = 0x71f,
	CODEC_SET_SUBSYSTEM_0 = 0x720,
	CODEC_SET_SUBSYSTEM_3 = 0x723,
	CODEC_FUNCTION_RESET = 0x7ff,
	CODEC_GET_PARAMETER = 0xf00,
	CODEC_GET_CONNECTION_LIST = 0xf02,
	CODEC_GET_POWER = 0xf05,
	CODEC_GET_STREAM = 0xf06,
	CODEC_GET_PIN_CONTROL = 0xf07,
	CODEC_GET_PIN_SENSE = 0xf09,
	CODEC_GET_EAPD = 0xf0c,
	CODEC_GET_CONFIG = 0xf1c,
	CODEC_GET_SUBSYSTEM = 0xf20,
};

#define CODEC_SENSE_PRESENT 0x80000000u

static void codec_reset_nodes(struct hda *hda)
{
	for (unsigned int i = 0; i < HDA_NODES; i++)
		hda->nodes[i] = codec_nodes[i].reset;
}

void hda_codec_reset(struct hda *hda)
{
	codec_reset_nodes(hda);
}

/* What firmware wrote over the defaults stays (7.3.3.33). */
static void codec_reset_function(struct hda *hda)
{
	uint32_t ids[HDA_NODES];

	for (unsigned int i = 0; i < HDA_NODES; i++)
		ids[i] = hda->nodes[i].id;
	codec_reset_nodes(hda);
	for (unsigned int i = 0; i < HDA_NODES; i++)
		hda->nodes[i].id = ids[i];
}

static void codec_set_id_byte(struct hda_node_state *state, unsigned int byte, uint32_t value)
{
	state->id = (state->id & ~(0xffu << 8 * byte)) | (value & 0xff) << 8 * byte;
}

static uint32_t codec_function_verb(struct hda *hda, struct hda_node_state *state, uint32_t verb,
				    uint32_t payload)
{
	switch (verb) {
	case CODEC_SET_POWER:
		if ((payload & 0xf) < 4 && CODEC_POWER_D0_D3 >> (payload & 0xf) & 1)
			state->power = payload & 0xf;
		return 0;
	case CODEC_GET_POWER:
		return (uint32_t)state->power << 4 | state->power;
	case CODEC_SET_SUBSYSTEM_0 ... CODEC_SET_SUBSYSTEM_3:
		codec_set_id_byte(state, verb - CODEC_SET_SUBSYSTEM_0, payload);
		return 0;
	case CODEC_GET_SUBSYSTEM:
		return state->id;
	case CODEC_FUNCTION_RESET:
		codec_reset_function(hda);
		return 0;
	}
	return 0;
}

static uint32_t codec_converter_verb(struct hda_node_state *state, uint32_t verb, uint32_t payload)
{
	switch (verb) {
	case CODEC_SET_FORMAT:
		state->format = (uint16_t)payload;
		return 0;
	case CODEC_GET_FORMAT:
		return state->format;
	case CODEC_SET_STREAM:
		state->stream = (uint8_t)payload;
		return 0;
	case CODEC_GET_STREAM:
		return state->stream;
	}
	return 0;
}

static uint32_t codec_pin_verb(struct hda_node_state *state, uint32_t verb, uint32_t payload)
{
	switch (verb) {
	case CODEC_SET_PIN_CONTROL:
		state->pin_control = (uint8_t)payload;
		return 0;
	case CODEC_GET_PIN_CONTROL:
		return state->pin_control;
	case CODEC_SET_EAPD:
		state->eapd = payload & CODEC_EAPD;
		return 0;
	case CODEC_GET_EAPD:
		return state->eapd;
	case CODEC_GET_PIN_SENSE:
		return CODEC_SENSE_PRESENT;
	case CODEC_SET_CONFIG_0 ... CODEC_SET_CONFIG_3:
		codec_set_id_byte(state, verb - CODEC_SET_CONFIG_0, payload);
		return 0;
	case CODEC_GET_CONFIG:
		return state->id;
	}
	return 0;
}

static uint32_t codec_verb(struct hda *hda, unsigned int id, uint32_t verb, uint32_t payload)
{
	const struct codec_node *node = &codec_nodes[id];
	struct hda_node_state *state = &hda->nodes[id];

	if (verb == CODEC_GET_PARAMETER)
		return payload < CODEC_PARAMETERS ? node->parameters[payload] : 0;
	if (verb == CODEC_GET_CONNECTION_LIST)
		return payload == 0 ? node->connection : 0;
	switch (node->kind) {
	case CODEC_KIND_ROOT:
		break;
	case CODEC_KIND_FUNCTION:
		return codec_function_verb(hda, state, verb, payload);
	case CODEC_KIND_CONVERTER:
		return codec_converter_verb(state, verb, payload);
	case CODEC_KIND_PIN:
		return codec_pin_verb(state, verb, payload);
	}
	return 0;
}

/* A verb has 12 bits when its first four are 7 or F, else 4 (7.3). What is not there answers 0, as
 * every command must be answered. */
uint32_t hda_codec_command(struct hda *hda, uint32_t command)
{
	unsigned int id = command >> 20 & 0xff;
	uint32_t verb = command >> 16 & 0xf;

	if (id >= HDA_NODES)
		return 0;
	if (verb == 0x7 || verb == 0xf)
		return codec_verb(hda, id, command >> 8 & 0xfff, command & 0xff);
	return codec_verb(hda, id, verb, command & 0xffff);
}

unsigned int hda_codec_tag(const struct hda *hda, enum audio_direction direction)
{
	return hda->nodes[direction == AUDIO_PLAYBACK ? CODEC_OUTPUT : CODEC_INPUT].stream >> 4;
}
