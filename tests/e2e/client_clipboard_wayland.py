#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The clipboard under Wayland compositors. client_clipboard_wayland.py BUILD_DIRECTORY [TEST...]

Sway lets programs copy and paste without a window; under Weston wl-copy and wl-paste open one for a
moment, and our window has to be clicked before it hears of a copy.
"""
import os
import shutil
import signal
import sys
import tempfile
import time

from clipboard import BIG_PNG, SMALL_PNG, TEXT, ClipboardSession
from harness import Process, require, run_tests, wait_for
from x11 import Screen, run

WIDTH, HEIGHT = 1024, 700
MIME = {"text": "text/plain;charset=utf-8", "png": "image/png"}
SCREEN = None


class WaylandSession(ClipboardSession):
    """wl-clipboard's hands."""

    def copy(self, data, mime=MIME["text"]):
        return self.spawn("wl-copy", "--foreground", "--type", mime, data=data)

    def paste(self, mime=MIME["text"]):
        return self.output("wl-paste", "--no-newline", "--type", mime)

    def types(self):
        return self.output("wl-paste", "--list-types").decode().split("\n")

    def click(self):
        """Gives our window, which fills the compositor's, the keyboard."""
        # Sway's window has no class, and its name not where xdotool looks for it.
        compositor = SCREEN.window("Weston", by="--class") if self.is_weston else \
            SCREEN.do("getactivewindow").strip()
        SCREEN.do("mousemove", "--window", compositor, 100, 100)
        # Weston counts moves from where it takes the pointer to be: not near an edge of ours.
        SCREEN.do("mousemove_relative", "--", 300, 200)
        SCREEN.do("click", 1)
        self.vmm.expect("button 272 0")

    def fill(self):
        """Once our window fills the compositor's."""
        wait_for("the window", lambda: f"size 0 {WIDTH} {HEIGHT}" in self.vmm.lines)
        self.click()

    def start_full(self):
        self.start("--fullscreen")
        self.fill()


def guest_gives(session):
    session.guest_copy(text=TEXT, png=BIG_PNG)
    wait_for("the guest's copy", lambda: MIME["png"] in session.types())
    assert session.paste() == TEXT
    assert session.paste(MIME["png"]) == BIG_PNG


def test_sway_guest_to_host(session):
    session.start_full()
    guest_gives(session)
    session.guest_copy(text=b"the next")  # without an event of the user's in between
    wait_for("the guest's next copy", lambda: session.paste() == b"the next")
    wait_for("its types", lambda: MIME["png"] not in session.types())
    session.vmm.tell("clipboard clear")
    wait_for("nothing", lambda: session.paste() == b"")


def test_sway_host_to_guest(session):
    session.start_full()
    session.copy(TEXT)
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT
    for picture in (SMALL_PNG, BIG_PNG):
        session.copy(picture, MIME["png"])
        session.vmm.expect("guest sees png")
        assert session.guest_paste("png") == picture


def test_sway_in_turns(session):
    session.start_full()
    for i in range(5):
        session.copy(b"host %d" % i)
        session.vmm.expect("guest sees text")
        assert session.guest_paste("text") == b"host %d" % i
        # As a user does: the compositor wants to see an event that is later than the other copy.
        session.guest_copy(text=b"guest %d" % i)
        session.click()
        wait_for("the guest's copy", lambda: session.paste() == b"guest %d" % i)
    assert not [line for line in session.mark() if "sees" in line], "it comes back"


def test_sway_an_owner_that_never_answers(session):
    session.start_full()
    owner = session.copy(TEXT)
    session.vmm.expect("guest sees text")
    owner.send_signal(signal.SIGSTOP)
    session.vmm.tell(f"clipboard paste text {session.path()}")
    session.click()
    session.vmm.expect("guest pasted text 0")
    session.copy(b"next")
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == b"next"
    owner.send_signal(signal.SIGCONT)


def test_sway_vmm_comes_back(session):
    session.start_full()
    session.guest_copy(text=b"of the first")
    wait_for("the guest's copy", lambda: session.paste() == b"of the first")
    session.vmm.kill()
    wait_for("nothing", lambda: session.paste() == b"")
    session.start_vmm()
    session.client.expect("the clipboard is shared")
    session.copy(TEXT)
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT


def test_sway_clipboard_off(session):
    session.start_vmm()
    session.start_client("--clipboard=off", "--fullscreen")
    session.fill()
    session.copy(TEXT)
    wait_for("the copy", lambda: session.paste() == TEXT)
    session.guest_copy(text=b"secret")
    time.sleep(1)
    assert session.paste() == TEXT
    assert not [line for line in session.mark() if "clipboard" in line or "sees" in line]


def test_weston_guest_to_host(session):
    session.start_full()
    guest_gives(session)


def test_weston_text_from_host_to_guest(session):
    session.start_full()
    session.copy(TEXT)
    wait_for("the copy", lambda: session.paste() == TEXT)
    session.click()
    wait_for("the copy in the guest", lambda: session.guest_paste("text") == TEXT)


def as_nobody(runtime):
    """Sway does not run as root."""
    if os.geteuid() != 0:
        return []
    nobody = 65534
    os.chown(runtime, nobody, nobody)
    return ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"]


def run_under(name, arguments, extra, tests, runtime):
    env = dict(os.environ, XDG_RUNTIME_DIR=runtime, SDL_VIDEODRIVER="wayland")
    compositor = Process(name, arguments, env=dict(SCREEN.env, XDG_RUNTIME_DIR=runtime, **extra))
    env["WAYLAND_DISPLAY"] = {"sway": "wayland-1", "weston": "e2e"}[name]
    try:
        wait_for(name, lambda: os.path.exists(os.path.join(runtime, env["WAYLAND_DISPLAY"])))
        wait_for("its window", lambda: run(SCREEN.env, "xprop", "-root", "_NET_ACTIVE_WINDOW")
                 .strip().split()[-1] != "0x0")
        WaylandSession.is_weston = name == "weston"
        return run_tests([test for test in tests if test.__name__.startswith("test_" + name)],
                         lambda: WaylandSession(sys.argv[1], env))
    finally:
        compositor.kill()


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "weston", "sway", "wl-copy")
    wanted = sys.argv[2:]
    tests = [test for name, test in globals().items()
             if name.startswith("test_") and (not wanted or name in wanted)]
    runtime = tempfile.mkdtemp(prefix="vitrine-wayland-")
    config = os.path.join(runtime, "sway.conf")
    with open(config, "w") as file:
        file.write(f"xwayland disable\ndefault_border none\noutput * mode {WIDTH}x{HEIGHT}\n")
    try:
        with Screen() as SCREEN:
            failed = run_under("sway", [*as_nobody(runtime), "sway", "--config", config],
                               {"WLR_BACKENDS": "x11", "WLR_RENDERER": "pixman"}, tests, runtime)
            failed |= run_under("weston", ["weston", "--backend=x11-backend.so", "--socket=e2e",
                                           f"--width={WIDTH}", f"--height={HEIGHT}",
                                           "--idle-time=0"], {}, tests, runtime)
            return failed
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
