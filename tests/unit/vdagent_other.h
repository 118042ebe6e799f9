/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other side of a vdagent conversation, which says what a test makes it say and writes down
 * what it is told. */
#ifndef TESTS_UNIT_VDAGENT_OTHER_H
#define TESTS_UNIT_VDAGENT_OTHER_H

#include <clipboard/vdagent_stream.h>
#include <stdarg.h>

struct loop;
struct vdagent_pipe;

struct vdagent_other {
	struct vdagent_reader reader;
	struct vdagent_writer writer;   /* what it says, when it is not said through a pipe */
	bool selections;                /* clipboard messages have one */
	size_t body_bytes;              /* of the last clipboard data */
	uint8_t *body;
	char text[4096];                /* as "announce 1 22; grab 1 2; request 1; data 1 'abc'; " */
};

void vdagent_other_init(struct vdagent_other *other);
void vdagent_other_finish(struct vdagent_other *other);
/* Takes what it is told, which must be a vdagent stream. */
void vdagent_other_hear(struct vdagent_other *other, const uint8_t *bytes, size_t count);
/* Puts a message with so many 32-bit words and then the bytes into its writer. */
void vdagent_other_say(struct vdagent_other *other, uint32_t port, uint32_t type, uint32_t words,
		       const uint32_t *values, const void *bytes, size_t count);

#define OTHER_WORDS(...)                                                                           \
	sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), (const uint32_t[]){ __VA_ARGS__ }

#endif
