/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of lg-probe: its picture as a file, and what a malicious client could do. */
#ifndef LG_PROBE_H
#define LG_PROBE_H

#include <fake/lg_client.h>
#include <stdbool.h>
#include <stdint.h>

/* Writes what the client shows, if wanted with the cursor as the real one draws it. 0 or -errno;
 * -ENODATA: it shows nothing yet, or a cursor that is not in colour. */
int lg_probe_save(const struct lg_client_state *state, const char *path, bool cursor);
/* A number for what the client shows, if wanted with the cursor; the same for the same picture.
 * 0: it shows nothing yet. */
uint64_t lg_probe_fingerprint(const struct lg_client_state *state, bool cursor);

/* --- lg_hostile.c --- */

struct lg_hostile;

/* The client stays the caller's and must go after it. Exits when it cannot. */
struct lg_hostile *lg_hostile_create(struct lg_client *client, int fd);
void lg_hostile_destroy(struct lg_hostile *hostile);
/* Does what a word of lg_hostile_words names, or begins to. False: no such word. */
bool lg_hostile_begin(struct lg_hostile *hostile, const char *word);
/* Goes on with what was begun; at every poll. */
void lg_hostile_step(struct lg_hostile *hostile, uint64_t now_ms);
/* How many messages it has sent, or subscriptions it has. */
uint32_t lg_hostile_count(const struct lg_hostile *hostile);

#endif
