/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>

#define CLIENT_AGAIN_NS UINT64_C(2000000)
#define CLIENT_MS_NS UINT64_C(1000000)

int client_init(struct client *client, const struct client_config *config)
{
	*client = (struct client){ .config = config, .overlay = config->overlay };
	client->wake_event = SDL_RegisterEvents(1);
	if (client->wake_event == (Uint32)-1)
		return -ENOMEM;
	grab_init(&client->grab, config->pointer == CONFIG_POINTER_RELATIVE, !config->no_grab);
	client_sound_init(client);
	shot_init(&client->shot, config->screenshot, config->settle_s, config->timeout_s);
	return 0;
}

void client_finish(struct client *client)
{
	if (client->attached)
		input_release_all(&client->input);
	grab_release(&client->grab);
	sound_finish(&client->sound);
	client_clipboard_finish(client);
	if (client->source)
		client->source->ops->destroy(client->source);
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++)
		client_destroy_window(client, i);
	shot_finish(&client->shot);
}

void client_set_source(struct client *client, struct client_source *source)
{
	client->source = source;
}

/*
 * One event on its way is enough: the bits collect what is meant. The main thread takes the bits
 * after it took events, so a bit set after its event was taken finds the next round.
 */
void client_notice(void *data, unsigned int notices)
{
	struct client *client = data;
	SDL_Event event = { .type = client->wake_event };

	if (atomic_fetch_or(&client->notices, notices) == 0)
		SDL_PushEvent(&event);
}

void client_quit(struct client *client, int status)
{
	client->quit = true;
	client->status = status;
}

static void client_earlier(uint64_t *first_ns, uint64_t ns)
{
	if (ns && ns < *first_ns)
		*first_ns = ns;
}

/* In milliseconds; -1: nothing is due, ever. */
static int client_timeout_ms(const struct client *client)
{
	uint64_t first_ns = UINT64_MAX, now_ns = clock_now_ns();
	bool visible = false;

	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		const struct window *window = client->windows[i];

		if (!window)
			continue;
		client_earlier(&first_ns, window->resize.due_ns);
		visible |= window->dirty && window_is_visible(window);
	}
	if (client->attached)
		client_earlier(&first_ns, client->next_beat_ns);
	if (client->again)
		client_earlier(&first_ns, now_ns + CLIENT_AGAIN_NS);
	client_earlier(&first_ns, client->volume_until_ns);
	client_earlier(&first_ns, shot_next_ns(&client->shot));
	if (visible || first_ns <= now_ns)
		return 0;
	if (first_ns == UINT64_MAX)
		return -1;
	return (int)((first_ns - now_ns) / CLIENT_MS_NS) + 1;
}

static void client_wait_events(struct client *client)
{
	int timeout_ms = client_timeout_ms(client);
	SDL_Event event;

	if (timeout_ms < 0 ? !SDL_WaitEvent(&event) : !SDL_WaitEventTimeout(&event, timeout_ms))
		return;
	do {
		client_handle_event(client, &event);
	} while (!client->quit && SDL_PollEvent(&event));
}

int client_run(struct client *client)
{
	int result = client_connect(client, client->config->wait);

	if (result)
		return EXIT_FAILURE;
	if (client->config->wait)
		client_update_windows(client);
	while (!client->quit) {
		uint64_t now_ns;

		client_wait_events(client);
		client_take_notices(client);
		now_ns = clock_now_ns();
		client_beat(client, now_ns);
		client_send_sizes(client, now_ns);
		client_sound_hide_volume(client, now_ns);
		client_paint(client, now_ns);
		if (!client->quit && shot_check_deadline(&client->shot, now_ns))
			client_quit(client, EXIT_FAILURE);
	}
	return client->status;
}
