/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An Intel High Definition Audio controller (specification 1.0a) with one codec: a stereo output
 * and a stereo input converter, line out and microphone pins.
 *
 * It knows nothing of PCI: whoever carries it maps its registers and wires its interrupt.
 */
#ifndef AUDIO_HDA_H
#define AUDIO_HDA_H

#include <stdbool.h>
#include <stdint.h>

struct audio_backend;
struct guest_mem;
struct hda;
struct loop;

#define HDA_REGISTER_BYTES 0x4000u

struct hda_host {
	/* The level of the interrupt. On the audio loop; must not call back. */
	void (*set_irq)(void *data, bool level);
	void *data;
};

/* The backend must outlive it and serves nobody else; mem: a reference is taken. NULL with errno. */
struct hda *hda_create(struct loop *audio_loop, struct audio_backend *backend, struct guest_mem *mem,
		       const struct hda_host *host);
/* The audio loop is not running, or this is its thread. NULL is ignored. */
void hda_destroy(struct hda *hda);

/* Register accesses of 1, 2, 4 or 8 bytes at any offset below HDA_REGISTER_BYTES, from any thread
 * but the audio loop's callers' own locks: they wait for the audio loop. What is not there reads as
 * 0 and ignores writes. */
uint64_t hda_read(struct hda *hda, uint64_t offset, unsigned int bytes);
void hda_write(struct hda *hda, uint64_t offset, unsigned int bytes, uint64_t value);
/* Bus master enable of its PCI function: no memory is touched while off. */
void hda_set_bus_master(struct hda *hda, bool on);
/* Power-on state. Any thread; waits for the audio loop. */
void hda_reset(struct hda *hda);

#endif
