/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which messages of a client libspice-server is told. Version 0.15.1 ends the process on several
 * that no honest client sends (a second INIT, tokens of an agent that was not asked for), and
 * allocates whatever size is named; so it hears only what clients of ours need, in the sizes that
 * these have. The rest is left out; what is no message of the protocol at all ends the connection.
 *
 * Plain values, any one thread.
 */
#ifndef VMM_SPICE_SPICE_RULES_H
#define VMM_SPICE_SPICE_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* Of one connection; all zero but for the channel: how it begins. */
struct spice_rules {
	uint8_t channel;                /* SPICE_CHANNEL_* */
	bool agent_started;
};

enum spice_rule {
	SPICE_RULE_PASSES,
	SPICE_RULE_LEFT_OUT,
	SPICE_RULE_ENDS,
};

/* What becomes of a message of this type, with so many bytes behind its header. */
enum spice_rule spice_rules_judge(struct spice_rules *rules, uint16_t type, uint32_t bytes);

#endif
