/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chip on a bench: what its interrupt wire does, and accesses as the bus makes them. */
#ifndef CHIP_RIG_H
#define CHIP_RIG_H

#include <bus/bus.h>
#include <chips/irq_line.h>

struct chip_rig {
	bool level;
	unsigned int changes;
};

static inline void chip_rig_set(void *data, unsigned int gsi, bool level)
{
	struct chip_rig *rig = data;

	rig->changes += rig->level != level;
	rig->level = level;
}

static inline struct irq_line chip_rig_line(struct chip_rig *rig, unsigned int gsi)
{
	return (struct irq_line){ .set = chip_rig_set, .data = rig, .gsi = gsi };
}

static inline uint64_t chip_read(struct bus_region *region, uint64_t offset, unsigned int bytes)
{
	return region->ops->read(region, offset, bytes);
}

static inline void chip_write(struct bus_region *region, uint64_t offset, unsigned int bytes,
			      uint64_t value)
{
	region->ops->write(region, offset, bytes, value);
}

/* Every offset with every size that the bus may pass on, reads and writes, many values. */
static inline void chip_hammer(struct bus_region *region)
{
	static const uint64_t values[] = { 0, 1, 0x80, 0xff, 0x5555555555555555, UINT64_MAX };
	unsigned int bytes;
	uint64_t offset;
	size_t i;

	for (bytes = 1; bytes <= 8; bytes++) {
		for (offset = 0; offset + bytes <= region->bytes; offset++) {
			for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
				chip_write(region, offset, bytes, values[i]);
				chip_read(region, offset, bytes);
			}
		}
	}
}

#endif
