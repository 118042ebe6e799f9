# SPDX-License-Identifier: GPL-2.0-or-later
"""A display, a fake VMM and the real client, driven as a user drives it."""
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
# Far more than any step takes: the machine may be busy with something else.
WAIT_S = 60.0


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def require(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed (tools/install-packages run)")


def wait_for(what, condition, timeout_s=WAIT_S):
    """The first true value of the condition; there is no sleep without one."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(0.02)


class Process:
    """A child whose output lines can be waited for."""

    def __init__(self, name, arguments, env=None):
        self.name = name
        self.lines = []
        self.fresh = queue.Queue()
        self.child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, env=env, text=True, bufsize=1)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))
            self.fresh.put(line.rstrip("\n"))

    def tell(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def expect(self, text, timeout_s=WAIT_S):
        """Takes lines until one contains the text; returns all that were taken."""
        taken = []
        end = time.monotonic() + timeout_s
        while True:
            try:
                line = self.fresh.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.name} did not say '{text}'; it said {taken}, "
                                     f"earlier {self.lines[-20:]}") from None
            taken.append(line)
            if text in line:
                return taken

    def drain(self):
        taken = []
        while not self.fresh.empty():
            taken.append(self.fresh.get())
        return taken

    def alive(self):
        return self.child.poll() is None

    def wait(self, timeout_s=WAIT_S):
        try:
            return self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end; it said {self.lines}") from None

    def kill(self, number=signal.SIGKILL):
        if self.alive():
            self.child.send_signal(number)
        return self.wait()


class Picture:
    """RGB pixels of a PNG file or of an X window."""

    def __init__(self, source):
        raw = subprocess.run(["convert", source, "-depth", "8", "ppm:-"], check=True,
                             stdout=subprocess.PIPE).stdout
        head, size, depth, self.bytes = raw.split(b"\n", 3)
        assert head == b"P6" and depth == b"255", raw[:20]
        self.width, self.height = map(int, size.split())

    def at(self, x, y):
        start = 3 * (y * self.width + x)
        return tuple(self.bytes[start:start + 3])


def guest_colour(x, y):
    """As fake_picture.h paints it."""
    return (x // 4 & 255, y // 4 & 255, (x & 3) << 6 | (y & 3) << 4)


def guest_picture(width, height):
    return b"".join(bytes(guest_colour(x, y)) for y in range(height) for x in range(width))


class Session:
    """One directory, one fake VMM (which may die and come back), one client."""

    def __init__(self, build, env):
        self.bin = os.path.join(build, "bin")
        self.env = env
        self.directory = tempfile.mkdtemp(prefix="vitrine-e2e-")
        self.socket = os.path.join(self.directory, "control.sock")
        self.file = os.path.join(self.directory, "segment")
        self.vmm = self.client = None

    def start_vmm(self, width=800, height=600, shm=False, spice=None):
        way = ["--shm", self.file] if shm else ["--socket", self.socket]
        self.vmm = Process("fake-vmm", [os.path.join(self.bin, "fake-vmm"), *way, str(width),
                                        str(height), *([spice] if spice else [])])
        self.vmm.expect("ready")
        return self.vmm

    def start_client(self, *options, shm=False, attached=True):
        way = ["--shm", self.file] if shm else ["--socket", self.socket]
        client = Process("client", [os.path.join(self.bin, "vitrine-client"), *way, *options],
                         env=self.env)
        self.client = client
        if attached:
            client.expect("attached to")
        return client

    def mark(self):
        """All that the VMM was sent until now."""
        self.vmm.tell("mark here")
        return self.vmm.expect("mark here")[:-1]

    def close(self):
        for process in (self.client, self.vmm):
            if process and process.alive():
                process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def run_tests(tests, make_session):
    failed = 0
    for test in tests:
        session = make_session()
        start = time.monotonic()
        try:
            test(session)
            print(f"ok      {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        except (AssertionError, subprocess.CalledProcessError, OSError) as error:
            failed += 1
            print(f"FAILED  {test.__name__}: {error!r}")
            for process in (session.client, session.vmm):
                if process:
                    print(f"        {process.name}: {process.lines[-12:]}", flush=True)
        finally:
            session.close()
    return 1 if failed else 0
