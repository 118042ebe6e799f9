# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_test(test_virtio_blk SOURCES test_virtio_blk.c LINK vmm fake_guest)
vitrine_test(test_virtio_rng SOURCES test_virtio_rng.c LINK vmm fake_guest)
vitrine_test(test_virtio_net SOURCES test_virtio_net.c LINK vmm fake_guest)
vitrine_test(test_net_slirp SOURCES test_net_slirp.c LINK vmm)
vitrine_test(test_virtio_console SOURCES test_virtio_console.c LINK vmm fake_guest)
vitrine_test(test_virtio_serial SOURCES test_virtio_serial.c virtio_serial_rig.c LINK vmm fake_guest)
vitrine_test(test_virtio_serial_broken SOURCES test_virtio_serial_broken.c virtio_serial_rig.c
	LINK vmm fake_guest)
vitrine_test(test_net_tap SOURCES test_net_tap.c LINK vmm)
