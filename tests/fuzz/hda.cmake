# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_hda
	SOURCES fuzz_hda.c ${PROJECT_SOURCE_DIR}/tests/unit/hda_rig.c
	LINK audio fake_guest)
target_include_directories(fuzz_hda PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
