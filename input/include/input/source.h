/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where events come from: the shared ring, a script. A source pushes into a router between start
 * and stop. All on the router's loop.
 */
#ifndef INPUT_SOURCE_H
#define INPUT_SOURCE_H

struct input_source;

struct input_source_ops {
	/* 0 or -errno. */
	int (*start)(struct input_source *source);
	/* Releases everything held in the router. May be started again. */
	void (*stop)(struct input_source *source);
	/* Stops first if it runs. */
	void (*destroy)(struct input_source *source);
};

struct input_source {
	const struct input_source_ops *ops;
};

static inline int input_source_start(struct input_source *source)
{
	return source->ops->start(source);
}

static inline void input_source_stop(struct input_source *source)
{
	source->ops->stop(source);
}

/* NULL is ignored. */
static inline void input_source_destroy(struct input_source *source)
{
	if (source)
		source->ops->destroy(source);
}

#endif
