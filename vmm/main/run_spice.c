/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run_spice.h"

#include "main/run_clipboard.h"

#include <base/log.h>
#include <errno.h>
#include <input/source.h>
#include <spice/spice_agent.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <string.h>

bool run_spice_wanted(const struct run_config *config)
{
	return config->spice.path || config->spice.port;
}

/* A client that shows the guest in a window of its own. */
static void run_spice_on_monitors(void *data, const struct vdagent_monitor *monitors,
				  uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		run_set_monitor(data, i, monitors[i].width, monitors[i].height);
}

static struct spice_agent *run_spice_create_agent(struct run *run)
{
	const struct spice_agent_config config = {
		.main_loop = run->main_loop,
		.clipboard = run->clipboard,
		.monitors = run_spice_on_monitors,
		.data = run,
	};

	run->spice_agent = spice_agent_create(&config);
	return run->spice_agent;
}

int run_spice_open(struct run *run, struct option_error *error)
{
	struct spice_service_config config = { .listen = run->config.spice,
					       .name = run->config.name,
					       .uuid = run->config.uuid,
					       .display = run->display,
					       .sound = run->sound_tap };
	int result;

	if (!run_spice_wanted(&run->config))
		return 0;
	config.inputs = spice_inputs_create(run->io_loop, run->router);
	if (!config.inputs)
		return option_error_set(error, "spice: %s", strerror(errno));
	run->spice_source = spice_inputs_source(config.inputs);
	result = input_source_start(run->spice_source);
	if (result)
		return option_error_set(error, "spice: %s", strerror(-result));
	config.agent = run_spice_create_agent(run);
	if (!config.agent)
		return option_error_set(error, "spice: %s", strerror(errno));
	run->spice = spice_service_create(&config, error);
	if (!run->spice)
		return -EINVAL;
	if (config.listen.path)
		log_info("SPICE: %s", config.listen.path);
	else
		log_info("SPICE: port %u on %s, without a password",
			 config.listen.port, config.listen.address ? config.listen.address :
			 SPICE_LISTEN_DEFAULT_ADDRESS);
	return 0;
}

void run_spice_close(struct run *run)
{
	spice_service_destroy(run->spice);
	spice_agent_destroy(run->spice_agent);
	run->spice = NULL;
	run->spice_agent = NULL;
}
