/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audio backend that joins the clients: the guest's samples go into the segment's sound sections
 * and the client's microphone comes out of them.
 *
 * Its clock is the client's sound server: the ring is kept filled to about two of the server's quanta,
 * so the guest's periods complete as fast as the server plays. Without a client, or with one whose
 * clock stands still for 100 ms (500 ms right after a start, so that no beginning is lost), the
 * period clock is CLOCK_MONOTONIC: what is played is dropped, what is recorded is silence.
 *
 * A stream that the guest stops is described as running, and draining, until the client has played all
 * of it; for at most a second, and not for a client that stands still.
 */
#ifndef CAPTURE_SOUND_H
#define CAPTURE_SOUND_H

struct audio_backend;
struct loop;
struct segment;

struct sound_capture_config {
	struct loop *audio_loop;
	struct segment *segment;
	/* An eventfd that clients ring after every callback of theirs; it stays the caller's. -1: none
	 * can exist: the rings are looked at four times a period, only while a stream runs. */
	int doorbell;
	/* A stream was opened, started, stopped or closed: clients should be told. On the audio loop. May
	 * be NULL. */
	void (*changed)(void *data);
	void *data;
};

/* The segment must outlive it. NULL with errno. */
struct audio_backend *sound_capture_create(const struct sound_capture_config *config);

#endif
