/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "glass_path.h"

#include <base/clock.h>
#include <base/loop.h>
#include <capture/capture.h>
#include <capture/looking_glass.h>
#include <dirent.h>
#include <display/surface.h>
#include <drm_fourcc.h>
#include <fake/guest.h>
#include <lg_wire.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCREEN_BUFFERS 2u
#define SCREEN_PATIENCE_S 10

/* Hands everything on and notes when a frame was published. */
struct screen_wire {
	struct lg_wire base;
	struct lg_wire *real;
	struct glass_screen *screen;
	uint32_t number;                /* of the frame that is in the slot's pixels */
	struct lg_wire_slot slot;
};

struct glass_screen {
	struct glass_case what;
	struct glass_rect damage;
	struct glass_control *control;
	struct loop *loop;
	struct display *display;
	struct display_buffer *buffers[SCREEN_BUFFERS];
	uint32_t next;
	sem_t released;
	pid_t carrier;                  /* thread */
	/* One of the ways. */
	struct capture *capture;
	int doorbell;
	struct looking_glass *glass;
	void *region;
	size_t region_bytes;
};

struct screen_frame {
	struct display_frame base;
	struct glass_screen *screen;
};

/* --- a wire that takes notes ------------------------------------------------------------- */

static struct screen_wire *wire_from(struct lg_wire *base)
{
	return (struct screen_wire *)base;
}

static void wire_destroy(struct lg_wire *base)
{
	struct screen_wire *wire = wire_from(base);

	wire->real->ops->destroy(wire->real);
	free(wire);
}

static uint64_t wire_needed_bytes(struct lg_wire *base, uint32_t width, uint32_t height)
{
	struct lg_wire *real = wire_from(base)->real;

	return real->ops->needed_bytes(real, width, height);
}

static void wire_beat(struct lg_wire *base, uint64_t now_ms, struct lg_wire_news *news)
{
	struct lg_wire *real = wire_from(base)->real;

	real->ops->beat(real, now_ms, news);
}

static int wire_frame_begin(struct lg_wire *base, const struct lg_wire_picture *picture,
			    struct lg_wire_slot *slot, uint64_t now_ms)
{
	struct screen_wire *wire = wire_from(base);
	int result = wire->real->ops->frame_begin(wire->real, picture, slot, now_ms);

	wire->slot = *slot;
	return result;
}

static void wire_frame_end(struct lg_wire *base, const struct damage *damage, uint64_t now_ms)
{
	struct screen_wire *wire = wire_from(base);
	const struct glass_rect *rect = &wire->screen->damage;
	const uint8_t *pixel = wire->slot.pixels + (size_t)rect->y * wire->slot.pitch + rect->x * 4;
	uint32_t number;

	memcpy(&number, pixel, sizeof(number));
	wire->real->ops->frame_end(wire->real, damage, now_ms);
	if (number < GLASS_MAX_FRAMES)
		wire->screen->control->published_ns[number] = clock_now_ns();
}

static void wire_frame_cancel(struct lg_wire *base)
{
	struct lg_wire *real = wire_from(base)->real;

	real->ops->frame_cancel(real);
}

static void wire_frame_again(struct lg_wire *base, uint64_t now_ms)
{
	struct lg_wire *real = wire_from(base)->real;

	real->ops->frame_again(real, now_ms);
}

static void wire_cursor(struct lg_wire *base, const struct lg_wire_cursor *cursor, uint64_t now_ms)
{
	struct lg_wire *real = wire_from(base)->real;

	real->ops->cursor(real, cursor, now_ms);
}

static const struct lg_wire_ops wire_ops = {
	wire_destroy,  wire_needed_bytes, wire_beat,        wire_frame_begin,
	wire_frame_end, wire_frame_cancel, wire_frame_again, wire_cursor,
};

static void screen_open_glass(struct glass_screen *screen, int fd)
{
	static const struct looking_glass_callbacks callbacks = { .set_cursor = NULL };
	struct screen_wire *wire = calloc(1, sizeof(*wire));
	struct stat status;

	if (!wire || fstat(fd, &status))
		fake_fail("no wire: %m");
	screen->region_bytes = (size_t)status.st_size;
	screen->region = mmap(NULL, screen->region_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			      0);
	if (screen->region == MAP_FAILED)
		fake_fail("no region: %m");
	/* As lg_file.c does: none of its pages is made while the clock runs. */
	memset(screen->region, 0, screen->region_bytes);
	wire->base.ops = &wire_ops;
	wire->screen = screen;
	wire->real = lg_wire_kvmfr20_create(screen->region, screen->region_bytes,
					    &(struct looking_glass_vm){ .cpus = 1 }, false,
					    clock_now_ns() / 1000000);
	if (!wire->real)
		fake_fail("no wire: %m");
	screen->glass = looking_glass_create_on(screen->display, &wire->base, NULL, &callbacks,
						NULL);
	if (!screen->glass)
		fake_fail("no Looking Glass: %m");
}

/* --- costs ------------------------------------------------------------------------------- */

/* Documentation/scheduler/sched-stats.rst: time on a CPU, time in the queue, times it ran. */
static struct glass_cost screen_read_cost(const char *path)
{
	unsigned long long cpu_ns = 0, queued_ns, runs = 0;
	FILE *file = fopen(path, "r");

	if (!file || fscanf(file, "%llu %llu %llu", &cpu_ns, &queued_ns, &runs) != 3)
		fake_fail("%s says nothing", path);
	fclose(file);
	return (struct glass_cost){ cpu_ns, runs };
}

struct glass_cost glass_screen_cost(const struct glass_screen *screen)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", screen->carrier);
	return screen_read_cost(path);
}

struct glass_cost glass_process_cost(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	return screen_read_cost(path);
}

static bool screen_thread_is(const char *id, const char *name)
{
	char path[300], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", id);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(comm, sizeof(comm), file))
		comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
	return !strcmp(comm, name);
}

/* A thread gives itself its name a moment after it was started. */
static pid_t screen_find_thread(const char *name)
{
	uint64_t end_ns = clock_now_ns() + SCREEN_PATIENCE_S * UINT64_C(1000000000);
	pid_t found = 0;

	while (!found && clock_now_ns() < end_ns) {
		DIR *threads = opendir("/proc/self/task");
		struct dirent *entry;

		while (threads && !found && (entry = readdir(threads)))
			if (screen_thread_is(entry->d_name, name))
				found = (pid_t)atoi(entry->d_name);
		closedir(threads);
	}
	if (!found)
		fake_fail("no thread '%s'", name);
	return found;
}

/* --- frames ------------------------------------------------------------------------------ */

static void screen_frame_release(struct display_frame *base)
{
	struct screen_frame *frame = (struct screen_frame *)base;

	display_buffer_unref(base->buffer);
	sem_post(&frame->screen->released);
	free(frame);
}

static void screen_draw(struct glass_screen *screen, struct display_buffer *buffer, uint32_t number)
{
	const struct glass_rect *rect = &screen->damage;
	uint32_t *pixels = display_buffer_host_pixels(buffer);

	for (uint32_t y = rect->y; y < rect->y + rect->height; y++)
		for (uint32_t x = rect->x; x < rect->x + rect->width; x++)
			pixels[(size_t)y * screen->what.width + x] = number;
}

static void screen_commit(void *data)
{
	struct screen_frame *frame = data;

	frame->base.flush_ns = clock_now_ns();
	display_surface_commit(display_surface_get(frame->screen->display, 0), &frame->base);
}

uint64_t glass_screen_show(struct glass_screen *screen, uint32_t number)
{
	struct screen_frame *frame = calloc(1, sizeof(*frame));
	const struct rect rect = { screen->damage.x, screen->damage.y, screen->damage.width,
				   screen->damage.height };
	struct timespec patience;
	uint64_t shown_ns;

	if (!frame)
		fake_fail("no memory for a frame");
	frame->screen = screen;
	frame->base.references = 1;
	frame->base.buffer = display_buffer_ref(screen->buffers[screen->next++ % SCREEN_BUFFERS]);
	frame->base.source = (struct rect){ 0, 0, screen->what.width, screen->what.height };
	frame->base.release = screen_frame_release;
	damage_add(&frame->base.damage, &rect);
	screen_draw(screen, frame->base.buffer, number);
	shown_ns = clock_now_ns();
	loop_call(screen->loop, screen_commit, frame);
	clock_gettime(CLOCK_REALTIME, &patience);
	patience.tv_sec += SCREEN_PATIENCE_S;
	if (sem_timedwait(&screen->released, &patience))
		fake_fail("frame %u is not let go of", number);
	return shown_ns;
}

/* --- create and destroy ------------------------------------------------------------------ */

static void screen_open_capture(struct glass_screen *screen, struct segment *segment, int doorbell)
{
	screen->doorbell = doorbell;
	screen->capture = capture_create(screen->display, segment);
	if (!screen->capture || capture_add_doorbell(screen->capture, doorbell))
		fake_fail("no capture: %m");
}

struct glass_screen *glass_screen_create(enum glass_way way, const struct glass_case *what,
					 const struct glass_reader_config *reader)
{
	struct glass_screen *screen = calloc(1, sizeof(*screen));

	if (!screen || sem_init(&screen->released, 0, 0))
		fake_fail("no memory for a screen");
	screen->what = *what;
	screen->damage = glass_damage(what);
	screen->control = reader->control;
	screen->loop = loop_create("gpu");
	screen->display = screen->loop ? display_create(screen->loop, 1) : NULL;
	if (!screen->display || loop_start(screen->loop))
		fake_fail("no display: %m");
	for (uint32_t i = 0; i < SCREEN_BUFFERS; i++) {
		screen->buffers[i] = display_buffer_create_host(what->width, what->height,
								DRM_FORMAT_XRGB8888);
		if (!screen->buffers[i])
			fake_fail("no memory for a picture");
	}
	if (way == GLASS_WAY_POLLED)
		screen_open_glass(screen, reader->fd);
	else
		screen_open_capture(screen, reader->segment, reader->doorbell);
	screen->carrier = screen_find_thread(way == GLASS_WAY_POLLED ? "looking-glass" : "capture");
	return screen;
}

void glass_screen_destroy(struct glass_screen *screen)
{
	if (screen->capture) {
		capture_remove_doorbell(screen->capture, screen->doorbell);
		capture_destroy(screen->capture);
	} else {
		looking_glass_destroy(screen->glass);
		munmap(screen->region, screen->region_bytes);
	}
	loop_stop(screen->loop);
	display_destroy(screen->display);
	loop_destroy(screen->loop);
	for (uint32_t i = 0; i < SCREEN_BUFFERS; i++)
		display_buffer_unref(screen->buffers[i]);
	sem_destroy(&screen->released);
	free(screen);
}
