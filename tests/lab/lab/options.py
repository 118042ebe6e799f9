# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of tests/lab/run."""

import argparse
import os
import re
import textwrap

from lab import kernel

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
EPILOG = textwrap.dedent("""\
    COMMAND is a program with its arguments, no shell line (use: -- sh -c '...'). It runs as root of L1
    in the current directory and sees this machine's files; what it writes is lost at the end, except
    in --share directories, on --disk images and in --shm files.

    exit status: that of COMMAND; 124 time-out; 125 L1 died (panic); 126, 127 COMMAND not startable;
    2 wrong usage or missing prerequisites
    """)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tests/lab/run", usage="%(prog)s [options] -- COMMAND [ARGUMENT...]", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        description="Run COMMAND in a virtual machine (L1) that has a working /dev/kvm.")
    add = parser.add_argument
    add("--timeout", type=seconds, default=600, metavar="SEC",
        help="end L1 after SEC seconds (default: %(default)s)")
    add("--kernel", choices=kernel.SERIES, default=kernel.SERIES[0],
        help="Debian kernel of L1 (default: %(default)s, or the release's newer stock kernel)")
    add("--refresh", action="store_true", help="ask apt for a newer build of that kernel first")
    add("--memory", default="4G", metavar="SIZE", help="L1's RAM (default: %(default)s)")
    add("--cpus", type=positive, default=1, metavar="N",
        help="L1's CPUs (default: %(default)s; more than one is not safe: see README.md)")
    add("--env", action="append", default=[], type=variable, metavar="NAME[=VALUE]",
        help="set an environment variable of COMMAND, or pass the caller's on")
    add("--share", action="append", default=[], type=share, metavar="DIR[:L1DIR]",
        help="mount a directory read-write, at the same path unless L1DIR is given")
    add("--disk", action="append", default=[], type=disk, metavar="FILE[,readonly][,name=NAME]",
        help="add a raw disk image; L1 has it as $LAB_DISK0 (1, ...) = /dev/lab/NAME")
    add("--shm", action="append", default=[], type=shared_memory, metavar="FILE,SIZE",
        help="add an ivshmem device backed by FILE (made if missing); L1 maps $LAB_SHM")
    add("--net", action="store_true",
        help="give L1 a user-mode network; this machine is $LAB_HOST there")
    add("--hostfwd", action="append", default=[], type=port_pair, metavar="HOSTPORT:L1PORT",
        help="forward a TCP port of 127.0.0.1 to L1 (implies --net)")
    add("--mods", type=str.split, default=[], metavar="'M1 M2'",
        help="load more kernel modules (kvm-amd always is; tun, uinput, ... load on open)")
    add("--append", action="append", default=[], metavar="WORDS",
        help="add to L1's kernel command line")
    add("--qemu-args", action="append", default=[], metavar="'ARGS'", help="add QEMU arguments")
    add("--keep", action="store_true",
        help="keep the run's directory: kernel log, QEMU's command and messages")
    add("command", nargs="+", metavar="COMMAND", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.net = options.net or bool(options.hostfwd)
    if len(options.shm) > 8:
        parser.error("at most 8 --shm")
    return options


def seconds(text):
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds")
    return value


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not positive")
    return value


def size_bytes(text):
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size (such as 64M)")
    return int(found[1]) * UNITS[found[2]]


def variable(text):
    name, equals, value = text.partition("=")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise argparse.ArgumentTypeError(f"{name!r} is no variable name")
    return name, value if equals else os.environ.get(name)


def share(text):
    directory, _, mount_point = text.partition(":")
    directory = os.path.abspath(directory)
    if not os.path.isdir(directory):
        raise argparse.ArgumentTypeError(f"{directory} is no directory")
    return directory, os.path.normpath(mount_point or directory)


def disk(text):
    path, *words = text.split(",")
    readonly, name = False, ""
    for word in words:
        if word == "readonly":
            readonly = True
        elif word.startswith("name="):
            name = word[len("name="):]
        else:
            raise argparse.ArgumentTypeError(f"unknown disk option {word!r}")
    if not os.path.exists(path):
        raise argparse.ArgumentTypeError(f"{path} does not exist")
    return os.path.abspath(path), name, readonly


def shared_memory(text):
    path, comma, size = text.rpartition(",")
    if not comma or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE,SIZE")
    value = size_bytes(size)
    if value < 4096 or value & (value - 1):
        raise argparse.ArgumentTypeError(f"{size}: a PCI BAR needs a power of two >= 4K")
    return os.path.abspath(path), value


def port_pair(text):
    found = re.fullmatch(r"(\d+):(\d+)", text)
    if not found or not all(0 < int(port) < 65536 for port in found.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOSTPORT:L1PORT")
    return int(found[1]), int(found[2])
