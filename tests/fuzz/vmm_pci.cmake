# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_pci
	SOURCES fuzz_pci.c ${PROJECT_SOURCE_DIR}/tests/unit/pci_rig.c
	LINK vmm fake_guest)
target_include_directories(fuzz_pci PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
