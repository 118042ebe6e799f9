/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first screen of one `vitrine run` for Looking Glass clients. Main thread. */
#ifndef VMM_MAIN_RUN_LOOKING_GLASS_H
#define VMM_MAIN_RUN_LOOKING_GLASS_H

struct option_error;
struct run;

/* Nothing when it was not asked for. After the display. 0 or -errno with the error filled in. */
int run_looking_glass_open(struct run *run, struct option_error *error);
/* Before the input router and the machine go. */
void run_looking_glass_close(struct run *run);

#endif
