/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that writes anything to the HD Audio controller's registers, rings, lists and codec,
 * while the backend asks and gives. Input: 8-byte steps {what, offset low, offset high, bytes,
 * value[4]}.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <string.h>

#include "hda_rig.h"

#define FUZZ_MAX_STEPS 512u
#define FUZZ_MEMORY_BYTES 0x4000u
/* Played and recorded in one input: keeps it short. */
#define FUZZ_MAX_FRAMES 100000u

struct fuzz {
	struct hda_rig rig;
	uint64_t memory;        /* where lists and rings are, and some buffers */
	uint32_t frames;
};

static void fuzz_setup_stream(struct fuzz *fuzz, uint32_t index, uint32_t value)
{
	struct hda_rig *rig = &fuzz->rig;
	uint32_t base = 0x80 + index * 0x20;

	hda_write(rig->hda, base + 0x18, 8, fuzz->memory + (value >> 8 & 0x1f80));
	hda_rig_write(rig, base + 0x08, 4, 1 + (value & 0x3fff));
	hda_rig_write(rig, base + 0x0c, 2, value >> 24);
	hda_rig_write(rig, base + 0x12, 2, value & 0x100 ? 0x11 : 0x4031);
	hda_rig_write(rig, base, 4, 0x10001e);
	hda_rig_write(rig, 0x60, 4, (index < 2 ? 4u : 2u) << 20 | 0x70610);
	hda_rig_write(rig, 0x68, 2, 1);
}

/* An entry of a list, mostly of something that is memory. */
static void fuzz_write_entry(struct fuzz *fuzz, uint32_t offset, uint32_t value)
{
	uint8_t entry[16];

	le64_store(entry, value & 0x80000000 ? (uint64_t)value << 7 :
					       fuzz->memory + (value & 0x3fff));
	le32_store(entry + 8, value >> 14 & 0x3ff);
	le32_store(entry + 12, value >> 30);
	fake_memory_write(fuzz->rig.memory, fuzz->memory + (offset & 0x1ff0), entry,
			  sizeof(entry));
}

static void fuzz_step(struct fuzz *fuzz, const uint8_t *step)
{
	struct hda_rig *rig = &fuzz->rig;
	uint32_t offset = le16_load(step + 1);
	unsigned int bytes = 1 + step[3] % 8;
	uint32_t value = le32_load(step + 4);

	switch (step[0] % 8) {
	case 0:
		hda_write(rig->hda, offset % 0x108, bytes, value * 0x100000001ull);
		break;
	case 1:
		hda_write(rig->hda, offset % HDA_REGISTER_BYTES, bytes, value);
		break;
	case 2:
		hda_read(rig->hda, offset % HDA_REGISTER_BYTES, bytes);
		break;
	case 3:
		hda_rig_write(rig, 0x60, 4, (offset & 7) << 20 | (offset & 8 ? 0x70000 : 0xf0000) |
						    (value & (offset & 16 ? 0x1fff : 0xfffff)));
		hda_rig_write(rig, 0x68, 2, 3);
		break;
	case 4:
		fuzz_setup_stream(fuzz, step[3] % 4, value);
		break;
	case 5:
		fuzz_write_entry(fuzz, offset, value);
		break;
	case 6:
		if (fuzz->frames < FUZZ_MAX_FRAMES)
			hda_backend_step(&rig->backend, value & 1, offset % 4096);
		fuzz->frames += offset % 4096;
		break;
	default:
		rig->backend.delay = offset & 1;
		rig->backend.open_error = value & 0x100 ? -1 : 0;
		if ((value & 0xff) == 7)
			hda_reset(rig->hda);
		hda_set_bus_master(rig->hda, value & 6);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;

	fuzz.frames = 0;
	hda_rig_init(&fuzz.rig);
	hda_rig_start(&fuzz.rig);
	fuzz.memory = fake_memory_alloc(fuzz.rig.memory, FUZZ_MEMORY_BYTES, 4096);
	for (size_t i = 0; i + 8 <= size && i < 8 * FUZZ_MAX_STEPS; i += 8)
		fuzz_step(&fuzz, data + i);
	hda_rig_finish(&fuzz.rig);
	return 0;
}
