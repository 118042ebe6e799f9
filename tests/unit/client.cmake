# SPDX-License-Identifier: GPL-2.0-or-later
foreach(part clipboard config control_reply input keymap layout parts sound sound_samples video)
	vitrine_test(test_client_${part} SOURCES test_client_${part}.c LINK client)
endforeach()
vitrine_test(test_kvmfr_reader SOURCES test_kvmfr_reader.c LINK client)
vitrine_test(test_source_looking_glass SOURCES test_source_looking_glass.c LINK client capture THREADS)
target_include_directories(test_source_looking_glass PRIVATE ${PROJECT_SOURCE_DIR}/capture)
