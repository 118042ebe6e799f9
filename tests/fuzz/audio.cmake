# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_virtio_snd SOURCES fuzz_virtio_snd.c LINK audio_rig)
