/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures of the last full second: pictures shown, latency, frames missed. Main thread. */
#ifndef CLIENT_STATS_H
#define CLIENT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats_second {
	uint32_t shown;
	uint32_t missed;                /* published but never shown: newer ones came first */
	uint64_t latency_sum_ns, latency_max_ns;
	uint32_t latency_count;
};

struct stats {
	uint64_t second_start_ns;
	struct stats_second now, last;
	uint64_t skipped_seen;
	double last_seconds;            /* how long "last" really was */
};

/* A picture was presented. guest_flush_ns 0: not comparable. skipped: running total. */
void stats_shown(struct stats *stats, uint64_t now_ns, uint64_t guest_flush_ns, uint64_t skipped);
/* Once a second or more often. True when the figures are new. */
bool stats_roll(struct stats *stats, uint64_t now_ns);
/* "60.0 fps   1.2 ms (max 3.4)   0 dropped" */
void stats_format(const struct stats *stats, char *text, size_t bytes);

#endif
