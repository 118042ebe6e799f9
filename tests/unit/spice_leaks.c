/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests that link libspice-server 0.15.1, which never frees what it allocates for its devices,
 * messages of which only a part has come, and connections that are half open when it ends. It has no
 * frame pointers, so only the slow unwinder sees whose they are.
 */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void)
{
	return "leak:libspice-server.so";
}
