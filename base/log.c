/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/clock.h>
#include <base/log.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX_ROOMS 16
#define LOG_LINE_BYTES 1024
#define LOG_WINDOW_NS 10000000000u
#define LOG_LINES_PER_WINDOW 5u

struct log_room {
	char name[24];
	enum log_level level;
};

static const char *const log_level_names[] = { "debug", "info", "warn", "error" };

/* Written by log_init only, before other threads exist. */
static const char *log_program = "vitrine";
static enum log_level log_default_level = LOG_LEVEL_INFO;
static struct log_room log_rooms[LOG_MAX_ROOMS];
static size_t log_room_count;

static bool log_parse_level(const char *text, size_t length, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(log_level_names) / sizeof(log_level_names[0]); i++) {
		if (strlen(log_level_names[i]) == length &&
		    !strncmp(text, log_level_names[i], length)) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void log_parse_item(const char *item, size_t length)
{
	const char *equals = memchr(item, '=', length);
	struct log_room *room = &log_rooms[log_room_count];
	size_t name_length = equals ? (size_t)(equals - item) : 0;
	enum log_level level;

	if (!equals) {
		if (log_parse_level(item, length, &level))
			log_default_level = level;
		else
			fprintf(stderr, "%s: VITRINE_LOG: '%.*s' is not a level (debug, info, warn, error)\n",
				log_program, (int)length, item);
		return;
	}
	if (name_length >= sizeof(room->name) || log_room_count == LOG_MAX_ROOMS ||
	    !log_parse_level(equals + 1, length - name_length - 1, &level)) {
		fprintf(stderr, "%s: VITRINE_LOG: cannot use '%.*s'\n", log_program, (int)length,
			item);
		return;
	}
	memcpy(room->name, item, name_length);
	room->name[name_length] = '\0';
	room->level = level;
	log_room_count++;
}

void log_init(const char *program)
{
	const char *text = getenv("VITRINE_LOG");

	if (program)
		log_program = program;
	while (text && *text) {
		size_t length = strcspn(text, ",");

		if (length)
			log_parse_item(text, length);
		text += length;
		text += *text == ',';
	}
}

static bool log_wants(enum log_level level, const char *room)
{
	for (size_t i = 0; i < log_room_count; i++)
		if (!strcmp(log_rooms[i].name, room))
			return level >= log_rooms[i].level;
	return level >= log_default_level;
}

/* One write(2) a line, so that lines of several threads do not mix. */
__attribute__((format(printf, 4, 0)))
static void log_line(enum log_level level, const char *room, const char *blame, const char *format,
		     va_list args)
{
	char line[LOG_LINE_BYTES];
	size_t used;
	int printed;

	printed = snprintf(line, sizeof(line), "%s: %s%s%s: %s%s", log_program,
			   level == LOG_LEVEL_INFO ? "" : log_level_names[level],
			   level == LOG_LEVEL_INFO ? "" : ": ", room, blame, *blame ? ": " : "");
	used = (size_t)printed < sizeof(line) ? (size_t)printed : sizeof(line) - 1;
	printed = vsnprintf(line + used, sizeof(line) - used, format, args);
	if (printed > 0)
		used += (size_t)printed;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nobody is left to tell */
}

void log_write(enum log_level level, const char *room, const char *format, ...)
{
	va_list args;

	if (!log_wants(level, room))
		return;
	va_start(args, format);
	log_line(level, room, "", format, args);
	va_end(args);
}

/* True when the line may be printed; *missed is how many were not in the window before. */
static bool log_limit_take(struct log_limit *limit, uint32_t *missed)
{
	uint64_t now = clock_now_ns();
	uint64_t start = atomic_load_explicit(&limit->window_start_ns, memory_order_relaxed);

	*missed = 0;
	/* Relaxed: a line more or less between racing threads is no harm. */
	if (start == 0 || now - start > LOG_WINDOW_NS) {
		uint32_t lines;

		atomic_store_explicit(&limit->window_start_ns, now, memory_order_relaxed);
		lines = atomic_exchange_explicit(&limit->lines, 0, memory_order_relaxed);
		if (lines > LOG_LINES_PER_WINDOW)
			*missed = lines - LOG_LINES_PER_WINDOW;
	}
	return atomic_fetch_add_explicit(&limit->lines, 1, memory_order_relaxed) <
	       LOG_LINES_PER_WINDOW;
}

void log_write_limited(struct log_limit *limit, enum log_level level, const char *room,
		       const char *blame, const char *format, ...)
{
	uint32_t missed;
	va_list args;

	if (!log_wants(level, room) || !log_limit_take(limit, &missed))
		return;
	if (missed)
		log_write(level, room, "%s: %u lines like the next were left out", blame, missed);
	va_start(args, format);
	log_line(level, room, blame, format, args);
	va_end(args);
}
