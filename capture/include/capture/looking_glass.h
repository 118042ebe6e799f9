/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first screen for Looking Glass clients (B7), in a file they map: docs/looking-glass.md.
 *
 * A consumer of the display with a thread of its own. While nobody listens nothing is copied; the
 * heart still beats, every 50 ms, because a client attaches only where it sees two beats within
 * 200 ms. While somebody does it beats every 10 ms: client messages and news of readers are found
 * only by looking.
 */
#ifndef CAPTURE_LOOKING_GLASS_H
#define CAPTURE_LOOKING_GLASS_H

#include <base/options.h>
#include <base/uuid.h>
#include <stdint.h>

struct display;
struct looking_glass;

#define LOOKING_GLASS_DEFAULT_BYTES (UINT64_C(64) << 20)

/* path=FILE[,size=SIZE][,group=NAME] */
struct looking_glass_config {
	char *path;             /* NULL: none is wanted */
	uint64_t size_bytes;
	char *group;            /* may read and write it too; NULL: only this user */
};

/* On the looking glass's thread. */
struct looking_glass_callbacks {
	/* A client wants the guest's pointer there: pixels on a screen of width x height. NULL: it
	 * is not told that it may. */
	void (*set_cursor)(void *data, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
};

/* What clients are told of the machine. One with SPICE input compares the UUID with that of its server. */
struct looking_glass_vm {
	struct uuid uuid;
	uint32_t cpus;
};

/* 0 or -EINVAL with the error filled in; finish afterwards in both cases. */
int looking_glass_config_parse(struct looking_glass_config *config, const char *text,
			       struct option_error *error);
void looking_glass_config_finish(struct looking_glass_config *config);

/* From main. The display outlives it. NULL with one clear line in the error. */
struct looking_glass *looking_glass_create(struct display *display,
					   const struct looking_glass_config *config,
					   const struct looking_glass_vm *vm,
					   const struct looking_glass_callbacks *callbacks,
					   void *data, struct option_error *error);
/* Before the guest's memory goes. The file stays, for clients that wait. NULL is ignored. */
void looking_glass_destroy(struct looking_glass *glass);

struct looking_glass_stats {
	uint64_t frames;                /* published */
	uint64_t bytes_copied;
};

/* Any thread. */
void looking_glass_read_stats(const struct looking_glass *glass,
			      struct looking_glass_stats *stats);

#endif
