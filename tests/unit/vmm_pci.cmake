# SPDX-License-Identifier: GPL-2.0-or-later
vitrine_test(test_bus SOURCES test_bus.c LINK vmm THREADS)
vitrine_test(test_pci_config SOURCES test_pci_config.c pci_rig.c LINK vmm fake_guest)
vitrine_test(test_virtio_pci
	SOURCES test_virtio_pci.c pci_driver.c pci_rig.c LINK vmm fake_guest THREADS)
vitrine_test(test_virtio_pci_irq
	SOURCES test_virtio_pci_irq.c pci_driver.c pci_rig.c LINK vmm fake_guest)
