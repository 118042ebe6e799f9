# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest under test: starts `vitrine run` with the guest's serial port on our pipes and talks to its root shell."""

import os
import re
import select
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# A busy machine may be three times as slow as a quiet one.
PATIENCE = float(os.environ.get("VITRINE_TEST_PATIENCE", "3"))


class Failure(Exception):
    """A check did not hold."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def say(text):
    print(text, flush=True)


def wait_until(what, seconds, condition, interval=0.2):
    """Waits for condition() to be true; its value. The time is stretched by PATIENCE."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds * PATIENCE:.0f} s")
        time.sleep(interval)


class Vm:
    """One `vitrine run`. command is what is put before it (the lab's runner, when we are outside of it)."""

    def __init__(self, build, arguments, command=(), log=None):
        self.text = ""          # all the serial port said
        self.mark = 0           # up to where it was looked at
        self.log_path = log or "/tmp/vitrine-vm.log"
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [*command, os.path.join(build, "bin", "vitrine"), "run", "--serial", "stdio", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=0)
        self.serial = 0

    def read(self, seconds):
        """Takes in what the serial port says within that time. False at its end."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        self.text += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def explain(self):
        with open(self.log_path, "rb") as log:
            messages = log.read().decode("utf-8", "replace")[-3000:]
        return f"--- serial port, last lines ---\n{self.text[-3000:]}\n--- messages of vitrine ---\n{messages}"

    def expect(self, pattern, seconds, what=None):
        """Waits for the pattern in what the serial port says from the last match on; the match."""
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            match = re.compile(pattern, re.M).search(self.text, self.mark)
            if match:
                self.mark = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"{what or pattern!r}: not seen within {seconds * PATIENCE:.0f} s\n{self.explain()}")
            if not self.read(min(left, 1.0)):
                raise Failure(f"{what or pattern!r}: the VM ended before\n{self.explain()}")

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def wait_shell(self, seconds=90):
        """Waits for the root shell on the serial port and makes it easy to talk to."""
        self.expect(r"root@\S+:.*# ?$", seconds, "a root shell on the serial port")
        self.quiet_shell()
        # What is still echoed before the line takes effect is no prompt of a new shell.
        self.expect(r"dmesg -n 1\n", 20)
        self.sh("true", 20)

    def quiet_shell(self):
        """Makes a shell at its prompt easy to talk to."""
        self.type("stty -echo; PS1=; PS2=; TERM=dumb; dmesg -n 1")

    def sh(self, command, seconds=30, ok=True):
        """Runs a command line in the guest; its output. ok: a failing one is a failure. When the guest started
        its shell anew in the middle, the command is run once more, and that is said."""
        prompt = r"root@\S+:~# $"
        for attempt in range(2):
            self.serial += 1
            begin, end = f"<<{self.serial}<<", f">>{self.serial}:"
            # The quotes keep the echo of the line itself from looking like the markers.
            self.type(f"echo '<''<{self.serial}<<'; {{ {command}\n}} 2>&1; echo '>''>{self.serial}:'$?")
            match = self.expect(f"{re.escape(begin)}\n|{prompt}", seconds, f"start of {command!r}")
            start = self.mark
            if match.group().startswith("<<"):
                match = self.expect(re.escape(end) + rf"(\d+)\n|{prompt}", seconds, f"end of {command!r}")
            if match.group().startswith(">>"):
                break
            say(f"      the guest's shell on the serial port started anew during {command!r}\n{self.explain()}")
            check(attempt == 0, "and again")
            self.quiet_shell()
        output, status = self.text[start:match.start()], int(match.group(1))
        check(not ok or status == 0, f"in the guest: {command!r} exited {status}: {output}")
        return output.strip()

    def wait_end(self, seconds):
        """Waits for vitrine to end; its exit status."""
        deadline = time.monotonic() + seconds * PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise Failure(f"vitrine still runs\n{self.explain()}")
            self.read(0.2)
        return self.process.returncode

    def kill(self):
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.wait()

    def close(self):
        """Ends it if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        with open(self.log_path + ".serial", "a") as serial:
            serial.write(self.text)


def run_checks(checks):
    """Runs (name, function) pairs in order; prints one line each; the exit status."""
    failed = []
    for name, function in checks:
        started = time.monotonic()
        try:
            function()
            say(f"ok    {name} ({time.monotonic() - started:.1f} s)")
        except Exception as error:  # also a broken check must not hide the ones after it
            failed.append(name)
            say(f"FAIL  {name} ({time.monotonic() - started:.1f} s): {error}")
    say(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0
