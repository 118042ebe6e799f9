# SPDX-License-Identifier: GPL-2.0-or-later
# How rooms, programs, tests and fuzz targets are built.

find_package(Threads REQUIRED)

add_library(vitrine_flags INTERFACE)
target_compile_definitions(vitrine_flags INTERFACE _GNU_SOURCE)
target_compile_options(vitrine_flags INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
	-Wvla -Wformat=2 -Wundef -Wno-unused-parameter -Werror -fno-strict-aliasing)
if(VITRINE_SANITIZE STREQUAL "address")
	target_compile_options(vitrine_flags INTERFACE
		-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
	target_link_options(vitrine_flags INTERFACE -fsanitize=address,undefined)
elseif(VITRINE_SANITIZE STREQUAL "thread")
	target_compile_options(vitrine_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
	target_link_options(vitrine_flags INTERFACE -fsanitize=thread)
elseif(VITRINE_SANITIZE)
	message(FATAL_ERROR "VITRINE_SANITIZE is '${VITRINE_SANITIZE}': use address or thread")
endif()
if(VITRINE_FUZZ)
	target_compile_options(vitrine_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# vitrine_room(gpu SOURCES a.c b.c LINK virtio display): a static library with its doors in
# <room>/include/<room>/*.h; each door must compile alone.
function(vitrine_room name)
	cmake_parse_arguments(ROOM "" "" "SOURCES;LINK" ${ARGN})
	add_library(${name} STATIC ${ROOM_SOURCES})
	target_include_directories(${name} PUBLIC include PRIVATE .)
	target_compile_definitions(${name} PRIVATE LOG_ROOM="${name}")
	target_link_libraries(${name} PUBLIC ${ROOM_LINK} PRIVATE vitrine_flags)
	target_link_libraries(${name} PUBLIC Threads::Threads)
	vitrine_check_doors(${name})
endfunction()

# Compiles every door of a room as a translation unit of its own.
function(vitrine_check_doors name)
	file(GLOB doors CONFIGURE_DEPENDS include/${name}/*.h)
	set(units)
	foreach(door ${doors})
		get_filename_component(stem ${door} NAME_WE)
		set(unit ${CMAKE_CURRENT_BINARY_DIR}/doors/${name}_${stem}.c)
		file(CONFIGURE OUTPUT ${unit} CONTENT "#include <${name}/${stem}.h>\n")
		list(APPEND units ${unit})
	endforeach()
	if(units)
		add_library(${name}_doors OBJECT ${units})
		target_link_libraries(${name}_doors PRIVATE ${name} vitrine_flags)
	endif()
endfunction()

# vitrine_program(vitrine SOURCES main.c LINK vmm): an executable in the build's bin/.
function(vitrine_program name)
	cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINK" ${ARGN})
	add_executable(${name} ${PROGRAM_SOURCES})
	target_include_directories(${name} PRIVATE .)
	target_link_libraries(${name} PRIVATE ${PROGRAM_LINK} vitrine_flags)
	set_target_properties(${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# vitrine_test(test_queue SOURCES test_queue.c LINK virtio fake_guest [THREADS]): a cmocka program run
# by CTest with label "unit" (and "threads": worth running under TSan).
function(vitrine_test name)
	cmake_parse_arguments(TEST "THREADS" "" "SOURCES;LINK" ${ARGN})
	add_executable(${name} ${TEST_SOURCES})
	target_link_libraries(${name} PRIVATE ${TEST_LINK} PkgConfig::CMOCKA vitrine_flags)
	add_test(NAME ${name} COMMAND ${name})
	set(labels unit)
	if(TEST_THREADS)
		list(APPEND labels threads)
	endif()
	set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT 180)
endfunction()

# vitrine_fuzz(fuzz_queue SOURCES fuzz_queue.c LINK virtio): with VITRINE_FUZZ a libFuzzer program;
# else the same target over fixed and pseudo-random inputs as a unit test, so that it never rots.
function(vitrine_fuzz name)
	cmake_parse_arguments(FUZZ "" "" "SOURCES;LINK" ${ARGN})
	if(VITRINE_FUZZ)
		add_executable(${name} ${FUZZ_SOURCES})
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
	else()
		add_executable(${name} ${FUZZ_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
		add_test(NAME ${name} COMMAND ${name})
		set_tests_properties(${name} PROPERTIES LABELS "unit;fuzz" TIMEOUT 180)
	endif()
	target_link_libraries(${name} PRIVATE ${FUZZ_LINK} vitrine_flags)
endfunction()
