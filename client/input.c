/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input.h"

#include "keymap.h"
#include "source.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <string.h>

#define INPUT_WHEEL_UNITS 120.0f

static int input_push(struct input *input, struct input_record record)
{
	const struct source_input_ops *ops;
	int result;

	if (!input->source)
		return -ENOTCONN;
	ops = input->source->ops->input;
	if (!ops)
		return -EOPNOTSUPP;
	record.time_ns = clock_now_ns();
	result = ops->push(input->source, &record);
	if (result == -EAGAIN)
		log_debug("the VM does not take input: record of type %u lost", record.type);
	return result;
}

static bool input_is_held(const struct input *input, uint32_t code)
{
	return input->held[code / 64] >> (code % 64) & 1;
}

static void input_set_held(struct input *input, uint32_t code, bool down)
{
	uint64_t bit = UINT64_C(1) << (code % 64);

	if (down)
		input->held[code / 64] |= bit;
	else
		input->held[code / 64] &= ~bit;
}

void input_set_source(struct input *input, struct client_source *source)
{
	memset(input, 0, sizeof(*input));
	input->source = source;
}

void input_key(struct input *input, SDL_Scancode scancode, bool down)
{
	uint32_t code = keymap_evdev(scancode);

	if (code == KEY_RESERVED || input_is_held(input, code) == down)
		return;
	input_set_held(input, code, down);
	input_push(input, (struct input_record){ .type = INPUT_KEY, .code = code, .value = down });
}

void input_button(struct input *input, uint32_t scanout, int sdl_button, bool down)
{
	uint32_t code = keymap_button(sdl_button);

	if (code == 0 || input_is_held(input, code) == down)
		return;
	input_set_held(input, code, down);
	input_push(input, (struct input_record){ .type = INPUT_BUTTON, .scanout = (uint16_t)scanout,
						 .code = code, .value = down });
}

bool input_pointer(struct input *input, uint32_t scanout, const struct layout *layout, int point_x,
		   int point_y)
{
	int guest_x, guest_y;
	bool inside = layout_guest_pixel(layout, point_x, point_y, &guest_x, &guest_y);
	int32_t x = layout_absolute(guest_x, layout->guest_width);
	int32_t y = layout_absolute(guest_y, layout->guest_height);

	if (layout->guest_width <= 0)
		return false;
	if (input->last_valid && input->last_scanout == scanout && input->last_x == x &&
	    input->last_y == y)
		return inside;
	input->last_scanout = scanout;
	input->last_x = x;
	input->last_y = y;
	/* A place that was not taken is news once more. */
	input->last_valid = !input_push(input, (struct input_record){
		.type = INPUT_POINTER_ABS, .scanout = (uint16_t)scanout, .x = x, .y = y });
	return inside;
}

void input_pointer_relative(struct input *input, int dx, int dy)
{
	input->last_valid = false;
	if (dx || dy)
		input_push(input, (struct input_record){ .type = INPUT_POINTER_REL, .x = dx,
							 .y = dy });
}

/* Whole units now, the rest with the next event. */
static int32_t input_wheel_units(float *rest, float notches)
{
	float units = *rest + notches * INPUT_WHEEL_UNITS;
	int32_t whole = (int32_t)units;

	*rest = units - (float)whole;
	return whole;
}

void input_wheel(struct input *input, uint32_t scanout, const SDL_MouseWheelEvent *wheel)
{
	int32_t x = input_wheel_units(&input->wheel_x, wheel->preciseX);
	int32_t y = input_wheel_units(&input->wheel_y, wheel->preciseY);

	if (x || y)
		input_push(input, (struct input_record){ .type = INPUT_WHEEL,
							 .scanout = (uint16_t)scanout, .x = x,
							 .y = y });
}

void input_release_all(struct input *input)
{
	for (uint32_t code = 0; code < KEY_CNT; code++) {
		if (!input_is_held(input, code))
			continue;
		input_push(input, (struct input_record){
			.type = code >= BTN_MISC && code < KEY_OK ? INPUT_BUTTON : INPUT_KEY,
			.code = code });
	}
	memset(input->held, 0, sizeof(input->held));
	input->wheel_x = input->wheel_y = 0;
	/* Also when nothing is held as far as we know: it costs nothing to be sure. */
	input_push(input, (struct input_record){ .type = INPUT_RELEASE_ALL });
}

bool input_holds_button(const struct input *input)
{
	for (uint32_t code = BTN_LEFT; code <= BTN_TASK; code++) {
		if (input_is_held(input, code))
			return true;
	}
	return false;
}

int input_display_size(struct input *input, uint32_t scanout, int width, int height)
{
	return input_push(input, (struct input_record){ .type = INPUT_DISPLAY_SIZE,
							.scanout = (uint16_t)scanout, .x = width,
							.y = height });
}

int input_power_button(struct input *input)
{
	return input_push(input, (struct input_record){ .type = INPUT_POWER_BUTTON });
}

int input_force_off(struct input *input)
{
	return input_push(input, (struct input_record){ .type = INPUT_FORCE_OFF });
}
