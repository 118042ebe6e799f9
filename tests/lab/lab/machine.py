# SPDX-License-Identifier: GPL-2.0-or-later
"""What L1 is made of: the QEMU command line, and what init must know about it."""

import os
import shlex

from lab.errors import LabError, need_tool

# Measured under TCG: 5-level page tables and the byte-wise "rep movs/stos" of erms and fsrm cost a
# third of the whole time; QEMU 10 does not even boot with fsrm and without erms.
CPU = "max,la57=off,-erms,-fsrm"
# Waiting for RCU grace periods is much of the time that mounts and modules take.
CMDLINE = ("console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nokaslr no_timer_check "
           "tsc=reliable rcupdate.rcu_expedited=1")
FIRST_SHM_SLOT = 0x10  # fixed PCI addresses, so that both sides know them
MAX_DISK_NAME = 20  # VIRTIO_BLK_ID_BYTES


class Machine:
    """The devices that one run asked for, as QEMU arguments and as init's configuration."""

    def __init__(self, options):
        self.options = options
        self.arguments = []
        self.modules = ["kvm-amd", *options.mods]
        self.variables = {}  # environment of the command in L1
        self.shares = []
        self.shm_devices = []
        for number, (path, size) in enumerate(options.shm):
            self.add_shm(number, path, size)
        for number, disk in enumerate(options.disk):
            self.add_disk(number, *disk)
        for number, (directory, mount_point) in enumerate(options.share):
            self.add_9p(f"share{number}", directory)
            self.shares += [f"share{number}", mount_point]
        if options.net:
            self.add_network()

    def add_9p(self, tag, directory, readonly=False):
        self.arguments += [
            "-fsdev", f"local,id={tag},path={escape(directory)},security_model=none,"
                      f"multidevs=remap,readonly={'on' if readonly else 'off'}",
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]

    def add_shm(self, number, path, size):
        make_sparse(path, size)
        slot = FIRST_SHM_SLOT + number
        self.arguments += [
            "-object", f"memory-backend-file,id=shm{number},share=on,mem-path={escape(path)},"
                       f"size={size}",
            "-device", f"ivshmem-plain,memdev=shm{number},addr={slot:#x}"]
        self.shm_devices.append(f"/sys/bus/pci/devices/0000:00:{slot:02x}.0")
        resource = f"{self.shm_devices[-1]}/resource2_wc"
        self.variables[f"LAB_SHM{number}"] = resource
        self.variables.setdefault("LAB_SHM", resource)

    def add_disk(self, number, path, name, readonly):
        name = name or f"disk{number}"
        if len(name) > MAX_DISK_NAME or "/" in name:
            raise LabError(f"disk name {name!r}: at most {MAX_DISK_NAME} characters, no slash")
        if not os.access(path, os.R_OK if readonly else os.R_OK | os.W_OK):
            raise LabError(f"cannot {'read' if readonly else 'read and write'} the disk image "
                           f"{path}")
        self.arguments += [
            "-drive", f"if=none,id=disk{number},file={escape(path)},format=raw,discard=unmap,"
                      f"readonly={'on' if readonly else 'off'}",
            "-device", f"virtio-blk-pci,drive=disk{number},serial={escape(name)}"]
        self.modules.append("virtio_blk")
        self.variables[f"LAB_DISK{number}"] = f"/dev/lab/{name}"

    def add_network(self):
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{inner}"
                           for host, inner in self.options.hostfwd)
        self.arguments += ["-netdev", f"user,id=net{forwards}",
                           "-device", "virtio-net-pci,netdev=net,romfile="]
        self.modules.append("virtio_net")
        self.variables["LAB_HOST"] = "10.0.2.2"

    def config(self, marker):
        """The shell assignments that l1/init and l1/stage2 read."""
        values = {
            "MODULES": " ".join(dict.fromkeys(self.modules)),
            "SHARES": shlex.join(self.shares),
            "SHM": " ".join(self.shm_devices),
            "NET": "1" if self.options.net else "",
            "MARKER": marker,
        }
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())

    def command_line(self, kernel, run, streams, pulse):
        """The full command; streams are the inherited pipe ends for L1's stdout and stderr, pulse is
        the inherited socket of streams.Pulse."""
        options = self.options
        self.add_9p("root", "/", readonly=True)
        self.add_9p("lab", run / "lab")
        self.add_9p("modules", kernel.modules, readonly=True)
        command = [
            need_tool("qemu-system-x86_64", "qemu-system-x86"),
            "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot",
            "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU,
            "-smp", str(options.cpus), "-m", options.memory,
            "-kernel", kernel.vmlinux, "-initrd", run / "initramfs.cpio",
            "-append", " ".join([CMDLINE, *options.append]),
            "-chardev", f"file,id=console,path={escape(run / 'console.log')}",
            "-serial", "chardev:console",
            "-device", "virtio-serial-pci,max_ports=5",
            "-chardev", "stdio,id=in,signal=off",
            "-device", "virtserialport,nr=1,chardev=in,name=lab.in",
            "-chardev", f"socket,id=pulse,fd={pulse}",
            "-device", "virtserialport,nr=4,chardev=pulse,name=lab.pulse"]
        for number, (name, fd) in enumerate(streams.items(), start=2):
            # append=on: without it QEMU truncates the file, which a pipe refuses.
            command += ["-add-fd", f"fd={fd},set={number}",
                        "-chardev", f"file,id={name},path=/dev/fdset/{number},append=on",
                        "-device", f"virtserialport,nr={number},chardev={name},name=lab.{name}"]
        command += self.arguments
        for extra in options.qemu_args:
            command += shlex.split(extra)
        return [str(word) for word in command]


def escape(value):
    """A value inside one of QEMU's comma-separated options."""
    return str(value).replace(",", ",,")


def make_sparse(path, size):
    """Create or check the host file behind an ivshmem device."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LabError(f"cannot open the shared memory file: {error}") from None
    try:
        present = os.fstat(fd).st_size
        if present == 0:
            os.ftruncate(fd, size)
        elif present != size:
            raise LabError(f"{path} has {present} bytes, not {size}: remove it or give its size")
    finally:
        os.close(fd)
