vitrine_test(test_ring_dump SOURCES test_ring_dump.c LINK ivshmem)
target_compile_definitions(test_ring_dump PRIVATE RING_DUMP="$<TARGET_FILE:ring-dump>")
add_dependencies(test_ring_dump ring-dump)
