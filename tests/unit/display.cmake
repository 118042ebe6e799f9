# A display consumer for the tests of whatever makes or passes on frames.
add_library(display_recorder STATIC ${CMAKE_CURRENT_LIST_DIR}/display_recorder.c)
target_include_directories(display_recorder PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(display_recorder PUBLIC display PRIVATE vitrine_flags)

vitrine_test(test_display SOURCES test_display.c LINK display display_recorder THREADS)
