/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sound sections of the host segment: one ring of samples each way. docs/shared-memory.md.
 *
 * Four handles: the VMM's end and a client's end, each for playback or for the microphone. A handle
 * belongs to one thread; the functions marked "real-time" neither lock, allocate, log nor call the
 * kernel, and may run on another thread than the rest, which then stays away from those.
 *
 * The other side is hostile: its words are read once and checked, a position that lies makes the ring
 * start over, nothing outside of the ring is ever touched.
 */
#ifndef IVSHMEM_SOUND_H
#define IVSHMEM_SOUND_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

struct segment;
struct sound_host;
struct sound_peer;

enum sound_direction {
	SOUND_PLAYBACK = 0,
	SOUND_MICROPHONE = 1,
};

/* A copy of a stream's description that was checked: format, rate and channels are in range. */
struct sound_description {
	uint32_t flags;                 /* enum sound_flags; the rest means something when SOUND_OPEN */
	uint32_t generation;
	enum sound_format format;
	uint32_t rate;
	uint32_t channels;
	uint32_t period_frames;
	uint8_t positions[SOUND_MAX_CHANNELS];
	uint32_t frame_bytes;           /* filled in by the reader; ignored from the writer */
};

/* --- the VMM's end --------------------------------------------------------------------------- */

/* What the client says of itself, clamped to what can be. */
struct sound_client_view {
	bool present;                   /* somebody owns the section; whether it still moves is what
					 * clock_frames tells */
	uint64_t owner;
	uint64_t clock_frames;          /* 0 until the client has joined this generation */
	uint32_t quantum_frames;        /* 1..SOUND ring's frames / 2; a default when it says 0 */
	uint64_t delay_ns;              /* at most 2 s */
};

/* NULL with errno (ENOENT: a segment without sound, ENOMEM). */
struct sound_host *sound_host_create(struct segment *segment, enum sound_direction direction);
void sound_host_destroy(struct sound_host *host);

/* Tells what the guest plays or records. A description with SOUND_RUNNING that was not running before
 * starts a new generation: both positions are 0, the ring is empty. description->generation is set.
 * SOUND_DRAINING beside SOUND_RUNNING: nothing more is written, and what is not there is not missed;
 * the peer's end keeps it to itself. */
void sound_host_describe(struct sound_host *host, struct sound_description *description);
/* Real-time. */
void sound_host_view(struct sound_host *host, struct sound_client_view *view);
/* Real-time. Frames that can be written (playback) or read (microphone) without waiting. */
uint32_t sound_host_room(struct sound_host *host);
/* Real-time. Frames in the ring. */
uint32_t sound_host_fill(struct sound_host *host);
/* Real-time. The number written; less than asked when the ring is full. now_ns: CLOCK_MONOTONIC. */
uint32_t sound_host_write(struct sound_host *host, const void *frames, uint32_t count,
			  uint64_t now_ns);
/* Real-time. The number read. frames NULL: dropped. */
uint32_t sound_host_read(struct sound_host *host, void *frames, uint32_t count, uint64_t now_ns);

/* --- a client's end -------------------------------------------------------------------------- */

struct sound_peer *sound_peer_create(struct segment *segment, enum sound_direction direction);
/* Lets go of the section first. NULL is ignored. */
void sound_peer_destroy(struct sound_peer *peer);

/* The stream as it is now. 1: it differs from the last call's; 0: the same; -EAGAIN: being written,
 * look again soon; -EPROTO: nonsense. */
int sound_peer_stream(struct sound_peer *peer, struct sound_description *description);

/* Takes the section over from whoever has it: the client that came last plays. */
void sound_peer_take(struct sound_peer *peer);
/* Once a second. Beats while we own it; takes it when nobody does, or its owner has not beaten for
 * 3 s. True while we own it: false: be silent. now_ns: CLOCK_MONOTONIC. */
bool sound_peer_beat(struct sound_peer *peer, uint64_t now_ns);
bool sound_peer_owns(const struct sound_peer *peer);     /* real-time as well */
void sound_peer_release(struct sound_peer *peer);

/* Real-time side: from the audio callback, for the stream that join named. */

/* Starts counting in the generation of that description; playback: skips what is older than
 * keep_frames. While no callback runs. -EPROTO: not a running stream. */
int sound_peer_join(struct sound_peer *peer, const struct sound_description *description,
		    uint32_t keep_frames);
/* Playback: fills all of frames, with silence where there is nothing; the number of frames that came
 * from the guest. Counts count into clock_frames. Silence too when the generation has changed or we do
 * not own the section. */
uint32_t sound_peer_read(struct sound_peer *peer, void *frames, uint32_t count, uint64_t now_ns);
/* Microphone: the number taken; what does not fit is dropped. Counts count into clock_frames. */
uint32_t sound_peer_write(struct sound_peer *peer, const void *frames, uint32_t count,
			  uint64_t now_ns);
/* What our sound server is like. */
void sound_peer_set_server(struct sound_peer *peer, uint32_t quantum_frames, uint64_t delay_ns);
uint64_t sound_peer_missed_frames(const struct sound_peer *peer);

#endif
