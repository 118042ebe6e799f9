/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bridge between a desktop's and a VM's clipboard, both fakes; and what it is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <SDL.h>
#include <base/clock.h>
#include <base/loop.h>
#include <clipboard_bridge.h>
#include <clipboard_clean.h>
#include <clipboard_pipe.h>
#include <cmocka.h>

#define TEXT CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT)
#define PNG CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG)
#define WAIT_NS UINT64_C(60000000000)

/* What the bridge has said to one of the fakes, in words. */
static char desktop_heard[1024], vm_heard[1024];
static struct loop *loop;
static struct clipboard_bridge bridge;
static struct client_clipboard_listener listener;       /* the bridge, as the desktop sees it */
static const struct clipboard_channel_ops *vm_ops;      /* and as the VM does */
static void *vm_data;

static void hear(char *heard, const char *what, unsigned int number)
{
	size_t used = strlen(heard);

	snprintf(heard + used, sizeof(desktop_heard) - used, "%s %u; ", what, number);
}

static void hear_answer(char *heard, unsigned int type, const void *bytes, size_t count)
{
	char what[64];

	assert_int_equal(!bytes, !count);
	snprintf(what, sizeof(what), "'%.*s'", (int)count, bytes ? (const char *)bytes : "");
	hear(heard, what, type);
}

static void expect(char *heard, const char *text)
{
	assert_string_equal(heard, text);
	heard[0] = '\0';
}

/* --- a desktop --------------------------------------------------------------------------- */

static void desktop_grab(struct client_clipboard *clipboard, uint32_t types)
{
	hear(desktop_heard, "grab", types);
}

static void desktop_release(struct client_clipboard *clipboard)
{
	hear(desktop_heard, "release", 0);
}

static void desktop_request(struct client_clipboard *clipboard, enum clipboard_wire_type type)
{
	hear(desktop_heard, "request", type);
}

static void desktop_answer(struct client_clipboard *clipboard, enum clipboard_wire_type type,
			   const void *bytes, size_t count)
{
	hear_answer(desktop_heard, type, bytes, count);
}

static void desktop_destroy(struct client_clipboard *clipboard)
{
	hear(desktop_heard, "destroy", 0);
}

static const struct client_clipboard_ops desktop_ops = {
	.grab = desktop_grab, .release = desktop_release, .request = desktop_request,
	.answer = desktop_answer, .destroy = desktop_destroy,
};

static struct client_clipboard desktop = { .ops = &desktop_ops };

/* --- a VM -------------------------------------------------------------------------------- */

static int vm_join(struct client_source *source, struct loop *on,
		   const struct clipboard_channel_ops *ops, void *data)
{
	vm_ops = ops;
	vm_data = data;
	return 0;
}

static void vm_leave(struct client_source *source)
{
	hear(vm_heard, "leave", 0);
}

static void vm_grab(struct client_source *source, uint32_t types)
{
	hear(vm_heard, "grab", types);
}

static void vm_release(struct client_source *source)
{
	hear(vm_heard, "release", 0);
}

static void vm_request(struct client_source *source, enum clipboard_wire_type type)
{
	hear(vm_heard, "request", type);
}

static void vm_answer(struct client_source *source, enum clipboard_wire_type type,
		      const void *bytes, size_t count)
{
	hear_answer(vm_heard, type, bytes, count);
}

static const struct source_clipboard_ops vm_clipboard = {
	.join = vm_join, .leave = vm_leave, .grab = vm_grab, .release = vm_release,
	.request = vm_request, .answer = vm_answer,
};

static const struct client_source_ops vm_source_ops = { .clipboard = &vm_clipboard };
static struct client_source vm = { .ops = &vm_source_ops };

static int open_bridge(void **state)
{
	loop = loop_create("test");
	assert_int_equal(clipboard_bridge_init(&bridge, loop), 0);
	listener = clipboard_bridge_listener(&bridge);
	clipboard_bridge_set_desktop(&bridge, &desktop);
	desktop_heard[0] = vm_heard[0] = '\0';
	return 0;
}

static int open_joined(void **state)
{
	open_bridge(state);
	assert_int_equal(clipboard_bridge_join(&bridge, &vm), 0);
	expect(vm_heard, "");
	return 0;
}

static int close_bridge(void **state)
{
	desktop_heard[0] = '\0';
	clipboard_bridge_finish(&bridge);
	assert_non_null(strstr(desktop_heard, "destroy"));
	loop_destroy(loop);
	return 0;
}

/* --- the bridge -------------------------------------------------------------------------- */

static void test_the_desktop_copies_and_the_vm_pastes(void **state)
{
	listener.grabbed(listener.data, TEXT | PNG);
	expect(vm_heard, "grab 3; ");
	expect(desktop_heard, "");
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_TEXT);
	expect(desktop_heard, "request 0; ");
	listener.answered(listener.data, CLIPBOARD_WIRE_TEXT, "words", 5);
	/* Nobody asked for these. */
	listener.answered(listener.data, CLIPBOARD_WIRE_TEXT, "again", 5);
	listener.answered(listener.data, CLIPBOARD_WIRE_PNG, "again", 5);
	expect(vm_heard, "'words' 0; ");
	listener.grabbed(listener.data, TEXT);
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_PNG);
	expect(vm_heard, "grab 1; '' 1; ");
	listener.released(listener.data);
	expect(vm_heard, "release 0; ");
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_TEXT);
	expect(vm_heard, "'' 0; ");
	expect(desktop_heard, "");
}

static void test_the_vm_copies_and_the_desktop_pastes(void **state)
{
	vm_ops->grabbed(vm_data, TEXT);
	expect(desktop_heard, "grab 1; ");
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	expect(vm_heard, "request 0; ");
	vm_ops->answered(vm_data, CLIPBOARD_WIRE_TEXT, "words", 5);
	vm_ops->answered(vm_data, CLIPBOARD_WIRE_TEXT, "again", 5);
	expect(desktop_heard, "'words' 0; ");
	listener.wanted(listener.data, CLIPBOARD_WIRE_PNG);
	expect(desktop_heard, "'' 1; ");
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	vm_ops->released(vm_data);
	expect(desktop_heard, "'' 0; release 0; ");
	expect(vm_heard, "request 0; ");
}

static void test_what_was_copied_before_the_vm_came(void **state)
{
	listener.grabbed(listener.data, PNG);
	assert_int_equal(clipboard_bridge_join(&bridge, &vm), 0);
	expect(vm_heard, "grab 2; ");
	clipboard_bridge_leave(&bridge);
	clipboard_bridge_leave(&bridge);
	expect(vm_heard, "leave 0; ");
	expect(desktop_heard, "");
}

static void test_what_the_vm_had_goes_with_it(void **state)
{
	vm_ops->grabbed(vm_data, TEXT);
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	expect(desktop_heard, "grab 1; ");
	vm_ops->ended(vm_data);
	expect(vm_heard, "request 0; leave 0; ");
	expect(desktop_heard, "'' 0; release 0; ");
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	expect(desktop_heard, "'' 0; ");
	listener.grabbed(listener.data, TEXT);
	expect(vm_heard, "");
}

static void test_a_copy_of_the_desktops_replaces_the_vms(void **state)
{
	vm_ops->grabbed(vm_data, TEXT);
	listener.grabbed(listener.data, PNG);
	/* Told before it had heard of that: not the desktop's any more. */
	vm_ops->released(vm_data);
	expect(desktop_heard, "grab 1; ");
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_PNG);
	expect(desktop_heard, "request 1; ");
	/* And the other way round, in the middle of an answer. */
	vm_ops->grabbed(vm_data, TEXT);
	listener.answered(listener.data, CLIPBOARD_WIRE_PNG, "late", 4);
	expect(vm_heard, "grab 2; ");
	listener.released(listener.data);
	expect(vm_heard, "");
}

static void test_an_echo_is_not_grabbed_again(void **state)
{
	for (int i = 0; i < 5; i++)
		vm_ops->grabbed(vm_data, TEXT);
	expect(desktop_heard, "grab 1; ");
	vm_ops->grabbed(vm_data, TEXT | PNG);
	expect(desktop_heard, "grab 3; ");
	listener.grabbed(listener.data, TEXT);
	vm_ops->grabbed(vm_data, TEXT);
	expect(desktop_heard, "grab 1; ");
}

static void test_bytes_that_are_not_what_they_should_be(void **state)
{
	listener.grabbed(listener.data, TEXT | PNG);
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_PNG);
	listener.answered(listener.data, CLIPBOARD_WIRE_PNG, "GIF89a, say", 11);
	expect(vm_heard, "grab 3; '' 1; ");
	vm_ops->grabbed(vm_data, TEXT);
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	vm_ops->answered(vm_data, CLIPBOARD_WIRE_TEXT, "\xff", 1);
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	vm_ops->answered(vm_data, CLIPBOARD_WIRE_TEXT, "zero\0\0", 6);
	expect(desktop_heard, "request 1; grab 1; '' 0; 'zero' 0; ");
}

static void test_a_vm_that_does_not_answer(void **state)
{
	uint64_t start_ns = clock_now_ns();

	vm_ops->grabbed(vm_data, TEXT);
	listener.wanted(listener.data, CLIPBOARD_WIRE_TEXT);
	expect(desktop_heard, "grab 1; ");
	while (!desktop_heard[0]) {
		assert_true(clock_now_ns() - start_ns < WAIT_NS);
		loop_dispatch(loop, 1000);
	}
	expect(desktop_heard, "'' 0; ");
	assert_true(clock_now_ns() - start_ns > UINT64_C(5000000000));
}

/* --- cleaning ---------------------------------------------------------------------------- */

static size_t clean_text(const char *text)
{
	return clipboard_clean(CLIPBOARD_WIRE_TEXT, text, strlen(text));
}

static void test_text_is_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80", "a\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98",
	};

	assert_int_equal(clean_text("abc\n"), 4);
	assert_int_equal(clean_text("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"), 13);
	assert_int_equal(clean_text("\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 11);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clean_text(bad[i]), 0);
	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_TEXT, "a\0\0", 3), 1);
	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_TEXT, "\0\0", 2), 0);
	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_TEXT, NULL, 0), 0);
}

static void test_a_png_has_its_signature(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n....";

	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_PNG, png, 12), 12);
	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_PNG, png, 8), 0);
	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_PNG, png + 1, 11), 0);
	assert_int_equal(clipboard_clean(CLIPBOARD_WIRE_PNG, png, CLIPBOARD_WIRE_MAX_BYTES + 1), 0);
}

/* --- pipes ------------------------------------------------------------------------------- */

struct pipe_end {
	bool done;
	size_t count;
	char start[32];
};

static void pipe_done(void *data, const void *bytes, size_t count)
{
	struct pipe_end *end = data;

	assert_false(end->done);
	assert_int_equal(!bytes, !count);
	end->done = true;
	end->count = count;
	if (bytes)
		memcpy(end->start, bytes, count < 31 ? count : 31);
}

static void pipe_wait(const struct pipe_end *end)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (!end->done) {
		assert_true(clock_now_ns() < end_ns);
		loop_dispatch(loop, 1000);
	}
}

static void test_pipes_carry_bytes(void **state)
{
	struct pipe_end got = { 0 }, put = { 0 };
	size_t count = 5 << 20;
	char *bytes = malloc(count);
	int ends[2];

	memset(bytes, 'x', count);
	assert_int_equal(pipe(ends), 0);
	assert_non_null(clipboard_pipe_read(loop, ends[0], pipe_done, &got));
	assert_non_null(clipboard_pipe_write(loop, ends[1], bytes, count, pipe_done, &put));
	free(bytes);
	pipe_wait(&got);
	pipe_wait(&put);
	assert_int_equal(got.count, count);
	assert_string_equal(got.start, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void test_pipes_whose_other_end_is_gone_or_stands_still(void **state)
{
	struct pipe_end got = { 0 }, put = { 0 };
	int ends[2], still[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_non_null(clipboard_pipe_write(loop, ends[1], "x", 1, pipe_done, &put));
	pipe_wait(&put);
	assert_int_equal(put.count, 0);
	assert_int_equal(pipe(still), 0);
	assert_int_equal(write(still[1], "half", 4), 4);
	assert_non_null(clipboard_pipe_read(loop, still[0], pipe_done, &got));
	pipe_wait(&got);
	assert_int_equal(got.count, 0);
	close(still[1]);
}

static void test_a_pipe_without_end(void **state)
{
	struct pipe_end got = { 0 };
	char bytes[4096] = "";
	int ends[2], flags = O_NONBLOCK;

	assert_int_equal(pipe2(ends, flags), 0);
	assert_non_null(clipboard_pipe_read(loop, ends[0], pipe_done, &got));
	for (uint64_t sent = 0; !got.done;) {
		ssize_t put = write(ends[1], bytes, sizeof(bytes));

		sent += put > 0 ? (uint64_t)put : 0;
		assert_true(sent < CLIPBOARD_WIRE_MAX_BYTES * 3);
		loop_dispatch(loop, 0);
	}
	assert_int_equal(got.count, 0);
	close(ends[1]);
}

static void test_what_cannot_be_waited_for_is_refused(void **state)
{
	struct pipe_end got = { 0 };
	char path[] = "/tmp/vitrine-clipboard-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	assert_null(clipboard_pipe_write(loop, fd, "x", 1, pipe_done, &got));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	clipboard_pipe_cancel(NULL);
	assert_false(got.done);
}

/* --- SDL's own --------------------------------------------------------------------------- */

/* On SDL's driver without a screen, whose clipboard is a string. */
static void test_text_through_sdl(void **state)
{
	struct client_clipboard *sdl;
	char *text;

	assert_int_equal(SDL_Init(SDL_INIT_VIDEO), 0);
	SDL_SetClipboardText("before");
	sdl = clipboard_sdl_create(&listener);
	clipboard_bridge_set_desktop(&bridge, sdl);
	assert_int_equal(clipboard_bridge_join(&bridge, &vm), 0);
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_TEXT);
	vm_ops->wanted(vm_data, CLIPBOARD_WIRE_PNG);
	expect(vm_heard, "grab 1; 'before' 0; '' 1; ");
	/* It cannot be offered without having it. */
	vm_ops->grabbed(vm_data, TEXT | PNG);
	expect(vm_heard, "request 0; ");
	vm_ops->answered(vm_data, CLIPBOARD_WIRE_TEXT, "the guest's", 11);
	text = SDL_GetClipboardText();
	assert_string_equal(text, "the guest's");
	SDL_free(text);
	sdl->ops->updated(sdl);
	expect(vm_heard, "");
	SDL_SetClipboardText("a program's");
	sdl->ops->updated(sdl);
	expect(vm_heard, "grab 1; ");
	SDL_SetClipboardText("");
	sdl->ops->updated(sdl);
	expect(vm_heard, "release 0; ");
	vm_ops->grabbed(vm_data, TEXT);
	vm_ops->answered(vm_data, CLIPBOARD_WIRE_TEXT, "again", 5);
	vm_ops->released(vm_data);
	assert_false(SDL_HasClipboardText());
	sdl->ops->destroy(sdl);
	clipboard_bridge_set_desktop(&bridge, &desktop);
	SDL_Quit();
}

#define BRIDGE(test) cmocka_unit_test_setup_teardown(test, open_bridge, close_bridge)
#define JOINED(test) cmocka_unit_test_setup_teardown(test, open_joined, close_bridge)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOINED(test_the_desktop_copies_and_the_vm_pastes),
		JOINED(test_the_vm_copies_and_the_desktop_pastes),
		BRIDGE(test_what_was_copied_before_the_vm_came),
		JOINED(test_what_the_vm_had_goes_with_it),
		JOINED(test_a_copy_of_the_desktops_replaces_the_vms),
		JOINED(test_an_echo_is_not_grabbed_again),
		JOINED(test_bytes_that_are_not_what_they_should_be),
		JOINED(test_a_vm_that_does_not_answer),
		BRIDGE(test_text_through_sdl),
		cmocka_unit_test(test_text_is_utf8),
		cmocka_unit_test(test_a_png_has_its_signature),
		BRIDGE(test_pipes_carry_bytes),
		BRIDGE(test_pipes_whose_other_end_is_gone_or_stands_still),
		BRIDGE(test_a_pipe_without_end),
		BRIDGE(test_what_cannot_be_waited_for_is_refused),
	};

	setenv("SDL_VIDEODRIVER", "dummy", 1);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
