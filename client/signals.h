/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals as notices. Blocked everywhere, read on the reader loop. */
#ifndef CLIENT_SIGNALS_H
#define CLIENT_SIGNALS_H

struct client;
struct loop;
struct signals;

/* From main, before other threads exist. */
void signals_block(void);
/* Before the loop's thread starts. NULL with errno. */
struct signals *signals_create(struct loop *loop, struct client *client);
/* After the loop's thread ended. NULL is ignored. */
void signals_destroy(struct signals *signals);

#endif
