vitrine_fuzz(fuzz_spice SOURCES fuzz_spice.c LINK vmm_spice)
vitrine_fuzz(fuzz_spice_hello SOURCES fuzz_spice_hello.c LINK vmm_spice)
