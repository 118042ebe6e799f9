/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SPICE server as of another VMM, by libspice-server on a loop of its own: a password, a screen
 * with which positions are taken, an agent in the guest. What comes from a client is collected as text, as from input_guest.h but
 * raw: "scan 1e; press 1 ..."; the functions below say how.
 */
#ifndef TESTS_UNIT_SPICE_RIG_H
#define TESTS_UNIT_SPICE_RIG_H

#include <base/uuid.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spice_rig;

struct spice_rig_config {
	const char *path;               /* of its socket */
	struct uuid uuid;
	const char *password;           /* NULL: none */
	bool screen;                    /* of 1920x1080: the client mouse mode is offered */
};

struct spice_rig *spice_rig_create(const struct spice_rig_config *config);
/* Everybody is disconnected; the socket is gone. NULL is ignored. */
void spice_rig_destroy(struct spice_rig *rig);
/* "scan HEX; ", "motion X Y BUTTONS; ", "buttons HEX; ", "wheel N BUTTONS; ",
 * "at X Y BUTTONS; " until text has come, or for ten seconds; what came, to be compared. */
const char *spice_rig_wait(struct spice_rig *rig, const char *text);
/* Whether it has come, without taking anything. */
bool spice_rig_has(struct spice_rig *rig, const char *text);
/* How many channels have been opened, ever. */
unsigned int spice_rig_channels(struct spice_rig *rig);
/* What is lit on the keyboard: SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK and so on. */
void spice_rig_set_lamps(struct spice_rig *rig, int lamps);
/* The tablet goes, and with it the client mouse mode, or comes. */
void spice_rig_set_tablet(struct spice_rig *rig, bool there);
/* The guest's agent comes, or goes. Its clipboard messages have a selection. */
void spice_rig_set_agent(struct spice_rig *rig, bool there);
/* It says a message: vdagent_other.h. */
void spice_rig_agent_say(struct spice_rig *rig, uint32_t type, uint32_t words,
			 const uint32_t *values, const void *bytes, size_t count);
/* What it has been told since the last take, as in vdagent_other.h. */
const char *spice_rig_agent_take(struct spice_rig *rig);
/* Whether that is in it, without taking anything. */
bool spice_rig_agent_has(struct spice_rig *rig, const char *text);
/* Of the last clipboard data it was told; lent until the next. */
const uint8_t *spice_rig_agent_data(struct spice_rig *rig, size_t *count);

#endif
