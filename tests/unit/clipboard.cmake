# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_test(test_clipboard SOURCES test_clipboard.c clipboard_mock.c LINK vmm_clipboard)
vitrine_test(test_vdagent_stream SOURCES test_vdagent_stream.c LINK vmm_clipboard)
vitrine_test(test_vdagent_peer SOURCES test_vdagent_peer.c vdagent_other.c clipboard_mock.c
	LINK vmm_clipboard)
vitrine_test(test_guest_agent SOURCES test_guest_agent.c virtio_serial_rig.c vdagent_other.c
	clipboard_mock.c
	LINK vmm_clipboard fake_guest THREADS)
vitrine_test(test_clipboard_sessions SOURCES test_clipboard_sessions.c
	${PROJECT_SOURCE_DIR}/vmm/main/run_control_clipboard.c
	LINK vmm_clipboard vmm_control vmm_spice capture)
