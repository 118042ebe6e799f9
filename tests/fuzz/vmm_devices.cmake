# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_fuzz(fuzz_virtio_blk SOURCES fuzz_virtio_blk.c LINK vmm fake_guest)
vitrine_fuzz(fuzz_virtio_net SOURCES fuzz_virtio_net.c LINK vmm fake_guest)
vitrine_fuzz(fuzz_virtio_console SOURCES fuzz_virtio_console.c LINK vmm fake_guest)
vitrine_fuzz(fuzz_virtio_serial SOURCES fuzz_virtio_serial.c LINK vmm fake_guest)
