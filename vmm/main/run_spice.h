/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SPICE server of a run (--spice). Main thread. */
#ifndef VMM_MAIN_RUN_SPICE_H
#define VMM_MAIN_RUN_SPICE_H

#include "main/run.h"

bool run_spice_wanted(const struct run_config *config);
/* After the sound, before the loops run. 0, also when none is asked for, or -EINVAL with the error set. */
int run_spice_open(struct run *run, struct option_error *error);
/* Before spice_source goes, while the io loop still runs. */
void run_spice_close(struct run *run);

#endif
