/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/options.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPTION_KEY_BYTES 64
#define OPTION_HELP_COLUMN 30

int option_error_set(struct option_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

static void *option_field(const struct option_def *def, void *config)
{
	return (char *)config + def->offset;
}

/* The number of single-character edits between two short words. */
static size_t option_distance(const char *a, const char *b)
{
	size_t row[OPTION_KEY_BYTES + 1];
	size_t length_b = strnlen(b, OPTION_KEY_BYTES);

	for (size_t j = 0; j <= length_b; j++)
		row[j] = j;
	for (size_t i = 0; a[i] && i < OPTION_KEY_BYTES; i++) {
		size_t diagonal = row[0]++;

		for (size_t j = 0; j < length_b; j++) {
			size_t cost = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (diagonal + 1 < cost)
				cost = diagonal + 1;
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			row[j + 1] = cost;
		}
	}
	return row[length_b];
}

static const struct option_def *option_nearest(const struct option_def *defs, size_t count,
					       const char *name)
{
	const struct option_def *best = NULL;
	size_t best_distance = 4;

	for (size_t i = 0; i < count; i++) {
		size_t distance = option_distance(name, defs[i].name);

		if (distance < best_distance) {
			best_distance = distance;
			best = &defs[i];
		}
	}
	return best;
}

static const struct option_def *option_find(const struct option_def *defs, size_t count,
					    const char *name, struct option_error *error)
{
	const struct option_def *nearest;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(defs[i].name, name))
			return &defs[i];
	nearest = option_nearest(defs, count, name);
	if (nearest)
		option_error_set(error, "unknown option '%s': did you mean '%s'?", name,
				 nearest->name);
	else
		option_error_set(error, "unknown option '%s': see --help for the list", name);
	return NULL;
}

static int option_parse_bool(const char *value, bool *out)
{
	static const char *const on[] = { "on", "yes", "true", "1" };
	static const char *const off[] = { "off", "no", "false", "0" };

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (!strcasecmp(value, on[i]) || !strcasecmp(value, off[i])) {
			*out = !strcasecmp(value, on[i]);
			return 0;
		}
	}
	return -EINVAL;
}

/* A number with, for sizes, one of K M G T (powers of 1024) and an optional "iB" or "B". */
static int option_parse_number(const char *value, bool is_size, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	unsigned int shift = 0;
	const char *suffix;
	char *end;

	if (*value < '0' || *value > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(value, &end, 0);
	if (errno)
		return -EINVAL;
	if (!*end)
		return 0;
	suffix = is_size ? strchr(suffixes, *end & ~0x20) : NULL;
	if (!suffix || (end[1] && strcasecmp(end + 1, "iB") && strcasecmp(end + 1, "B")))
		return -EINVAL;
	shift = 10 * (unsigned int)(suffix - suffixes + 1);
	if (*out > UINT64_MAX >> shift)
		return -EINVAL;
	*out <<= shift;
	return 0;
}

static void option_format_number(const struct option_def *def, uint64_t number, char *text,
				 size_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	int unit = 0;

	while (def->type == OPTION_SIZE && number && unit < 4 && number % 1024 == 0) {
		number /= 1024;
		unit++;
	}
	snprintf(text, bytes, "%" PRIu64 "%s", number, units[unit]);
}

static int option_set_number(const struct option_def *def, void *config, const char *value,
			     struct option_error *error)
{
	char min[32], max[32];
	uint64_t number;

	if (option_parse_number(value, def->type == OPTION_SIZE, &number))
		return option_error_set(error, "%s: '%s' is not a %s", def->name, value,
					def->type == OPTION_SIZE ? "size (say 512M or 2G)" : "number");
	option_format_number(def, def->min, min, sizeof(min));
	option_format_number(def, def->max, max, sizeof(max));
	if (number < def->min)
		return option_error_set(error, "%s: %s is too little: at least %s", def->name,
					value, min);
	if (def->max && number > def->max)
		return option_error_set(error, "%s: %s is too much: at most %s", def->name, value,
					max);
	if (def->type == OPTION_UINT && number > UINT32_MAX)
		return option_error_set(error, "%s: %s is too much", def->name, value);
	if (def->type == OPTION_SIZE)
		*(uint64_t *)option_field(def, config) = number;
	else
		*(uint32_t *)option_field(def, config) = (uint32_t)number;
	return 0;
}

static int option_set_choice(const struct option_def *def, void *config, const char *value,
			     struct option_error *error)
{
	char list[256] = "";

	for (int i = 0; def->choices[i]; i++) {
		size_t used = strlen(list);

		if (!strcmp(def->choices[i], value)) {
			*(int *)option_field(def, config) = i;
			return 0;
		}
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", def->choices[i]);
	}
	return option_error_set(error, "%s: '%s' is not one of %s", def->name, value, list);
}

static int option_set_string(const struct option_def *def, void *config, const char *value,
			     struct option_error *error)
{
	char **field = option_field(def, config);
	char *copy;

	if (!*value)
		return option_error_set(error, "%s: needs a value", def->name);
	copy = strdup(value);
	if (!copy)
		return option_error_set(error, "%s: out of memory", def->name);
	free(*field);
	*field = copy;
	return 0;
}

static int option_apply(const struct option_def *def, void *config, const char *value,
			struct option_error *error)
{
	switch (def->type) {
	case OPTION_STRING:
		return option_set_string(def, config, value, error);
	case OPTION_BOOL:
		if (option_parse_bool(value, option_field(def, config)))
			return option_error_set(error, "%s: '%s' is neither on nor off", def->name,
						value);
		return 0;
	case OPTION_UINT:
	case OPTION_SIZE:
		return option_set_number(def, config, value, error);
	case OPTION_CHOICE:
		return option_set_choice(def, config, value, error);
	case OPTION_CUSTOM:
		return def->parse(config, value, error);
	}
	return option_error_set(error, "%s: cannot be set", def->name);
}

int options_set(const struct option_def *defs, size_t count, void *config, const char *name,
		const char *value, struct option_error *error)
{
	const struct option_def *def = option_find(defs, count, name, error);

	return def ? option_apply(def, config, value, error) : -EINVAL;
}

int options_parse_argv(const struct option_def *defs, size_t count, void *config, int argc,
		       char **argv, int *first_rest, struct option_error *error)
{
	int i = 1;

	while (i < argc && !strncmp(argv[i], "--", 2) && argv[i][2]) {
		const char *equals = strchr(argv[i], '=');
		size_t length = equals ? (size_t)(equals - argv[i]) - 2 : strlen(argv[i]) - 2;
		char name[OPTION_KEY_BYTES];
		const struct option_def *def;
		const char *value;
		bool flag;
		int result;

		snprintf(name, sizeof(name), "%.*s", (int)length, argv[i] + 2);
		def = option_find(defs, count, name, error);
		if (!def)
			return -EINVAL;
		if (equals)
			value = equals + 1;
		else if (def->type == OPTION_BOOL &&
			 (i + 1 == argc || option_parse_bool(argv[i + 1], &flag)))
			value = "on";
		else if (i + 1 < argc)
			value = argv[++i];
		else
			return option_error_set(error, "--%s: needs a value", name);
		result = option_apply(def, config, value, error);
		if (result)
			return result;
		i++;
	}
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	else if (i < argc && argv[i][0] == '-' && argv[i][1])
		return option_error_set(error, "unknown option '%s': see --help for the list",
					argv[i]);
	*first_rest = i;
	return 0;
}

/* Copies the next part up to a single comma; two commas stand for one. Returns what follows. */
static const char *option_next_part(const char *text, char *part)
{
	while (*text) {
		if (*text == ',') {
			if (text[1] != ',')
				break;
			text++;
		}
		*part++ = *text++;
	}
	*part = '\0';
	return *text ? text + 1 : text;
}

int options_parse_list(const struct option_def *defs, size_t count, void *config, const char *text,
		       const char *first_key, struct option_error *error)
{
	char *part = malloc(strlen(text) + 1);
	int result = 0;

	if (!part)
		return option_error_set(error, "out of memory");
	while (*text && !result) {
		const struct option_def *def;
		char *equals;

		text = option_next_part(text, part);
		equals = strchr(part, '=');
		if (equals)
			*equals = '\0';
		if (!equals && first_key) {
			result = options_set(defs, count, config, first_key, part, error);
		} else {
			def = option_find(defs, count, part, error);
			if (!def)
				result = -EINVAL;
			else if (!equals && def->type != OPTION_BOOL)
				result = option_error_set(error, "%s: needs a value (%s=…)", part,
							  part);
			else
				result = option_apply(def, config, equals ? equals + 1 : "on", error);
		}
		first_key = NULL;
	}
	free(part);
	return result;
}

static const char *option_metavar(const struct option_def *def)
{
	static const char *const metavars[] = {
		[OPTION_STRING] = "TEXT", [OPTION_BOOL] = "on|off", [OPTION_UINT] = "N",
		[OPTION_SIZE] = "SIZE",   [OPTION_CHOICE] = "CHOICE", [OPTION_CUSTOM] = "VALUE",
	};

	return def->metavar ? def->metavar : metavars[def->type];
}

/* Prints the help text; its line breaks are kept and indented. */
static void option_print_text(FILE *out, int column, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		fprintf(out, "%*s%.*s\n", OPTION_HELP_COLUMN - column, "", (int)length, text);
		text += length;
		text += *text == '\n';
		column = 0;
	}
}

void options_print_help(FILE *out, const struct option_def *defs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int column = fprintf(out, "  --%s %s ", defs[i].name, option_metavar(&defs[i]));

		if (column > OPTION_HELP_COLUMN) {
			fputc('\n', out);
			column = 0;
		}
		option_print_text(out, column, defs[i].help);
	}
}

void options_finish(const struct option_def *defs, size_t count, void *config)
{
	for (size_t i = 0; i < count; i++) {
		char **field;

		if (defs[i].type != OPTION_STRING)
			continue;
		field = option_field(&defs[i], config);
		free(*field);
		*field = NULL;
	}
}
