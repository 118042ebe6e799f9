/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest for Looking Glass clients: a picture in a file they map, keys and mouse by a SPICE server,
 * with the VMM's own code for both. Commands come on stdin, one per line; what the guest's input
 * devices see is printed, one line per report.
 *
 *   fake-glass FILE SOCKET [WIDTH HEIGHT]
 */
#include "fake_picture.h"
#include "input_guest.h"
#include "lg_rig.h"

#include <base/log.h>
#include <base/loop.h>
#include <capture/looking_glass.h>
#include <drm_fourcc.h>
#include <input/router.h>
#include <signal.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GLASS_LINE_BYTES 256
#define GLASS_CURSOR 16u

/* The region's and the SPICE server's. */
#define FAKE_UUID { { 1, 2, 3 } }

struct fake_glass {
	struct loop *loop;
	struct lg_rig rig;
	struct looking_glass *glass;
	struct fake_picture picture;
	struct input_guest keyboard, tablet, mouse;
	struct spice_inputs *inputs;
	struct spice_service *service;  /* NULL: off */
	char *socket_path;
	bool quit;
};

/* --- picture ----------------------------------------------------------------------------- */

static void glass_commit(struct fake_glass *glass, struct rect damage)
{
	const struct fake_picture *picture = &glass->picture;
	struct display_buffer *buffer = display_buffer_create_host(picture->width, picture->height,
								   DRM_FORMAT_XRGB8888);

	if (!buffer)
		abort();
	memcpy(display_buffer_host_pixels(buffer), picture->pixels,
	       (size_t)picture->width * picture->height * 4);
	lg_rig_commit(&glass->rig, buffer, damage);
	display_buffer_unref(buffer);
}

static void glass_box(struct fake_glass *glass, const char *arguments)
{
	struct video_rect rect;
	unsigned int colour;

	if (sscanf(arguments, "%u %u %u %u %x", &rect.x, &rect.y, &rect.width, &rect.height,
		   &colour) == 5 && fake_picture_fill(&glass->picture, &rect, colour))
		glass_commit(glass, (struct rect){ (int32_t)rect.x, (int32_t)rect.y, rect.width,
						   rect.height });
	else
		printf("bad box\n");
}

/* A square, its hotspot 4 pixels in. */
static void glass_cursor(struct fake_glass *glass, const char *arguments)
{
	struct display_cursor cursor = { .hot_x = 4, .hot_y = 4 };
	uint32_t *pixels;

	if (sscanf(arguments, "%d %d", &cursor.x, &cursor.y) != 2)
		return;
	cursor.buffer = display_buffer_create_host(GLASS_CURSOR, GLASS_CURSOR, DRM_FORMAT_ARGB8888);
	if (!cursor.buffer)
		abort();
	pixels = display_buffer_host_pixels(cursor.buffer);
	for (uint32_t i = 0; i < GLASS_CURSOR * GLASS_CURSOR; i++)
		pixels[i] = 0xffff00ff;
	lg_rig_cursor(&glass->rig, &cursor);
	display_buffer_unref(cursor.buffer);
}

/* On the looking glass's thread. */
static void glass_on_set_cursor(void *data, uint32_t x, uint32_t y, uint32_t width,
				uint32_t height)
{
	printf("pointer to %u %u\n", x, y);
	fflush(stdout);
}

/* --- input ------------------------------------------------------------------------------- */

/* "key 30 1; key 30 0; " as two lines. */
static void glass_print(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, ";");

		printf("%.*s\n", (int)length, text);
		text += length + strspn(text + length, "; ");
	}
}

static void glass_print_input(struct fake_glass *glass)
{
	glass_print(input_guest_text(&glass->keyboard, true));
	glass_print(input_guest_text(&glass->tablet, true));
	glass_print(input_guest_text(&glass->mouse, true));
	fflush(stdout);
}

static void glass_spice_on(struct fake_glass *glass)
{
	const struct spice_service_config config = {
		.name = "fake glass", .uuid = FAKE_UUID, .inputs = glass->inputs,
		.listen = { .path = glass->socket_path },
	};
	struct option_error error = { "" };

	glass->service = spice_service_create(&config, &error);
	printf("spice %s\n", glass->service ? "on" : error.text);
}

static void glass_spice_off(struct fake_glass *glass)
{
	spice_service_destroy(glass->service);
	glass->service = NULL;
	printf("spice off\n");
}

static void glass_make_input(struct fake_glass *glass)
{
	struct input_router *router;

	input_guest_open(&glass->keyboard, glass->loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&glass->tablet, glass->loop, VIRTIO_INPUT_TABLET);
	input_guest_open(&glass->mouse, glass->loop, VIRTIO_INPUT_MOUSE);
	router = input_router_create(&(struct input_router_config){
		.keyboard = glass->keyboard.device, .tablet = glass->tablet.device,
		.mouse = glass->mouse.device });
	glass->inputs = router ? spice_inputs_create(glass->loop, router) : NULL;
	if (!glass->inputs || input_source_start(spice_inputs_source(glass->inputs)))
		abort();
}

/* --- commands ---------------------------------------------------------------------------- */

static void glass_command(struct fake_glass *glass, char *line)
{
	char *arguments = line + strcspn(line, " ");

	if (*arguments)
		*arguments++ = '\0';
	if (!strcmp(line, "box"))
		glass_box(glass, arguments);
	else if (!strcmp(line, "cursor"))
		glass_cursor(glass, arguments);
	else if (!strcmp(line, "spice") && !strcmp(arguments, "on"))
		glass_spice_on(glass);
	else if (!strcmp(line, "spice"))
		glass_spice_off(glass);
	else if (!strcmp(line, "mark"))
		printf("mark %s\n", arguments);
	else
		printf("bad command %s\n", line);
	fflush(stdout);
}

static void glass_stdin(void *data, uint32_t events)
{
	static char buffer[GLASS_LINE_BYTES];
	static size_t used;
	struct fake_glass *glass = data;
	ssize_t got = read(0, buffer + used, sizeof(buffer) - used - 1);
	char *end;

	if (got <= 0) {
		glass->quit = true;
		return;
	}
	used += (size_t)got;
	buffer[used] = '\0';
	while ((end = strchr(buffer, '\n'))) {
		*end = '\0';
		glass_command(glass, buffer);
		used -= (size_t)(end + 1 - buffer);
		memmove(buffer, end + 1, used + 1);
	}
	if (used == sizeof(buffer) - 1)
		used = 0;
}

/* --- start ------------------------------------------------------------------------------- */

static bool glass_open(struct fake_glass *glass, const char *path)
{
	const struct looking_glass_callbacks callbacks = { .set_cursor = glass_on_set_cursor };
	const struct looking_glass_vm vm = { FAKE_UUID, 1 };
	struct looking_glass_config config = { 0 };
	struct option_error error = { "" };
	char text[512];

	snprintf(text, sizeof(text), "path=%s,size=32M", path);
	if (!looking_glass_config_parse(&config, text, &error))
		glass->glass = looking_glass_create(glass->rig.display, &config, &vm, &callbacks,
						    glass, &error);
	looking_glass_config_finish(&config);
	if (!glass->glass)
		fprintf(stderr, "fake-glass: %s\n", error.text);
	return glass->glass;
}

int main(int argc, char **argv)
{
	static struct fake_glass glass;
	uint32_t width = argc > 4 ? (uint32_t)atoi(argv[3]) : 800;
	uint32_t height = argc > 4 ? (uint32_t)atoi(argv[4]) : 600;

	log_init("fake-glass");
	if (argc < 3) {
		fprintf(stderr, "usage: fake-glass FILE SOCKET [WIDTH HEIGHT]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	glass.loop = loop_create("fake");
	glass.socket_path = argv[2];
	lg_rig_start(&glass.rig);
	glass_make_input(&glass);
	if (!glass_open(&glass, argv[1]) ||
	    !loop_fd_add(glass.loop, 0, EPOLLIN, glass_stdin, &glass))
		return 1;
	fake_picture_draw(&glass.picture, width, height);
	glass_commit(&glass, (struct rect){ 0, 0, width, height });
	glass_spice_on(&glass);
	printf("ready\n");
	fflush(stdout);
	while (!glass.quit) {
		loop_dispatch(glass.loop, -1);
		glass_print_input(&glass);
	}
	looking_glass_destroy(glass.glass);
	lg_rig_stop(&glass.rig);
	return 0;
}
