/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's picture of one scanout as a texture; only what changed is uploaded. Main thread. */
#ifndef CLIENT_VIDEO_H
#define CLIENT_VIDEO_H

#include <SDL.h>
#include <stdbool.h>
#include <stdint.h>

struct client_source;

struct video {
	SDL_Renderer *renderer;
	SDL_Texture *texture;           /* NULL: no picture yet */
	int width, height;
	uint32_t fourcc;
	uint64_t guest_flush_ns;        /* of the picture in the texture */
	/* Counters since video_init, for the overlay and the tests. */
	uint64_t frames, skipped, torn;
	uint64_t uploaded_pixels;
};

void video_init(struct video *video, SDL_Renderer *renderer);
/* Drops the texture; before the renderer goes. */
void video_finish(struct video *video);

/* Brings the texture up to the source's newest frame. 1: it changed; 0: nothing new; -EAGAIN: the
 * frame was overwritten while it was read, call again; -EPROTO: the source talks nonsense;
 * -ENOMEM, -EIO: the renderer cannot (logged). */
int video_update(struct video *video, struct client_source *source, uint32_t scanout);
/* SDL's pixel format for a DRM fourcc of 32 bits; SDL_PIXELFORMAT_UNKNOWN for others. */
Uint32 video_pixel_format(uint32_t fourcc);

#endif
