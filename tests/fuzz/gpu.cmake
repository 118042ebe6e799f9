vitrine_fuzz(fuzz_gpu SOURCES fuzz_gpu.c LINK gpu_rig)
