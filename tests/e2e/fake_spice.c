/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_spice.h"

#include <base/loop.h>
#include <input/router.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_spice {
	struct loop *loop;              /* is never run: what is typed waits for ever */
	struct input_router *router;
	struct spice_inputs *inputs;
	struct spice_service *service;
};

struct fake_spice *fake_spice_create(const char *path, struct audio_tap *tap)
{
	struct spice_service_config config = { .name = "fake vm", .sound = tap };
	struct fake_spice *spice = calloc(1, sizeof(*spice));
	struct option_error error = { "" };

	if (!spice)
		return NULL;
	config.listen.path = strdup(path);
	spice->loop = loop_create("spice inputs");
	spice->router = input_router_create(&(struct input_router_config){ 0 });
	if (config.listen.path && spice->loop && spice->router)
		config.inputs = spice->inputs = spice_inputs_create(spice->loop, spice->router);
	if (spice->inputs)
		spice->service = spice_service_create(&config, &error);
	free(config.listen.path);
	if (spice->service)
		return spice;
	fprintf(stderr, "%s\n", error.text);
	fake_spice_destroy(spice);
	return NULL;
}

void fake_spice_destroy(struct fake_spice *spice)
{
	if (!spice)
		return;
	spice_service_destroy(spice->service);
	if (spice->inputs)
		input_source_destroy(spice_inputs_source(spice->inputs));
	input_router_destroy(spice->router);
	loop_destroy(spice->loop);
	free(spice);
}
