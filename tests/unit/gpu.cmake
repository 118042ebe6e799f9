# A gpu with a fake guest in front and a recording consumer behind.
add_library(gpu_rig STATIC
	${CMAKE_CURRENT_LIST_DIR}/gpu_rig.c
	${CMAKE_CURRENT_LIST_DIR}/gpu_script.c)
target_include_directories(gpu_rig PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(gpu_rig PUBLIC gpu display_recorder fake_guest PRIVATE vitrine_flags)

vitrine_test(test_gpu_2d SOURCES test_gpu_2d.c LINK gpu gpu_rig)
vitrine_test(test_gpu_blob SOURCES test_gpu_blob.c LINK gpu gpu_rig)
vitrine_test(test_gpu_flight SOURCES test_gpu_flight.c LINK gpu gpu_rig THREADS)
vitrine_test(test_gpu_cursor SOURCES test_gpu_cursor.c LINK gpu gpu_rig)
vitrine_test(test_gpu_display SOURCES test_gpu_display.c LINK gpu gpu_rig)
vitrine_test(test_gpu_edid SOURCES test_gpu_edid.c LINK gpu)
target_include_directories(test_gpu_edid PRIVATE ${PROJECT_SOURCE_DIR}/gpu)
vitrine_test(test_gpu_random SOURCES test_gpu_random.c LINK gpu gpu_rig)
