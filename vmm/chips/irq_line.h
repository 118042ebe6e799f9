/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire from a chip to the interrupt controller. set() is for any thread and must not call back.
 */
#ifndef VMM_CHIPS_IRQ_LINE_H
#define VMM_CHIPS_IRQ_LINE_H

#include <stdbool.h>

struct irq_line {
	void (*set)(void *data, unsigned int gsi, bool level);
	void *data;
	unsigned int gsi;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
	line->set(line->data, line->gsi, level);
}

#endif
