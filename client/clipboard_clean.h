/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether bytes are what they are said to be. Any thread. */
#ifndef CLIENT_CLIPBOARD_CLEAN_H
#define CLIENT_CLIPBOARD_CLEAN_H

#include <base/clipboard_wire.h>

/* How many of the bytes are good to pass on: text without NULs at its end; 0 when it is not of that
 * type, empty, or too long. */
size_t clipboard_clean(enum clipboard_wire_type type, const void *bytes, size_t count);

#endif
