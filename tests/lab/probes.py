# SPDX-License-Identifier: GPL-2.0-or-later
"""lg-probe and spice-probe (their .c files say what they understand) as objects."""

import json
import os
import select
import subprocess

from vm import PATIENCE, Failure, check

ANSWER_SECONDS = 60


class Program:
    """A program that answers every line with a line."""

    def __init__(self, *command):
        self.name = os.path.basename(command[0])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.rest = b""

    def read_line(self, seconds=ANSWER_SECONDS):
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], seconds * PATIENCE)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise Failure(f"{self.name} {'has ended' if ready else 'does not answer'}: {self.process.poll()}")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def write_line(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            pass  # its last words are still to be read

    def send_signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.stdout.close()


class GlassProbe(Program):
    def __init__(self, build, path, poll_us=1000):
        super().__init__(f"{build}/bin/lg-probe", "--file", path, "--poll-us", str(poll_us))

    def ask(self, command="state", alive=True):
        """What it has seen so far; one that the real client would not have survived is a failure."""
        self.write_line(command)
        answer = json.loads(self.read_line())
        if alive:
            check(answer["end"] == "alive", f"the client has ended ({command}): {answer['end']}: {answer['fault']}")
            check(answer["error"] == "", f"{command}: {answer['error']}: {answer}")
        return answer

    def pointer(self):
        """Where the guest's pointer is: the cursor's hotspot."""
        state = self.ask()
        return (state["x"] + state["hot_x"], state["y"] + state["hot_y"]) if state["visible"] else None


class SpiceProbe(Program):
    """Codes are the word of a key message: an extended key is E0, the code and Looking Glass B7's stray DF."""

    def __init__(self, build, path):
        super().__init__(f"{build}/bin/spice-probe", path)
        self.expect_ok()

    def expect_ok(self):
        line = self.read_line()
        check(line == "ok", f"spice-probe says {line!r}")

    def do(self, command):
        self.write_line(command)
        self.expect_ok()

    def extended(self, code, down):
        self.do(f"{'down' if down else 'up'} {0x00df00e0 | (code if down else code | 0x80) << 8:x}")

    def click(self, button, mask=0):
        self.do(f"press {button} {mask}")
        self.do(f"release {button} 0")
