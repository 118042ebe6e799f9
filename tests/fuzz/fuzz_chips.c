/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that reads and writes the ports of all chips at random, one after the other.
 * Input: 6-byte steps {chip and direction, offset, bytes, value[3]}.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <base/loop.h>
#include <bus/bus.h>
#include <chips/console.h>
#include <chips/pm.h>
#include <chips/reset_ports.h>
#include <chips/rtc.h>
#include <chips/serial.h>
#include <fcntl.h>
#include <unistd.h>

#define FUZZ_STEP_BYTES 6u
#define FUZZ_REGIONS 5u

static void fuzz_set_line(void *data, unsigned int gsi, bool level)
{
	bool *levels = data;

	levels[gsi] = level;
}

static void fuzz_ignore(void *data)
{
}

static time_t fuzz_now(void)
{
	return 1795266309;
}

static void fuzz_step(struct bus_region *const *regions, const uint8_t *step)
{
	struct bus_region *region = regions[step[0] % FUZZ_REGIONS];
	unsigned int bytes = 1 + step[2] % 8;
	uint64_t value = le16_load(step + 3) * 0x100000001u + ((uint64_t)step[5] << 16);

	if (bytes > region->bytes)
		bytes = 1;
	if (step[0] & 0x80)
		region->ops->read(region, step[1] % (region->bytes - bytes + 1), bytes);
	else
		region->ops->write(region, step[1] % (region->bytes - bytes + 1), bytes, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool levels[24] = { false };
	struct irq_line line = { .set = fuzz_set_line, .data = levels, .gsi = 4 };
	struct pm_config pm_config = { .base = 0x600, .sci = line, .soft_off = fuzz_ignore };
	struct loop *loop = loop_create("fuzz");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct console *console = console_create_fds(loop, null, null, true);
	struct serial *serial = serial_create(0x3f8, &line, console);
	struct pm *pm;
	struct rtc *rtc = rtc_create(fuzz_now);
	struct reset_ports *ports = reset_ports_create(fuzz_ignore, NULL);

	pm_config.sci.gsi = PM_SCI_GSI;
	pm = pm_create(&pm_config);
	fuzz_check(loop && console && serial && pm && rtc && ports);
	struct bus_region *regions[FUZZ_REGIONS] = {
		serial_region(serial), rtc_region(rtc), pm_region(pm),
		reset_ports_keyboard_region(ports), reset_ports_control_region(ports),
	};

	for (; size >= FUZZ_STEP_BYTES; data += FUZZ_STEP_BYTES, size -= FUZZ_STEP_BYTES)
		fuzz_step(regions, data);
	while (loop_dispatch(loop, 0) > 0)
		;
	serial_reset(serial);
	pm_reset(pm);
	fuzz_check(!levels[4] && !levels[PM_SCI_GSI]);
	reset_ports_destroy(ports);
	rtc_destroy(rtc);
	pm_destroy(pm);
	serial_destroy(serial);
	console_destroy(console);
	loop_destroy(loop);
	close(null);
	return 0;
}
