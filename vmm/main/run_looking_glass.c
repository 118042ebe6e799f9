/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run_looking_glass.h"

#include "main/run.h"

#include <base/log.h>
#include <base/loop.h>
#include <capture/looking_glass.h>
#include <errno.h>
#include <input/router.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WISH_WAITS (UINT64_C(1) << 32)

struct run_looking_glass {
	struct run *run;
	struct looking_glass *glass;
	/* WISH_WAITS | x << 16 | y, in tablet positions; the newest wins. 0: none. */
	_Atomic uint64_t wish;
};

/* On the io loop. */
static void run_glass_move_pointer(void *data)
{
	struct run_looking_glass *glass = data;
	uint64_t wish = atomic_exchange(&glass->wish, 0);
	const struct router_event event = {
		.type = ROUTER_EVENT_POINTER_ABS,
		.x = (int32_t)(wish >> 16 & 0xffff),
		.y = (int32_t)(wish & 0xffff),
	};

	if (wish && glass->run->router)
		input_router_push(glass->run->router, &event);
}

/* The middle of the pixel. position < extent. */
static uint64_t run_glass_position(uint32_t position, uint32_t extent)
{
	return ((uint64_t)position * 2 + 1) * (INPUT_POSITION_MAX + 1) / ((uint64_t)extent * 2);
}

/* On the looking glass's thread. */
static void run_glass_set_cursor(void *data, uint32_t x, uint32_t y, uint32_t width,
				 uint32_t height)
{
	struct run_looking_glass *glass = data;
	uint64_t wish = WISH_WAITS | run_glass_position(x, width) << 16 |
			run_glass_position(y, height);

	/* One that waits is replaced; its post is still to come. */
	if (!atomic_exchange(&glass->wish, wish))
		loop_post(glass->run->io_loop, run_glass_move_pointer, glass);
}

/* How to start a client. */
static void run_glass_tell(const struct run_config *config)
{
	const char *file = config->looking_glass.path;
	const char *address = config->spice.address;

	if (config->spice.path)
		log_info("Looking Glass: looking-glass-client app:shmFile=%s spice:host=%s spice:port=0",
			 file, config->spice.path);
	else if (config->spice.port)
		log_info("Looking Glass: looking-glass-client app:shmFile=%s spice:host=%s spice:port=%u",
			 file, address ? address : SPICE_LISTEN_DEFAULT_ADDRESS, config->spice.port);
	else
		log_info("Looking Glass: looking-glass-client app:shmFile=%s spice:enable=no", file);
}

int run_looking_glass_open(struct run *run, struct option_error *error)
{
	const struct looking_glass_callbacks callbacks = { .set_cursor = run_glass_set_cursor };
	const struct looking_glass_vm vm = { run->config.uuid, run->config.cpus };
	struct run_looking_glass *glass;

	if (!run->config.looking_glass.path)
		return 0;
	glass = calloc(1, sizeof(*glass));
	if (!glass)
		return option_error_set(error, "out of memory");
	glass->run = run;
	glass->glass = looking_glass_create(run->display, &run->config.looking_glass, &vm,
					    &callbacks, glass, error);
	if (!glass->glass) {
		free(glass);
		return -EINVAL;
	}
	run->looking_glass = glass;
	run_glass_tell(&run->config);
	return 0;
}

static void run_glass_free(void *data)
{
	free(data);
}

void run_looking_glass_close(struct run *run)
{
	if (!run->looking_glass)
		return;
	looking_glass_destroy(run->looking_glass->glass);
	/* Behind a wish that may be waiting there. */
	loop_call(run->io_loop, run_glass_free, run->looking_glass);
	run->looking_glass = NULL;
}
