/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound_clock.h"

#define CLOCK_NS_PER_S UINT64_C(1000000000)
#define CLOCK_JOIN_NS (500 * CLOCK_NS_PER_S / 1000)     /* a client may take to begin */
#define CLOCK_STALL_NS (100 * CLOCK_NS_PER_S / 1000)    /* it may stand still */
#define CLOCK_MAX_STALL_NS CLOCK_NS_PER_S               /* whatever its quantum is */
#define CLOCK_STALL_QUANTA 4u
#define CLOCK_OVERSLEPT_NS (10 * CLOCK_NS_PER_S / 1000)
#define CLOCK_AGAIN_NS (20 * CLOCK_NS_PER_S / 1000)
#define CLOCK_MIN_TIMER_NS (CLOCK_NS_PER_S / 1000)
#define CLOCK_MAX_TIMER_NS (CLOCK_NS_PER_S / 10)

static uint64_t clock_frames_ns(const struct sound_clock *clock, uint64_t frames)
{
	return frames * CLOCK_NS_PER_S / clock->config.rate;
}

/* ns is at most some seconds. */
static uint32_t clock_ns_frames(const struct sound_clock *clock, uint64_t ns)
{
	return (uint32_t)(ns * clock->config.rate / CLOCK_NS_PER_S);
}

/*
 * The client takes a quantum at once, and rings: then there is one quantum's time to put another
 * one in. With two in the ring the second covers that time. Not less than a guest's period, as long as
 * that is below 10 ms: who asks for long periods may be late by as much. Without a doorbell we see
 * that the quantum is gone a poll later.
 */
static uint32_t clock_target(const struct sound_clock *clock)
{
	uint32_t target = 2 * clock->quantum_frames + clock_ns_frames(clock, clock->config.poll_ns);
	uint32_t least = clock->config.rate / 100;

	if (clock->config.period_frames < least)
		least = clock->config.period_frames;
	return target > least ? target : least;
}

/* Servers that resample ask for a little more one time and a little less the next. Before it has
 * begun, the quantum is a guess, of ours or of the client's. */
static void clock_take_quantum(struct sound_clock *clock, uint32_t frames, uint64_t now_ns)
{
	if (frames >= clock->quantum_frames || now_ns >= clock->quantum_until_ns ||
	    clock->source != SOUND_CLOCK_CLIENT) {
		clock->quantum_frames = frames;
		clock->quantum_until_ns = now_ns + CLOCK_NS_PER_S;
	}
	clock->target_frames = clock_target(clock);
}

static uint64_t clock_stall_ns(const struct sound_clock *clock)
{
	uint64_t ns = clock_frames_ns(clock, (uint64_t)CLOCK_STALL_QUANTA * clock->quantum_frames);

	if (ns < CLOCK_STALL_NS)
		return CLOCK_STALL_NS;
	return ns < CLOCK_MAX_STALL_NS ? ns : CLOCK_MAX_STALL_NS;
}

/* A new owner is not waited for within a second: owners that come and go would stop the guest. */
static void clock_set_own(struct sound_clock *clock, uint64_t now_ns)
{
	if (clock->source == SOUND_CLOCK_WAITING)
		clock->patient_ns = now_ns + CLOCK_NS_PER_S;
	clock->source = SOUND_CLOCK_OWN;
	clock->own_since_ns = now_ns;
	clock->own_frames = 0;
}

static void clock_set_waiting(struct sound_clock *clock, uint64_t now_ns)
{
	clock->source = SOUND_CLOCK_WAITING;
	clock->deadline_ns = now_ns + CLOCK_JOIN_NS;
	clock->overslept = false;
}

/* It says that it moves, and the ring says the same: a client whose clock runs but that leaves the
 * ring full (or empty) would hold the guest up. */
static bool clock_moves(const struct sound_clock *clock, const struct sound_clock_view *view)
{
	if (!view->client.clock_frames ||
	    view->client.clock_frames == clock->last.client.clock_frames)
		return false;
	if (view->moved)
		return true;
	if (clock->config.direction == AUDIO_CAPTURE)
		return view->fill > 0;
	return view->fill < clock->target_frames || view->fill < clock->last.fill;
}

void sound_clock_start(struct sound_clock *clock, const struct sound_clock_config *config,
		       const struct sound_clock_view *view, uint64_t now_ns)
{
	*clock = (struct sound_clock){ .config = *config, .last = *view };
	clock_take_quantum(clock, view->client.quantum_frames, now_ns);
	if (view->client.present)
		clock_set_waiting(clock, now_ns);
	else
		clock_set_own(clock, now_ns);
}

/* A look that comes much too late says that the whole machine stood still: then the client has not
 * had its turn either. */
static bool clock_gives_up(struct sound_clock *clock, uint64_t now_ns)
{
	if (now_ns < clock->deadline_ns)
		return false;
	if (clock->overslept || now_ns - clock->deadline_ns < CLOCK_OVERSLEPT_NS)
		return true;
	clock->overslept = true;
	clock->deadline_ns = now_ns + CLOCK_AGAIN_NS;
	return false;
}

void sound_clock_look(struct sound_clock *clock, const struct sound_clock_view *view,
		      uint64_t now_ns)
{
	bool owner_changed = view->client.owner != clock->last.client.owner;
	bool moves;

	clock_take_quantum(clock, view->client.quantum_frames, now_ns);
	moves = clock_moves(clock, view);
	clock->last = *view;
	if (moves && !owner_changed) {
		clock->source = SOUND_CLOCK_CLIENT;
		clock->overslept = false;
		clock->deadline_ns = now_ns + clock_stall_ns(clock);
	} else if (clock->source != SOUND_CLOCK_OWN &&
		   (!view->client.present || clock_gives_up(clock, now_ns))) {
		clock_set_own(clock, now_ns);
	}
	if (owner_changed && view->client.present && clock->source != SOUND_CLOCK_WAITING &&
	    now_ns >= clock->patient_ns)
		clock_set_waiting(clock, now_ns);
}

/* What may be late at once: more than that is gone, as it is with a sound card. */
static int64_t clock_own_most(const struct sound_clock *clock)
{
	uint32_t most = clock->config.rate / 5;

	return clock->config.period_frames > most ? clock->config.period_frames : most;
}

uint32_t sound_clock_own_room(struct sound_clock *clock, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - clock->own_since_ns;
	int64_t due;

	/* Whole seconds are taken off, so that nothing grows for ever. */
	clock->own_since_ns += since_ns / CLOCK_NS_PER_S * CLOCK_NS_PER_S;
	clock->own_frames -= (int64_t)(since_ns / CLOCK_NS_PER_S * clock->config.rate);
	due = clock_ns_frames(clock, since_ns % CLOCK_NS_PER_S) - clock->own_frames;
	if (due > clock_own_most(clock)) {
		clock->own_frames += due - clock_own_most(clock);
		due = clock_own_most(clock);
	}
	return due > 0 ? (uint32_t)due : 0;
}

void sound_clock_own_moved(struct sound_clock *clock, uint32_t frames)
{
	clock->own_frames += frames;
}

/* Until one period's time has come. */
static uint64_t clock_own_next_ns(const struct sound_clock *clock, uint64_t now_ns)
{
	int64_t at = clock->own_frames + clock->config.period_frames;
	uint64_t due_ns = clock->own_since_ns;

	if (at > 0)
		due_ns += clock_frames_ns(clock, (uint64_t)at);
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

uint64_t sound_clock_next_ns(const struct sound_clock *clock, uint64_t now_ns)
{
	uint64_t ns;

	if (clock->source == SOUND_CLOCK_OWN) {
		ns = clock_own_next_ns(clock, now_ns);
		if (ns > CLOCK_MAX_TIMER_NS)
			ns = CLOCK_MAX_TIMER_NS;
	} else {
		ns = clock->deadline_ns > now_ns ? clock->deadline_ns - now_ns : 0;
	}
	if (clock->config.poll_ns && ns > clock->config.poll_ns)
		ns = clock->config.poll_ns;
	return ns > CLOCK_MIN_TIMER_NS ? ns : CLOCK_MIN_TIMER_NS;
}

uint32_t sound_clock_most_frames(const struct sound_clock *clock)
{
	return clock->target_frames + clock->config.rate / 10 + clock->config.period_frames;
}
