/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vitrine-client: a window on a VM. */
#include "client.h"
#include "signals.h"
#include "spice_way.h"
#include "vm_path.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_USAGE_STATUS 2
#define MAIN_TEST_WIDTH 1280
#define MAIN_TEST_HEIGHT 720

static void main_set_hints(void)
{
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_APP_NAME, "Vitrine");
	SDL_SetHint("SDL_VIDEO_X11_WMCLASS", "vitrine-client");
	SDL_SetHint("SDL_VIDEO_WAYLAND_WMCLASS", "vitrine-client");
	SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
	SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
	SDL_SetHint(SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
	SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
	SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
	SDL_SetHint(SDL_HINT_MOUSE_RELATIVE_SCALING, "0");
	/*
	 * SDL 2.26's GL renderer binds a texture behind its own back when the scale mode is set; a
	 * batch then draws with the wrong one. We draw a handful of rectangles: no batch is missed.
	 */
	SDL_SetHint(SDL_HINT_RENDER_BATCHING, "0");
}

static struct client_source *main_create_looking_glass(const struct client_config *config,
						       struct loop *loop,
						       struct source_listener listener)
{
	struct input_peer *peer = NULL;

	if (config->has_spice) {
		peer = spice_way_create(&config->spice, config->spice_password);
		if (!peer)
			return NULL;
	}
	return source_looking_glass_create(loop, config->looking_glass, peer, listener);
}

static struct client_source *main_create_source(const struct client_config *config,
						const char *socket_path, struct loop *loop,
						struct client *client)
{
	const struct source_listener listener = { client_notice, client };

	if (config->source == CONFIG_SOURCE_TEST)
		return source_test_create(loop, config->width ? config->width : MAIN_TEST_WIDTH,
					  config->height ? config->height : MAIN_TEST_HEIGHT,
					  listener);
	if (config->shm)
		return source_ring_create_file(loop, config->shm, listener);
	if (config->looking_glass)
		return main_create_looking_glass(config, loop, listener);
	return source_ring_create_socket(loop, socket_path, listener);
}

static int main_run_client(const struct client_config *config, const char *socket_path,
			   struct loop *loop)
{
	struct client client;
	struct signals *signals;
	struct client_source *source;
	int status = EXIT_FAILURE;

	if (client_init(&client, config))
		return EXIT_FAILURE;
	signals = signals_create(loop, &client);
	if (!signals) {
		log_error("signals: %s", strerror(errno));
		goto out;
	}
	source = main_create_source(config, socket_path, loop, &client);
	if (!source) {
		log_error("no source: %s", strerror(errno));
		goto out;
	}
	client_set_source(&client, source);
	client_clipboard_init(&client, loop);
	if (!loop_start(loop)) {
		status = client_run(&client);
		client_finish(&client);
		loop_stop(loop);
		signals_destroy(signals);
		return status;
	}
	log_error("no reader thread");
out:
	client_finish(&client);
	signals_destroy(signals);
	return status;
}

static int main_run(const struct client_config *config, const char *socket_path)
{
	struct loop *loop = loop_create("reader");
	int status;

	if (!loop) {
		log_error("no reader loop: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	main_set_hints();
	SDL_SetMainReady();
	if (SDL_Init(SDL_INIT_VIDEO)) {
		log_error("no display: %s (is DISPLAY or WAYLAND_DISPLAY set?)", SDL_GetError());
		loop_destroy(loop);
		return EXIT_FAILURE;
	}
	status = main_run_client(config, socket_path, loop);
	SDL_Quit();
	loop_destroy(loop);
	return status;
}

/* The socket of the VM that is meant, when it is to be found by one. */
static int main_find_socket(const struct client_config *config, char *path, size_t bytes,
			    struct option_error *error)
{
	if (config->source != CONFIG_SOURCE_VM || config->shm || config->looking_glass)
		return 0;
	if (!config->socket)
		return vm_path_find(config->name, path, bytes, error);
	if (strlen(config->socket) >= bytes)
		return option_error_set(error, "--socket: the path is too long");
	snprintf(path, bytes, "%s", config->socket);
	return 0;
}

int main(int argc, char **argv)
{
	char socket_path[PATH_MAX] = "";
	struct client_config config;
	struct option_error error;
	int status = EXIT_SUCCESS;

	log_init("vitrine-client");
	signals_block();
	if (config_parse(&config, argc, argv, &error))
		status = MAIN_USAGE_STATUS;
	else if (config.help)
		config_print_help(stdout);
	else if (config.version)
		puts("vitrine-client " VITRINE_VERSION);
	else if (config.has_spice && spice_way_take(argv, &error))
		status = MAIN_USAGE_STATUS;
	else if (main_find_socket(&config, socket_path, sizeof(socket_path), &error))
		status = MAIN_USAGE_STATUS;
	else
		status = main_run(&config, socket_path);
	if (status == MAIN_USAGE_STATUS)
		fprintf(stderr, "vitrine-client: %s\n", error.text);
	config_finish(&config);
	return status;
}
