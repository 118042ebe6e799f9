/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI fixed hardware of an ICH9: PM1 event and control blocks, PM timer, GPE0 block (ACPI 6.5,
 * 4.8). Soft off and the power button are what guests use of it.
 *
 * The registers are for vCPU threads, pm_power_button for any thread.
 */
#ifndef VMM_CHIPS_PM_H
#define VMM_CHIPS_PM_H

#include <stdint.h>

#include <chips/irq_line.h>

struct bus_region;
struct pm;

/* Offsets from the base of the block and lengths; the FADT tells them to the guest. */
#define PM_PM1_EVENT_OFFSET 0x00u
#define PM_PM1_EVENT_BYTES 4u
#define PM_PM1_CONTROL_OFFSET 0x04u
#define PM_PM1_CONTROL_BYTES 2u
#define PM_TIMER_OFFSET 0x08u
#define PM_TIMER_BYTES 4u
#define PM_GPE0_OFFSET 0x20u
#define PM_GPE0_BYTES 16u
#define PM_BYTES 0x80u

#define PM_SCI_GSI 9u
#define PM_SLEEP_TYPE_S5 5u

struct pm_config {
	uint16_t base;
	struct irq_line sci;
	/* The guest entered S5. On a vCPU thread; must not wait for it. */
	void (*soft_off)(void *data);
	void *data;
};

/* NULL with errno. */
struct pm *pm_create(const struct pm_config *config);
void pm_destroy(struct pm *pm);
/* Back to power-on. No access may be running. */
void pm_reset(struct pm *pm);
/* For the port bus. */
struct bus_region *pm_region(struct pm *pm);

void pm_power_button(struct pm *pm);

#endif
