vitrine_fuzz(fuzz_segment SOURCES fuzz_segment.c LINK ivshmem)
vitrine_fuzz(fuzz_ring SOURCES fuzz_ring.c LINK ivshmem)
vitrine_fuzz(fuzz_sound SOURCES fuzz_sound.c LINK ivshmem)
vitrine_fuzz(fuzz_lgmp SOURCES fuzz_lgmp.c LINK ivshmem)
