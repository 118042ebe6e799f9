vitrine_test(test_control SOURCES test_control.c LINK vmm_control)
