# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_test(test_hda SOURCES test_hda.c hda_rig.c LINK audio fake_guest)
vitrine_test(test_hda_broken SOURCES test_hda_broken.c hda_rig.c LINK audio fake_guest)
vitrine_test(test_pci_hda SOURCES test_pci_hda.c hda_rig.c pci_rig.c LINK vmm fake_guest THREADS)
