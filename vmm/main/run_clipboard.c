/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run_clipboard.h"

#include <base/loop.h>
#include <clipboard/clipboard.h>
#include <clipboard/guest_agent.h>
#include <display/surface.h>
#include <errno.h>
#include <string.h>

int run_clipboard_open(struct run *run, struct option_error *error)
{
	struct vdagent_monitor monitors[RUN_MAX_DISPLAYS];

	if (run->config.clipboard) {
		run->clipboard = clipboard_create(run->main_loop);
		if (!run->clipboard)
			return option_error_set(error, "clipboard: %s", strerror(errno));
	}
	/* Without the clipboard too, for the sizes. */
	run->guest_agent = guest_agent_create(run->main_loop, run->clipboard);
	if (!run->guest_agent)
		return option_error_set(error, "guest agent: %s", strerror(errno));
	for (uint32_t i = 0; i < run->config.display_count; i++)
		monitors[i] = (struct vdagent_monitor){ run->config.displays[i].width,
							run->config.displays[i].height };
	guest_agent_init_monitors(run->guest_agent, monitors, run->config.display_count);
	return 0;
}

static void run_clipboard_detach(void *data)
{
	guest_agent_detach(data);
}

void run_clipboard_close(struct run *run)
{
	if (run->guest_agent)
		loop_call(run->io_loop, run_clipboard_detach, run->guest_agent);
	guest_agent_destroy(run->guest_agent);
	clipboard_destroy(run->clipboard);
	run->guest_agent = NULL;
	run->clipboard = NULL;
}

void run_set_monitor(struct run *run, uint32_t index, uint32_t width, uint32_t height)
{
	display_set_monitor(run->display, index, width, height);
	guest_agent_set_monitor(run->guest_agent, index, width, height);
}
