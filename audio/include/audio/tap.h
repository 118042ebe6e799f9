/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second pair of ears and a second mouth on a backend. The tap is a backend that hands everything
 * on to an inner one, which stays the clock and knows nothing of it; beside that one other thread,
 * the listener, hears what the guest plays, and may speak into what it records.
 *
 * The listener's samples are 16-bit stereo frames, left then right, at the stream's own rate; the
 * tap converts. It is woken by a file descriptor. While it does not listen a period costs a branch;
 * nothing it does or fails to do holds up the audio loop.
 */
#ifndef AUDIO_TAP_H
#define AUDIO_TAP_H

#include <audio/backend.h>
#include <stdbool.h>

struct audio_tap;

/* What a stream is at the moment. */
struct audio_tap_view {
	bool running;           /* between start and stop */
	uint32_t rate;          /* of the last start; 0: never started */
	/* Playback: frames that wait, those of streams before this one first. Capture: 0. */
	uint32_t earlier_frames, frames;
};

/* Owns inner from here on, and destroys it with itself. NULL with errno; then inner is the caller's
 * as before. */
struct audio_tap *audio_tap_create(struct audio_backend *inner);
/* For the sound device. Destroying it destroys the tap, when the listener has gone. */
struct audio_backend *audio_tap_backend(struct audio_tap *tap);

/* ---- one thread, the listener ---- */

/* An eventfd, the tap's: readable when there is something to look at: streams start and stop, and
 * while the listener listens frames come, every 10 ms if periods are longer, or are wanted. */
int audio_tap_fd(const struct audio_tap *tap);
/* Look after this, not before. */
void audio_tap_clear(struct audio_tap *tap);
/* Off at first. On: hears what is played from now on, or will give what is recorded. Frames that
 * wait are dropped. */
void audio_tap_listen(struct audio_tap *tap, enum audio_direction direction, bool on);
void audio_tap_look(struct audio_tap *tap, enum audio_direction direction,
		    struct audio_tap_view *view);
/* Takes at most count of the oldest frames that were played; NULL: drops them. The number taken. */
uint32_t audio_tap_take(struct audio_tap *tap, int16_t *frames, uint32_t count);
/*
 * Says frames into the running capture stream; the number taken, less than count when the guest
 * does not keep up. The guest hears them, instead of what inner gives, once there are enough for it
 * not to stutter (50 ms and 2048 frames), until they run out. When more than three times that waits
 * the oldest are dropped.
 */
uint32_t audio_tap_give(struct audio_tap *tap, const int16_t *frames, uint32_t count);

#endif
