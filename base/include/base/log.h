/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines with a level, a room and a blame.
 *
 * VITRINE_LOG selects what is printed on stderr: a comma-separated list of LEVEL or ROOM=LEVEL
 * with levels debug, info, warn, error (default: info). Any thread may log, except real-time ones.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

/* Each room's build defines LOG_ROOM to its own name. */
#ifndef LOG_ROOM
#define LOG_ROOM "vitrine"
#endif

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
};

/* One per call site: at most 5 lines per 10 s get through, the rest are counted and told later. */
struct log_limit {
	_Atomic uint64_t window_start_ns;
	_Atomic uint32_t lines;
};

/* Reads VITRINE_LOG. Call once from main before other threads exist; program may be NULL. */
void log_init(const char *program);

void log_write(enum log_level level, const char *room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void log_write_limited(struct log_limit *limit, enum log_level level, const char *room,
		       const char *blame, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, LOG_ROOM, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, LOG_ROOM, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, LOG_ROOM, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, LOG_ROOM, __VA_ARGS__)

#define log_blame(blame, ...)                                                                      \
	do {                                                                                       \
		static struct log_limit log_limit_;                                                \
		log_write_limited(&log_limit_, LOG_LEVEL_WARN, LOG_ROOM, blame, __VA_ARGS__);      \
	} while (0)

/* The guest broke its side of a contract: rate-limited, never fatal for the process. */
#define log_guest_bug(...) log_blame("guest", __VA_ARGS__)
/* The client, agent or another process broke its side: rate-limited; end that session. */
#define log_peer_bug(...) log_blame("peer", __VA_ARGS__)

#endif
