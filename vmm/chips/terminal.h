/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal that Vitrine was started in. There is one per process, so this file has state.
 * Main thread or the console's loop.
 */
#ifndef VMM_CHIPS_TERMINAL_H
#define VMM_CHIPS_TERMINAL_H

/* A terminal or pipe opened anew, so that it can be non-blocking without everyone else who shares
 * the fd noticing; anything else is dup'ed. fd or -1 with errno. */
int terminal_reopen(int fd, int access);

/* When stdin is a terminal and ours: every key goes to the guest as it is pressed, except Ctrl-C.
 * terminal_restore, exit() and fatal signals put it back as it was. */
void terminal_make_raw(void);
void terminal_restore(void);

#endif
