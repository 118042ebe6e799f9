# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_control SOURCES fuzz_control.c LINK vmm_control)
