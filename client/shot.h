/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A screenshot of a window once its picture has settled, or when it is asked for. Main thread. */
#ifndef CLIENT_SHOT_H
#define CLIENT_SHOT_H

#include "settle.h"

#include <stdbool.h>
#include <stdint.h>

struct window;
struct window_decor;

struct shot {
	const char *path;               /* NULL: no screenshots */
	struct settle settle;
	uint64_t deadline_ns;           /* 0: none */
	uint64_t next_sample_ns;
	bool waiting;                   /* for the picture to settle */
	bool requested;                 /* now, whatever the picture is */
	bool stale;                     /* something was shown since the last sample */
	bool saved;
};

/* path stays the caller's; NULL: no screenshots. */
void shot_init(struct shot *shot, const char *path, uint32_t settle_s, uint32_t timeout_s);
void shot_finish(struct shot *shot);
/* When shot_run has to be called again at the latest; 0: no need. */
uint64_t shot_next_ns(const struct shot *shot);
/* True when a call of shot_run would read the window now. */
bool shot_is_due(const struct shot *shot, uint64_t now_ns);
/* Looks at the window, and saves it when it is time. decor: as the window is drawn. 1: saved;
 * 0: not yet; -ETIMEDOUT (logged, with the reason); -errno. */
int shot_run(struct shot *shot, struct window *window, const struct window_decor *decor,
	     uint64_t now_ns);
/* 0 or -ETIMEDOUT: also to be asked while there is no window. */
int shot_check_deadline(struct shot *shot, uint64_t now_ns);

#endif
