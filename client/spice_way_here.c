/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_way.h"

#include <spice_input.h>

int spice_way_take(char **argv, struct option_error *error)
{
	return 0;
}

struct input_peer *spice_way_create(const struct spice_address *address, const char *password)
{
	return spice_input_create(address, password);
}
