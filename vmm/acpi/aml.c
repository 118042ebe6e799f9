/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <acpi/aml.h>
#include <base/bytes.h>

/* Opcodes, 20.3 */
#define AML_ZERO_OP 0x00
#define AML_ONE_OP 0x01
#define AML_NAME_OP 0x08
#define AML_BYTE_PREFIX 0x0a
#define AML_WORD_PREFIX 0x0b
#define AML_DWORD_PREFIX 0x0c
#define AML_STRING_PREFIX 0x0d
#define AML_QWORD_PREFIX 0x0e
#define AML_SCOPE_OP 0x10
#define AML_BUFFER_OP 0x11
#define AML_PACKAGE_OP 0x12
#define AML_METHOD_OP 0x14
#define AML_DUAL_NAME_PREFIX 0x2e
#define AML_MULTI_NAME_PREFIX 0x2f
#define AML_EXT_OP_PREFIX 0x5b
#define AML_IF_OP 0xa0
#define AML_ELSE_OP 0xa1
#define AML_EXT_DEVICE_OP 0x82

/* PkgLength is patched in when the thing is closed: always four bytes, which reach 2^28. */
#define AML_LENGTH_BYTES 4u
/* Marks a resource template among the open things: it has an inner length too. */
#define AML_OPEN_RESOURCES ((size_t)1 << (sizeof(size_t) * 8 - 1))
#define AML_RESOURCE_SIZE_BYTES 3u      /* WordPrefix and the word */

void aml_init(struct aml *aml)
{
	memset(aml, 0, sizeof(*aml));
}

void aml_finish(struct aml *aml)
{
	free(aml->bytes);
}

void aml_append(struct aml *aml, const void *bytes, size_t count)
{
	if (aml->failed)
		return;
	if (count > aml->room - aml->count) {
		size_t room = aml->room * 2 + count + 256;
		uint8_t *grown = realloc(aml->bytes, room);

		if (!grown) {
			aml->failed = true;
			return;
		}
		aml->bytes = grown;
		aml->room = room;
	}
	memcpy(aml->bytes + aml->count, bytes, count);
	aml->count += count;
}

void aml_append8(struct aml *aml, uint8_t value)
{
	aml_append(aml, &value, 1);
}

void aml_append16(struct aml *aml, uint16_t value)
{
	uint8_t bytes[2];

	le16_store(bytes, value);
	aml_append(aml, bytes, sizeof(bytes));
}

void aml_append32(struct aml *aml, uint32_t value)
{
	uint8_t bytes[4];

	le32_store(bytes, value);
	aml_append(aml, bytes, sizeof(bytes));
}

void aml_append64(struct aml *aml, uint64_t value)
{
	uint8_t bytes[8];

	le64_store(bytes, value);
	aml_append(aml, bytes, sizeof(bytes));
}

void aml_integer(struct aml *aml, uint64_t value)
{
	if (value <= 1) {
		aml_append8(aml, value ? AML_ONE_OP : AML_ZERO_OP);
	} else if (value <= UINT8_MAX) {
		aml_append8(aml, AML_BYTE_PREFIX);
		aml_append8(aml, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		aml_append8(aml, AML_WORD_PREFIX);
		aml_append16(aml, (uint16_t)value);
	} else if (value <= UINT32_MAX) {
		aml_append8(aml, AML_DWORD_PREFIX);
		aml_append32(aml, (uint32_t)value);
	} else {
		aml_append8(aml, AML_QWORD_PREFIX);
		aml_append64(aml, value);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	aml_append8(aml, AML_STRING_PREFIX);
	aml_append(aml, text, strlen(text) + 1);
}

static uint32_t aml_hex_digit(char digit)
{
	return (uint32_t)(digit <= '9' ? digit - '0' : digit - 'A' + 10);
}

void aml_eisa_id(struct aml *aml, const char *id)
{
	uint32_t value = 0;
	unsigned int i;

	assert(strlen(id) == 7);
	/* Three letters of five bits, then four hex digits, big endian. */
	for (i = 0; i < 3; i++)
		value = value << 5 | (uint32_t)(id[i] - 'A' + 1);
	for (i = 3; i < 7; i++)
		value = value << 4 | aml_hex_digit(id[i]);
	aml_append8(aml, AML_DWORD_PREFIX);
	aml_append32(aml, __builtin_bswap32(value));
}

/* Up to four characters, filled with '_'. The characters eaten. */
static size_t aml_segment(struct aml *aml, const char *name)
{
	char segment[4] = { '_', '_', '_', '_' };
	size_t count = strcspn(name, ".");

	assert(count >= 1 && count <= 4);
	memcpy(segment, name, count);
	aml_append(aml, segment, sizeof(segment));
	return count;
}

void aml_path(struct aml *aml, const char *path)
{
	unsigned int segments = 1;
	const char *at;

	if (*path == '\\') {
		aml_append8(aml, '\\');
		path++;
	}
	for (at = path; *at; at++)
		segments += *at == '.';
	if (segments == 2) {
		aml_append8(aml, AML_DUAL_NAME_PREFIX);
	} else if (segments > 2) {
		aml_append8(aml, AML_MULTI_NAME_PREFIX);
		aml_append8(aml, (uint8_t)segments);
	}
	for (;;) {
		path += aml_segment(aml, path);
		if (*path++ != '.')
			break;
	}
}

static void aml_open(struct aml *aml, size_t mark)
{
	assert(aml->depth < AML_MAX_DEPTH);
	aml->open[aml->depth++] = aml->count | mark;
	aml_append32(aml, 0);
}

void aml_begin_scope(struct aml *aml, const char *path)
{
	aml_append8(aml, AML_SCOPE_OP);
	aml_open(aml, 0);
	aml_path(aml, path);
}

void aml_begin_device(struct aml *aml, const char *name)
{
	aml_append8(aml, AML_EXT_OP_PREFIX);
	aml_append8(aml, AML_EXT_DEVICE_OP);
	aml_open(aml, 0);
	aml_path(aml, name);
}

void aml_begin_method(struct aml *aml, const char *name, unsigned int arguments)
{
	aml_append8(aml, AML_METHOD_OP);
	aml_open(aml, 0);
	aml_path(aml, name);
	aml_append8(aml, (uint8_t)arguments);
}

void aml_begin_if(struct aml *aml)
{
	aml_append8(aml, AML_IF_OP);
	aml_open(aml, 0);
}

void aml_begin_else(struct aml *aml)
{
	aml_append8(aml, AML_ELSE_OP);
	aml_open(aml, 0);
}

void aml_begin_package(struct aml *aml, uint8_t elements)
{
	aml_append8(aml, AML_PACKAGE_OP);
	aml_open(aml, 0);
	aml_append8(aml, elements);
}

void aml_begin_resources(struct aml *aml)
{
	aml_append8(aml, AML_BUFFER_OP);
	aml_open(aml, AML_OPEN_RESOURCES);
	aml_append8(aml, AML_WORD_PREFIX);
	aml_append16(aml, 0);
}

void aml_end(struct aml *aml)
{
	size_t open, at, length;

	assert(aml->depth > 0);
	open = aml->open[--aml->depth];
	at = open & ~AML_OPEN_RESOURCES;
	if (open & AML_OPEN_RESOURCES) {
		aml_append8(aml, 0x79);         /* end tag; a checksum of 0 is not checked */
		aml_append8(aml, 0);
	}
	if (aml->failed)
		return;
	if (open & AML_OPEN_RESOURCES)
		le16_store(aml->bytes + at + AML_LENGTH_BYTES + 1,
			   (uint16_t)(aml->count - at - AML_LENGTH_BYTES -
				      AML_RESOURCE_SIZE_BYTES));
	/* Bits 0-3 in the lead byte, which also says how many bytes follow: three (20.2.4). */
	length = aml->count - at;
	aml->bytes[at] = (uint8_t)((AML_LENGTH_BYTES - 1) << 6 | (length & 0xf));
	aml->bytes[at + 1] = (uint8_t)(length >> 4);
	aml->bytes[at + 2] = (uint8_t)(length >> 12);
	aml->bytes[at + 3] = (uint8_t)(length >> 20);
}

void aml_name(struct aml *aml, const char *name)
{
	aml_append8(aml, AML_NAME_OP);
	aml_path(aml, name);
}

void aml_name_integer(struct aml *aml, const char *name, uint64_t value)
{
	aml_name(aml, name);
	aml_integer(aml, value);
}

void aml_name_eisa_id(struct aml *aml, const char *name, const char *id)
{
	aml_name(aml, name);
	aml_eisa_id(aml, id);
}
