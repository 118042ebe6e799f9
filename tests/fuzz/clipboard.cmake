# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_vdagent SOURCES fuzz_vdagent.c LINK vmm_clipboard)
vitrine_fuzz(fuzz_vdagent_peer SOURCES fuzz_vdagent_peer.c LINK vmm_clipboard)
