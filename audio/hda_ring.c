/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's commands: the command output ring buffer, the response input ring buffer (4.4.1,
 * 4.4.2) and the immediate registers (3.4). A command is answered at once.
 */
#include <base/bytes.h>
#include <base/log.h>
#include <virtio/guest_mem.h>

#include "hda_private.h"

#define HDA_RING_ENTRIES 256u
#define HDA_RING_ADDRESS_MASK 0xffffff80u
#define HDA_COMMAND_BYTES 4u
#define HDA_RESPONSE_BYTES 8u
#define HDA_COMMAND_CODEC(command) ((command) >> 28)

static void hda_rirb_put(struct hda *hda, uint32_t response)
{
	uint32_t *pointer = hda_register(hda, HDA_RIRBWP);
	uint32_t next = (*pointer + 1) % HDA_RING_ENTRIES;
	uint64_t gpa = hda_address(hda, HDA_RIRBLBASE, HDA_RING_ADDRESS_MASK);
	uint8_t entry[HDA_RESPONSE_BYTES] = { 0 };      /* from codec 0, solicited */

	if (!(*hda_register(hda, HDA_RIRBCTL) & HDA_RIRBCTL_DMAEN))
		return;
	le32_store(entry, response);
	if (guest_mem_write(hda->mem, gpa + next * HDA_RESPONSE_BYTES, entry, sizeof(entry)) < 0) {
		log_guest_bug("hda: RIRB at %#llx is not memory", (unsigned long long)gpa);
		*hda_register(hda, HDA_RIRBCTL) &= ~HDA_RIRBCTL_DMAEN;
		*hda_register(hda, HDA_RIRBCTL) |= HDA_RIRBSTS_OIS;
		return;
	}
	*pointer = (*pointer & ~0xffffu) | next;
	hda->responses++;
	if (hda->responses == ((*pointer >> HDA_RINTCNT_SHIFT & 0xff) ?: HDA_RING_ENTRIES)) {
		hda->responses = 0;
		*hda_register(hda, HDA_RIRBCTL) |= HDA_RIRBSTS_RINTFL;
	}
}

/* False: the ring is not memory; it stands still until the guest starts it again. */
static bool hda_corb_get(struct hda *hda, uint32_t index, uint32_t *command)
{
	uint64_t gpa = hda_address(hda, HDA_CORBLBASE, HDA_RING_ADDRESS_MASK);
	uint8_t entry[HDA_COMMAND_BYTES];

	if (guest_mem_read(hda->mem, gpa + index * HDA_COMMAND_BYTES, entry, sizeof(entry)) < 0) {
		log_guest_bug("hda: CORB at %#llx is not memory", (unsigned long long)gpa);
		*hda_register(hda, HDA_CORBCTL) &= ~HDA_CORBCTL_RUN;
		*hda_register(hda, HDA_CORBCTL) |= HDA_CORBSTS_CMEI;
		return false;
	}
	*command = le32_load(entry);
	return true;
}

static bool hda_corb_running(struct hda *hda)
{
	return hda->bus_master && *hda_register(hda, HDA_CORBCTL) & HDA_CORBCTL_RUN &&
	       !(*hda_register(hda, HDA_CORBWP) & HDA_CORBRP_RST);
}

/* Pointers name the entry last written and last read. Ends after one round at the latest, for the
 * write pointer does not move meanwhile. */
void hda_corb_run(struct hda *hda)
{
	uint32_t *pointers = hda_register(hda, HDA_CORBWP);
	uint32_t write = *pointers % HDA_RING_ENTRIES;
	uint32_t read = (*pointers >> HDA_CORBRP_SHIFT) % HDA_RING_ENTRIES;
	uint32_t command;

	if (!hda_corb_running(hda))
		return;
	while (read != write) {
		read = (read + 1) % HDA_RING_ENTRIES;
		if (!hda_corb_get(hda, read, &command))
			break;
		if (HDA_COMMAND_CODEC(command) == 0)
			hda_rirb_put(hda, hda_codec_command(hda, command));
	}
	*pointers = read << HDA_CORBRP_SHIFT | write;
	/* Nothing comes after these: the interrupt does not wait for more (3.3.28). */
	if (hda->responses > 0) {
		hda->responses = 0;
		*hda_register(hda, HDA_RIRBCTL) |= HDA_RIRBSTS_RINTFL;
	}
}

void hda_immediate_run(struct hda *hda)
{
	uint32_t command = *hda_register(hda, HDA_ICOI);

	*hda_register(hda, HDA_ICIS) &= ~HDA_ICIS_ICB;
	if (HDA_COMMAND_CODEC(command) != 0)
		return;
	*hda_register(hda, HDA_ICII) = hda_codec_command(hda, command);
	*hda_register(hda, HDA_ICIS) |= HDA_ICIS_IRV;
}
