# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual X server with a window manager, and xdotool's hands."""
import os
import subprocess
import tempfile

from harness import Picture, Process, wait_for

SCREEN = "1600x1000x24"


def run(env, *arguments):
    return subprocess.run(arguments, env=env, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class Screen:
    def __init__(self):
        read_end, write_end = os.pipe()
        # Without a reset: it would come when xprop has looked before the window manager was there.
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0",
                                        SCREEN, "-nolisten", "tcp", "-noreset"],
                                       pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb does not start"
        self.env = dict(os.environ, DISPLAY=f":{number}", SDL_VIDEODRIVER="x11")
        self.manager = Process("openbox", ["openbox", "--sm-disable"], env=self.env)

    def __enter__(self):
        try:
            wait_for("the window manager", self._has_manager)
            wait_for("a window that the window manager shows", self._shows_windows)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _has_manager(self):
        return "0x" in run(self.env, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK")

    def _shows_windows(self):
        """A window that is mapped while openbox starts may be forgotten, and SDL waits for its own without end."""
        probe = Process("xev", ["xev", "-name", "a first window"], env=self.env)
        try:
            wait_for("it", lambda: self.find("a first window"), timeout_s=3)
            return True
        except AssertionError:
            return False
        finally:
            probe.kill()

    def __exit__(self, *reason):
        self.manager.kill()
        self.server.kill()
        self.server.wait()

    def do(self, *arguments):
        return run(self.env, "xdotool", *map(str, arguments))

    def find(self, title, by="--name"):
        result = subprocess.run(["xdotool", "search", "--onlyvisible", by, title],
                                env=self.env, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        return result.stdout.split()

    def release_keys(self):
        """Whatever a failed test left down."""
        self.do("keyup", "a", "keyup", "Control_L", "keyup", "Control_R", "keyup", "Alt_L",
                "keyup", "Shift_L", "mouseup", 1)

    def window(self, title, by="--name"):
        """A mapped window of that title, with the focus."""
        window = wait_for(f"a window '{title}'", lambda: self.find(title, by))[0]
        self.do("windowactivate", "--sync", window)
        return window

    def title(self, window):
        return self.do("getwindowname", window).strip()

    def size(self, window):
        shell = self.do("getwindowgeometry", "--shell", window)
        values = dict(line.split("=") for line in shell.split())
        return int(values["WIDTH"]), int(values["HEIGHT"])

    def picture(self, window):
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            run(self.env, "import", "-window", window, file.name)
            return Picture(file.name)
