vitrine_test(test_input_state SOURCES test_input_state.c LINK input)
target_include_directories(test_input_state PRIVATE ${PROJECT_SOURCE_DIR}/input)
vitrine_test(test_virtio_input SOURCES test_virtio_input.c input_guest.c LINK input fake_guest)
vitrine_test(test_virtio_input_backlog SOURCES test_virtio_input_backlog.c input_guest.c
	LINK input fake_guest)
vitrine_test(test_input_router SOURCES test_input_router.c input_guest.c LINK input fake_guest)
vitrine_test(test_input_source_ring SOURCES test_input_source_ring.c input_guest.c
	LINK input ivshmem fake_guest)
vitrine_test(test_input_source_script SOURCES test_input_source_script.c input_guest.c
	LINK input fake_guest)
vitrine_test(test_input_threads SOURCES test_input_threads.c input_guest.c
	LINK input ivshmem fake_guest THREADS)
