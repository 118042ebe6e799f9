# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_control_reply SOURCES fuzz_control_reply.c LINK client)
vitrine_fuzz(fuzz_lg_region SOURCES fuzz_lg_region.c LINK client)
