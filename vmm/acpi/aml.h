/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds AML byte code (ACPI 6.5, chapter 20) and table bodies from front to back. What is opened
 * is closed in the reverse order. A builder that runs out of memory remembers it: check once at
 * the end. Any thread.
 */
#ifndef VMM_ACPI_AML_H
#define VMM_ACPI_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_MAX_DEPTH 16

struct aml {
	uint8_t *bytes;
	size_t count;
	size_t room;
	bool failed;
	size_t open[AML_MAX_DEPTH];     /* where the length of each open thing stands */
	unsigned int depth;
};

void aml_init(struct aml *aml);
void aml_finish(struct aml *aml);

/* Plain little-endian bytes. */
void aml_append(struct aml *aml, const void *bytes, size_t count);
void aml_append8(struct aml *aml, uint8_t value);
void aml_append16(struct aml *aml, uint16_t value);
void aml_append32(struct aml *aml, uint32_t value);
void aml_append64(struct aml *aml, uint64_t value);

/* Integers in their shortest form. */
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
/* "PNP0A08" as the compressed integer that _HID and _CID hold (6.1.5). */
void aml_eisa_id(struct aml *aml, const char *id);
/* A path as in "\_SB.PCI0": segments of up to four characters, a leading '\' for the root. */
void aml_path(struct aml *aml, const char *path);

/* Each is closed by aml_end. */
void aml_begin_scope(struct aml *aml, const char *path);
void aml_begin_device(struct aml *aml, const char *name);
void aml_begin_method(struct aml *aml, const char *name, unsigned int arguments);
/* Followed by the condition, then by what is done. */
void aml_begin_if(struct aml *aml);
void aml_begin_else(struct aml *aml);
void aml_begin_package(struct aml *aml, uint8_t elements);
/* A resource template: what is appended inside are descriptors (6.4). */
void aml_begin_resources(struct aml *aml);
void aml_end(struct aml *aml);

/* Followed by the object that gets the name. */
void aml_name(struct aml *aml, const char *name);
void aml_name_integer(struct aml *aml, const char *name, uint64_t value);
void aml_name_eisa_id(struct aml *aml, const char *name, const char *id);

/* Resource descriptors. */
enum aml_space {
	AML_SPACE_MEMORY = 0,
	AML_SPACE_IO = 1,
	AML_SPACE_BUS = 2,
};

/* A range that the device hands on to those below it (6.4.3.5); prefetch is for memory. */
void aml_window(struct aml *aml, enum aml_space space, uint64_t first, uint64_t last,
		bool prefetch);
/* Ports the device itself decodes, all 16 address bits (6.4.2.5). */
void aml_io_ports(struct aml *aml, uint16_t first, uint8_t count);
/* Memory the device itself decodes (6.4.3.4). */
void aml_fixed_memory(struct aml *aml, uint32_t first, uint32_t bytes);
/* An edge-triggered, active-high interrupt (6.4.2.1). */
void aml_irq(struct aml *aml, unsigned int irq);

#endif
