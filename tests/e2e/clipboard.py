# SPDX-License-Identifier: GPL-2.0-or-later
"""What is copied and pasted, and a guest's hands."""
import os
import random
import struct
import subprocess
import zlib

from harness import Session

TEXT = "Grüße, 世界! \N{GRINNING FACE}\nsecond line\twith a tab\n".encode()


def png(side):
    """A picture of noise, which does not get smaller by being packed."""
    noise = random.Random(1)
    rows = b"".join(b"\0" + noise.randbytes(side * 3) for _ in range(side))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


SMALL_PNG = png(40)
BIG_PNG = png(1340)
assert len(BIG_PNG) > 5 << 20


class ClipboardSession(Session):
    """A session whose guest copies and pastes; programs on the desktop die with it."""

    def __init__(self, build, env):
        super().__init__(build, env)
        self.owners = []
        self.count = 0

    def path(self, data=None):
        self.count += 1
        path = os.path.join(self.directory, f"clip{self.count}")
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def spawn(self, *arguments, data=None):
        """A program that goes on giving what it has copied."""
        with open(self.path(data) if data is not None else os.devnull, "rb") as file:
            owner = subprocess.Popen(arguments, env=self.env, stdin=file,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.owners.append(owner)
        return owner

    def output(self, *arguments, timeout_s=60):
        return subprocess.run(arguments, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=timeout_s).stdout

    def guest_copy(self, **types):
        words = " ".join(f"{name} {self.path(data)}" for name, data in types.items())
        self.vmm.tell("clipboard copy " + words)

    def guest_paste(self, name):
        path = self.path()
        self.vmm.tell(f"clipboard paste {name} {path}")
        self.vmm.expect(f"guest pasted {name}")
        with open(path, "rb") as file:
            return file.read()

    def start(self, *options, **mode):
        self.start_vmm(**mode)
        self.start_client(*options)
        self.client.expect("the clipboard is shared")

    def close(self):
        for owner in self.owners:
            owner.kill()
            owner.wait()
        super().close()


class XSession(ClipboardSession):
    """xclip's hands."""

    def copy(self, data, target="UTF8_STRING"):
        return self.spawn("xclip", "-quiet", "-selection", "clipboard", "-t", target, "-i",
                          self.path(data))

    def paste(self, target="UTF8_STRING", timeout_s=60):
        return self.output("xclip", "-selection", "clipboard", "-t", target, "-o",
                           timeout_s=timeout_s)

    def targets(self):
        return self.paste("TARGETS").decode().split()
