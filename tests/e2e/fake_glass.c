/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMM as far as a Looking Glass client can see: a real display shown in a real Looking Glass file,
 * a real SPICE service whose input ends at a guest's evdev devices and whose agent shares a clipboard.
 * The guest is made up: commands come on stdin, one per line; what its devices get is printed.
 *
 *   fake-glass path=FILE[,size=SIZE] unix=PATH|port=N|none [WIDTH HEIGHT]
 */
#include "fake_clipboard.h"
#include "fake_lines.h"
#include "fake_picture.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/looking_glass.h>
#include <display/surface.h>
#include <drm_fourcc.h>
#include <endian.h>
#include <errno.h>
#include <input/router.h>
#include <input/source.h>
#include <input_guest.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>
#include <signal.h>
#include <spice/spice_agent.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAKE_MAX_EXTENT 4096
#define FAKE_MAX_CURSOR 256
#define FAKE_SECOND_NS UINT64_C(1000000000)
#define FAKE_COUNTER_EXTENT 16
#define FAKE_CURSOR_EXTENT 16
/* The file's and the SPICE server's. */
#define FAKE_UUID { { 1, 2, 3 } }

enum { FAKE_KEYBOARD, FAKE_TABLET, FAKE_MOUSE, FAKE_DEVICES };

struct fake_glass;

struct fake_device {
	struct fake_glass *vmm;
	struct input_guest guest;
};

struct fake_glass {
	struct loop *loop;
	struct display *display;
	struct display_buffer *buffer;  /* host pixels are where picture.pixels points */
	struct fake_picture picture;
	_Atomic uint32_t committed, released;
	struct loop_timer *pace;
	uint32_t tick, skipped;
	struct looking_glass_config glass_config;
	struct looking_glass *glass;
	struct fake_device devices[FAKE_DEVICES];
	struct input_router *router;
	int32_t pointer_x, pointer_y;   /* where the guest has its pointer */
	_Atomic uint64_t wish;          /* 1 << 32 | x << 16 | y, pixels; 0: none */
	struct fake_clipboard *clipboard;
	struct spice_agent *agent;
	struct spice_inputs *inputs;
	struct spice_listen_config listen;
	struct spice_service *spice;    /* NULL: off */
};

/* --- pictures ---------------------------------------------------------------------------- */

struct fake_frame {
	struct display_frame base;
	struct fake_glass *vmm;
};

static void fake_frame_release(struct display_frame *base)
{
	struct fake_frame *frame = (struct fake_frame *)base;

	atomic_fetch_add(&frame->vmm->released, 1);
	display_buffer_unref(base->buffer);
	free(frame);
}

static bool fake_drawable(struct fake_glass *vmm)
{
	return atomic_load(&vmm->released) == atomic_load(&vmm->committed);
}

/* As a guest that waits for its flush. */
static void fake_wait_drawable(struct fake_glass *vmm)
{
	while (!fake_drawable(vmm))
		usleep(500);
}

static void fake_commit(struct fake_glass *vmm, const struct damage *damage)
{
	struct fake_frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		abort();
	frame->vmm = vmm;
	frame->base.references = 1;
	frame->base.buffer = display_buffer_ref(vmm->buffer);
	frame->base.source = (struct rect){ .width = vmm->picture.width,
					    .height = vmm->picture.height };
	frame->base.damage = *damage;
	frame->base.flush_ns = clock_now_ns();
	frame->base.release = fake_frame_release;
	atomic_fetch_add(&vmm->committed, 1);
	display_surface_commit(display_surface_get(vmm->display, 0), &frame->base);
}

static void fake_fill(struct fake_glass *vmm, const struct rect *rect, uint32_t colour,
		      struct damage *damage)
{
	const struct video_rect video = { .x = rect->x, .y = rect->y, .width = rect->width,
					  .height = rect->height };

	if (vmm->buffer && fake_picture_fill(&vmm->picture, &video, colour))
		damage_add(damage, rect);
	else
		printf("bad box\n");
}

static void fake_mode(struct fake_glass *vmm, const char *arguments)
{
	struct fake_picture drawn = { 0 };
	struct damage damage = { 0 };
	uint32_t *pixels;
	int width, height;

	if (sscanf(arguments, "%d %d", &width, &height) != 2 || width <= 0 || height <= 0 ||
	    width > FAKE_MAX_EXTENT || height > FAKE_MAX_EXTENT) {
		display_surface_disable(display_surface_get(vmm->display, 0));
		return;
	}
	display_buffer_unref(vmm->buffer);
	vmm->buffer = display_buffer_create_host((uint32_t)width, (uint32_t)height,
						 DRM_FORMAT_XRGB8888);
	if (!vmm->buffer)
		abort();
	pixels = display_buffer_host_pixels(vmm->buffer);
	fake_picture_draw(&drawn, (uint32_t)width, (uint32_t)height);
	memcpy(pixels, drawn.pixels, (size_t)width * (size_t)height * 4);
	free(drawn.pixels);
	vmm->picture = (struct fake_picture){ (uint32_t)width, (uint32_t)height, pixels };
	damage_set_full(&damage, (uint32_t)width, (uint32_t)height);
	fake_commit(vmm, &damage);
}

static void fake_box(struct fake_glass *vmm, const char *arguments)
{
	struct damage damage = { 0 };
	struct rect rect;
	unsigned int colour;

	if (sscanf(arguments, "%u %u %u %u %x", &rect.x, &rect.y, &rect.width, &rect.height,
		   &colour) != 5) {
		printf("bad box\n");
		return;
	}
	fake_wait_drawable(vmm);
	fake_fill(vmm, &rect, colour, &damage);
	fake_commit(vmm, &damage);
}

static uint32_t fake_random(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)*state * below >> 32);
}

/* Up to three rectangles of any size, many of them small, as one frame. */
static void fake_noise_frame(struct fake_glass *vmm, uint32_t *state)
{
	struct damage damage = { 0 };

	fake_wait_drawable(vmm);
	for (uint32_t i = fake_random(state, 3) + 1; i; i--) {
		uint32_t shift = fake_random(state, 6);
		struct rect rect = { .x = fake_random(state, vmm->picture.width),
				     .y = fake_random(state, vmm->picture.height) };

		rect.width = fake_random(state, vmm->picture.width - rect.x) >> shift;
		rect.height = fake_random(state, vmm->picture.height - rect.y) >> shift;
		rect.width += !rect.width;
		rect.height += !rect.height;
		fake_fill(vmm, &rect, fake_random(state, 0xffffff), &damage);
	}
	fake_commit(vmm, &damage);
}

static void fake_noise(struct fake_glass *vmm, const char *arguments)
{
	unsigned int seed, count;

	if (!vmm->buffer || sscanf(arguments, "%u %u", &seed, &count) != 2) {
		printf("bad noise\n");
		return;
	}
	while (count--)
		fake_noise_frame(vmm, &seed);
}

static void fake_save(struct fake_glass *vmm, const char *path)
{
	FILE *file = vmm->buffer ? fopen(path, "w") : NULL;

	if (!file) {
		printf("not saved\n");
		return;
	}
	fwrite(vmm->picture.pixels, 4, (size_t)vmm->picture.width * vmm->picture.height, file);
	printf(fclose(file) ? "not saved\n" : "saved %s\n", path);
}

/* The corner's colour counts; a box wanders. */
static void fake_pace(void *data)
{
	struct fake_glass *vmm = data;
	struct rect counter = { .width = FAKE_COUNTER_EXTENT, .height = FAKE_COUNTER_EXTENT };
	struct rect box = { .x = 100 + vmm->tick * 3 % 400, .y = 100 + vmm->tick * 5 % 200,
			    .width = 64, .height = 64 };
	struct damage damage = { 0 };

	if (!vmm->buffer || !fake_drawable(vmm)) {
		vmm->skipped++;
		return;
	}
	fake_fill(vmm, &counter, ++vmm->tick, &damage);
	fake_fill(vmm, &box, vmm->tick * 2654435761u & 0xffffff, &damage);
	fake_commit(vmm, &damage);
}

static void fake_rate(struct fake_glass *vmm, const char *arguments)
{
	unsigned int rate;

	if (sscanf(arguments, "%u", &rate) != 1 || !rate)
		loop_timer_disarm(vmm->pace);
	else
		loop_timer_arm(vmm->pace, FAKE_SECOND_NS / rate, FAKE_SECOND_NS / rate);
}

/* --- cursor ------------------------------------------------------------------------------ */

/* Transparent on the left, opaque on the right; premultiplied, as guests give it. */
static uint32_t fake_cursor_pixel(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	uint32_t alpha = width > 1 ? x * 255 / (width - 1) : 255;
	uint32_t red = height > 1 ? y * alpha / (height - 1) : 0;

	return alpha << 24 | red << 16 | (alpha - red) << 8 | (x == y ? alpha : 0);
}

/* cursor X Y: a square, its hotspot 4 pixels in, at X, Y. cursor X Y WIDTH HEIGHT HOTX HOTY: one of
 * many colours. */
static void fake_cursor(struct fake_glass *vmm, const char *arguments)
{
	struct display_surface *surface = display_surface_get(vmm->display, 0);
	struct display_cursor cursor = { 0 };
	uint32_t width = FAKE_CURSOR_EXTENT, height = FAKE_CURSOR_EXTENT;
	uint32_t *pixels;
	int count;

	cursor.hot_x = cursor.hot_y = 4;
	count = sscanf(arguments, "%d %d %u %u %u %u", &cursor.x, &cursor.y, &width, &height,
		       &cursor.hot_x, &cursor.hot_y);
	if ((count == 2 || count == 6) && width && height && width <= FAKE_MAX_CURSOR &&
	    height <= FAKE_MAX_CURSOR) {
		cursor.buffer = display_buffer_create_host(width, height, DRM_FORMAT_ARGB8888);
		if (!cursor.buffer)
			abort();
		pixels = display_buffer_host_pixels(cursor.buffer);
		for (uint32_t i = 0; i < width * height; i++)
			pixels[i] = count == 2 ? 0xffff00ff :
				    fake_cursor_pixel(i % width, i / width, width, height);
	}
	vmm->pointer_x = cursor.x;
	vmm->pointer_y = cursor.y;
	display_surface_set_cursor(surface, &cursor);
	display_buffer_unref(cursor.buffer);
}

static void fake_point(struct fake_glass *vmm, int32_t x, int32_t y)
{
	int32_t right = (int32_t)vmm->picture.width - 1, bottom = (int32_t)vmm->picture.height - 1;

	vmm->pointer_x = x < 0 ? 0 : x > right ? right : x;
	vmm->pointer_y = y < 0 ? 0 : y > bottom ? bottom : y;
	display_surface_move_cursor(display_surface_get(vmm->display, 0), vmm->pointer_x,
				    vmm->pointer_y);
}

static void fake_move(struct fake_glass *vmm, const char *arguments)
{
	int x, y;

	if (sscanf(arguments, "%d %d", &x, &y) == 2)
		fake_point(vmm, x, y);
	else
		printf("bad move\n");
}

static int32_t fake_position(uint32_t pixel, uint32_t extent)
{
	return (int32_t)(((uint64_t)pixel * 2 + 1) * (INPUT_POSITION_MAX + 1) /
			 ((uint64_t)extent * 2));
}

static void fake_grant_wish(void *data)
{
	struct fake_glass *vmm = data;
	uint64_t wish = atomic_exchange(&vmm->wish, 0);
	uint32_t x = (uint32_t)(wish >> 16 & 0xffff), y = (uint32_t)(wish & 0xffff);
	const struct router_event event = {
		.type = ROUTER_EVENT_POINTER_ABS,
		.x = fake_position(x, vmm->picture.width),
		.y = fake_position(y, vmm->picture.height),
	};

	if (!wish)
		return;
	printf("pointer to %u %u\n", x, y);
	fflush(stdout);
	input_router_push(vmm->router, &event);
}

/* On the looking glass's thread. */
static void fake_set_cursor(void *data, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct fake_glass *vmm = data;

	atomic_store(&vmm->wish, UINT64_C(1) << 32 | x << 16 | y);
	loop_post(vmm->loop, fake_grant_wish, vmm);
}

/* --- input ------------------------------------------------------------------------------- */

/* As a guest whose pointer goes where its devices send it, without acceleration. */
static void fake_follow(struct fake_device *device, const struct fake_used *used)
{
	struct fake_glass *vmm = device->vmm;
	struct virtio_input_event event;
	int32_t x = vmm->pointer_x, y = vmm->pointer_y, value;
	uint16_t type, code;

	fake_memory_read(fake_guest_memory(device->guest.guest), device->guest.gpas[used->head],
			 &event, sizeof(event));
	type = le16toh(event.type);
	code = le16toh(event.code);
	value = (int32_t)le32toh(event.value);
	if (type == EV_REL && code == REL_X)
		fake_point(vmm, x + value, y);
	else if (type == EV_REL && code == REL_Y)
		fake_point(vmm, x, y + value);
	else if (type == EV_ABS && code == ABS_X)
		fake_point(vmm, (int32_t)((int64_t)value * vmm->picture.width >> 16), y);
	else if (type == EV_ABS && code == ABS_Y)
		fake_point(vmm, x, (int32_t)((int64_t)value * vmm->picture.height >> 16));
}

/* One line for each report. */
static void fake_take_event(struct fake_device *device, const struct fake_used *used)
{
	struct input_guest *guest = &device->guest;
	size_t length;

	fake_follow(device, used);
	input_guest_take(guest, used);
	input_guest_give(guest, 1);
	length = strlen(guest->text);
	if (length < 2 || strcmp(guest->text + length - 2, "; "))
		return;
	guest->text[length - 2] = '\0';
	printf("%s\n", guest->text);
	guest->text[0] = '\0';
}

static void fake_evdev(void *data, uint32_t events)
{
	struct fake_device *device = data;
	struct fake_queue *queue = device->guest.events;
	struct fake_used used;

	fake_queue_interrupts(queue);
	do {
		while (fake_queue_get_used(queue, &used))
			fake_take_event(device, &used);
		fake_queue_want_interrupts(queue, true);
	} while (fake_queue_used_count(queue));
	fflush(stdout);
}

static bool fake_plug_devices(struct fake_glass *vmm)
{
	static const enum virtio_input_kind kinds[FAKE_DEVICES] = {
		VIRTIO_INPUT_KEYBOARD, VIRTIO_INPUT_TABLET, VIRTIO_INPUT_MOUSE,
	};
	struct input_router_config config;

	for (int i = 0; i < FAKE_DEVICES; i++) {
		struct fake_device *device = &vmm->devices[i];

		device->vmm = vmm;
		input_guest_open(&device->guest, vmm->loop, kinds[i]);
		if (!loop_fd_add(vmm->loop, device->guest.events->call_fd, EPOLLIN, fake_evdev,
				 device))
			return false;
	}
	config = (struct input_router_config){
		.keyboard = vmm->devices[FAKE_KEYBOARD].guest.device,
		.tablet = vmm->devices[FAKE_TABLET].guest.device,
		.mouse = vmm->devices[FAKE_MOUSE].guest.device,
	};
	vmm->router = input_router_create(&config);
	return vmm->router;
}

static bool fake_spice_on(struct fake_glass *vmm, struct option_error *error)
{
	const struct spice_service_config config = {
		.name = "fake vm", .uuid = FAKE_UUID, .inputs = vmm->inputs, .agent = vmm->agent,
		.listen = vmm->listen,
	};

	vmm->spice = spice_service_create(&config, error);
	return vmm->spice;
}

static bool fake_open_spice(struct fake_glass *vmm, const char *text, struct option_error *error)
{
	struct spice_agent_config agent = { .main_loop = vmm->loop };

	if (!strcmp(text, "none"))
		return true;
	vmm->clipboard = fake_clipboard_create(vmm->loop);
	if (!vmm->clipboard)
		return false;
	agent.clipboard = fake_clipboard_hub(vmm->clipboard);
	vmm->agent = spice_agent_create(&agent);
	vmm->inputs = spice_inputs_create(vmm->loop, vmm->router);
	return vmm->agent && vmm->inputs &&
	       !input_source_start(spice_inputs_source(vmm->inputs)) &&
	       !spice_listen_config_parse(&vmm->listen, text, error) && fake_spice_on(vmm, error);
}

static void fake_switch_spice(struct fake_glass *vmm, const char *arguments)
{
	struct option_error error = { "" };

	spice_service_destroy(vmm->spice);
	vmm->spice = NULL;
	if (strcmp(arguments, "on"))
		printf("spice off\n");
	else
		printf("spice %s\n", fake_spice_on(vmm, &error) ? "on" : error.text);
}

/* --- commands ---------------------------------------------------------------------------- */

static void fake_command(void *data, char *line)
{
	struct fake_glass *vmm = data;
	char *arguments = line + strcspn(line, " ");
	struct looking_glass_stats stats;

	if (*arguments)
		*arguments++ = '\0';
	if (!strcmp(line, "mode")) {
		fake_mode(vmm, arguments);
	} else if (!strcmp(line, "box")) {
		fake_box(vmm, arguments);
	} else if (!strcmp(line, "noise")) {
		fake_noise(vmm, arguments);
	} else if (!strcmp(line, "rate")) {
		fake_rate(vmm, arguments);
	} else if (!strcmp(line, "save")) {
		fake_save(vmm, arguments);
	} else if (!strcmp(line, "cursor")) {
		fake_cursor(vmm, arguments);
	} else if (!strcmp(line, "move")) {
		fake_move(vmm, arguments);
	} else if (!strcmp(line, "spice")) {
		fake_switch_spice(vmm, arguments);
	} else if (!strcmp(line, "clipboard") && vmm->clipboard) {
		fake_clipboard_command(vmm->clipboard, arguments);
	} else if (!strcmp(line, "mark")) {
		fake_wait_drawable(vmm);
		printf("mark %s\n", arguments);
	} else if (!strcmp(line, "pointer")) {
		printf("pointer at %d %d\n", vmm->pointer_x, vmm->pointer_y);
	} else if (!strcmp(line, "stats")) {
		looking_glass_read_stats(vmm->glass, &stats);
		printf("stats %u drawn %u skipped %llu published %llu bytes\n", vmm->tick,
		       vmm->skipped, (unsigned long long)stats.frames,
		       (unsigned long long)stats.bytes_copied);
	} else if (!strcmp(line, "quit")) {
		loop_quit(vmm->loop);
	} else {
		printf("bad command %s\n", line);
	}
	fflush(stdout);
}

/* --- start ------------------------------------------------------------------------------- */

static bool fake_open_glass(struct fake_glass *vmm, const char *text, struct option_error *error)
{
	const struct looking_glass_callbacks callbacks = { .set_cursor = fake_set_cursor };

	if (looking_glass_config_parse(&vmm->glass_config, text, error))
		return false;
	vmm->display = display_create(vmm->loop, 1);
	if (!vmm->display)
		return false;
	vmm->glass = looking_glass_create(vmm->display, &vmm->glass_config,
					  &(struct looking_glass_vm){ FAKE_UUID, 1 }, &callbacks, vmm,
					  error);
	return vmm->glass;
}

static bool fake_open(struct fake_glass *vmm, char **argv, struct option_error *error)
{
	vmm->loop = loop_create("fake");
	vmm->pace = vmm->loop ? loop_timer_create(vmm->loop, fake_pace, vmm) : NULL;
	return vmm->pace && fake_open_glass(vmm, argv[1], error) && fake_plug_devices(vmm) &&
	       fake_open_spice(vmm, argv[2], error) &&
	       fake_lines_start(vmm->loop, fake_command, vmm);
}

static void fake_close(struct fake_glass *vmm)
{
	spice_service_destroy(vmm->spice);
	spice_listen_config_finish(&vmm->listen);
	spice_agent_destroy(vmm->agent);
	fake_clipboard_destroy(vmm->clipboard);
	looking_glass_destroy(vmm->glass);
	if (vmm->inputs)
		input_source_destroy(spice_inputs_source(vmm->inputs));
	input_router_destroy(vmm->router);
	for (int i = 0; i < FAKE_DEVICES; i++)
		input_guest_finish(&vmm->devices[i].guest);
	display_destroy(vmm->display);
	display_buffer_unref(vmm->buffer);
	looking_glass_config_finish(&vmm->glass_config);
	loop_timer_destroy(vmm->pace);
	loop_destroy(vmm->loop);
}

int main(int argc, char **argv)
{
	static struct fake_glass vmm;
	struct option_error error = { "" };
	char mode[32] = "1280 720";
	int status;

	log_init("fake-glass");
	signal(SIGPIPE, SIG_IGN);
	if (argc != 3 && argc != 5) {
		fprintf(stderr, "usage: fake-glass path=FILE[,size=SIZE] unix=PATH|port=N|none "
				"[WIDTH HEIGHT]\n");
		return 2;
	}
	if (!fake_open(&vmm, argv, &error)) {
		fprintf(stderr, "fake-glass: %s\n", *error.text ? error.text : strerror(errno));
		return 1;
	}
	if (argc == 5)
		snprintf(mode, sizeof(mode), "%s %s", argv[3], argv[4]);
	fake_mode(&vmm, mode);
	printf("ready\n");
	fflush(stdout);
	status = loop_run(vmm.loop) ? 1 : 0;
	fake_close(&vmm);
	return status;
}
