/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <bus/bus.h>
#include <chips/rtc.h>

#define CMOS_BYTES 128u

enum rtc_register {
	RTC_SECONDS = 0x00,
	RTC_MINUTES = 0x02,
	RTC_HOURS = 0x04,
	RTC_WEEKDAY = 0x06,             /* 1 is Sunday */
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_CENTURY = RTC_CENTURY_REGISTER,
};

#define RTC_A_DEFAULT 0x26u             /* 32.768 kHz, 1024 Hz; no update in progress */
#define RTC_A_UPDATING 0x80u
#define RTC_B_24_HOURS 0x02u
#define RTC_B_BINARY 0x04u
#define RTC_B_SET 0x80u
#define RTC_D_VALID 0x80u
#define RTC_HOURS_PM 0x80u

struct rtc {
	struct bus_region region;
	time_t (*now)(void);
	pthread_mutex_t lock;           /* guards what follows */
	uint8_t index;
	uint8_t memory[CMOS_BYTES];     /* but for the time, unless the guest holds it to set it */
	time_t offset_s;                /* guest's time - host's */
};

static const uint8_t rtc_time_registers[] = {
	RTC_SECONDS, RTC_MINUTES, RTC_HOURS, RTC_WEEKDAY, RTC_DAY, RTC_MONTH, RTC_YEAR, RTC_CENTURY,
};

static bool rtc_is_time(uint8_t index)
{
	size_t i;

	for (i = 0; i < sizeof(rtc_time_registers); i++)
		if (rtc_time_registers[i] == index)
			return true;
	return false;
}

static uint8_t rtc_encode(const struct rtc *rtc, int value)
{
	if (rtc->memory[RTC_B] & RTC_B_BINARY)
		return (uint8_t)value;
	return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static int rtc_decode(const struct rtc *rtc, uint8_t value)
{
	if (rtc->memory[RTC_B] & RTC_B_BINARY)
		return value;
	return (value >> 4) * 10 + (value & 15);
}

static uint8_t rtc_encode_hours(const struct rtc *rtc, int hours)
{
	if (rtc->memory[RTC_B] & RTC_B_24_HOURS)
		return rtc_encode(rtc, hours);
	return rtc_encode(rtc, hours % 12 ? hours % 12 : 12) | (hours >= 12 ? RTC_HOURS_PM : 0);
}

static int rtc_decode_hours(const struct rtc *rtc, uint8_t value)
{
	if (rtc->memory[RTC_B] & RTC_B_24_HOURS)
		return rtc_decode(rtc, value);
	return rtc_decode(rtc, value & ~RTC_HOURS_PM & 0xff) % 12 + (value & RTC_HOURS_PM ? 12 : 0);
}

/* Puts the time of now into the registers. */
static void rtc_latch(struct rtc *rtc)
{
	time_t now = rtc->now() + rtc->offset_s;
	struct tm tm;
	int year;

	if (!gmtime_r(&now, &tm))
		return;
	/* Whatever the guest has set: month 0 of year 0 is the year before. */
	year = tm.tm_year + 1900 < 0 ? 0 : tm.tm_year + 1900;
	rtc->memory[RTC_SECONDS] = rtc_encode(rtc, tm.tm_sec);
	rtc->memory[RTC_MINUTES] = rtc_encode(rtc, tm.tm_min);
	rtc->memory[RTC_HOURS] = rtc_encode_hours(rtc, tm.tm_hour);
	rtc->memory[RTC_WEEKDAY] = rtc_encode(rtc, tm.tm_wday + 1);
	rtc->memory[RTC_DAY] = rtc_encode(rtc, tm.tm_mday);
	rtc->memory[RTC_MONTH] = rtc_encode(rtc, tm.tm_mon + 1);
	rtc->memory[RTC_YEAR] = rtc_encode(rtc, year % 100);
	rtc->memory[RTC_CENTURY] = rtc_encode(rtc, year / 100);
}

/* Makes the registers the time. Days and hours that do not exist are carried over by timegm. */
static void rtc_set(struct rtc *rtc)
{
	const uint8_t *memory = rtc->memory;
	struct tm tm = {
		.tm_sec = rtc_decode(rtc, memory[RTC_SECONDS]),
		.tm_min = rtc_decode(rtc, memory[RTC_MINUTES]),
		.tm_hour = rtc_decode_hours(rtc, memory[RTC_HOURS]),
		.tm_mday = rtc_decode(rtc, memory[RTC_DAY]),
		.tm_mon = rtc_decode(rtc, memory[RTC_MONTH]) - 1,
		.tm_year = rtc_decode(rtc, memory[RTC_CENTURY]) * 100 +
			   rtc_decode(rtc, memory[RTC_YEAR]) - 1900,
	};

	rtc->offset_s = timegm(&tm) - rtc->now();
}

static uint8_t rtc_read_memory(struct rtc *rtc)
{
	bool held = rtc->memory[RTC_B] & RTC_B_SET;

	if (rtc_is_time(rtc->index) && !held)
		rtc_latch(rtc);
	return rtc->memory[rtc->index];
}

static void rtc_write_b(struct rtc *rtc, uint8_t value)
{
	uint8_t old = rtc->memory[RTC_B];

	/* While held the registers stand still; they become the time when they are let go. */
	if (value & ~old & RTC_B_SET)
		rtc_latch(rtc);
	rtc->memory[RTC_B] = value;
	if (old & ~value & RTC_B_SET)
		rtc_set(rtc);
}

static void rtc_write_memory(struct rtc *rtc, uint8_t value)
{
	bool held = rtc->memory[RTC_B] & RTC_B_SET;

	switch (rtc->index) {
	case RTC_A:
		rtc->memory[RTC_A] = value & ~RTC_A_UPDATING & 0xff;
		return;
	case RTC_B:
		rtc_write_b(rtc, value);
		return;
	case RTC_C:
	case RTC_D:
		return;
	}
	if (rtc_is_time(rtc->index) && !held)
		rtc_latch(rtc);
	rtc->memory[rtc->index] = value;
	if (rtc_is_time(rtc->index) && !held)
		rtc_set(rtc);
}

static uint64_t rtc_read(struct bus_region *region, uint64_t offset, unsigned int bytes)
{
	struct rtc *rtc = (struct rtc *)region;
	uint64_t value = 0;
	unsigned int i;

	pthread_mutex_lock(&rtc->lock);
	for (i = 0; i < bytes; i++)
		value |= (uint64_t)(offset + i == 0 ? rtc->index : rtc_read_memory(rtc)) << i * 8;
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(struct bus_region *region, uint64_t offset, unsigned int bytes,
		      uint64_t value)
{
	struct rtc *rtc = (struct rtc *)region;
	unsigned int i;

	pthread_mutex_lock(&rtc->lock);
	for (i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(value >> i * 8);

		if (offset + i == 0)
			rtc->index = byte & (CMOS_BYTES - 1); /* bit 7 masks NMIs: none here */
		else
			rtc_write_memory(rtc, byte);
	}
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_region_ops rtc_ops = {
	.read = rtc_read,
	.write = rtc_write,
};

struct bus_region *rtc_region(struct rtc *rtc)
{
	return &rtc->region;
}

void rtc_reset(struct rtc *rtc)
{
	pthread_mutex_lock(&rtc->lock);
	rtc->index = 0;
	rtc->memory[RTC_A] = RTC_A_DEFAULT;
	rtc->memory[RTC_B] = RTC_B_24_HOURS;
	rtc->memory[RTC_C] = 0;
	rtc->memory[RTC_D] = RTC_D_VALID;
	pthread_mutex_unlock(&rtc->lock);
}

struct rtc *rtc_create(time_t (*now)(void))
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return NULL;
	rtc->region = (struct bus_region){
		.ops = &rtc_ops, .base = RTC_BASE, .bytes = RTC_BYTES, .name = "rtc",
	};
	rtc->now = now;
	pthread_mutex_init(&rtc->lock, NULL);
	rtc_reset(rtc);
	return rtc;
}

void rtc_destroy(struct rtc *rtc)
{
	if (!rtc)
		return;
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}
