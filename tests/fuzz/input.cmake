vitrine_fuzz(fuzz_input_ring SOURCES fuzz_input_ring.c LINK input ivshmem fake_guest)
vitrine_fuzz(fuzz_input_script SOURCES fuzz_input_script.c LINK input)
