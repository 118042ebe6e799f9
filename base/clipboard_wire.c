/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/clipboard_wire.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without these the sender could take the bytes away, or change them, while they are read. */
#define CLIPBOARD_WIRE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char *const clipboard_wire_types[CLIPBOARD_WIRE_TYPE_COUNT] = {
	[CLIPBOARD_WIRE_TEXT] = "text", [CLIPBOARD_WIRE_PNG] = "png",
};

static const char *const clipboard_wire_kinds[] = {
	[CLIPBOARD_WIRE_GRAB] = "grab", [CLIPBOARD_WIRE_RELEASE] = "release",
	[CLIPBOARD_WIRE_REQUEST] = "request", [CLIPBOARD_WIRE_DATA] = "data",
};

#define CLIPBOARD_WIRE_KINDS (sizeof(clipboard_wire_kinds) / sizeof(clipboard_wire_kinds[0]))

const char *clipboard_wire_type_name(enum clipboard_wire_type type)
{
	return clipboard_wire_types[type];
}

/* The index of the word among the names, or -1. */
static int clipboard_wire_find(const json_t *word, const char *const names[], size_t count)
{
	const char *text = json_string_value(word);

	for (size_t i = 0; text && i < count; i++) {
		if (!strcmp(text, names[i]))
			return (int)i;
	}
	return -1;
}

static int clipboard_wire_find_type(const json_t *word)
{
	return clipboard_wire_find(word, clipboard_wire_types, CLIPBOARD_WIRE_TYPE_COUNT);
}

static int clipboard_wire_read_types(const json_t *list, uint32_t *types)
{
	const json_t *word;
	size_t i;

	*types = 0;
	if (!json_is_array(list))
		return -EPROTO;
	json_array_foreach(list, i, word) {
		int type = clipboard_wire_find_type(word);

		/* A later version may know more of them. */
		if (type >= 0)
			*types |= CLIPBOARD_WIRE_BIT(type);
	}
	return 0;
}

static int clipboard_wire_read_seen(const json_t *root, struct clipboard_wire *message)
{
	const json_t *seen = json_object_get(root, "seen");
	json_int_t value = json_integer_value(seen);

	if (!seen)
		return 0;
	if (!json_is_integer(seen) || value < 0 || value > UINT32_MAX)
		return -EPROTO;
	message->has_seen = true;
	message->seen = (uint32_t)value;
	return 0;
}

static int clipboard_wire_read_type(const json_t *root, struct clipboard_wire *message)
{
	int type = clipboard_wire_find_type(json_object_get(root, "type"));

	if (type < 0)
		return -EPROTO;
	message->type = (enum clipboard_wire_type)type;
	return 0;
}

static int clipboard_wire_read(const json_t *root, struct clipboard_wire *message)
{
	int kind = clipboard_wire_find(json_object_get(root, "clipboard"), clipboard_wire_kinds,
				       CLIPBOARD_WIRE_KINDS);
	int result = 0;

	if (kind < 0)
		return -EPROTO;
	message->kind = (enum clipboard_wire_kind)kind;
	switch (message->kind) {
	case CLIPBOARD_WIRE_GRAB:
		result = clipboard_wire_read_types(json_object_get(root, "types"), &message->types);
		return result ? result : clipboard_wire_read_seen(root, message);
	case CLIPBOARD_WIRE_RELEASE:
		return clipboard_wire_read_seen(root, message);
	default:
		return clipboard_wire_read_type(root, message);
	}
}

int clipboard_wire_parse(const char *text, size_t bytes, struct clipboard_wire *message)
{
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	int result;

	memset(message, 0, sizeof(*message));
	if (!root)
		return -EPROTO;
	result = clipboard_wire_read(root, message);
	json_decref(root);
	return result;
}

/* Every word is one of the tables above: nothing to escape, and it fits by far. */
void clipboard_wire_format(const struct clipboard_wire *message, struct packet *packet)
{
	size_t size = sizeof(packet->data), used;
	const char *separator = "";

	used = (size_t)snprintf(packet->data, size, "{\"clipboard\":\"%s\"",
				clipboard_wire_kinds[message->kind]);
	if (message->kind == CLIPBOARD_WIRE_GRAB) {
		used += (size_t)snprintf(packet->data + used, size - used, ",\"types\":[");
		for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++) {
			if (!(message->types & CLIPBOARD_WIRE_BIT(i)))
				continue;
			used += (size_t)snprintf(packet->data + used, size - used, "%s\"%s\"",
						 separator, clipboard_wire_types[i]);
			separator = ",";
		}
		used += (size_t)snprintf(packet->data + used, size - used, "]");
	} else if (message->kind != CLIPBOARD_WIRE_RELEASE) {
		used += (size_t)snprintf(packet->data + used, size - used, ",\"type\":\"%s\"",
					 clipboard_wire_types[message->type]);
	}
	if (message->has_seen)
		used += (size_t)snprintf(packet->data + used, size - used, ",\"seen\":%u",
					 message->seen);
	used += (size_t)snprintf(packet->data + used, size - used, "}");
	packet->bytes = used;
}

/* --- the bytes --------------------------------------------------------------------------- */

static int clipboard_wire_write(int fd, const uint8_t *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(fd, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		bytes += written;
		count -= (size_t)written;
	}
	return 0;
}

int clipboard_wire_memory_create(const void *bytes, size_t count)
{
	int fd = memfd_create("vitrine-clipboard", MFD_CLOEXEC | MFD_ALLOW_SEALING), result;

	if (fd < 0)
		return -errno;
	result = clipboard_wire_write(fd, bytes, count);
	if (!result && fcntl(fd, F_ADD_SEALS, CLIPBOARD_WIRE_SEALS | F_SEAL_SEAL) < 0)
		result = -errno;
	if (result) {
		close(fd);
		return result;
	}
	return fd;
}

static int clipboard_wire_pread(int fd, uint8_t *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t got = pread(fd, bytes + done, count - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		done += (size_t)got;
	}
	return 0;
}

int clipboard_wire_memory_read(int fd, void **bytes, size_t *count)
{
	int seals = fcntl(fd, F_GET_SEALS), result;
	struct stat info;
	uint8_t *copy;

	/* Only memfds have seals: pipes, devices and files of slow file systems end here. */
	if (seals < 0 || (seals & CLIPBOARD_WIRE_SEALS) != CLIPBOARD_WIRE_SEALS)
		return -EPROTO;
	if (fstat(fd, &info) < 0 || info.st_size <= 0)
		return -EPROTO;
	if ((uint64_t)info.st_size > CLIPBOARD_WIRE_MAX_BYTES)
		return -EFBIG;
	copy = malloc((size_t)info.st_size);
	if (!copy)
		return -ENOMEM;
	result = clipboard_wire_pread(fd, copy, (size_t)info.st_size);
	if (result) {
		free(copy);
		return result;
	}
	*bytes = copy;
	*count = (size_t)info.st_size;
	return 0;
}
