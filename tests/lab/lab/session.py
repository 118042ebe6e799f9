# SPDX-License-Identifier: GPL-2.0-or-later
"""One run: its directory, its QEMU process, its end."""

import os
import pathlib
import re
import secrets
import select
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from lab import initramfs, streams
from lab.errors import need_tool, say
from lab.machine import Machine

STAGE2 = pathlib.Path(__file__).resolve().parent.parent / "l1/stage2"
TIMED_OUT = 124
L1_DIED = 125
QUIT_SECONDS = 5
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TELLING = re.compile(r"lab: |Kernel panic|BUG:|Oops|Out of memory|Unable to handle|unable to handle")


class Stopped(Exception):
    """A signal asks us to end."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Session:
    def __init__(self, options, kernel):
        self.options = options
        self.kernel = kernel
        self.marker = f"lab-{secrets.token_hex(16)}\n"
        self.machine = Machine(options)
        self.qemu = None
        self.directory = None
        self.wake_read, self.wake_write = os.pipe()

    def run(self):
        """Boot L1, run the command, return its exit code (or 124, 125)."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vitrine-lab-"))
        try:
            self.write_files()
            pumps = self.start()
            return self.wait(pumps)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self.quit_qemu()
            if self.options.keep:
                say(f"kept {self.directory}")
            else:
                shutil.rmtree(self.directory, ignore_errors=True)

    def write_files(self):
        share = self.directory / "lab"
        share.mkdir()
        (self.directory / "initramfs.cpio").write_bytes(initramfs.build(self.kernel))
        (share / "config").write_text(self.machine.config(self.marker), errors="surrogateescape")
        (share / "environment").write_text(self.environment(), errors="surrogateescape")
        shutil.copyfile(STAGE2, share / "stage2")

    def environment(self):
        """What the command starts with, as bash source."""
        variables = {
            "PATH": PATH,
            "HOME": os.path.expanduser("~"),
            "USER": "root",
            "LOGNAME": "root",
            "LANG": "C.UTF-8",
            "TERM": os.environ.get("TERM", "dumb"),
            "XDG_RUNTIME_DIR": "/run/user/0",
            "LAB": "1",
            **self.machine.variables,
            **dict(self.options.env),
        }
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()
                 if value is not None]
        lines.append(f"DIRECTORY={shlex.quote(os.getcwd())}")
        lines.append(f"COMMAND=({shlex.join(self.options.command)})")
        return "\n".join(lines) + "\n"

    def start(self):
        """Start QEMU and the pumps; returns the two output pumps."""
        input_read, input_write = os.pipe()
        output = {name: os.pipe() for name in ("out", "err")}
        writers = {name: ends[1] for name, ends in output.items()}
        pulse, inner_pulse = socket.socketpair()
        command = self.machine.command_line(self.kernel, self.directory, writers,
                                            inner_pulse.fileno())
        # QEMU dies with us even when we are killed, and does not see the terminal's Ctrl-C.
        command[:0] = [need_tool("setpriv", "util-linux"), "--pdeathsig", "KILL", "--"]
        (self.directory / "command").write_text(shlex.join(command) + "\n",
                                                errors="surrogateescape")
        with open(self.directory / "qemu.log", "wb") as log:
            self.qemu = subprocess.Popen(command, stdin=input_read, stdout=log, stderr=log,
                                         pass_fds=[*writers.values(), inner_pulse.fileno()],
                                         start_new_session=True)
        for fd in (input_read, *writers.values()):
            os.close(fd)
        inner_pulse.close()
        pumps = [streams.OutputPump(output[name][0], sink, self.marker.encode(), self.wake)
                 for name, sink in (("out", 1), ("err", 2))]
        for pump in (*pumps, streams.InputPump(0, input_write), streams.Pulse(pulse)):
            pump.start()
        return pumps

    def wake(self):
        os.write(self.wake_write, b".")

    def wait(self, pumps):
        """Wait until the command has ended, L1 has died or the time is up."""
        deadline = time.monotonic() + self.options.timeout
        process = os.pidfd_open(self.qemu.pid)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(self.wake_read, select.POLLIN)
        while not all(pump.complete for pump in pumps):
            left = deadline - time.monotonic()
            ready = [fd for fd, _ in poll.poll(max(0, left) * 1000)]
            if pumps[0].sink_closed:
                raise Stopped(signal.SIGPIPE)
            if self.wake_read in ready:
                os.read(self.wake_read, 1)
            elif process in ready:
                return self.end_of_dead(pumps)
            elif left <= 0:
                say(f"time-out after {self.options.timeout:g} s")
                return TIMED_OUT
        return int((self.directory / "lab/status").read_text())

    def end_of_dead(self, pumps):
        """QEMU has ended before the command: pass on what came, and say why."""
        for pump in pumps:
            pump.join(QUIT_SECONDS)
        if all(pump.complete for pump in pumps):
            return int((self.directory / "lab/status").read_text())
        console = (self.directory / "console.log").read_text(errors="replace").splitlines()
        qemu = (self.directory / "qemu.log").read_text(errors="replace").splitlines()
        reasons = [line for line in console if TELLING.search(line)][:3] + qemu[-3:]
        for line in reasons or ["it was shut down before the command had ended"]:
            say(f"L1 died: {line.strip()}")
        return L1_DIED

    def quit_qemu(self):
        if self.qemu is None:
            return
        self.qemu.terminate()
        try:
            self.qemu.wait(QUIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.qemu.kill()
            self.qemu.wait()
