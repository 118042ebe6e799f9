/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that runs a script of bytes: mostly well-formed commands with values worth trying, some
 * raw bytes, readers that hold on to frames, stops and starts. Whatever it does, every chain must
 * come back and the guest must get all its host memory back.
 */
#ifndef TESTS_GPU_SCRIPT_H
#define TESTS_GPU_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

struct gpu_rig;

/* Aborts when a chain got lost. The number of commands run. */
unsigned int gpu_script_run(struct gpu_rig *rig, const uint8_t *script, size_t bytes);

#endif
