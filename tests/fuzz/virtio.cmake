vitrine_fuzz(fuzz_chain SOURCES fuzz_chain.c LINK virtio fake_guest)
