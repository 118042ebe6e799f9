pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
vitrine_test(test_spice_keys SOURCES test_spice_keys.c LINK vmm_spice)
vitrine_test(test_spice_inputs SOURCES test_spice_inputs.c input_guest.c
	LINK vmm_spice fake_guest THREADS)
vitrine_test(test_spice_service SOURCES test_spice_service.c spice_leaks.c spice_client.c input_guest.c
	LINK vmm_spice fake_guest PkgConfig::CRYPTO)
vitrine_test(test_spice_agent SOURCES test_spice_agent.c spice_leaks.c spice_client.c input_guest.c
	clipboard_mock.c vdagent_other.c
	LINK vmm_spice fake_guest PkgConfig::CRYPTO THREADS)
vitrine_test(test_spice_input SOURCES test_spice_input.c spice_leaks.c spice_rig.c vdagent_other.c
	input_guest.c
	LINK client_spice vmm_spice fake_guest)
vitrine_test(test_spice_clipboard SOURCES test_spice_clipboard.c spice_leaks.c spice_rig.c vdagent_other.c
	LINK client_spice vmm_spice)
vitrine_test(test_spice_sound SOURCES test_spice_sound.c spice_leaks.c spice_client.c
	LINK vmm_spice audio_rig m PkgConfig::CRYPTO THREADS)
vitrine_test(test_spice_display SOURCES test_spice_display.c spice_leaks.c spice_client.c spice_viewer.c
	input_guest.c lg_rig.c
	LINK vmm_spice fake_guest PkgConfig::CRYPTO)
# Seconds of libspice-server's own waits, and RSA keys.
set_tests_properties(test_spice_display PROPERTIES TIMEOUT 300)
vitrine_test(test_spice_commands SOURCES test_spice_commands.c LINK vmm_spice THREADS)
vitrine_test(test_spice_hello SOURCES test_spice_hello.c LINK vmm_spice THREADS)
vitrine_test(test_spice_hostile SOURCES test_spice_hostile.c spice_leaks.c spice_client.c clipboard_mock.c
	input_guest.c lg_rig.c LINK vmm_spice fake_guest audio_rig PkgConfig::CRYPTO)
