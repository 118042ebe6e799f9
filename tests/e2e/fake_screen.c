/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as far as a SPICE client can see: a real SPICE server, a display of two screens of
 * which the first one is on, and input devices with a fake guest. Commands come on stdin, one per
 * line; what the guest's devices report is printed.
 *
 *   fake-screen SOCKET [WIDTH HEIGHT]
 */
#include "fake_picture.h"

#include <base/log.h>
#include <base/loop.h>
#include <display/surface.h>
#include <drm_fourcc.h>
#include <input/router.h>
#include <input_guest.h>
#include <semaphore.h>
#include <signal.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAKE_CURSOR 32
#define FAKE_LINE_BYTES 256

struct fake_screen {
	struct loop *loop;              /* input and commands; this thread's */
	struct loop *display_loop;
	struct display *display;
	struct display_resize_listener listener;
	struct input_guest keyboard, tablet, mouse;
	struct spice_service *service;
	struct fake_picture picture;
	struct display_buffer *buffer;
	struct rect damage;             /* to be committed */
	sem_t idle;                     /* no frame is out: the picture may be drawn in */
	bool quits;
};

/* --- the screen -------------------------------------------------------------------------- */

struct fake_frame {
	struct display_frame base;
	struct fake_screen *spice;
};

static void fake_release(struct display_frame *base)
{
	struct fake_frame *frame = (struct fake_frame *)base;

	display_buffer_unref(base->buffer);
	sem_post(&frame->spice->idle);
	free(frame);
}

static void fake_do_commit(void *data)
{
	struct fake_screen *spice = data;
	struct fake_frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		abort();
	frame->spice = spice;
	frame->base.references = 1;
	frame->base.buffer = display_buffer_ref(spice->buffer);
	frame->base.source = (struct rect){ 0, 0, spice->buffer->width, spice->buffer->height };
	frame->base.release = fake_release;
	damage_add(&frame->base.damage, &spice->damage);
	display_surface_commit(display_surface_get(spice->display, 0), &frame->base);
}

static void fake_do_off(void *data)
{
	struct fake_screen *spice = data;

	display_surface_disable(display_surface_get(spice->display, 0));
}

static void fake_commit(struct fake_screen *spice, struct rect damage)
{
	uint32_t *pixels = display_buffer_host_pixels(spice->buffer);

	sem_wait(&spice->idle);
	memcpy(pixels, spice->picture.pixels,
	       (size_t)spice->picture.width * spice->picture.height * 4);
	spice->damage = damage;
	loop_call(spice->display_loop, fake_do_commit, spice);
}

static void fake_set_mode(struct fake_screen *spice, uint32_t width, uint32_t height)
{
	if (!width || !height) {
		loop_call(spice->display_loop, fake_do_off, spice);
		return;
	}
	display_buffer_unref(spice->buffer);
	spice->buffer = display_buffer_create_host(width, height, DRM_FORMAT_XRGB8888);
	if (!spice->buffer)
		abort();
	fake_picture_draw(&spice->picture, width, height);
	fake_commit(spice, (struct rect){ 0, 0, width, height });
}

static void fake_on_monitor(struct display_resize_listener *listener, uint32_t index,
			    uint32_t width, uint32_t height)
{
	printf("monitor %u %u %u\n", index, width, height);
	fflush(stdout);
}

/* --- the cursor -------------------------------------------------------------------------- */

struct fake_cursor {
	struct fake_screen *spice;
	struct display_cursor cursor;
};

static void fake_do_cursor(void *data)
{
	struct fake_cursor *job = data;

	display_surface_set_cursor(display_surface_get(job->spice->display, 0), &job->cursor);
}

/* Left half: opaque; right half: white at one half, as guests have it. */
static struct display_buffer *fake_cursor_image(void)
{
	struct display_buffer *buffer = display_buffer_create_host(FAKE_CURSOR, FAKE_CURSOR,
								   DRM_FORMAT_ARGB8888);
	uint32_t *pixels = display_buffer_host_pixels(buffer);

	for (int i = 0; i < FAKE_CURSOR * FAKE_CURSOR; i++)
		pixels[i] = i % FAKE_CURSOR < FAKE_CURSOR / 2 ? 0xffff00ff : 0x80808080;
	return buffer;
}

static void fake_command_cursor(struct fake_screen *spice, const char *arguments)
{
	struct fake_cursor job = { .spice = spice };

	if (strcmp(arguments, "hide") != 0) {
		job.cursor.buffer = fake_cursor_image();
		job.cursor.hot_x = 5;
		job.cursor.hot_y = 7;
	}
	loop_call(spice->display_loop, fake_do_cursor, &job);
	display_buffer_unref(job.cursor.buffer);
}

/* --- commands ---------------------------------------------------------------------------- */

static void fake_command_box(struct fake_screen *spice, const char *arguments)
{
	struct video_rect rect;
	unsigned int colour;

	if (sscanf(arguments, "%u %u %u %u %x", &rect.x, &rect.y, &rect.width, &rect.height,
		   &colour) != 5 || !fake_picture_fill(&spice->picture, &rect, colour)) {
		printf("bad box\n");
		return;
	}
	fake_commit(spice, (struct rect){ rect.x, rect.y, rect.width, rect.height });
}

static void fake_command(struct fake_screen *spice, char *line)
{
	char *arguments = line + strcspn(line, " ");
	unsigned int width, height;

	if (*arguments)
		*arguments++ = '\0';
	if (!strcmp(line, "mode") && sscanf(arguments, "%u %u", &width, &height) == 2)
		fake_set_mode(spice, width, height);
	else if (!strcmp(line, "box"))
		fake_command_box(spice, arguments);
	else if (!strcmp(line, "cursor"))
		fake_command_cursor(spice, arguments);
	else if (!strcmp(line, "mark"))
		printf("mark %s\n", arguments);
	else if (!strcmp(line, "quit"))
		spice->quits = true;
	else
		printf("bad command %s\n", line);
	fflush(stdout);
}

static void fake_stdin(void *data, uint32_t events)
{
	struct fake_screen *spice = data;
	char line[FAKE_LINE_BYTES];
	size_t used = 0;

	/* Lines are short and come whole; whoever writes them waits for none. */
	while (used < sizeof(line) - 1 && read(0, line + used, 1) == 1 && line[used] != '\n')
		used++;
	line[used] = '\0';
	if (used)
		fake_command(spice, line);
	else
		spice->quits = true;
}

static void fake_print(struct input_guest *guest, const char *name)
{
	const char *text = input_guest_text(guest, true);

	if (!*text)
		return;
	printf("%s %s\n", name, text);
	fflush(stdout);
}

/* --- start ------------------------------------------------------------------------------- */

static void fake_do_listen(void *data)
{
	struct fake_screen *spice = data;

	spice->listener.monitor = fake_on_monitor;
	display_set_resize_listener(spice->display, &spice->listener);
}

static void fake_open_display(struct fake_screen *spice)
{
	spice->display_loop = loop_create("display");
	spice->display = display_create(spice->display_loop, 2);
	sem_init(&spice->idle, 0, 1);
	if (!spice->display || loop_start(spice->display_loop))
		abort();
	loop_call(spice->display_loop, fake_do_listen, spice);
}

static void fake_open_input(struct fake_screen *spice, struct spice_service_config *config)
{
	struct input_router *router;

	input_guest_open(&spice->keyboard, spice->loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&spice->tablet, spice->loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&spice->mouse, spice->loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = spice->keyboard.device, .tablet = spice->tablet.device,
		.mouse = spice->mouse.device });
	config->inputs = spice_inputs_create(spice->loop, router);
	if (!config->inputs || input_source_start(spice_inputs_source(config->inputs)))
		abort();
}

int main(int argc, char **argv)
{
	static struct fake_screen spice;
	struct spice_service_config config = { .name = "fake vm" };
	struct option_error error = { "" };

	log_init("fake-screen");
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		fprintf(stderr, "usage: fake-screen SOCKET [WIDTH HEIGHT]\n");
		return 2;
	}
	spice.loop = loop_create("fake");
	fake_open_display(&spice);
	fake_open_input(&spice, &config);
	config.listen.path = argv[1];
	config.display = spice.display;
	spice.service = spice_service_create(&config, &error);
	if (!spice.service || !loop_fd_add(spice.loop, 0, EPOLLIN, fake_stdin, &spice)) {
		fprintf(stderr, "fake-screen: %s\n", error.text);
		return 1;
	}
	fake_set_mode(&spice, argc > 3 ? (uint32_t)atoi(argv[2]) : 800,
		      argc > 3 ? (uint32_t)atoi(argv[3]) : 600);
	printf("ready\n");
	fflush(stdout);
	while (!spice.quits && loop_dispatch(spice.loop, -1) >= 0) {
		fake_print(&spice.keyboard, "keyboard");
		fake_print(&spice.tablet, "tablet");
		fake_print(&spice.mouse, "mouse");
	}
	spice_service_destroy(spice.service);
	return 0;
}
