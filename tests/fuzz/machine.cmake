# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_bzimage SOURCES fuzz_bzimage.c LINK vmm)
vitrine_fuzz(fuzz_chips SOURCES fuzz_chips.c LINK vmm)
