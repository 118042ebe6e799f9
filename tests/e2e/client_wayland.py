#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The client under a Wayland compositor: picture, keys, clicks. client_wayland.py BUILD_DIRECTORY"""
import os
import shutil
import sys
import tempfile

from harness import Picture, Process, Session, guest_picture, require, run_tests, wait_for
from x11 import Screen

WIDTH, HEIGHT = 1024, 700
POINTER_PIXELS = 1024
SCREEN = None


def differing(picture):
    """How many pixels are not the guest's: the compositor draws its pointer over some."""
    want = guest_picture(WIDTH, HEIGHT)
    return sum(picture.bytes[i:i + 3] != want[i:i + 3] for i in range(0, len(want), 3))


def test_screenshot(session):
    path = os.path.join(session.directory, "shot.png")
    session.start_vmm(403, 301)
    session.start_client("--screenshot", path, "--settle", "1", "--timeout", "20")
    assert session.client.wait(30) == 0
    picture = Picture(path)
    assert (picture.width, picture.height) == (403, 301)
    assert picture.bytes == guest_picture(403, 301)


def test_full_screen_picture_keys_and_clicks(session):
    session.start_vmm(WIDTH, HEIGHT)
    session.start_client("--fullscreen")
    session.vmm.expect(f"size 0 {WIDTH} {HEIGHT}")
    compositor = SCREEN.window("Weston", by="--class")
    wait_for("the guest's picture on the compositor's screen",
             lambda: differing(SCREEN.picture(compositor)) < POINTER_PIXELS)
    # Weston's pointer moves as the X server's does, from wherever it thinks it is.
    SCREEN.do("mousemove", "--window", compositor, 100, 100)
    SCREEN.do("mousemove_relative", "--", 3, 3)
    SCREEN.do("key", "a")  # takes the same way as the motion, so what it comes after has all arrived
    session.vmm.expect("key 30 0")
    x, y = [tuple(map(int, line.split()[2:])) for line in session.vmm.lines
            if line.startswith("abs")][-1]
    for want in ((200, 100), (230, 50), (1, 499)):
        dx, dy = want[0] - x, want[1] - y
        x, y = want
        SCREEN.do("mousemove_relative", "--", dx, dy)
        session.vmm.expect(f"abs 0 {x} {y}")
        SCREEN.do("click", 1)
        got = session.vmm.expect("button 272 0")
        assert [line for line in got if line.startswith("button")] == ["button 272 1",
                                                                       "button 272 0"], got
    SCREEN.do("key", "shift+b")
    session.vmm.expect("key 48 0")
    SCREEN.do("click", 4)
    session.vmm.expect("wheel 0 120")


def test_vmm_comes_back(session):
    session.start_vmm(320, 240)
    session.start_client()
    session.vmm.kill()
    session.start_vmm(640, 480)
    session.vmm.expect("attached")
    session.vmm.tell("state shutdown")
    assert session.client.wait() == 0


def run_under_weston(tests, runtime):
    weston = Process("weston", ["weston", "--backend=x11-backend.so", "--socket=e2e",
                                f"--width={WIDTH}", f"--height={HEIGHT}", "--idle-time=0"],
                     env=dict(SCREEN.env, XDG_RUNTIME_DIR=runtime))
    try:
        wait_for("the compositor", lambda: os.path.exists(os.path.join(runtime, "e2e")))
        env = dict(os.environ, XDG_RUNTIME_DIR=runtime, WAYLAND_DISPLAY="e2e",
                   SDL_VIDEODRIVER="wayland")
        return run_tests(tests, lambda: Session(sys.argv[1], env))
    finally:
        weston.kill()


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "import", "convert", "weston")
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    runtime = tempfile.mkdtemp(prefix="vitrine-wayland-")
    try:
        with Screen() as SCREEN:
            return run_under_weston(tests, runtime)
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
