/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats.h"

#include <stdio.h>

#define STATS_SECOND_NS UINT64_C(1000000000)
/* A timer that fires a little early must not stretch a second to two. */
#define STATS_SLACK_NS (STATS_SECOND_NS / 20)

void stats_shown(struct stats *stats, uint64_t now_ns, uint64_t guest_flush_ns, uint64_t skipped)
{
	stats->now.shown++;
	if (skipped > stats->skipped_seen)
		stats->now.missed += (uint32_t)(skipped - stats->skipped_seen);
	stats->skipped_seen = skipped;
	if (guest_flush_ns == 0 || guest_flush_ns > now_ns)
		return;
	stats->now.latency_sum_ns += now_ns - guest_flush_ns;
	stats->now.latency_count++;
	if (now_ns - guest_flush_ns > stats->now.latency_max_ns)
		stats->now.latency_max_ns = now_ns - guest_flush_ns;
}

bool stats_roll(struct stats *stats, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - stats->second_start_ns;

	if (passed_ns < STATS_SECOND_NS - STATS_SLACK_NS)
		return false;
	stats->last = stats->now;
	stats->last_seconds = (double)passed_ns / 1e9;
	stats->now = (struct stats_second){ 0 };
	stats->second_start_ns = now_ns;
	return true;
}

void stats_format(const struct stats *stats, char *text, size_t bytes)
{
	const struct stats_second *last = &stats->last;
	double fps = stats->last_seconds > 0 ? last->shown / stats->last_seconds : 0;

	if (last->latency_count > 0)
		snprintf(text, bytes, "%.1f fps   %.2f ms (max %.2f)   %u dropped", fps,
			 (double)last->latency_sum_ns / last->latency_count / 1e6,
			 (double)last->latency_max_ns / 1e6, last->missed);
	else
		snprintf(text, bytes, "%.1f fps   %u dropped", fps, last->missed);
}
