/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The streams here are written by hand, so that reader and writer cannot agree on a mistake. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/clipboard_text.h>
#include <clipboard/vdagent_stream.h>
#include <cmocka.h>

#define STREAM_BYTES 65536

static struct vdagent_reader reader;
static char text[1024];
static uint8_t stream[STREAM_BYTES];
static size_t stream_bytes;
static uint8_t last_body[16384];
static bool drop_client;

static void on_message(void *data, const struct vdagent_message *message)
{
	size_t used = strlen(text);

	assert_ptr_equal(data, &reader);
	snprintf(text + used, sizeof(text) - used, "%u:%u:%u%s ", message->port, message->type,
		 message->size, message->body ? "" : "!");
	if (message->body && message->size <= sizeof(last_body))
		memcpy(last_body, message->body, message->size);
	if (drop_client)
		vdagent_reader_drop(&reader, VDP_CLIENT_PORT);
}

static int begin(void **state)
{
	vdagent_reader_init(&reader, on_message, &reader);
	stream_bytes = 0;
	text[0] = 0;
	drop_client = false;
	return 0;
}

static int end(void **state)
{
	vdagent_reader_finish(&reader);
	return 0;
}

static void put32(uint32_t value)
{
	le32_store(stream + stream_bytes, value);
	stream_bytes += 4;
}

static void put_chunk(uint32_t port, uint32_t size)
{
	put32(port);
	put32(size);
}

static void put_header(uint32_t protocol, uint32_t type, uint32_t size)
{
	put32(protocol);
	put32(type);
	put32(0x11111111);
	put32(0x22222222);
	put32(size);
}

static void put_body(size_t size)
{
	for (size_t i = 0; i < size; i++)
		stream[stream_bytes++] = (uint8_t)(i * 7);
}

static int feed(size_t piece)
{
	int result = 0;

	for (size_t at = 0; at < stream_bytes && !result; at += piece) {
		size_t count = stream_bytes - at < piece ? stream_bytes - at : piece;
		uint8_t *copy = malloc(count);

		/* Exactly so many bytes, for the address sanitizer. */
		memcpy(copy, stream + at, count);
		result = vdagent_reader_feed(&reader, copy, count);
		free(copy);
	}
	stream_bytes = 0;
	return result;
}

static void expect(const char *expected)
{
	assert_string_equal(text, expected);
	text[0] = 0;
}

/* One big chunk as the Linux agent writes it, pieces as libspice does, two messages in a chunk, a
 * header in two chunks, chunks of nothing, messages of nothing. */
static void put_many(void)
{
	put_chunk(1, 20 + 5000);
	put_header(1, 4, 5000);
	put_body(5000);
	put_chunk(1, 20);
	put_header(1, 7, 12);
	put_chunk(1, 12);
	put_body(12);
	put_chunk(1, 0);
	put_chunk(1, 20 + 3 + 20);
	put_header(1, 8, 3);
	put_body(3);
	put_header(1, 9, 0);
	put_chunk(1, 7);
	put32(1);
	stream[stream_bytes++] = 6;
	stream[stream_bytes++] = 0;
	stream[stream_bytes++] = 0;
	put_chunk(1, 13 + 4);
	stream[stream_bytes++] = 0;
	put32(0);
	put32(0);
	put32(4);
	put_body(4);
}

static void test_pieces(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 20, 28, 2048, 5028, STREAM_BYTES };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		put_many();
		assert_int_equal(feed(pieces[i]), 0);
		expect("1:4:5000 1:7:12 1:8:3 1:9:0 1:6:4 ");
		assert_int_equal(vdagent_reader_bytes(&reader), 0);
		for (size_t at = 0; at < 4; at++)
			assert_int_equal(last_body[at], (uint8_t)(at * 7));
	}
}

static void test_two_ports(void **state)
{
	put_chunk(VDP_CLIENT_PORT, 25);
	put_header(1, 4, 10);
	put_body(5);
	put_chunk(VDP_SERVER_PORT, 20);
	put_header(1, 13, 0);
	put_chunk(VDP_CLIENT_PORT, 5);
	put_body(5);
	assert_int_equal(feed(3), 0);
	expect("2:13:0 1:4:10 ");
	/* The client is gone in the middle of its message. */
	drop_client = true;
	put_chunk(VDP_CLIENT_PORT, 25);
	put_header(1, 4, 10);
	put_body(5);
	put_chunk(VDP_SERVER_PORT, 20);
	put_header(1, 13, 0);
	put_chunk(VDP_CLIENT_PORT, 20);
	put_header(1, 9, 0);
	assert_int_equal(feed(STREAM_BYTES), 0);
	expect("2:13:0 1:9:0 ");
}

static void test_broken(void **state)
{
	static const uint32_t ports[] = { 0, 3, 0xffffffff, 0x01000000 };

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		begin(state);
		put_chunk(ports[i], 20);
		assert_int_equal(feed(STREAM_BYTES), -EPROTO);
		end(state);
	}
	begin(state);
	put_chunk(1, 40);
	put_header(2, 4, 10);
	put_body(10);
	assert_int_equal(feed(1), -EPROTO);
	expect("");
}

/* What is only announced costs nothing, and what is too long is skipped and not kept. */
static void test_sizes(void **state)
{
	size_t fed = 0;

	put_chunk(1, 0xffffffff);
	put_header(1, 4, (uint32_t)VDAGENT_CLIPBOARD_BYTES);
	assert_int_equal(feed(STREAM_BYTES), 0);
	assert_int_equal(vdagent_reader_bytes(&reader), 0);
	while (fed < VDAGENT_CLIPBOARD_BYTES) {
		size_t left = VDAGENT_CLIPBOARD_BYTES - fed;

		stream_bytes = left < STREAM_BYTES ? left : STREAM_BYTES;
		fed += stream_bytes;
		assert_int_equal(feed(STREAM_BYTES), 0);
		assert_true(vdagent_reader_bytes(&reader) <= 2 * fed + 4096);
	}
	expect("1:4:67108872 ");
	assert_int_equal(vdagent_reader_bytes(&reader), 0);

	put_header(1, 4, (uint32_t)VDAGENT_CLIPBOARD_BYTES + 1);
	put_body(1000);
	assert_int_equal(feed(STREAM_BYTES), 0);
	assert_int_equal(vdagent_reader_bytes(&reader), 0);
	expect("");
	vdagent_reader_drop(&reader, VDP_CLIENT_PORT);
	put_header(1, 7, (uint32_t)VDAGENT_SMALL_BYTES + 1);
	put_body(VDAGENT_SMALL_BYTES + 1);
	put_header(1, 7, (uint32_t)VDAGENT_SMALL_BYTES);
	put_body(VDAGENT_SMALL_BYTES);
	assert_int_equal(feed(100), 0);
	expect("1:7:4097! 1:7:4096 ");
	put_header(1, 4000000000u, 0xffffffff);
	assert_int_equal(feed(100), 0);
	assert_int_equal(vdagent_reader_bytes(&reader), 0);
}

/* ---- the writer ---- */

static struct vdagent_writer writer;

/* Takes so many bytes at a time, all in all at most max. */
static void take(size_t piece, size_t max)
{
	stream_bytes = 0;
	while (writer.backlog && stream_bytes < max) {
		size_t count;
		const uint8_t *bytes = vdagent_writer_peek(&writer, &count);

		assert_true(count > 0 && count <= writer.backlog);
		if (count > piece)
			count = piece;
		if (count > max - stream_bytes)
			count = max - stream_bytes;
		memcpy(stream + stream_bytes, bytes, count);
		stream_bytes += count;
		vdagent_writer_take(&writer, count);
	}
}

static void expect_chunk(size_t *at, uint32_t port, uint32_t size)
{
	assert_int_equal(le32_load(stream + *at), port);
	assert_int_equal(le32_load(stream + *at + 4), size);
	*at += 8 + size;
}

static void test_writer(void **state)
{
	uint8_t body[5000];
	size_t at = 0, count;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 3);
	assert_int_equal(vdagent_writer_add(&writer, 1, 8, "abcd", 4, NULL, 0), 0);
	assert_int_equal(vdagent_writer_add(&writer, 2, 4, "head", 4, body, sizeof(body)), 0);
	assert_int_equal(vdagent_writer_add(&writer, 1, 9, NULL, 0, NULL, 0), 0);
	assert_int_equal(vdagent_writer_add(&writer, 1, 4, NULL, 0, body, 2028), 0);
	take(77, STREAM_BYTES);
	assert_int_equal(le32_load(stream + 8), VD_AGENT_PROTOCOL);
	assert_int_equal(le32_load(stream + 12), 8);
	assert_int_equal(le32_load(stream + 16) | le32_load(stream + 20), 0);
	assert_int_equal(le32_load(stream + 24), 4);
	assert_memory_equal(stream + 28, "abcd", 4);
	expect_chunk(&at, 1, 24);
	assert_int_equal(le32_load(stream + at + 24), 5004);
	assert_memory_equal(stream + at + 28, "head", 4);
	assert_memory_equal(stream + at + 32, body, 2024);
	expect_chunk(&at, 2, 2048);
	assert_memory_equal(stream + at + 8, body + 2024, 2048);
	expect_chunk(&at, 2, 2048);
	expect_chunk(&at, 2, 928);
	assert_memory_equal(stream + at - 928, body + 4072, 928);
	expect_chunk(&at, 1, 20);
	expect_chunk(&at, 1, 2048);
	assert_int_equal(at, stream_bytes);
	/* And our reader has it back. */
	assert_int_equal(feed(STREAM_BYTES), 0);
	expect("1:8:4 2:4:5004 1:9:0 1:4:2028 ");
	assert_null(vdagent_writer_peek(&writer, &count));
	assert_int_equal(count, 0);
	assert_int_equal(vdagent_writer_add(&writer, 1, 9, NULL, 0, NULL, 0), 0);
	vdagent_writer_finish(&writer);
	assert_int_equal(writer.backlog, 0);
}

static void test_writer_cut(void **state)
{
	static const uint8_t body[3000];
	size_t taken;

	vdagent_writer_cut(&writer);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(vdagent_writer_add(&writer, 1, 4, NULL, 0, body, sizeof(body)), 0);
	/* The second is half gone. */
	taken = 3000 + 20 + 16 + 100;
	take(10, taken);
	assert_int_equal(feed(STREAM_BYTES), 0);
	vdagent_writer_cut(&writer);
	assert_int_equal(writer.backlog, 2 * (3000 + 20 + 16) - taken);
	vdagent_writer_cut(&writer);
	assert_int_equal(vdagent_writer_add(&writer, 1, 9, NULL, 0, NULL, 0), 0);
	take(STREAM_BYTES, STREAM_BYTES);
	assert_int_equal(feed(STREAM_BYTES), 0);
	expect("1:4:3000 1:4:3000 1:9:0 ");
	assert_int_equal(vdagent_writer_add(&writer, 1, 9, NULL, 0, NULL, 0), 0);
	vdagent_writer_cut(&writer);
	assert_int_equal(writer.backlog, 0);
}

/* ---- texts ---- */

static void expect_lf(const char *from, size_t count, const char *expected)
{
	uint8_t *to = malloc(count ? count : 1);
	size_t made = clipboard_text_to_lf(to, (const uint8_t *)from, count);

	assert_int_equal(made, strlen(expected));
	assert_memory_equal(to, expected, made);
	free(to);
}

static void expect_crlf(const char *from, const char *expected)
{
	size_t made;
	uint8_t *to = clipboard_text_to_crlf((const uint8_t *)from, strlen(from), &made);

	assert_non_null(to);
	assert_int_equal(made, strlen(expected));
	assert_memory_equal(to, expected, made);
	free(to);
}

static void test_texts(void **state)
{
	static const uint8_t nuls[] = { 'a', 0, 'b', 0, 0, 0 };

	expect_lf("", 0, "");
	expect_lf("a\r\nb\n\r\n\r", 8, "a\nb\n\n\r");
	expect_lf("\r\r\n", 3, "\r\n");
	expect_crlf("", "");
	expect_crlf("\na\nb\r\nc\n\n\r", "\r\na\r\nb\r\nc\r\n\r\n\r");
	assert_int_equal(clipboard_text_length(nuls, 6), 3);
	assert_int_equal(clipboard_text_length(nuls, 0), 0);
	assert_int_equal(clipboard_text_length(nuls + 3, 3), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pieces), TEST(test_two_ports),  TEST(test_broken), TEST(test_sizes),
		TEST(test_writer), TEST(test_writer_cut), TEST(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
