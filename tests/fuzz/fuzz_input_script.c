/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <base/loop.h>
#include <input/router.h>
#include <input/source_script.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct loop *loop;
	static struct input_router *router;
	struct input_source *source;
	unsigned int bad_line;
	char *text = malloc(size + 1);

	if (!loop) {
		loop = loop_create("fuzz");
		router = input_router_create(&(struct input_router_config){ 0 });
	}
	if (!text || !loop || !router)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	source = input_source_script_create(loop, router, text, &bad_line);
	if (source) {
		input_source_start(source);
		loop_dispatch(loop, 10);
		input_source_destroy(source);
	}
	free(text);
	return 0;
}
