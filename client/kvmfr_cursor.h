/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cursors as Looking Glass has them, and what we show of them. Any thread. */
#ifndef CLIENT_KVMFR_CURSOR_H
#define CLIENT_KVMFR_CURSOR_H

#include <ivshmem/kvmfr20.h>
#include <stdbool.h>
#include <stdint.h>

#define KVMFR_CURSOR_MAX_PITCH (8 * KVMFR20_CURSOR_MAX_EXTENT)
#define KVMFR_CURSOR_MAX_PIXELS (KVMFR20_CURSOR_MAX_EXTENT * KVMFR20_CURSOR_MAX_EXTENT)

/* The rows of the picture; 0: the header lies, or its shape does not fit into so many bytes. */
uint32_t kvmfr_cursor_rows(const struct kvmfr20_cursor *header, uint64_t bytes);
/* ARGB8888, premultiplied, rows header->width pixels apart. The shape was copied out of the region.
 * What inverts the picture becomes black with a white rim. */
void kvmfr_cursor_convert(uint32_t *pixels, const struct kvmfr20_cursor *header,
			  const uint8_t *shape);

#endif
