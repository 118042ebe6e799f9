/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a clipboard channel, and memory that comes with them from anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/clipboard_wire.h>
#include <cmocka.h>

#define BOTH (CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT) | CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG))

static int parse(const char *text, struct clipboard_wire *message)
{
	return clipboard_wire_parse(text, strlen(text), message);
}

static void test_messages_come_back(void **state)
{
	static const struct clipboard_wire messages[] = {
		{ .kind = CLIPBOARD_WIRE_GRAB, .types = BOTH },
		{ .kind = CLIPBOARD_WIRE_GRAB, .types = CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG),
		  .has_seen = true, .seen = UINT32_MAX },
		{ .kind = CLIPBOARD_WIRE_GRAB },
		{ .kind = CLIPBOARD_WIRE_RELEASE, .has_seen = true },
		{ .kind = CLIPBOARD_WIRE_REQUEST, .type = CLIPBOARD_WIRE_PNG },
		{ .kind = CLIPBOARD_WIRE_DATA, .type = CLIPBOARD_WIRE_TEXT },
	};
	struct clipboard_wire got;
	struct packet packet;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		clipboard_wire_format(&messages[i], &packet);
		assert_int_equal(packet.bytes, strlen(packet.data));
		assert_int_equal(clipboard_wire_parse(packet.data, packet.bytes, &got), 0);
		assert_memory_equal(&got, &messages[i], sizeof(got));
	}
	clipboard_wire_format(&messages[0], &packet);
	assert_string_equal(packet.data, "{\"clipboard\":\"grab\",\"types\":[\"text\",\"png\"]}");
}

static void test_types_of_later_versions_are_left_out(void **state)
{
	struct clipboard_wire got;

	assert_int_equal(parse("{\"clipboard\":\"grab\",\"types\":[\"html\",7,\"png\",null]}",
			       &got), 0);
	assert_int_equal(got.types, CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG));
	assert_int_equal(parse("{\"clipboard\":\"grab\",\"types\":[],\"new\":{}}", &got), 0);
	assert_int_equal(got.types, 0);
}

static void test_nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "x", "[]", "{}", "null", "{\"clipboard\":\"grab\"", "{\"clipboard\":7}",
		"{\"clipboard\":\"take\"}", "{\"clipboard\":\"grab\"}",
		"{\"clipboard\":\"grab\",\"types\":\"text\"}",
		"{\"clipboard\":\"grab\",\"types\":{\"text\":1}}",
		"{\"clipboard\":\"grab\",\"types\":[\"text\"],\"seen\":-1}",
		"{\"clipboard\":\"grab\",\"types\":[\"text\"],\"seen\":4294967296}",
		"{\"clipboard\":\"release\",\"seen\":\"1\"}",
		"{\"clipboard\":\"release\",\"seen\":1.5}",
		"{\"clipboard\":\"request\"}", "{\"clipboard\":\"request\",\"type\":\"html\"}",
		"{\"clipboard\":\"data\",\"type\":[\"text\"]}",
		"{\"clipboard\":\"request\",\"type\":\"text\",\"type\":\"png\"}",
		"{\"clipboard\":\"request\",\"type\":\"text\"} {}", "\xff\xfe{}",
	};
	struct clipboard_wire got;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (parse(texts[i], &got) != -EPROTO)
			fail_msg("'%s' was taken for a message", texts[i]);
	}
}

static void test_memory_comes_back_and_stays_as_it_is(void **state)
{
	char text[] = "what was copied";
	size_t count;
	void *bytes;
	int fd = clipboard_wire_memory_create(text, sizeof(text));

	assert_true(fd >= 0);
	assert_true(pwrite(fd, "x", 1, 0) < 0);
	assert_true(ftruncate(fd, 1) < 0);
	assert_int_equal(clipboard_wire_memory_read(fd, &bytes, &count), 0);
	assert_int_equal(count, sizeof(text));
	assert_memory_equal(bytes, text, count);
	free(bytes);
	/* Where its sender has left the file's position does not matter. */
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	assert_int_equal(clipboard_wire_memory_read(fd, &bytes, &count), 0);
	assert_memory_equal(bytes, text, sizeof(text));
	free(bytes);
	close(fd);
}

static int sealed(off_t length, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, length), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void refuse(int fd, int error)
{
	size_t count;
	void *bytes;

	assert_true(fd >= 0);
	assert_int_equal(clipboard_wire_memory_read(fd, &bytes, &count), error);
	close(fd);
}

static void test_what_is_no_sealed_memory_is_refused(void **state)
{
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	char path[] = "/tmp/vitrine-clipboard-XXXXXX";
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	refuse(ends[0], -EPROTO);
	refuse(ends[1], -EPROTO);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	refuse(ends[0], -EPROTO);
	close(ends[1]);
	refuse(open("/dev/zero", O_RDONLY), -EPROTO);
	refuse(mkstemp(path), -EPROTO);
	unlink(path);
	refuse(sealed(100, 0), -EPROTO);
	refuse(sealed(100, all & ~F_SEAL_SHRINK), -EPROTO);
	refuse(sealed(100, all & ~F_SEAL_GROW), -EPROTO);
	refuse(sealed(100, all & ~F_SEAL_WRITE), -EPROTO);
	refuse(sealed(0, all), -EPROTO);
	refuse(sealed((off_t)CLIPBOARD_WIRE_MAX_BYTES + 1, all), -EFBIG);
	/* Nothing is allocated for what it claims: it has no pages. */
	refuse(sealed((off_t)1 << 45, all), -EFBIG);
}

static void test_the_longest_is_taken(void **state)
{
	int fd = sealed((off_t)CLIPBOARD_WIRE_MAX_BYTES,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	size_t count;
	void *bytes;

	assert_int_equal(clipboard_wire_memory_read(fd, &bytes, &count), 0);
	assert_int_equal(count, CLIPBOARD_WIRE_MAX_BYTES);
	free(bytes);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_come_back),
		cmocka_unit_test(test_types_of_later_versions_are_left_out),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_memory_comes_back_and_stays_as_it_is),
		cmocka_unit_test(test_what_is_no_sealed_memory_is_refused),
		cmocka_unit_test(test_the_longest_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
