/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole text is parsed first: a script with a wrong line pushes nothing. */
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <input/event.h>
#include <input/router.h>
#include <input/source_script.h>
#include <limits.h>
#include <linux/input-event-codes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define INPUT_SCRIPT_LINE_BYTES 128
#define INPUT_SCRIPT_MAX_STEPS 65536
#define INPUT_SCRIPT_MAX_WAIT_MS 3600000
#define INPUT_SCRIPT_MAX_MOVE 65536

struct input_script_step {
	struct router_event event;
	bool waits;
	uint32_t wait_ms;
};

struct input_source_script {
	struct input_source base;
	struct input_router *router;
	struct loop_timer *timer;
	struct input_script_step *steps;
	size_t count, next;
};

static struct input_source_script *input_source_script_from(const struct input_source *source)
{
	return (struct input_source_script *)source;
}

/* --- parsing ----------------------------------------------------------------------------- */

/* The next word of the line as a number in [min, max]. */
static bool input_script_number(char **words, long min, long max, long *number)
{
	const char *word = strsep(words, " ");
	char *end;

	if (!word || !*word)
		return false;
	errno = 0;
	*number = strtol(word, &end, 10);
	return !*end && !errno && *number >= min && *number <= max;
}

static bool input_script_switch(char **words, enum router_event_type type,
				struct router_event *event)
{
	const char *word;
	long code;

	if (!input_script_number(words, 1, KEY_MAX, &code))
		return false;
	word = strsep(words, " ");
	if (!word || (strcmp(word, "down") != 0 && strcmp(word, "up") != 0))
		return false;
	*event = (struct router_event){
		.type = type, .code = (uint16_t)code, .down = strcmp(word, "down") == 0,
	};
	return true;
}

static bool input_script_motion(char **words, enum router_event_type type, long min, long max,
				struct router_event *event)
{
	long x, y;

	if (!input_script_number(words, min, max, &x) || !input_script_number(words, min, max, &y))
		return false;
	event->type = type;
	event->x = (int32_t)x;
	event->y = (int32_t)y;
	return true;
}

static bool input_script_parse_words(char **words, struct input_script_step *step)
{
	const char *verb = strsep(words, " ");
	struct router_event *event = &step->event;
	long number;

	if (strcmp(verb, "key") == 0)
		return input_script_switch(words, ROUTER_EVENT_KEY, event);
	if (strcmp(verb, "button") == 0)
		return input_script_switch(words, ROUTER_EVENT_BUTTON, event);
	if (strcmp(verb, "abs") == 0) {
		if (!input_script_number(words, 0, INPUT_MAX_SCANOUTS - 1, &number))
			return false;
		event->scanout = (uint16_t)number;
		return input_script_motion(words, ROUTER_EVENT_POINTER_ABS, 0, INPUT_POSITION_MAX,
					   event);
	}
	if (strcmp(verb, "rel") == 0)
		return input_script_motion(words, ROUTER_EVENT_POINTER_REL, -INPUT_SCRIPT_MAX_MOVE,
					   INPUT_SCRIPT_MAX_MOVE, event);
	if (strcmp(verb, "wheel") == 0)
		return input_script_motion(words, ROUTER_EVENT_WHEEL, -INPUT_SCRIPT_MAX_MOVE,
					   INPUT_SCRIPT_MAX_MOVE, event);
	if (strcmp(verb, "wait") == 0) {
		step->waits = input_script_number(words, 0, INPUT_SCRIPT_MAX_WAIT_MS, &number);
		step->wait_ms = step->waits ? (uint32_t)number : 0;
		return step->waits;
	}
	event->type = ROUTER_EVENT_RELEASE_ALL;
	return strcmp(verb, "release") == 0;
}

/* 1: a step; 0: an empty line or a comment; -EINVAL. */
static int input_script_parse_line(const char *text, size_t bytes, struct input_script_step *step)
{
	char line[INPUT_SCRIPT_LINE_BYTES];
	char *words = line;

	if (bytes == 0 || text[0] == '#')
		return 0;
	if (bytes >= sizeof(line))
		return -EINVAL;
	memcpy(line, text, bytes);
	line[bytes] = '\0';
	*step = (struct input_script_step){ 0 };
	return input_script_parse_words(&words, step) && !words ? 1 : -EINVAL;
}

static int input_script_append(struct input_source_script *script,
			       const struct input_script_step *step)
{
	struct input_script_step *steps = script->steps;

	if (script->count == INPUT_SCRIPT_MAX_STEPS)
		return -E2BIG;
	if ((script->count & (script->count - 1)) == 0) {   /* grows when a power of two is full */
		size_t capacity = script->count ? 2 * script->count : 1;

		steps = reallocarray(steps, capacity, sizeof(*steps));
		if (!steps)
			return -ENOMEM;
		script->steps = steps;
	}
	steps[script->count++] = *step;
	return 0;
}

static int input_script_parse(struct input_source_script *script, const char *text,
			      unsigned int *bad_line)
{
	for (*bad_line = 1; *text; (*bad_line)++) {
		size_t bytes = strcspn(text, "\n");
		struct input_script_step step;
		int result = input_script_parse_line(text, bytes, &step);

		if (result > 0)
			result = input_script_append(script, &step);
		if (result < 0)
			return result;
		text += bytes + (text[bytes] == '\n');
	}
	return 0;
}

/* --- playing ----------------------------------------------------------------------------- */

static void input_source_script_play(void *data)
{
	struct input_source_script *script = data;

	while (script->next < script->count) {
		const struct input_script_step *step = &script->steps[script->next++];

		if (!step->waits) {
			input_router_push(script->router, &step->event);
			continue;
		}
		if (loop_timer_arm(script->timer, step->wait_ms * NS_PER_MS, 0) < 0)
			log_error("input script: cannot arm a timer");
		return;
	}
}

static int input_source_script_start(struct input_source *source)
{
	struct input_source_script *script = input_source_script_from(source);

	script->next = 0;
	return loop_timer_arm(script->timer, 1, 0);
}

static void input_source_script_stop(struct input_source *source)
{
	struct input_source_script *script = input_source_script_from(source);

	loop_timer_disarm(script->timer);
	input_router_release_all(script->router);
}

static void input_source_script_destroy(struct input_source *source)
{
	struct input_source_script *script = input_source_script_from(source);

	input_source_script_stop(source);
	loop_timer_destroy(script->timer);
	free(script->steps);
	free(script);
}

static const struct input_source_ops input_source_script_ops = {
	.start = input_source_script_start,
	.stop = input_source_script_stop,
	.destroy = input_source_script_destroy,
};

struct input_source *input_source_script_create(struct loop *loop, struct input_router *router,
						const char *text, unsigned int *bad_line)
{
	struct input_source_script *script = calloc(1, sizeof(*script));
	int error;

	if (!script)
		return NULL;
	script->base.ops = &input_source_script_ops;
	script->router = router;
	error = -input_script_parse(script, text, bad_line);
	if (error)
		goto fail;
	script->timer = loop_timer_create(loop, input_source_script_play, script);
	if (!script->timer) {
		error = errno;
		goto fail;
	}
	return &script->base;

fail:
	free(script->steps);
	free(script);
	errno = error;
	return NULL;
}

bool input_source_script_done(const struct input_source *source)
{
	const struct input_source_script *script = input_source_script_from(source);

	return script->next == script->count;
}
