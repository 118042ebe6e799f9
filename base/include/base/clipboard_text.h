/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts as agents in guests have them, with CR LF at the ends of lines or NULs at the end, and as the
 * clipboard does. */
#ifndef BASE_CLIPBOARD_TEXT_H
#define BASE_CLIPBOARD_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Without the NULs at the end. */
size_t clipboard_text_length(const uint8_t *text, size_t count);
/* Every CR LF becomes LF; at most count bytes are written, which may be the text itself. The
 * number. */
size_t clipboard_text_to_lf(uint8_t *to, const uint8_t *text, size_t count);
/* Every LF that has no CR before it gets one. A new text to be freed, or NULL. */
uint8_t *clipboard_text_to_crlf(const uint8_t *text, size_t count, size_t *made);

#endif
