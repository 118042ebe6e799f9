/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/options.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

struct options_file {
	const struct option_def *defs;
	size_t count;
	void *config;
	struct option_error *error;
	bool failed;
};

/* inih wants 1 for success; the first failed line stops the parse and its number is returned. */
static int options_file_entry(void *user, const char *section, const char *name, const char *value)
{
	struct options_file *file = user;

	if (file->failed)
		return 0;
	if (*section)
		option_error_set(file->error, "section [%s]: a config file has no sections", section);
	else if (!value)
		option_error_set(file->error, "%s: needs a value", name);
	else if (!options_set(file->defs, file->count, file->config, name, value, file->error))
		return 1;
	file->failed = true;
	return 0;
}

int options_parse_file(const struct option_def *defs, size_t count, void *config, const char *path,
		       struct option_error *error)
{
	struct options_file file = { defs, count, config, error, false };
	struct option_error inner;
	FILE *stream = fopen(path, "re");
	int line;

	if (!stream)
		return option_error_set(error, "%s: %s", path, strerror(errno));
	errno = 0;
	line = ini_parse_file(stream, options_file_entry, &file);
	fclose(stream);
	if (line == 0)
		return 0;
	if (line < 0)
		return option_error_set(error, "%s: cannot be read: %s", path,
					errno ? strerror(errno) : "out of memory");
	if (!file.failed)
		return option_error_set(error, "%s:%d: not a 'key = value' line", path, line);
	inner = *error;
	return option_error_set(error, "%s:%d: %.400s", path, line, inner.text);
}
