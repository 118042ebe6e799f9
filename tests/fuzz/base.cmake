vitrine_fuzz(fuzz_options SOURCES fuzz_options.c LINK base)
vitrine_fuzz(fuzz_clipboard SOURCES fuzz_clipboard.c LINK base)
