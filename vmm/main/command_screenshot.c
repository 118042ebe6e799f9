/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/commands.h"

#include "control/control_client.h"

#include <base/png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char screenshot_help[] =
	"Usage: vitrine screenshot NAME FILE.png [SCREEN]\n"
	"Saves what a running VM shows on its screen (0 is the first), pointer included.\n";

static uint32_t screenshot_number(const json_t *reply, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(reply, key));

	return value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* The reply comes from another process: its numbers must fit the memory that came with it. */
static int screenshot_write(const json_t *reply, int fd, const char *path,
			    struct option_error *error)
{
	struct png_picture picture = { .width = screenshot_number(reply, "width"),
				       .height = screenshot_number(reply, "height"),
				       .stride_bytes = screenshot_number(reply, "stride"),
				       .fourcc = screenshot_number(reply, "fourcc") };
	uint64_t bytes = (uint64_t)picture.stride_bytes * picture.height;
	struct stat info;
	void *pixels;
	int result;

	if (fd < 0 || fstat(fd, &info) < 0 || bytes == 0 || (uint64_t)info.st_size < bytes ||
	    picture.stride_bytes / 4 < picture.width)
		return option_error_set(error, "the VM sent a picture that makes no sense");
	pixels = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (pixels == MAP_FAILED)
		return option_error_set(error, "cannot map the picture");
	picture.pixels = pixels;
	result = png_write(path, &picture);
	munmap(pixels, bytes);
	return result ? option_error_set(error, "%s: %s", path, strerror(-result)) : 0;
}

static int screenshot_run(const char *name, const char *path, int screen)
{
	struct option_error error = { "" };
	json_t *request = json_pack("{s:s,s:i}", "command", "screenshot", "scanout", screen);
	int fd = -1, result = -1;
	json_t *reply = control_request(name, request, &fd, &error);

	json_decref(request);
	if (reply)
		result = screenshot_write(reply, fd, path, &error);
	if (fd >= 0)
		close(fd);
	json_decref(reply);
	if (!result)
		return 0;
	fprintf(stderr, "vitrine screenshot: %s\n", error.text);
	return EXIT_STATUS_BAD_INPUT;
}

int command_screenshot(int argc, char **argv)
{
	char *end = NULL;
	long screen = 0;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(screenshot_help, stdout);
		return 0;
	}
	if (argc == 4)
		screen = strtol(argv[3], &end, 10);
	if (argc < 3 || argc > 4 || screen < 0 || screen > 15 || (end && *end)) {
		fprintf(stderr, "vitrine screenshot: needs a NAME and a FILE\n%s", screenshot_help);
		return EXIT_STATUS_BAD_INPUT;
	}
	return screenshot_run(argv[1], argv[2], (int)screen);
}
