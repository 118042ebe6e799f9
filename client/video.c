/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "video.h"

#include "source.h"

#include <base/log.h>
#include <errno.h>

#define VIDEO_TRIES 3

void video_init(struct video *video, SDL_Renderer *renderer)
{
	*video = (struct video){ .renderer = renderer };
}

void video_finish(struct video *video)
{
	if (video->texture)
		SDL_DestroyTexture(video->texture);
	video->texture = NULL;
	video->width = video->height = 0;
}

/* A scanout is opaque: what would be alpha is padding here. */
Uint32 video_pixel_format(uint32_t fourcc)
{
	switch (fourcc) {
	case VIDEO_FOURCC_XRGB8888:
	case VIDEO_FOURCC_ARGB8888:
		return SDL_PIXELFORMAT_RGB888;
	case VIDEO_FOURCC_XBGR8888:
	case VIDEO_FOURCC_ABGR8888:
		return SDL_PIXELFORMAT_BGR888;
	default:
		return SDL_PIXELFORMAT_UNKNOWN;
	}
}

/* Sets *fresh when the texture is a new one, with nothing in it. */
static int video_ready_texture(struct video *video, const struct slots_frame *frame, bool *fresh)
{
	Uint32 format = video_pixel_format(frame->fourcc);

	*fresh = false;
	if (video->texture && video->width == (int)frame->width &&
	    video->height == (int)frame->height && video->fourcc == frame->fourcc)
		return 0;
	if (format == SDL_PIXELFORMAT_UNKNOWN)
		return -EPROTO;
	video_finish(video);
	video->texture = SDL_CreateTexture(video->renderer, format, SDL_TEXTUREACCESS_STREAMING,
					   (int)frame->width, (int)frame->height);
	if (!video->texture) {
		log_error("no texture of %u x %u: %s", frame->width, frame->height, SDL_GetError());
		return -ENOMEM;
	}
	SDL_SetTextureBlendMode(video->texture, SDL_BLENDMODE_NONE);
	video->width = (int)frame->width;
	video->height = (int)frame->height;
	video->fourcc = frame->fourcc;
	*fresh = true;
	return 0;
}

static int video_upload_rect(struct video *video, const struct slots_frame *frame,
			     const struct video_rect *rect)
{
	const SDL_Rect area = { (int)rect->x, (int)rect->y, (int)rect->width, (int)rect->height };
	const uint8_t *pixels = frame->pixels + (size_t)rect->y * frame->pitch + rect->x * 4u;

	if (rect->width == 0 || rect->height == 0)
		return 0;
	if (SDL_UpdateTexture(video->texture, &area, pixels, (int)frame->pitch)) {
		log_error("upload failed: %s", SDL_GetError());
		return -EIO;
	}
	video->uploaded_pixels += (uint64_t)rect->width * rect->height;
	return 0;
}

static int video_upload(struct video *video, const struct slots_frame *frame)
{
	const struct video_rect all = { 0, 0, frame->width, frame->height };
	bool fresh;
	int result = video_ready_texture(video, frame, &fresh);

	if (result)
		return result;
	if (fresh || frame->full)
		return video_upload_rect(video, frame, &all);
	for (uint32_t i = 0; i < frame->damage.count && !result; i++)
		result = video_upload_rect(video, frame, &frame->damage.rects[i]);
	return result;
}

static int video_try(struct video *video, struct client_source *source, uint32_t scanout)
{
	const struct source_video_ops *ops = source->ops->video;
	struct slots_frame frame;
	int result = ops->begin(source, scanout, &frame);

	if (result <= 0)
		return result;
	result = video_upload(video, &frame);
	/* Pixels that moved under the upload: the texture may be torn and is not to be shown. */
	if (!ops->end(source, scanout, &frame)) {
		video->torn++;
		return result < 0 ? result : -EAGAIN;
	}
	if (result < 0) {
		ops->forget(source, scanout);
		return result;
	}
	video->frames++;
	video->skipped += frame.skipped;
	video->guest_flush_ns = frame.guest_flush_ns;
	return 1;
}

int video_update(struct video *video, struct client_source *source, uint32_t scanout)
{
	int result = -EAGAIN;

	for (int i = 0; i < VIDEO_TRIES && result == -EAGAIN; i++)
		result = video_try(video, source, scanout);
	return result;
}
