# SPDX-License-Identifier: GPL-2.0-or-later
"""The L1 kernel: found with apt, unpacked for a fast start, kept in the user's cache.

Nothing is installed on the host. Under TCG every decompression is slow, so the modules are stored
decompressed and the kernel as the ELF vmlinux that QEMU can enter directly (PVH).
"""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

from lab.errors import LabError, need_tool, say

SERIES = ("6.12", "6.1")
DEPENDS = re.compile(r"^Depends:.*?\b(linux-image-(\d+)\.(\d+)\S*-amd64)\b", re.MULTILINE)


class Kernel:
    """A prepared kernel: directory/vmlinux and directory/lib/modules/<version>."""

    def __init__(self, directory):
        self.directory = directory
        self.vmlinux = directory / "vmlinux"
        self.modules = next((directory / "lib/modules").iterdir())


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "vitrine" / "lab"


def series_link(series):
    """The link to the kernel that a series uses now."""
    return cache_directory() / f"{series}-{recipe_hash()}"


def recipe_hash():
    return hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]


def prepare(series, refresh=False):
    """The prepared kernel of a series ("6.12"); the first call downloads and unpacks it.

    A series keeps its kernel until refresh asks apt again or this file changes, so that a start
    needs neither apt nor the network.
    """
    cache = cache_directory()
    current = series_link(series)
    if current.exists() and not refresh:
        return Kernel(current.resolve())
    with cache_lock(cache):
        if refresh or not current.exists():
            package = find_package(series)
            directory = cache / f"{package.removeprefix('linux-image-')}-{recipe_hash()}"
            if not directory.exists():
                build(package, cache, directory)
            link = cache / f"tmp-link-{os.getpid()}"
            link.symlink_to(directory.name)
            link.rename(current)
    return Kernel(current.resolve())


@contextlib.contextmanager
def cache_lock(cache):
    """Hold the cache for writing; whoever holds it may clear what a killed run left."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = open(cache / "lock", "a")
    except OSError as error:
        raise LabError(f"cannot write the cache: {error}; set XDG_CACHE_HOME to a directory "
                       "of yours") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is preparing a kernel: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in cache.glob("tmp-*"):
            if leftover.is_symlink():
                leftover.unlink()
            else:
                shutil.rmtree(leftover, ignore_errors=True)
        yield


def find_package(series):
    """The versioned image package that this system's own sources offer for a series.

    Debian 12 has "linux-image-6.12-amd64" beside its stock 6.1; later releases have a stock
    kernel that is newer than 6.12 and serves as well.
    """
    need_tool("apt-cache", "apt")
    wanted = tuple(map(int, series.split(".")))
    for name in (f"linux-image-{series}-amd64", "linux-image-amd64"):
        shown = subprocess.run(["apt-cache", "show", "--no-all-versions", name],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = DEPENDS.search(shown.stdout)
        if not found:
            continue
        version = int(found[2]), int(found[3])
        if version == wanted or (series == "6.12" and version > wanted):
            return found[1]
    raise LabError(f"apt knows no {series} kernel: run apt-get update, or choose another --kernel")


def build(package, cache, directory):
    """Download and unpack package into directory, which appears complete or not at all."""
    depmod = need_tool("depmod", "kmod")
    work = pathlib.Path(tempfile.mkdtemp(prefix="tmp-", dir=cache))
    try:
        download(package, work)
        say(f"unpacking {package}")
        deb = next(work.glob("*.deb"))
        subprocess.run(["dpkg-deb", "--extract", deb, work / "deb"], check=True)
        deb.unlink()
        result = work / "result"
        modules = next((work / "deb").glob("**/lib/modules/*"))
        (result / "lib/modules").mkdir(parents=True)
        modules = modules.rename(result / "lib/modules" / modules.name)
        decompress_modules(modules)
        subprocess.run([depmod, "-b", result, modules.name], check=True)
        image = next((work / "deb/boot").glob("vmlinuz-*")).read_bytes()
        (result / "vmlinux").write_bytes(extract_vmlinux(image))
        result.rename(directory)
        say(f"kernel {modules.name} is ready in {directory}")
    except (subprocess.CalledProcessError, StopIteration, OSError) as error:
        raise LabError(f"cannot prepare {package}: {error or 'unexpected package contents'}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def download(package, work):
    say(f"downloading {package} (about 100 MB, once)")
    command = ["apt-get", "download", "-q", package]
    if os.geteuid() == 0:  # the cache is root's: apt's own user could not write there
        command[2:2] = ["-o", "APT::Sandbox::User=root"]
    done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        reason = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise LabError(f"apt-get download {package} failed: {reason}; try apt-get update")


def decompress_modules(modules):
    """lzma releases the interpreter lock, so threads use every processor."""
    def decompress(path):
        path.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        path.unlink()

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in pool.map(decompress, list(modules.rglob("*.ko.xz"))):
            pass


def extract_vmlinux(image):
    """The ELF kernel inside a bzImage (x86 boot protocol 2.08: payload_offset, payload_length)."""
    if len(image) < 0x250 or image[0x202:0x206] != b"HdrS":
        raise LabError("the kernel package holds no bzImage")
    setup_bytes = ((image[0x1f1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, 0x248)
    payload = image[setup_bytes + offset:setup_bytes + offset + length]
    vmlinux = decompress_payload(payload)
    if vmlinux[:4] != b"\x7fELF":
        raise LabError("the kernel's payload is no ELF file")
    return vmlinux


def decompress_payload(payload):
    """The payload ends in its uncompressed size (4 bytes), which every decompressor here ignores."""
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(payload)
    tools = {b"\x28\xb5\x2f\xfd": ("zstd", "zstd"), b"\x02\x21\x4c\x18": ("lz4", "lz4")}
    if payload[:4] not in tools:
        raise LabError(f"unknown kernel compression {payload[:4].hex()}")
    name, package = tools[payload[:4]]
    return subprocess.run([need_tool(name, package), "-dc"], input=payload[:-4], check=True,
                          stdout=subprocess.PIPE).stdout
