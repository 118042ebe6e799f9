/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/log.h>
#include <bus/bus.h>
#include <chips/pm.h>

/* PM1 status and enable (ACPI 6.5, 4.8.4.1) */
#define PM1_TIMER (1u << 0)
#define PM1_GLOBAL (1u << 5)
#define PM1_POWER_BUTTON (1u << 8)
#define PM1_SLEEP_BUTTON (1u << 9)
#define PM1_RTC (1u << 10)
#define PM1_EVENTS (PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_SLEEP_BUTTON | PM1_RTC)

/* PM1 control (4.8.4.2) */
#define PM1_SCI_ENABLE (1u << 0)
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_TYPE_MASK (7u << PM1_SLEEP_TYPE_SHIFT)
#define PM1_SLEEP_ENABLE (1u << 13)

#define PM_TIMER_HZ 3579545u
#define PM_TIMER_MASK 0xffffffu

struct pm {
	struct bus_region region;
	struct pm_config config;
	pthread_mutex_t lock;
	uint8_t registers[PM_BYTES];    /* but for the timer */
	uint64_t timer_start_ns;
};

/* Little-endian access to the register file; the offsets are constants or checked by the bus. */
static uint16_t pm_load16(const struct pm *pm, unsigned int offset)
{
	return (uint16_t)(pm->registers[offset] | pm->registers[offset + 1] << 8);
}

static void pm_store16(struct pm *pm, unsigned int offset, unsigned int value)
{
	pm->registers[offset] = (uint8_t)value;
	pm->registers[offset + 1] = (uint8_t)(value >> 8);
}

static uint32_t pm_timer(const struct pm *pm)
{
	uint64_t ns = clock_now_ns() - pm->timer_start_ns;

	/* Seconds apart, so that the product cannot overflow. */
	return (uint32_t)(ns / 1000000000u * PM_TIMER_HZ +
			  ns % 1000000000u * PM_TIMER_HZ / 1000000000u) & PM_TIMER_MASK;
}

/* With the lock held: the level of the wire must follow the order of the changes. */
static void pm_update_sci(struct pm *pm)
{
	unsigned int pending = pm_load16(pm, PM_PM1_EVENT_OFFSET) &
			       pm_load16(pm, PM_PM1_EVENT_OFFSET + 2) & PM1_EVENTS;
	unsigned int i;

	for (i = 0; i < PM_GPE0_BYTES / 2; i++)
		pending |= pm->registers[PM_GPE0_OFFSET + i] &
			   pm->registers[PM_GPE0_OFFSET + PM_GPE0_BYTES / 2 + i];
	irq_line_set(&pm->config.sci, pending != 0);
}

static uint8_t pm_read_byte(const struct pm *pm, unsigned int offset, uint32_t timer)
{
	if (offset - PM_TIMER_OFFSET < PM_TIMER_BYTES)
		return (uint8_t)(timer >> (offset - PM_TIMER_OFFSET) * 8);
	return pm->registers[offset];
}

static uint64_t pm_read(struct bus_region *region, uint64_t offset, unsigned int bytes)
{
	struct pm *pm = (struct pm *)region;
	uint32_t timer = pm_timer(pm);
	uint64_t value = 0;
	unsigned int i;

	pthread_mutex_lock(&pm->lock);
	for (i = 0; i < bytes; i++)
		value |= (uint64_t)pm_read_byte(pm, (unsigned int)offset + i, timer) << i * 8;
	pthread_mutex_unlock(&pm->lock);
	return value;
}

static void pm_write_byte(struct pm *pm, unsigned int offset, uint8_t value)
{
	if (offset < PM_PM1_EVENT_OFFSET + 2 ||
	    offset - PM_GPE0_OFFSET < PM_GPE0_BYTES / 2)
		pm->registers[offset] &= (uint8_t)~value;       /* status: write one to clear */
	else if (offset < PM_PM1_CONTROL_OFFSET || offset == PM_PM1_CONTROL_OFFSET + 1 ||
		 offset - PM_GPE0_OFFSET < PM_GPE0_BYTES)
		pm->registers[offset] = value;
	else if (offset == PM_PM1_CONTROL_OFFSET)
		/* There is no SMM to hand ACPI mode back to. */
		pm->registers[offset] = value | PM1_SCI_ENABLE;
}

/* The sleep enable bit starts the transition and reads as zero. */
static bool pm_take_sleep(struct pm *pm, unsigned int *type)
{
	unsigned int control = pm_load16(pm, PM_PM1_CONTROL_OFFSET);

	if (!(control & PM1_SLEEP_ENABLE))
		return false;
	pm_store16(pm, PM_PM1_CONTROL_OFFSET, control & ~PM1_SLEEP_ENABLE);
	*type = (control & PM1_SLEEP_TYPE_MASK) >> PM1_SLEEP_TYPE_SHIFT;
	return true;
}

static void pm_write(struct bus_region *region, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct pm *pm = (struct pm *)region;
	unsigned int type = 0;
	bool sleep;
	unsigned int i;

	pthread_mutex_lock(&pm->lock);
	for (i = 0; i < bytes; i++)
		pm_write_byte(pm, (unsigned int)offset + i, (uint8_t)(value >> i * 8));
	sleep = pm_take_sleep(pm, &type);
	pm_update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
	if (!sleep)
		return;
	if (type == PM_SLEEP_TYPE_S5)
		pm->config.soft_off(pm->config.data);
	else
		log_guest_bug("sleep type %u is not in the ACPI tables: ignored", type);
}

static const struct bus_region_ops pm_ops = {
	.read = pm_read,
	.write = pm_write,
};

struct bus_region *pm_region(struct pm *pm)
{
	return &pm->region;
}

void pm_power_button(struct pm *pm)
{
	pthread_mutex_lock(&pm->lock);
	pm_store16(pm, PM_PM1_EVENT_OFFSET,
		   pm_load16(pm, PM_PM1_EVENT_OFFSET) | PM1_POWER_BUTTON);
	pm_update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

void pm_reset(struct pm *pm)
{
	pthread_mutex_lock(&pm->lock);
	memset(pm->registers, 0, sizeof(pm->registers));
	pm_store16(pm, PM_PM1_CONTROL_OFFSET, PM1_SCI_ENABLE);
	pm->timer_start_ns = clock_now_ns();
	pm_update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

struct pm *pm_create(const struct pm_config *config)
{
	struct pm *pm = calloc(1, sizeof(*pm));

	if (!pm)
		return NULL;
	pm->config = *config;
	pm->region = (struct bus_region){
		.ops = &pm_ops, .base = config->base, .bytes = PM_BYTES, .name = "pm",
	};
	pthread_mutex_init(&pm->lock, NULL);
	pm_reset(pm);
	return pm;
}

void pm_destroy(struct pm *pm)
{
	if (!pm)
		return;
	pthread_mutex_destroy(&pm->lock);
	free(pm);
}
