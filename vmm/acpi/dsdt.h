/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that software cannot find by itself, in AML: for acpi/tables.c only. */
#ifndef VMM_ACPI_DSDT_H
#define VMM_ACPI_DSDT_H

struct acpi_config;
struct aml;

/* Appends the body of the DSDT. */
void dsdt_append(struct aml *aml, const struct acpi_config *config);

#endif
