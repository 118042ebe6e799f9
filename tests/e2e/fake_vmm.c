/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMM as far as a client can see: a real host segment, real doorbells, a control socket that
 * answers "attach" and "clipboard". Commands come on stdin, one per line; what the client sends is
 * printed.
 *
 *   fake-vmm --socket PATH | --shm FILE  [WIDTH HEIGHT [SPICE]]
 *
 * SPICE: the path of a SPICE server's socket.
 */
#include "fake_clipboard.h"
#include "fake_lines.h"
#include "fake_picture.h"
#include "fake_sound.h"
#include "fake_spice.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <base/packet.h>
#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/cursor.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/ring_reader.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_writer.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_SCANOUTS 2
#define FAKE_SESSIONS 8
#define FAKE_SECOND_NS UINT64_C(1000000000)
#define FAKE_POLL_NS UINT64_C(2000000)
#define FAKE_CURSOR 16
#define FAKE_MAX_EXTENT 4096
#define FAKE_LINE_BYTES 1024

struct fake_session {
	struct fake_vmm *vmm;
	struct loop_fd *source;         /* NULL: free */
	int socket, bell;
	struct clipboard_session *clipboard;    /* NULL: has none */
};

struct fake_vmm {
	struct loop *loop;
	struct segment *segment;
	struct slots_writer *slots[FAKE_SCANOUTS];
	struct cursor_writer *cursor;
	struct ring_reader *input;
	int input_bell, sound_bell;     /* -1: a file, polled */
	int listen_fd;
	struct fake_session sessions[FAKE_SESSIONS];
	struct fake_picture pictures[FAKE_SCANOUTS];
	bool follow;                    /* a window's size becomes the mode */
	struct fake_sound *sound;
	struct fake_spice *spice;       /* NULL: none */
	struct fake_clipboard *clipboard;
};

static void fake_ring(struct fake_vmm *vmm)
{
	for (int i = 0; i < FAKE_SESSIONS; i++) {
		if (vmm->sessions[i].source && vmm->sessions[i].bell >= 0)
			doorbell_eventfd_ring(vmm->sessions[i].bell);
	}
}

/* Publishes the picture; damage NULL: all of it. */
static void fake_publish(struct fake_vmm *vmm, uint32_t scanout, const struct video_damage *damage)
{
	const struct fake_picture *picture = &vmm->pictures[scanout];
	const struct slots_picture shape = { picture->width, picture->height,
					     VIDEO_FOURCC_XRGB8888 };
	uint64_t flush_ns = clock_now_ns();
	struct slots_write write;

	if (slots_writer_begin(vmm->slots[scanout], &shape, damage, &write)) {
		printf("too large\n");
		fake_ring(vmm);
		return;
	}
	for (uint32_t i = 0; i < write.damage.count; i++) {
		const struct video_rect *rect = &write.damage.rects[i];

		shared_copy_rows(write.pixels + (size_t)rect->y * write.pitch + rect->x * 4u,
				 write.pitch,
				 picture->pixels + (size_t)rect->y * picture->width + rect->x,
				 (size_t)picture->width * 4, rect->width * 4u, rect->height);
	}
	slots_writer_publish(vmm->slots[scanout], flush_ns, clock_now_ns());
	fake_ring(vmm);
}

static void fake_set_mode(struct fake_vmm *vmm, uint32_t scanout, int width, int height)
{
	if (width <= 0 || height <= 0 || width > FAKE_MAX_EXTENT || height > FAKE_MAX_EXTENT) {
		slots_writer_off(vmm->slots[scanout]);
		fake_ring(vmm);
		return;
	}
	fake_picture_draw(&vmm->pictures[scanout], (uint32_t)width, (uint32_t)height);
	fake_publish(vmm, scanout, NULL);
}

/* --- input ------------------------------------------------------------------------------- */

static int fake_pixel(int32_t position, uint32_t extent)
{
	return (int)((int64_t)position * extent / 65536);
}

static void fake_print_position(const struct fake_vmm *vmm, const struct input_record *record)
{
	const struct fake_picture *picture = &vmm->pictures[record->scanout % FAKE_SCANOUTS];

	printf("abs %u %d %d\n", record->scanout, fake_pixel(record->x, picture->width),
	       fake_pixel(record->y, picture->height));
}

static void fake_take(struct fake_vmm *vmm, const struct input_record *record)
{
	switch (record->type) {
	case INPUT_KEY:
		printf("key %u %d\n", record->code, record->value);
		break;
	case INPUT_BUTTON:
		printf("button %u %d\n", record->code, record->value);
		break;
	case INPUT_POINTER_ABS:
		fake_print_position(vmm, record);
		break;
	case INPUT_POINTER_REL:
		printf("rel %d %d\n", record->x, record->y);
		break;
	case INPUT_WHEEL:
		printf("wheel %d %d\n", record->x, record->y);
		break;
	case INPUT_RELEASE_ALL:
		printf("release all\n");
		break;
	case INPUT_DISPLAY_SIZE:
		printf("size %u %d %d\n", record->scanout, record->x, record->y);
		if (vmm->follow)
			fake_set_mode(vmm, record->scanout % FAKE_SCANOUTS, record->x, record->y);
		break;
	case INPUT_POWER_BUTTON:
		printf("power button\n");
		break;
	case INPUT_FORCE_OFF:
		printf("force off\n");
		break;
	default:
		printf("unknown record %u\n", record->type);
		break;
	}
}

static void fake_drain(struct fake_vmm *vmm)
{
	struct input_record record;

	if (vmm->input_bell >= 0)
		doorbell_eventfd_clear(vmm->input_bell);
	while (ring_reader_pop(vmm->input, &record) > 0)
		fake_take(vmm, &record);
	if (ring_reader_owner_changed(vmm->input, clock_now_ns()))
		printf("owner %s\n", ring_reader_has_owner(vmm->input) ? "new" : "gone");
	fflush(stdout);
}

static void fake_input_rang(void *data, uint32_t events)
{
	fake_drain(data);
}

static void fake_input_poll(void *data)
{
	fake_drain(data);
}

static void fake_beat(void *data)
{
	struct fake_vmm *vmm = data;

	segment_beat(vmm->segment);
	fake_drain(vmm);
}

/* --- control socket ---------------------------------------------------------------------- */

static void fake_session_end(struct fake_session *session)
{
	fake_clipboard_close(session->clipboard);
	loop_fd_remove(session->source);
	close(session->socket);
	if (session->bell >= 0)
		close(session->bell);
	session->source = NULL;
	printf("detached\n");
	fflush(stdout);
}

/* What the client asks for, and nothing else. */
static void fake_session_share_clipboard(struct fake_session *session, const struct packet *request)
{
	static const char no[] = "{\"ok\":false,\"error\":\"no clipboard here\"}";
	static const char yes[] = "{\"ok\":true}";
	const char *key = "\"desktop\":\"", *desktop = strstr(request->data, key);
	struct packet reply = { .fd_count = 1 };
	char name[FAKE_LINE_BYTES] = "";

	if (desktop)
		sscanf(desktop + strlen(key), "%200[^\"]", name);
	session->clipboard = fake_clipboard_open(session->vmm->clipboard, name, &reply.fds[0]);
	reply.fd_count = session->clipboard != NULL;
	reply.bytes = strlen(session->clipboard ? yes : no);
	memcpy(reply.data, session->clipboard ? yes : no, reply.bytes);
	packet_send(session->socket, &reply);
	packet_close_fds(&reply);
	printf("clipboard %s '%s'\n", session->clipboard ? "joined by" : "refused to", name);
	fflush(stdout);
}

static void fake_session_attach(struct fake_session *session)
{
	static const char reply[] = "{\"ok\":true,\"name\":\"fake vm\",\"pid\":1}";
	struct packet packet;

	session->bell = doorbell_eventfd_create();
	packet = (struct packet){ .bytes = sizeof(reply) - 1, .fd_count = 4,
				  .fds = { segment_fd(session->vmm->segment), session->bell,
					   session->vmm->input_bell,
					   session->vmm->sound_bell } };
	memcpy(packet.data, reply, packet.bytes);
	if (packet_send(session->socket, &packet)) {
		fake_session_end(session);
		return;
	}
	printf("attached\n");
	fflush(stdout);
}

static void fake_session_readable(void *data, uint32_t events)
{
	struct fake_session *session = data;
	struct packet packet;
	int result = packet_receive(session->socket, &packet);

	if (result == -EAGAIN)
		return;
	if (result) {
		fake_session_end(session);
		return;
	}
	packet_close_fds(&packet);
	if (strstr(packet.data, "\"command\":\"clipboard\""))
		fake_session_share_clipboard(session, &packet);
	else
		fake_session_attach(session);
}

static void fake_accept(void *data, uint32_t events)
{
	struct fake_vmm *vmm = data;
	int fd = accept4(vmm->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (int i = 0; fd >= 0 && i < FAKE_SESSIONS; i++) {
		struct fake_session *session = &vmm->sessions[i];

		if (session->source)
			continue;
		*session = (struct fake_session){ .vmm = vmm, .socket = fd, .bell = -1 };
		session->source = loop_fd_add(vmm->loop, fd, EPOLLIN, fake_session_readable,
					      session);
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* --- commands ---------------------------------------------------------------------------- */

static void fake_command_box(struct fake_vmm *vmm, const char *arguments)
{
	struct video_damage damage = { .count = 1 };
	struct video_rect *rect = &damage.rects[0];
	struct fake_picture *picture = &vmm->pictures[0];
	unsigned int colour;

	if (sscanf(arguments, "%u %u %u %u %x", &rect->x, &rect->y, &rect->width, &rect->height,
		   &colour) != 5 || !fake_picture_fill(picture, rect, colour)) {
		printf("bad box\n");
		return;
	}
	fake_publish(vmm, 0, &damage);
}

static void fake_command_cursor(struct fake_vmm *vmm, const char *arguments)
{
	static uint32_t pixels[FAKE_CURSOR * FAKE_CURSOR];
	const struct cursor_image image = { FAKE_CURSOR, FAKE_CURSOR, 4, 4, VIDEO_FOURCC_ARGB8888,
					    pixels };
	int x, y;

	for (int i = 0; i < FAKE_CURSOR * FAKE_CURSOR; i++)
		pixels[i] = 0xffff00ff;
	if (!strcmp(arguments, "hide")) {
		cursor_writer_move(vmm->cursor, 0, 0, false);
	} else if (sscanf(arguments, "%d %d", &x, &y) == 2) {
		cursor_writer_set_image(vmm->cursor, &image);
		cursor_writer_move(vmm->cursor, x, y, true);
	}
	fake_ring(vmm);
}

/* Words that lie: sizes, offsets, locks, rings. The writers' own state is lost with them. */
static void fake_command_garbage(struct fake_vmm *vmm, const char *arguments)
{
	enum segment_section_type type = !strncmp(arguments, "cursor", 6) ? SEGMENT_SECTION_CURSOR :
		!strncmp(arguments, "input", 5) ? SEGMENT_SECTION_INPUT :
		!strncmp(arguments, "sound", 5) ? SEGMENT_SECTION_SOUND : SEGMENT_SECTION_VIDEO;
	size_t bytes = type == SEGMENT_SECTION_VIDEO ? sizeof(struct video_section) : 4096;
	uint8_t *section = segment_find(vmm->segment, type, 0, NULL);
	uint32_t state = (uint32_t)atoi(arguments + strcspn(arguments, " "));

	for (size_t i = 0; i < bytes; i++) {
		state = state * 1664525u + 1013904223u;
		section[i] = (uint8_t)(state >> 24);
	}
	/* A frame that seems to be there and an open lock, so that the lies are looked at. */
	if (type == SEGMENT_SECTION_VIDEO) {
		struct video_section *video = (struct video_section *)section;

		atomic_store(&video->state, VIDEO_ON);
		atomic_store(&video->latest, UINT64_C(77) << VIDEO_LATEST_SLOT_BITS | 1);
		atomic_store(&video->slots[1].lock, 2);
		video->slots[1].sequence = 77;
		video->slots[1].fourcc = VIDEO_FOURCC_XRGB8888;
	} else if (type == SEGMENT_SECTION_CURSOR) {
		atomic_store(&((struct cursor_section *)section)->lock, 2);
	} else if (type == SEGMENT_SECTION_SOUND) {
		struct sound_section *sound = (struct sound_section *)section;

		atomic_store(&sound->stream.lock, 2);
		sound->stream.flags = SOUND_OPEN | SOUND_RUNNING;
	}
	fake_ring(vmm);
}

static void fake_command_state(struct fake_vmm *vmm, const char *name)
{
	segment_set_state(vmm->segment, !strcmp(name, "paused") ? SEGMENT_PAUSED :
			  !strcmp(name, "shutdown") ? SEGMENT_SHUT_DOWN : SEGMENT_RUNNING);
	fake_ring(vmm);
}

static void fake_command(void *data, char *line)
{
	struct fake_vmm *vmm = data;
	char *arguments = line + strcspn(line, " ");
	unsigned int scanout;
	int width, height;

	fake_drain(vmm);
	if (*arguments)
		*arguments++ = '\0';
	if (!strcmp(line, "mode") && sscanf(arguments, "%u %d %d", &scanout, &width, &height) == 3)
		fake_set_mode(vmm, scanout % FAKE_SCANOUTS, width, height);
	else if (!strcmp(line, "box"))
		fake_command_box(vmm, arguments);
	else if (!strcmp(line, "cursor"))
		fake_command_cursor(vmm, arguments);
	else if (!strcmp(line, "garbage"))
		fake_command_garbage(vmm, arguments);
	else if (!strcmp(line, "state"))
		fake_command_state(vmm, arguments);
	else if (!strcmp(line, "sound"))
		fake_sound_command(vmm->sound, arguments);
	else if (!strcmp(line, "clipboard"))
		fake_clipboard_command(vmm->clipboard, arguments);
	else if (!strcmp(line, "follow"))
		vmm->follow = !strcmp(arguments, "on");
	else if (!strcmp(line, "mark"))
		printf("mark %s\n", arguments);
	else if (!strcmp(line, "quit"))
		loop_quit(vmm->loop);
	else
		printf("bad command %s\n", line);
	fflush(stdout);
}

/* --- start ------------------------------------------------------------------------------- */

static bool fake_make_segment(struct fake_vmm *vmm, bool in_file, const char *path)
{
	const struct segment_config config = { .name = "fake vm" };

	vmm->segment = in_file ? segment_create_file(path, &config) : segment_create_memfd(&config);
	if (!vmm->segment)
		return false;
	for (uint32_t i = 0; i < FAKE_SCANOUTS; i++) {
		vmm->slots[i] = slots_writer_create(vmm->segment, i);
		if (!vmm->slots[i])
			return false;
	}
	vmm->cursor = cursor_writer_create(vmm->segment, 0);
	vmm->input = ring_reader_create(vmm->segment);
	segment_set_state(vmm->segment, SEGMENT_RUNNING);
	return vmm->cursor && vmm->input;
}

static bool fake_listen(struct fake_vmm *vmm, bool in_file, const char *path)
{
	struct loop_timer *poll;

	vmm->input_bell = vmm->sound_bell = vmm->listen_fd = -1;
	if (in_file) {
		poll = loop_timer_create(vmm->loop, fake_input_poll, vmm);
		return poll && !loop_timer_arm(poll, FAKE_POLL_NS, FAKE_POLL_NS);
	}
	vmm->input_bell = doorbell_eventfd_create();
	vmm->sound_bell = doorbell_eventfd_create();
	vmm->listen_fd = packet_listen(path);
	return vmm->input_bell >= 0 && vmm->sound_bell >= 0 && vmm->listen_fd >= 0 &&
	       loop_fd_add(vmm->loop, vmm->input_bell, EPOLLIN, fake_input_rang, vmm) &&
	       loop_fd_add(vmm->loop, vmm->listen_fd, EPOLLIN, fake_accept, vmm);
}

static void fake_sound_rings(void *data)
{
	fake_ring(data);
}

/* On the audio loop; the sessions are the main one's. */
static void fake_sound_changed(void *data)
{
	struct fake_vmm *vmm = data;

	loop_post(vmm->loop, fake_sound_rings, vmm);
}

static bool fake_make_sound(struct fake_vmm *vmm)
{
	const struct sound_capture_config config = {
		.segment = vmm->segment, .doorbell = vmm->sound_bell,
		.changed = fake_sound_changed, .data = vmm,
	};

	vmm->sound = fake_sound_create(&config);
	return vmm->sound;
}

/* path NULL: none is wanted. */
static bool fake_make_spice(struct fake_vmm *vmm, const char *path)
{
	if (!path)
		return true;
	signal(SIGPIPE, SIG_IGN);
	vmm->spice = fake_spice_create(path, fake_sound_tap(vmm->sound));
	return vmm->spice;
}

int main(int argc, char **argv)
{
	static struct fake_vmm vmm;
	bool in_file = argc > 2 && !strcmp(argv[1], "--shm");
	struct loop_timer *beat;
	int status;

	log_init("fake-vmm");
	if (argc < 3) {
		fprintf(stderr, "usage: fake-vmm --socket PATH | --shm FILE [WIDTH HEIGHT [SPICE]]\n");
		return 2;
	}
	vmm.loop = loop_create("fake");
	vmm.clipboard = vmm.loop ? fake_clipboard_create(vmm.loop) : NULL;
	beat = vmm.clipboard ? loop_timer_create(vmm.loop, fake_beat, &vmm) : NULL;
	if (!beat || !fake_make_segment(&vmm, in_file, argv[2]) ||
	    !fake_listen(&vmm, in_file, argv[2]) || !fake_make_sound(&vmm) ||
	    !fake_make_spice(&vmm, argc > 5 ? argv[5] : NULL) ||
	    !fake_lines_start(vmm.loop, fake_command, &vmm)) {
		perror("fake-vmm");
		return 1;
	}
	loop_timer_arm(beat, 1, FAKE_SECOND_NS);
	fake_set_mode(&vmm, 0, argc > 4 ? atoi(argv[3]) : 800, argc > 4 ? atoi(argv[4]) : 600);
	printf("ready\n");
	fflush(stdout);
	status = loop_run(vmm.loop) ? 1 : 0;
	fake_spice_destroy(vmm.spice);
	fake_sound_destroy(vmm.sound);
	return status;
}
