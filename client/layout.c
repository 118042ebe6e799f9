/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layout.h"

/* A guest that rounds its mode down by a few pixels is shown 1:1 with a thin border: crisp. */
#define LAYOUT_NEAR_PIXELS 8

static bool layout_nearly_exact(const struct layout *layout)
{
	int spare_width = layout->output_width - layout->guest_width;
	int spare_height = layout->output_height - layout->guest_height;

	return spare_width >= 0 && spare_width < LAYOUT_NEAR_PIXELS && spare_height >= 0 &&
	       spare_height < LAYOUT_NEAR_PIXELS;
}

static int layout_divide_rounded(int64_t value, int64_t by)
{
	int64_t result = (value + by / 2) / by;

	return result < 1 ? 1 : (int)result;
}

static void layout_fit(struct layout *layout)
{
	int64_t output_width = layout->output_width, output_height = layout->output_height;
	int64_t guest_width = layout->guest_width, guest_height = layout->guest_height;

	if (output_width * guest_height <= output_height * guest_width) {
		layout->width = layout->output_width;
		layout->height = layout_divide_rounded(output_width * guest_height, guest_width);
	} else {
		layout->height = layout->output_height;
		layout->width = layout_divide_rounded(output_height * guest_width, guest_height);
	}
}

static void layout_size(struct layout *layout, enum scale_mode mode)
{
	int across = layout->output_width / layout->guest_width;
	int down = layout->output_height / layout->guest_height;
	int times = across < down ? across : down;

	if (mode == SCALE_FIT && layout_nearly_exact(layout))
		mode = SCALE_NONE;
	if (mode == SCALE_INTEGER && times >= 1) {
		layout->width = layout->guest_width * times;
		layout->height = layout->guest_height * times;
	} else if (mode == SCALE_NONE) {
		layout->width = layout->guest_width;
		layout->height = layout->guest_height;
	} else {
		layout_fit(layout);
	}
}

void layout_place(struct layout *layout, enum scale_mode mode)
{
	layout->x = layout->y = layout->width = layout->height = 0;
	if (layout->guest_width <= 0 || layout->guest_height <= 0 || layout->output_width <= 0 ||
	    layout->output_height <= 0)
		return;
	layout_size(layout, mode);
	if (layout->width < layout->output_width)
		layout->x = (layout->output_width - layout->width) / 2;
	if (layout->height < layout->output_height)
		layout->y = (layout->output_height - layout->height) / 2;
}

bool layout_is_exact(const struct layout *layout)
{
	return layout->width == layout->guest_width && layout->height == layout->guest_height;
}

double layout_scale(const struct layout *layout)
{
	if (layout->guest_width <= 0)
		return 1.0;
	return (double)layout->width / layout->guest_width;
}

/* One axis: the middle of the point, in pixels, counted from the picture's edge. */
static bool layout_axis(int point, int window, int output, int start, int length, int guest,
			int *pixel)
{
	int64_t twice = (2 * (int64_t)point + 1) * output / window - 2 * (int64_t)start;
	int64_t found = twice * guest / (2 * (int64_t)length);
	bool inside = twice >= 0 && twice < 2 * (int64_t)length;

	if (twice < 0)
		found = 0;
	if (found > guest - 1)
		found = guest - 1;
	*pixel = (int)found;
	return inside;
}

bool layout_guest_pixel(const struct layout *layout, int point_x, int point_y, int *guest_x,
			int *guest_y)
{
	bool inside;

	*guest_x = *guest_y = 0;
	if (layout->width <= 0 || layout->height <= 0 || layout->window_width <= 0 ||
	    layout->window_height <= 0)
		return false;
	inside = layout_axis(point_x, layout->window_width, layout->output_width, layout->x,
			     layout->width, layout->guest_width, guest_x);
	inside &= layout_axis(point_y, layout->window_height, layout->output_height, layout->y,
			      layout->height, layout->guest_height, guest_y);
	return inside;
}

int32_t layout_absolute(int pixel, int extent)
{
	if (extent <= 0)
		return 0;
	return (int32_t)((2 * (int64_t)pixel + 1) * 65536 / (2 * (int64_t)extent));
}
