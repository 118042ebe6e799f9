/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio sound device (virtio 1.2, 5.14): two jacks, one playback and one capture PCM stream, and
 * a channel map for every channel count each of them takes.
 */
#ifndef AUDIO_VIRTIO_SND_H
#define AUDIO_VIRTIO_SND_H

struct audio_backend;
struct loop;
struct virtio_device;

/* Lives on the audio loop with its queues. The backend must outlive it and serves nobody else. NULL
 * with errno. */
struct virtio_device *virtio_snd_create(struct loop *audio_loop, struct audio_backend *backend);

#endif
