/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMM's real SPICE server, with nobody to type to. Main thread. */
#ifndef FAKE_SPICE_H
#define FAKE_SPICE_H

struct audio_tap;
struct fake_spice;

/* At a unix socket. The tap outlives it. NULL: it does not work, and why was printed. */
struct fake_spice *fake_spice_create(const char *path, struct audio_tap *tap);
/* NULL is ignored. */
void fake_spice_destroy(struct fake_spice *spice);

#endif
