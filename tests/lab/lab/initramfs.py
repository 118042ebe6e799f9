# SPDX-License-Identifier: GPL-2.0-or-later
"""L1's initramfs: busybox, our init and the few modules needed to mount the host's root.

It is a handful of files, so it is written here (cpio "newc") rather than with outside tools.
"""

import pathlib
import stat

from lab.errors import LabError, need_tool

INIT = pathlib.Path(__file__).resolve().parent.parent / "l1/init"
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "virtio_console", "overlay")
# Programs that init starts; the rest of what it uses is built into the shell.
APPLETS = ("sh", "mount", "insmod", "modprobe", "ip", "uname", "setsid", "switch_root")


def static_busybox():
    path = need_tool("busybox", "busybox-static")
    data = pathlib.Path(path).read_bytes()
    if b"/lib64/ld-linux" in data[:4096]:
        raise LabError("busybox needs shared libraries: apt-get install busybox-static")
    return data


def build(kernel):
    """The archive's bytes. It takes some 20 ms, so every run makes its own and none is kept."""
    archive = [cpio_entry(name, stat.S_IFDIR | 0o755) for name in
               ("bin", "dev", "lib", "lib/modules", "proc", "r", "sys", "modules")]
    archive.append(cpio_entry("bin/busybox", stat.S_IFREG | 0o755, static_busybox()))
    archive += [cpio_entry(f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox") for name in APPLETS]
    archive.append(cpio_entry("init", stat.S_IFREG | 0o755, INIT.read_bytes()))
    # /dev/console must exist before init can mount devtmpfs, or init has no output.
    archive.append(cpio_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
    for position, path in enumerate(module_closure(kernel.modules)):
        name = f"modules/{position:02}-{path.name}"
        archive.append(cpio_entry(name, stat.S_IFREG | 0o644, path.read_bytes()))
    archive.append(cpio_entry("TRAILER!!!", 0))
    return b"".join(archive)


def module_closure(modules):
    """The modules' files in loading order, from depmod's modules.dep."""
    needs, by_name = {}, {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
        by_name[pathlib.Path(path).stem.replace("-", "_")] = path
    order = []
    for name in MODULES:
        if name not in by_name:  # built into this kernel
            continue
        path = by_name[name]
        for needed in (*reversed(needs[path]), path):  # modules.dep lists the last needed first
            if needed not in order:
                order.append(needed)
    return [modules / path for path in order]


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One member in the "newc" format (Documentation/driver-api/early-userspace/buffer-format)."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
