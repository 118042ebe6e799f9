/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/loop.h>
#include <clipboard/clipboard.h>
#include <cmocka.h>

#include "clipboard_mock.h"

#define WAIT_NS (4 * CLIPBOARD_ANSWER_NS)
#define BOTH (CLIPBOARD_BIT(CLIPBOARD_TEXT) | CLIPBOARD_BIT(CLIPBOARD_PNG))

static struct loop *loop;
static struct clipboard *clipboard;
static struct clipboard_mock a, b, c, d;
static struct clipboard_mock *const mocks[] = { &a, &b, &c, &d };

static int open_all(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	loop = loop_create("test");
	clipboard = clipboard_create(loop);
	for (size_t i = 0; i < 4; i++)
		clipboard_mock_init(mocks[i], names[i]);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(clipboard_join(clipboard, &mocks[i]->party), 0);
	return clipboard ? 0 : -1;
}

static int close_all(void **state)
{
	for (size_t i = 0; i < 4; i++)
		clipboard_mock_finish(mocks[i]);
	clipboard_destroy(clipboard);
	loop_destroy(loop);
	return 0;
}

static void expect(struct clipboard_mock *mock, const char *text)
{
	assert_string_equal(mock->text, text);
	mock->text[0] = 0;
}

/* Until the party has been told something. */
static void expect_soon(struct clipboard_mock *mock, const char *text)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (!mock->text[0] && clock_now_ns() < end_ns)
		loop_dispatch(loop, 100);
	expect(mock, text);
}

/* Everything that is to be asked has been. */
static void settle(void)
{
	while (loop_dispatch(loop, 50) > 0)
		;
}

static void test_ownership(void **state)
{
	clipboard_release(&a.party);
	clipboard_grab(&a.party, 0);
	clipboard_grab(&a.party, ~BOTH);
	expect(&b, "");
	clipboard_grab(&a.party, CLIPBOARD_BIT(CLIPBOARD_TEXT));
	expect(&a, "");
	expect(&b, "grabbed 1; ");
	expect(&c, "grabbed 1; ");
	/* One that comes late, and a party that copies again. */
	assert_int_equal(clipboard_join(clipboard, &d.party), 0);
	expect(&d, "grabbed 1; ");
	clipboard_grab(&a.party, ~0u);
	expect(&a, "");
	expect(&d, "grabbed 3; ");
	clipboard_grab(&b.party, CLIPBOARD_BIT(CLIPBOARD_PNG));
	expect(&a, "grabbed 2; ");
	expect(&b, "grabbed 3; ");
	/* No longer its own to release. */
	c.text[0] = 0;
	clipboard_release(&a.party);
	expect(&c, "");
	clipboard_grab(&b.party, 0);
	expect(&a, "released 0; ");
	expect(&b, "");
	expect(&c, "released 0; ");
}

static void test_request(void **state)
{
	clipboard_grab(&a.party, BOTH);
	b.text[0] = c.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	clipboard_request(&c.party, CLIPBOARD_TEXT);
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect(&a, "");
	expect_soon(&a, "wanted 0; ");
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "hello", 5);
	expect(&b, "'hello' 0; ");
	expect(&c, "'hello' 0; ");
	/* Nobody waits for these. */
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "hello", 5);
	clipboard_answer(&a.party, CLIPBOARD_PNG, "png", 3);
	expect(&b, "");
	/* Another type, another time; an owner that has nothing after all. */
	clipboard_request(&b.party, CLIPBOARD_PNG);
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	settle();
	assert_non_null(strstr(a.text, "wanted 0; "));
	assert_non_null(strstr(a.text, "wanted 1; "));
	a.text[0] = 0;
	clipboard_answer(&a.party, CLIPBOARD_PNG, NULL, 0);
	expect(&b, "nothing 1; ");
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "x", 0);
	expect(&b, "nothing 0; ");
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	clipboard_answer(&a.party, CLIPBOARD_TEXT, NULL, 7);
	expect(&b, "nothing 0; ");
	expect(&c, "");
}

static void test_nothing_to_ask_for(void **state)
{
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect(&b, "");
	expect_soon(&b, "nothing 0; ");
	clipboard_grab(&a.party, CLIPBOARD_BIT(CLIPBOARD_TEXT));
	b.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_PNG);
	expect_soon(&b, "nothing 1; ");
	expect(&a, "");
	clipboard_request(&b.party, CLIPBOARD_TYPE_COUNT);
	clipboard_request(&b.party, (enum clipboard_type)1000);
	loop_dispatch(loop, 0);
	expect(&b, "");
}

/* What only the owner may do; what is not a type; what is too long. */
static void test_hostile(void **state)
{
	uint8_t *huge = calloc(1, CLIPBOARD_MAX_BYTES + 1);

	assert_non_null(huge);
	clipboard_grab(&a.party, BOTH);
	b.text[0] = c.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_PNG);
	expect_soon(&a, "wanted 1; ");
	clipboard_answer(&c.party, CLIPBOARD_PNG, "forged", 6);
	clipboard_answer(&b.party, CLIPBOARD_PNG, "forged", 6);
	clipboard_answer(&a.party, (enum clipboard_type)-1, "wild", 4);
	clipboard_answer(&a.party, CLIPBOARD_TYPE_COUNT, "wild", 4);
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "unasked", 7);
	clipboard_answer(&d.party, CLIPBOARD_PNG, "a stranger", 10);
	clipboard_grab(&d.party, BOTH);
	clipboard_release(&d.party);
	clipboard_request(&d.party, CLIPBOARD_PNG);
	clipboard_release(&c.party);
	expect(&b, "");
	clipboard_answer(&a.party, CLIPBOARD_PNG, huge, CLIPBOARD_MAX_BYTES + 1);
	expect(&b, "nothing 1; ");
	clipboard_request(&b.party, CLIPBOARD_PNG);
	expect_soon(&a, "wanted 1; ");
	clipboard_answer(&a.party, CLIPBOARD_PNG, huge, CLIPBOARD_MAX_BYTES);
	expect(&b, "(33554432) 1; ");
	expect(&c, "");
	free(huge);
}

static void test_late_answer(void **state)
{
	uint64_t start_ns;

	clipboard_grab(&a.party, BOTH);
	b.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	start_ns = clock_now_ns();
	expect_soon(&b, "nothing 0; ");
	assert_true(clock_now_ns() - start_ns > CLIPBOARD_ANSWER_NS / 2);
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "late", 4);
	expect(&b, "");
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "again", 5);
	expect(&b, "'again' 0; ");
}

/* Whoever waits is told, and only then that there is something new. */
static void test_owner_changes_while_asked(void **state)
{
	clipboard_grab(&a.party, BOTH);
	b.text[0] = c.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	clipboard_grab(&c.party, BOTH);
	expect(&b, "nothing 0; grabbed 3; ");
	expect(&a, "grabbed 3; ");
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "old", 3);
	expect(&b, "");
	/* Not yet asked when it changes. */
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	clipboard_grab(&c.party, CLIPBOARD_BIT(CLIPBOARD_TEXT));
	expect(&b, "nothing 0; grabbed 1; ");
	loop_dispatch(loop, 0);
	expect(&c, "");
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&c, "wanted 0; ");
	clipboard_leave(&c.party);
	expect(&b, "nothing 0; released 0; ");
	expect(&c, "");
}

static void test_leave(void **state)
{
	clipboard_grab(&a.party, BOTH);
	b.text[0] = c.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	clipboard_leave(&b.party);
	clipboard_leave(&b.party);
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "hello", 5);
	expect(&b, "");
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	clipboard_grab(&b.party, BOTH);
	expect(&c, "");
	assert_int_equal(clipboard_join(clipboard, &b.party), 0);
	expect(&b, "grabbed 3; ");
}

static void test_full(void **state)
{
	static struct clipboard_mock crowd[CLIPBOARD_MAX_PARTIES];
	size_t joined = 0;

	for (size_t i = 0; i < CLIPBOARD_MAX_PARTIES; i++) {
		clipboard_mock_init(&crowd[i], "one of many");
		joined += clipboard_join(clipboard, &crowd[i].party) == 0;
	}
	assert_int_equal(joined, CLIPBOARD_MAX_PARTIES - 3);
	assert_int_equal(clipboard_join(clipboard, &d.party), -ENOSPC);
	clipboard_grab(&d.party, BOTH);
	expect(&crowd[0], "");
	clipboard_grab(&crowd[0].party, BOTH);
	expect(&crowd[joined - 1], "grabbed 3; ");
	for (size_t i = 0; i < joined; i++)
		clipboard_leave(&crowd[i].party);
}

/* ---- inside callbacks ---- */

static void act_grab(struct clipboard_mock *mock)
{
	clipboard_grab(&mock->party, CLIPBOARD_BIT(CLIPBOARD_PNG));
}

static void act_answer(struct clipboard_mock *mock)
{
	clipboard_answer(&mock->party, CLIPBOARD_TEXT, "at once", 7);
}

static void act_request(struct clipboard_mock *mock)
{
	clipboard_request(&mock->party, CLIPBOARD_TEXT);
	/* Not from inside. */
	assert_null(strstr(mock->text, "at once"));
}

static void act_leave(struct clipboard_mock *mock)
{
	clipboard_leave(&mock->party);
}

static void act_leave_and_join(struct clipboard_mock *mock)
{
	clipboard_leave(&mock->party);
	assert_int_equal(clipboard_join(clipboard, &mock->party), 0);
}

static void act_throw_others_out(struct clipboard_mock *mock)
{
	clipboard_leave(&a.party);
	clipboard_leave(&c.party);
	assert_int_equal(clipboard_join(clipboard, &d.party), 0);
}

static void act_request_of_c(struct clipboard_mock *mock)
{
	clipboard_request(&c.party, CLIPBOARD_TEXT);
}

static void test_counter_grab(void **state)
{
	b.act = act_grab;
	clipboard_grab(&a.party, BOTH);
	expect(&a, "grabbed 2; ");
	expect(&b, "grabbed 3; ");
	expect(&c, "grabbed 2; ");      /* not the older one after it */
}

static void test_answer_at_once(void **state)
{
	a.act = act_answer;
	b.act = act_request;
	clipboard_grab(&a.party, BOTH);
	expect_soon(&a, "wanted 0; ");
	expect(&b, "grabbed 3; 'at once' 0; ");
}

static void test_asks_again_when_answered(void **state)
{
	clipboard_grab(&a.party, BOTH);
	b.text[0] = c.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	b.act = act_request;
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "one", 3);
	expect(&b, "'one' 0; ");
	expect_soon(&a, "wanted 0; ");
	/* Somebody asks while this answer goes round: it gets one of its own. */
	b.act = act_request_of_c;
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "two", 3);
	expect(&b, "'two' 0; ");
	expect(&c, "");
	expect_soon(&a, "wanted 0; ");
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "three", 5);
	expect(&b, "");
	expect(&c, "'three' 0; ");
}

static void test_grab_when_answered(void **state)
{
	clipboard_grab(&a.party, BOTH);
	b.text[0] = c.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	clipboard_request(&c.party, CLIPBOARD_TEXT);
	clipboard_request(&c.party, CLIPBOARD_PNG);
	settle();
	a.text[0] = 0;
	b.act = act_grab;
	clipboard_answer(&a.party, CLIPBOARD_TEXT, "old", 3);
	expect(&b, "'old' 0; ");
	expect(&c, "nothing 1; grabbed 2; 'old' 0; ");
	expect(&a, "grabbed 2; ");
}

static void test_leave_inside(void **state)
{
	b.act = act_leave;
	clipboard_grab(&a.party, BOTH);
	expect(&b, "grabbed 3; ");
	expect(&c, "grabbed 3; ");
	assert_int_equal(clipboard_join(clipboard, &b.party), 0);
	b.text[0] = 0;
	/* The owner leaves when it is asked. */
	a.act = act_leave;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&a, "wanted 0; ");
	expect(&b, "nothing 0; released 0; ");
	expect(&c, "released 0; ");
	/* The one that waits leaves when it is answered, and comes back. */
	clipboard_grab(&c.party, BOTH);
	expect(&b, "grabbed 3; ");
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&c, "wanted 0; ");
	b.act = act_leave_and_join;
	clipboard_answer(&c.party, CLIPBOARD_TEXT, "x", 1);
	expect(&b, "'x' 0; grabbed 3; ");
}

static void test_throw_out_inside(void **state)
{
	b.act = act_throw_others_out;
	clipboard_grab(&a.party, BOTH);
	/* Its owner is thrown out while others are told of the grab. */
	expect(&b, "grabbed 3; released 0; ");
	expect(&c, "released 0; ");
	expect(&d, "");
}

static void test_owner_thrown_out_by_its_own_grab(void **state)
{
	clipboard_grab(&c.party, BOTH);
	a.text[0] = b.text[0] = 0;
	clipboard_request(&b.party, CLIPBOARD_TEXT);
	expect_soon(&c, "wanted 0; ");
	b.act = act_throw_others_out;
	clipboard_grab(&a.party, BOTH);
	expect(&b, "nothing 0; released 0; ");
	expect(&a, "");
	expect(&d, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ownership),
		TEST(test_request),
		TEST(test_nothing_to_ask_for),
		TEST(test_hostile),
		TEST(test_late_answer),
		TEST(test_owner_changes_while_asked),
		TEST(test_leave),
		TEST(test_full),
		TEST(test_counter_grab),
		TEST(test_answer_at_once),
		TEST(test_asks_again_when_answered),
		TEST(test_grab_when_answered),
		TEST(test_leave_inside),
		TEST(test_throw_out_inside),
		TEST(test_owner_thrown_out_by_its_own_grab),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
