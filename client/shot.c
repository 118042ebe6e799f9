/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shot.h"

#include "window.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/png.h>
#include <errno.h>
#include <ivshmem/abi.h>
#include <string.h>

#define SHOT_SECOND_NS UINT64_C(1000000000)
#define SHOT_SAMPLE_NS (SHOT_SECOND_NS / 4)

void shot_init(struct shot *shot, const char *path, uint32_t settle_s, uint32_t timeout_s)
{
	uint64_t now_ns = clock_now_ns();

	*shot = (struct shot){ .path = path, .waiting = path != NULL };
	if (path && timeout_s)
		shot->deadline_ns = now_ns + timeout_s * SHOT_SECOND_NS;
	settle_init(&shot->settle, settle_s * SHOT_SECOND_NS);
}

void shot_finish(struct shot *shot)
{
	settle_finish(&shot->settle);
}

/* Samples come no faster than four a second, however fast the picture changes. */
static uint64_t shot_sample_ns(const struct shot *shot)
{
	if (shot->stale)
		return shot->next_sample_ns;
	if (!shot->settle.since_ns || shot->settle.uniform)
		return UINT64_MAX;
	return shot->settle.since_ns + shot->settle.quiet_ns;
}

uint64_t shot_next_ns(const struct shot *shot)
{
	uint64_t next_ns;

	if (!shot->waiting)
		return 0;
	next_ns = shot_sample_ns(shot);
	if (shot->deadline_ns && shot->deadline_ns < next_ns)
		next_ns = shot->deadline_ns;
	return next_ns == UINT64_MAX ? 0 : next_ns;
}

bool shot_is_due(const struct shot *shot, uint64_t now_ns)
{
	return shot->path &&
	       (shot->requested || (shot->waiting && now_ns >= shot_sample_ns(shot)));
}

static int shot_sample(struct shot *shot, struct window *window, uint64_t now_ns)
{
	const struct window_decor plain = { 0 };
	SDL_Surface *picture;
	int result;

	if (!window->video.texture)
		return 0;
	window_draw(window, &plain);
	picture = window_read(window, true);
	if (!picture)
		return -EIO;
	result = settle_feed(&shot->settle, picture->pixels, picture->w, picture->h,
			     (size_t)picture->pitch / 4, now_ns);
	SDL_FreeSurface(picture);
	shot->stale = false;
	shot->next_sample_ns = now_ns + SHOT_SAMPLE_NS;
	return result;
}

static int shot_save(struct shot *shot, struct window *window, const struct window_decor *decor)
{
	struct png_picture file;
	SDL_Surface *picture;
	int result;

	window_draw(window, decor);
	picture = window_read(window, false);
	if (!picture)
		return -EIO;
	file = (struct png_picture){ (uint32_t)picture->w, (uint32_t)picture->h,
				     (uint32_t)picture->pitch, VIDEO_FOURCC_XRGB8888,
				     picture->pixels };
	result = png_write(shot->path, &file);
	SDL_FreeSurface(picture);
	if (result) {
		log_error("cannot write %s: %s", shot->path, strerror(-result));
		return result;
	}
	shot->saved = true;
	shot->waiting = shot->requested = false;
	return 1;
}

int shot_run(struct shot *shot, struct window *window, const struct window_decor *decor,
	     uint64_t now_ns)
{
	int result;

	if (shot->requested)
		return shot_save(shot, window, decor);
	if (shot->stale) {
		result = shot_sample(shot, window, now_ns);
		if (result)
			return result;
	}
	if (settle_is_done(&shot->settle, now_ns))
		return shot_save(shot, window, decor);
	return 0;
}

int shot_check_deadline(struct shot *shot, uint64_t now_ns)
{
	if (!shot->waiting || !shot->deadline_ns || now_ns < shot->deadline_ns)
		return 0;
	log_error("no screenshot in time: %s", settle_reason(&shot->settle));
	return -ETIMEDOUT;
}
