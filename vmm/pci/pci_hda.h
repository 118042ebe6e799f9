/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI function of an HD Audio controller: one 16 KiB register BAR and INTA.
 *
 * It says that it is ICH9's, which drivers know under old and simple rules (no power management, no
 * snoop control, positions are right as they are); class 0x040300 is what others bind by. There is
 * no MSI: all of them fall back to INTx.
 */
#ifndef VMM_PCI_PCI_HDA_H
#define VMM_PCI_PCI_HDA_H

struct audio_backend;
struct guest_mem;
struct loop;
struct pci_function;

/* Ready for pci_function_add; ops->destroy when it is never added. The backend must outlive it and
 * serves nobody else; mem: a reference is taken. NULL with errno. */
struct pci_function *pci_hda_create(struct loop *audio_loop, struct audio_backend *backend,
				    struct guest_mem *mem);

#endif
