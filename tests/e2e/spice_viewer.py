#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The SPICE server seen by remote-viewer under X. spice_viewer.py BUILD_DIRECTORY [TEST...]"""
import ctypes
import itertools
import os
import shutil
import sys
import tempfile

from harness import Process, guest_picture, require, run_tests, wait_for
from x11 import Screen

SCREEN = None


class Session:
    """One directory, one fake machine, one viewer at a time."""

    def __init__(self, build):
        self.bin = os.path.join(build, "bin")
        self.directory = tempfile.mkdtemp(prefix="vitrine-e2e-spice-")
        self.socket = os.path.join(self.directory, "spice.sock")
        self.vmm = self.client = None

    def start(self, width=640, height=480):
        self.vmm = Process("fake-screen", [os.path.join(self.bin, "fake-screen"), self.socket, str(width), str(height)])
        self.vmm.expect("ready")
        self.start_viewer()

    def start_viewer(self):
        # No session bus, no settings of anybody's.
        env = dict(SCREEN.env, HOME=self.directory, XDG_RUNTIME_DIR=self.directory, GSETTINGS_BACKEND="memory", NO_AT_BRIDGE="1")
        env.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.client = Process("remote-viewer", ["remote-viewer", f"spice+unix://{self.socket}"], env=env)

    def mark(self):
        """All that the guest's devices have reported until now."""
        self.vmm.tell("mark here")
        return self.vmm.expect("mark here")[:-1]

    def close(self):
        for process in (self.client, self.vmm):
            if process and process.alive():
                process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def window():
    return wait_for("remote-viewer's window", lambda: SCREEN.find("fake vm"))[0]


def place(picture, width, height):
    """Where the guest's first pixel is in a picture of the window, if all of the guest's are there, 1:1."""
    expected = guest_picture(width, height)
    start = picture.bytes.find(expected[:3 * width])
    if start < 0:
        return None
    left, top = start // 3 % picture.width, start // 3 // picture.width
    if left + width > picture.width or top + height > picture.height:
        return None
    for y in range(height):
        at = 3 * ((top + y) * picture.width + left)
        if picture.bytes[at:at + 3 * width] != expected[3 * width * y:3 * width * (y + 1)]:
            return None
    return left, top


def find_guest(width, height):
    return wait_for(f"the guest's {width}x{height} pixels in the window",
                    lambda: place(SCREEN.picture(window()), width, height))


def test_pixels_are_exact(session):
    session.start(640, 480)
    find_guest(640, 480)


def test_damage_arrives(session):
    session.start(640, 480)
    left, top = find_guest(640, 480)
    session.vmm.tell("box 10 20 30 40 ff8000")
    wait_for("the box", lambda: SCREEN.picture(window()).at(left + 10, top + 20) == (255, 128, 0))
    picture = SCREEN.picture(window())
    for y in range(15, 65):
        for x in range(5, 45):
            inside = 10 <= x < 40 and 20 <= y < 60
            assert (picture.at(left + x, top + y) == (255, 128, 0)) == inside, (x, y)


def test_new_sizes(session):
    session.start(640, 480)
    find_guest(640, 480)
    for width, height in ((800, 600), (721, 403), (0, 0), (640, 400)):
        session.vmm.tell(f"mode {width} {height}")
        if width:
            find_guest(width, height)
        else:
            wait_for("nothing of the guest", lambda: not place(SCREEN.picture(window()), 721, 403))


def test_viewer_comes_again(session):
    session.start(640, 480)
    find_guest(640, 480)
    for number in range(3):
        session.client.kill()
        wait_for("the window to go", lambda: not SCREEN.find("fake vm"))
        session.vmm.tell(f"mode {600 + number} 400")
        session.start_viewer()
        find_guest(600 + number, 400)
    assert session.vmm.alive()


def focus(session, width=640, height=480):
    """The pointer in the picture's middle, the keyboard with the viewer."""
    place_of_guest = find_guest(width, height)
    SCREEN.do("windowactivate", "--sync", window())
    step = itertools.cycle(range(9))

    def moves():
        point(place_of_guest, width // 2 + next(step), height // 2)
        return any("tablet abs" in line for line in session.vmm.drain())
    wait_for("absolute positions", moves)
    return place_of_guest


def point(place_of_guest, x, y):
    SCREEN.do("mousemove", "--window", window(), place_of_guest[0] + x, place_of_guest[1] + y)


def test_keys(session):
    session.start()
    focus(session)
    SCREEN.do("click", 1)
    session.vmm.expect("key 272 0")
    session.mark()
    SCREEN.do("type", "--delay", "50", "hi")
    SCREEN.do("keydown", "Shift_L", "key", "x", "keyup", "Shift_L", "key", "Right", "key", "F5")
    got = []
    while "key 63 0" not in " ".join(got):
        got += session.vmm.expect("keyboard")
    events = [event for line in got if line.startswith("keyboard ") for event in line[9:].strip().split("; ") if event.strip(" ;")]
    events = [event.strip(" ;") for event in events]
    assert events == ["key 35 1", "key 35 0", "key 23 1", "key 23 0", "key 42 1", "key 45 1", "key 45 0", "key 42 0",
                      "key 106 1", "key 106 0", "key 63 1", "key 63 0"], events


def test_pointer_and_buttons(session):
    """The guest's pointer is where the viewer's is, to the pixel."""
    session.start()
    where = focus(session)
    for x, y in ((17, 33), (639, 479), (0, 0), (320, 240)):
        session.mark()
        point(where, x, y)
        session.vmm.expect(f"abs 0 {(2 * x + 1) * 65536 // 1280}, abs 1 {(2 * y + 1) * 65536 // 960}")
    for button, code in ((1, 272), (3, 273), (2, 274)):
        SCREEN.do("click", button)
        session.vmm.expect(f"key {code} 0")
    SCREEN.do("click", 4)
    session.vmm.expect("rel 11 120")
    SCREEN.do("click", 5)
    session.vmm.expect("rel 11 -120")


class XCursorImage(ctypes.Structure):
    _fields_ = [("x", ctypes.c_short), ("y", ctypes.c_short), ("width", ctypes.c_ushort), ("height", ctypes.c_ushort),
                ("hot_x", ctypes.c_ushort), ("hot_y", ctypes.c_ushort), ("serial", ctypes.c_ulong),
                ("pixels", ctypes.POINTER(ctypes.c_ulong))]


def x_cursor():
    """What the X server shows now: width, height, hotspot, pixels multiplied with alpha."""
    x11, fixes = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXfixes.so.3")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    fixes.XFixesGetCursorImage.restype = ctypes.POINTER(XCursorImage)
    fixes.XFixesGetCursorImage.argtypes = x11.XCloseDisplay.argtypes = x11.XFree.argtypes = [ctypes.c_void_p]
    display = x11.XOpenDisplay(SCREEN.env["DISPLAY"].encode())
    image = fixes.XFixesGetCursorImage(display)
    shown = image.contents
    found = (shown.width, shown.height, shown.hot_x, shown.hot_y,
             [shown.pixels[i] & 0xffffffff for i in range(shown.width * shown.height)])
    x11.XFree(image)
    x11.XCloseDisplay(display)
    return found


def test_cursor_shape(session):
    session.start()
    focus(session)
    session.vmm.tell("cursor show")
    row = [0xffff00ff] * 16 + [0x80808080] * 16
    wait_for("the guest's cursor", lambda: x_cursor() == (32, 32, 5, 7, row * 32))
    session.vmm.tell("cursor hide")
    wait_for("no cursor", lambda: not any(x_cursor()[4]))


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "import", "convert", "remote-viewer")
    chosen = sys.argv[2:]
    tests = [test for name, test in sorted(globals().items()) if name.startswith("test_") and (not chosen or name in chosen)]
    with Screen() as SCREEN:
        return run_tests(tests, lambda: Session(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
