/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clipboard of a run (--clipboard) and what goes with it through the guest's agent: the sizes
 * of its screens. Main thread. */
#ifndef VMM_MAIN_RUN_CLIPBOARD_H
#define VMM_MAIN_RUN_CLIPBOARD_H

#include "main/run.h"

/* Before the loops run, and before the devices are added. 0 or -EINVAL with the error set. */
int run_clipboard_open(struct run *run, struct option_error *error);
/* While the io loop still runs, before the devices go; whoever else shares the clipboard has
 * left. */
void run_clipboard_close(struct run *run);

/* Any thread: what a window wants a screen of the guest to be. */
void run_set_monitor(struct run *run, uint32_t index, uint32_t width, uint32_t height);

#endif
