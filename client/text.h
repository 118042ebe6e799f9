/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of text on translucent panels, drawn with the font's atlas in one texture. Main thread. */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <SDL.h>

struct text {
	SDL_Renderer *renderer;
	SDL_Texture *atlas;             /* made with the first text, remade for another size */
	float capital_height;           /* pixels */
	int cell_width, cell_height;
};

void text_init(struct text *text, SDL_Renderer *renderer);
/* Before the renderer goes. */
void text_finish(struct text *text);
/* 0 or -ENOMEM. Cheap when the size is the one already set. */
int text_set_size(struct text *text, float capital_height);

/* The pixels that lines, separated by '\n', take up on a panel. */
void text_panel_size(const struct text *text, const char *lines, int *width, int *height);
/* The panel's top left corner. */
void text_draw_panel(const struct text *text, int x, int y, const char *lines);

#endif
