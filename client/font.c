/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A glyph is a list of strokes, each a chain of points "xy". x: 0..8. y: 0 (top of capitals), 4
 * (top of small letters), c (base line), g (bottom of descenders). One point twice is a dot.
 */
#include "font.h"

#include <math.h>
#include <string.h>

#define FONT_ADVANCE 11.0f              /* units from cell to cell */
#define FONT_LEFT 1.5f                  /* units before x = 0 */
#define FONT_ABOVE 2.0f                 /* units above y = 0 */
#define FONT_LINE 20.0f                 /* units from line to line */
#define FONT_CAPITAL 12.0f
#define FONT_PEN_RADIUS 0.8f

#define FONT_FIRST ' '
#define FONT_LAST '~'
#define FONT_EXTRA (FONT_LAST - FONT_FIRST + 1)

static const char *const font_strokes[FONT_GLYPHS] = {
	/* space ! " # */ "", "4048 4c4c", "2023 6063", "302c 605c 0484 0888",
	/* $ % */ "82602002042666888a6c2c0a 404d", "800c 0121230301 69898b6b69",
	/* & ' ( ) */ "8c1412305253080a2c5c88", "4043", "60434a6d", "20434a2d",
	/* * + , - . / */ "4349 1478 1874", "444a 1777", "4b4c3e", "1777", "4c4c", "701d",
	/* 0 1 2 */ "2060828a6c2c0a0220 2963", "13404c 1c7c", "02206082840c8c",
	/* 3 4 5 */ "02206082846636 66888a6c2c0a", "6c600888", "8010062565878a6c2c0a",
	/* 6 7 */ "826020020a2c6c8a87652507", "00803c",
	/* 8 9 */ "260402206082846626080a2c6c8a8866", "0a2c6c8a8260200205276785",
	/* : ; < = > */ "4545 4b4b", "4545 4b4c3e", "73177b", "1575 1979", "13771b",
	/* ? @ */ "02206082844748 4c4c", "6865442628496888836020020a2c7c",
	/* A B C D */
	"0c408c 1979", "0c006082846606 66888a6c0c", "826020020a2c6c8a", "005083895c0c00",
	/* E F G H */ "80000c8c 0666", "80000c 0666", "826020020a2c6c8a8757", "000c 808c 0686",
	/* I J K L */ "2060 404c 2c6c", "808a6c2c0a", "000c 8007 348c", "000c8c",
	/* M N O P */ "0c0047808c", "0c008c80", "2060828a6c2c0a0220", "0c006082856707",
	/* Q R */ "2060828a6c2c0a0220 598d", "0c006082856707 478c",
	/* S T U V */ "82602002042666888a6c2c0a", "0080 404c", "000a2c6c8a80", "004c80",
	/* W X Y Z */ "002c456c80", "008c 800c", "004680 464c", "00800c8c",
	/* [ \ ] ^ _ ` */ "60404d6d", "107d", "20404d2d", "144074", "0e8e", "2042",
	/* a b c */ "1464868c 88280a2c6c8a", "000c 062464868a6c2c0a", "866424060a2c6c8a",
	/* d e f */ "808c 866424060a2c6c8a", "0888866424060a2c6c8b", "7050323c 0464",
	/* g h i */ "848e6g2g0f 866424060a2c6c8a", "000c 062464868c", "24444c 2c6c 4141",
	/* j k l */ "34545e3g1f 5151", "000c 7409 378c", "20404c 2c6c",
	/* m n o */ "040c 051434454c 455474858c", "040c 062464868c", "2464868a6c2c0a0624",
	/* p q r */ "040g 062464868a6c2c0a", "848g 866424060a2c6c8a", "040c 07346485",
	/* s t u */ "85741405071878898b7c1c0b", "313a5c7c 0474", "040a2c6c8a 848c",
	/* v w x y z */ "044c84", "042c466c84", "048c 840c", "044c 842g", "04840c8c",
	/* { | } ~ */ "60414526484c6d", "404e", "20414566484c2d", "08266886",
	/* ellipsis, em dash, times */ "1c1c 4c4c 7c7c", "0787", "157b 751b",
};

static const char *const font_extra[] = { "\xe2\x80\xa6", "\xe2\x80\x94", "\xc3\x97" };

int font_next_glyph(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;

	if (*at < 0x80) {
		(*text)++;
		return *at >= FONT_FIRST && *at <= FONT_LAST ? *at - FONT_FIRST : '?' - FONT_FIRST;
	}
	for (size_t i = 0; i < sizeof(font_extra) / sizeof(font_extra[0]); i++) {
		size_t length = strlen(font_extra[i]);

		if (!strncmp(*text, font_extra[i], length)) {
			*text += length;
			return FONT_EXTRA + (int)i;
		}
	}
	do {
		(*text)++;
	} while ((**text & 0xc0) == 0x80);
	return '?' - FONT_FIRST;
}

void font_cell(float capital_height, int *width, int *height)
{
	*width = (int)ceilf(FONT_ADVANCE * capital_height / FONT_CAPITAL);
	*height = (int)ceilf(FONT_LINE * capital_height / FONT_CAPITAL);
}

static float font_coordinate(char c)
{
	return (float)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The distance of (x, y) from the line between two points. */
static float font_distance(float x, float y, float ax, float ay, float bx, float by)
{
	float dx = bx - ax, dy = by - ay;
	float length = dx * dx + dy * dy;
	float along = length > 0 ? ((x - ax) * dx + (y - ay) * dy) / length : 0;

	along = fminf(fmaxf(along, 0), 1);
	return hypotf(x - ax - along * dx, y - ay - along * dy);
}

/* The distance of (x, y), in units, from the nearest stroke. */
static float font_glyph_distance(const char *stroke, float x, float y)
{
	float best = 1e9f;

	for (; stroke[0]; stroke += stroke[2] == ' ' ? 3 : 2) {
		/* The last point of a chain has no next. */
		if (!stroke[2] || stroke[2] == ' ') {
			if (!stroke[2])
				break;
			continue;
		}
		best = fminf(best, font_distance(x, y, font_coordinate(stroke[0]),
						 font_coordinate(stroke[1]),
						 font_coordinate(stroke[2]),
						 font_coordinate(stroke[3])));
	}
	return best;
}

void font_draw_cell(int glyph, float capital_height, uint8_t *coverage, size_t stride)
{
	float unit = capital_height / FONT_CAPITAL;
	int width, height;

	font_cell(capital_height, &width, &height);
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			float at_x = ((float)x + 0.5f) / unit - FONT_LEFT;
			float at_y = ((float)y + 0.5f) / unit - FONT_ABOVE;
			float distance = font_glyph_distance(font_strokes[glyph], at_x, at_y);
			float inside = (FONT_PEN_RADIUS - distance) * unit + 0.5f;

			coverage[(size_t)y * stride + (size_t)x] =
				(uint8_t)(fminf(fmaxf(inside, 0), 1) * 255);
		}
	}
}
