/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client: a source, its windows, and the user. Everything here is on the main thread but
 * client_notice, which any thread may call.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "clipboard_bridge.h"
#include "config.h"
#include "grab.h"
#include "input.h"
#include "shot.h"
#include "sound.h"
#include "source.h"
#include "window.h"

#include <SDL.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Notices besides the source's own. */
#define CLIENT_NOTICE_QUIT (1u << 16)           /* SIGINT, SIGTERM, SIGHUP */
#define CLIENT_NOTICE_SHOT (1u << 17)           /* SIGUSR1 */
#define CLIENT_NOTICE_SOUND (1u << 18)          /* a sound server came or went */
#define CLIENT_NOTICE_LOOP (1u << 19)           /* something is due on the main thread's loop */

/* How far the user has come with closing. */
enum client_closing {
	CLIENT_OPEN,
	CLIENT_ASKED,           /* the power button was pressed */
	CLIENT_FORCED,
};

struct client {
	const struct client_config *config;
	struct client_source *source;
	struct input input;
	struct grab grab;
	struct sound sound;
	struct shot shot;
	struct loop *loop;              /* main's own, for the clipboard; NULL: that is off */
	struct loop_fd *loop_watch;     /* the reader loop's */
	struct clipboard_bridge clipboard;
	struct window *windows[SOURCE_MAX_SCANOUTS];
	/* By the user, until the guest turns the monitor off. */
	bool window_closed[SOURCE_MAX_SCANOUTS];
	Uint32 wake_event;
	_Atomic unsigned int notices;
	bool attached, was_attached;
	bool again;                     /* the source was busy: look again soon */
	bool overlay;
	bool input_denied;              /* another client holds the input */
	unsigned int input_state;       /* enum source_input_state */
	bool microphone_shown;          /* the titles say that it is on */
	uint64_t volume_until_ns;       /* the volume is shown until then; 0: it is not */
	enum client_closing closing;
	uint64_t next_beat_ns;
	bool quit;
	int status;
};

/* Needs SDL's video. 0 or -errno (logged). The config stays the caller's. */
int client_init(struct client *client, const struct client_config *config);
void client_finish(struct client *client);
/* Hands over the source, which client_run connects and client_finish destroys. */
void client_set_source(struct client *client, struct client_source *source);
/* Until the end; the exit status. */
int client_run(struct client *client);

/* Any thread: source_listener.notice of a client. */
void client_notice(void *client, unsigned int notices);
void client_quit(struct client *client, int status);

/* client_session.c: what the source says. */
int client_connect(struct client *client, bool patient);
void client_take_notices(struct client *client);
void client_beat(struct client *client, uint64_t now_ns);
/* False: nobody takes keys and the like now. */
bool client_takes_input(const struct client *client);
/* The user closed a window. */
void client_close_window(struct client *client, struct window *window);

/* client_windows.c: windows come and go with the guest's monitors. */
void client_update_windows(struct client *client);
void client_send_sizes(struct client *client, uint64_t now_ns);
void client_paint(struct client *client, uint64_t now_ns);
void client_set_titles(struct client *client);
struct window *client_find_window(const struct client *client, Uint32 id);
/* The window that stands for the VM: screenshots are of it. NULL: none yet. */
struct window *client_main_window(const struct client *client);
void client_destroy_window(struct client *client, uint32_t scanout);
void client_mark_dirty(struct client *client);

/* client_sound.c: the guest's sound. */
void client_sound_init(struct client *client);
/* NULL: the session ends; the source may be disconnected after this. */
void client_sound_set_source(struct client *client, struct client_source *source);
void client_sound_update(struct client *client);
void client_sound_check(struct client *client);
void client_sound_beat(struct client *client, uint64_t now_ns);
/* Louder or softer; 0: mute or not. */
void client_sound_key(struct client *client, int steps);
void client_sound_hide_volume(struct client *client, uint64_t now_ns);

/* client_clipboard.c: the clipboard, and the loop it lives on. */
/* After the source was set, before the reader loop runs. */
void client_clipboard_init(struct client *client, struct loop *reader);
/* Before the source goes. */
void client_clipboard_finish(struct client *client);
void client_clipboard_open(struct client *client);
void client_clipboard_join(struct client *client);
/* The session ends; the source may be disconnected after this. */
void client_clipboard_leave(struct client *client);
/* SDL says that the clipboard has changed. */
void client_clipboard_updated(struct client *client);
void client_loop_run(struct client *client);

/* client_events.c: what the user does. */
void client_handle_event(struct client *client, const SDL_Event *event);
/* The host's cursor as it should be over the window that has the mouse. */
void client_show_cursor(struct client *client);

#endif
