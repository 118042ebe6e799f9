/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: RAM, vCPUs, chips, a PCI bus with virtio functions, ACPI tables and a Linux kernel.
 *
 * Everything below is called on the thread that runs config.main_loop (or before that loop
 * runs); callbacks come back on it too. No virtio device may live on main_loop: while the machine
 * is stopped or reset that thread waits for vCPUs, which may wait for a device's loop.
 *
 * The order of a life: create, add_virtio..., start, (resets and requests), destroy.
 */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct audio_backend;
struct loop;
struct machine;
struct option_error;
struct virtio_device;

#define MACHINE_MEMORY_MIN_BYTES (64ull << 20)
#define MACHINE_CPUS_MAX 255u

enum machine_serial {
	MACHINE_SERIAL_NONE,
	MACHINE_SERIAL_STDIO,   /* the terminal becomes raw, but Ctrl-C still raises SIGINT */
	MACHINE_SERIAL_FILE,    /* appended to serial_path */
};

/* Why a machine that was started does not run any more. */
enum machine_end {
	MACHINE_END_POWEROFF,   /* the guest switched itself off */
	MACHINE_END_FAILED,     /* KVM or a reload failed; the reason was logged */
};

struct machine_config {
	uint64_t memory_bytes;
	uint32_t cpus;
	bool hugepages;                 /* 2 MiB pages that the host has reserved */
	const char *kernel_path;        /* a bzImage */
	const char *initrd_path;        /* or NULL */
	const char *cmdline;            /* or NULL: empty */
	enum machine_serial serial;
	const char *serial_path;        /* MACHINE_SERIAL_FILE */
	struct loop *main_loop;         /* callbacks, resets */
	struct loop *io_loop;           /* the serial port's output and input */
	/* The guest was reset and starts again; may be NULL. */
	void (*on_reset)(void *data);
	/* No vCPU runs any more; destroy is what is left. */
	void (*on_end)(void *data, enum machine_end end);
	void *data;
};

/* Opens and checks everything, and keeps what later resets need. Strings are copied. NULL with
 * errno and one clear line in the error. */
struct machine *machine_create(const struct machine_config *config, struct option_error *error);

/* Puts the device into the next free PCI slot and owns it from then on, also on failure. Before
 * start. 0 or -errno (-ENOSPC: no slot left). */
int machine_add_virtio(struct machine *machine, struct virtio_device *device);
/* Puts an HD Audio controller into the next free PCI slot. It lives on audio_loop and is the
 * machine's; the backend stays the caller's, serves nobody else and outlives the machine. Before
 * start. 0 or -errno (-ENOSPC: no slot left). */
int machine_add_hda(struct machine *machine, struct loop *audio_loop,
		    struct audio_backend *backend);

/* Loads the kernel and lets the vCPUs run. 0, or -errno with the error filled in. */
int machine_start(struct machine *machine, struct option_error *error);

/* Presses the ACPI power button; what happens is up to the guest. */
void machine_power_button(struct machine *machine);

/* As if the guest had asked for it: stops the vCPUs, resets every device, loads again, runs. */
void machine_reset(struct machine *machine);

/* Stops the vCPUs for good; on_end is not called. Harmless when they do not run. */
void machine_stop(struct machine *machine);

/* Stops, destroys every device, writes out what the serial port still holds. NULL is ignored. The
 * loops of the devices must still run, or not have been started at all. */
void machine_destroy(struct machine *machine);

#endif
