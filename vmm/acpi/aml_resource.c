/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource descriptors (ACPI 6.5, 6.4). */
#include <acpi/aml.h>

#define SMALL_IRQ 0x22          /* two bytes: edge-triggered, active high */
#define SMALL_IO 0x47
#define LARGE_FIXED_MEMORY 0x86
#define LARGE_DWORD_WINDOW 0x87
#define LARGE_WORD_WINDOW 0x88
#define LARGE_QWORD_WINDOW 0x8a

/* A window hands its range on, and both its ends are fixed. */
#define WINDOW_PRODUCER_FIXED 0x0c
#define WINDOW_MEMORY_WRITABLE 0x01
#define WINDOW_MEMORY_PREFETCH 0x06     /* prefetchable, so cacheable */
#define WINDOW_IO_ENTIRE 0x03

static uint8_t aml_window_type_flags(enum aml_space space, bool prefetch)
{
	if (space == AML_SPACE_IO)
		return WINDOW_IO_ENTIRE;
	if (space == AML_SPACE_MEMORY)
		return WINDOW_MEMORY_WRITABLE | (prefetch ? WINDOW_MEMORY_PREFETCH : 0);
	return 0;
}

static void aml_window_value(struct aml *aml, unsigned int bytes, uint64_t value)
{
	if (bytes == 2)
		aml_append16(aml, (uint16_t)value);
	else if (bytes == 4)
		aml_append32(aml, (uint32_t)value);
	else
		aml_append64(aml, value);
}

void aml_window(struct aml *aml, enum aml_space space, uint64_t first, uint64_t last, bool prefetch)
{
	unsigned int bytes = space != AML_SPACE_MEMORY ? 2 : last <= UINT32_MAX ? 4 : 8;

	aml_append8(aml, bytes == 2 ? LARGE_WORD_WINDOW : bytes == 4 ? LARGE_DWORD_WINDOW :
								       LARGE_QWORD_WINDOW);
	aml_append16(aml, (uint16_t)(3 + 5 * bytes));
	aml_append8(aml, (uint8_t)space);
	aml_append8(aml, WINDOW_PRODUCER_FIXED);
	aml_append8(aml, aml_window_type_flags(space, prefetch));
	aml_window_value(aml, bytes, 0);                /* granularity */
	aml_window_value(aml, bytes, first);
	aml_window_value(aml, bytes, last);
	aml_window_value(aml, bytes, 0);                /* translation */
	aml_window_value(aml, bytes, last - first + 1);
}

void aml_io_ports(struct aml *aml, uint16_t first, uint8_t count)
{
	aml_append8(aml, SMALL_IO);
	aml_append8(aml, 1);            /* all 16 address bits */
	aml_append16(aml, first);
	aml_append16(aml, first);
	aml_append8(aml, 1);            /* alignment */
	aml_append8(aml, count);
}

void aml_fixed_memory(struct aml *aml, uint32_t first, uint32_t bytes)
{
	aml_append8(aml, LARGE_FIXED_MEMORY);
	aml_append16(aml, 9);
	aml_append8(aml, WINDOW_MEMORY_WRITABLE);
	aml_append32(aml, first);
	aml_append32(aml, bytes);
}

void aml_irq(struct aml *aml, unsigned int irq)
{
	aml_append8(aml, SMALL_IRQ);
	aml_append16(aml, (uint16_t)(1u << irq));
}
