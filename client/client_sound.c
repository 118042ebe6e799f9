/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client's session, keys and windows have to do with sound. */
#include "client.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>

#define CLIENT_VOLUME_NS UINT64_C(1500000000)

static void client_sound_changed(void *data)
{
	client_notice(data, CLIENT_NOTICE_SOUND);
}

void client_sound_init(struct client *client)
{
	const struct client_config *config = client->config;
	/* A look at the VM takes the sound from nobody. */
	bool stays = !config->screenshot || !config->exit_after_screenshot;
	struct sound_config sound = {
		.playback = stays && !config->no_sound, .microphone = stays && config->mic,
		.volume = config->volume, .muted = config->mute,
		.listener = { client_sound_changed, client },
	};
	int count = 0;

	if (config->sound_backend == CONFIG_SOUND_AUTO ||
	    config->sound_backend == CONFIG_SOUND_PIPEWIRE)
		sound.backends[count++] = &sound_output_pipewire;
	if (config->sound_backend == CONFIG_SOUND_AUTO || config->sound_backend == CONFIG_SOUND_SDL)
		sound.backends[count++] = &sound_output_sdl;
	sound_init(&client->sound, &sound);
}

/* The user is told by the title whenever the guest hears the microphone. */
static void client_sound_show_microphone(struct client *client)
{
	bool on = sound_microphone_is_on(&client->sound);

	if (on == client->microphone_shown)
		return;
	client->microphone_shown = on;
	log_info("the guest %s the microphone", on ? "hears" : "does not hear");
	client_set_titles(client);
}

void client_sound_set_source(struct client *client, struct client_source *source)
{
	sound_set_source(&client->sound, source);
	client_sound_show_microphone(client);
}

void client_sound_update(struct client *client)
{
	int result = sound_update(&client->sound, clock_now_ns());

	client->again |= result == -EAGAIN;
	if (result == -EPROTO) {
		log_peer_bug("the segment's sound is nonsense: detaching");
		client_notice(client, SOURCE_LOST);
	}
	client_sound_show_microphone(client);
}

void client_sound_check(struct client *client)
{
	sound_check(&client->sound, clock_now_ns());
	client_sound_show_microphone(client);
}

void client_sound_beat(struct client *client, uint64_t now_ns)
{
	sound_beat(&client->sound, now_ns);
	client_sound_show_microphone(client);
}

void client_sound_key(struct client *client, int steps)
{
	if (steps)
		sound_change_volume(&client->sound, steps);
	else
		sound_toggle_mute(&client->sound);
	client->volume_until_ns = clock_now_ns() + CLIENT_VOLUME_NS;
}

void client_sound_hide_volume(struct client *client, uint64_t now_ns)
{
	if (client->volume_until_ns == 0 || now_ns < client->volume_until_ns)
		return;
	client->volume_until_ns = 0;
	client_mark_dirty(client);
}
