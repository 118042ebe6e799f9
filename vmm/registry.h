/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of everything that can be plugged into a VM. */
#ifndef VMM_REGISTRY_H
#define VMM_REGISTRY_H

struct option_error;
struct run;

struct device_class {
	const char *name;
	/* Adds as many as the config asks for. 0 or -errno with the error set. */
	int (*add)(struct run *run, struct option_error *error);
};

/* Ends with a NULL name. The order is the order of PCI slots: new ones go to the end. */
extern const struct device_class registry_devices[];

#endif
