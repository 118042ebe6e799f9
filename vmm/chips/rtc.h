/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock and CMOS memory of a PC (MC146818): the host's time in UTC, moved by what the
 * guest sets. It never interrupts. The registers are for vCPU threads.
 */
#ifndef VMM_CHIPS_RTC_H
#define VMM_CHIPS_RTC_H

#include <time.h>

struct bus_region;
struct rtc;

#define RTC_BASE 0x70u
#define RTC_BYTES 2u
#define RTC_CENTURY_REGISTER 0x32u

/* now: what time(NULL) is; tests bring their own. NULL with errno. */
struct rtc *rtc_create(time_t (*now)(void));
void rtc_destroy(struct rtc *rtc);
/* What a reset does to a chip with a battery: time and memory stay. No access may be running. */
void rtc_reset(struct rtc *rtc);
/* For the port bus. */
struct bus_region *rtc_region(struct rtc *rtc);

#endif
