/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fake/guest.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fake_fail(const char *format, ...)
{
	va_list arguments;

	fputs("fake guest: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}
