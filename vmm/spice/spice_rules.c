/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_rules.h"

#include <spice/enums.h>
#include <spice/vd_agent.h>
#include <stddef.h>

/* The protocol has no more types, and nothing this long. */
#define RULE_MAX_TYPE 255
#define RULE_MAX_BYTES (1u << 20)
#define RULE_ANY 0              /* channel: all of them */
/* What Looking Glass and PipeWire send at once is well below. */
#define RULE_MAX_SOUND_BYTES (256u << 10)
/* Answers to pings bring their data along. */
#define RULE_MAX_PONG_BYTES (512u << 10)

struct rule {
	uint8_t channel;
	uint16_t type;
	uint32_t least_bytes, most_bytes;
};

static const struct rule rules_table[] = {
	{ RULE_ANY, SPICE_MSGC_ACK_SYNC, 4, 4 },
	{ RULE_ANY, SPICE_MSGC_ACK, 0, 0 },
	{ RULE_ANY, SPICE_MSGC_PONG, 12, RULE_MAX_PONG_BYTES },
	{ RULE_ANY, SPICE_MSGC_DISCONNECTING, 12, 12 },
	{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_ATTACH_CHANNELS, 0, 0 },
	{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, 2, 2 },
	{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_START, 4, 4 },
	{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_DATA, 1, VD_AGENT_MAX_DATA_SIZE },
	{ SPICE_CHANNEL_MAIN, SPICE_MSGC_MAIN_AGENT_TOKEN, 4, 4 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_KEY_DOWN, 4, 4 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_KEY_UP, 4, 4 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_KEY_MODIFIERS, 2, 2 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_KEY_SCANCODE, 1, 64 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_MOUSE_MOTION, 10, 10 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_MOUSE_POSITION, 11, 11 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_MOUSE_PRESS, 3, 3 },
	{ SPICE_CHANNEL_INPUTS, SPICE_MSGC_INPUTS_MOUSE_RELEASE, 3, 3 },
	{ SPICE_CHANNEL_DISPLAY, SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, 1, 1 },
	{ SPICE_CHANNEL_RECORD, SPICE_MSGC_RECORD_DATA, 4, RULE_MAX_SOUND_BYTES },
	{ SPICE_CHANNEL_RECORD, SPICE_MSGC_RECORD_MODE, 6, RULE_MAX_SOUND_BYTES },
	{ SPICE_CHANNEL_RECORD, SPICE_MSGC_RECORD_START_MARK, 4, 4 },
};

/* What is true of the connection beside the message itself. */
static bool rules_allow_now(struct spice_rules *rules, uint16_t type)
{
	if (rules->channel != SPICE_CHANNEL_MAIN)
		return true;
	if (type == SPICE_MSGC_MAIN_AGENT_START)
		rules->agent_started = true;
	return rules->agent_started || (type != SPICE_MSGC_MAIN_AGENT_DATA &&
					type != SPICE_MSGC_MAIN_AGENT_TOKEN);
}

enum spice_rule spice_rules_judge(struct spice_rules *rules, uint16_t type, uint32_t bytes)
{
	for (size_t i = 0; i < sizeof(rules_table) / sizeof(rules_table[0]); i++) {
		const struct rule *rule = &rules_table[i];

		if (rule->type == type && bytes >= rule->least_bytes && bytes <= rule->most_bytes &&
		    (rule->channel == RULE_ANY || rule->channel == rules->channel) &&
		    rules_allow_now(rules, type))
			return SPICE_RULE_PASSES;
	}
	return type > RULE_MAX_TYPE || bytes > RULE_MAX_BYTES ? SPICE_RULE_ENDS :
								SPICE_RULE_LEFT_OUT;
}
