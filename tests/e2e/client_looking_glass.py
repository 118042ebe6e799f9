#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The client on a Looking Glass file, with keys, mouse and clipboard over SPICE.
client_looking_glass.py BUILD_DIRECTORY [TEST...]"""
import os
import signal
import subprocess
import sys

from clipboard import BIG_PNG, SMALL_PNG, TEXT, XSession
from harness import Process, guest_picture, require, run_tests, wait_for
from x11 import Screen

SCREEN = None
NO_INPUT = "view only"


class GlassSession(XSession):
    """A fake guest (self.vmm) that serves the file and SPICE."""

    def start_guest(self, width=800, height=600):
        self.vmm = Process("fake-glass", [os.path.join(self.bin, "fake-glass"),
                                          f"path={self.file},size=32M", f"unix={self.socket}",
                                          str(width), str(height)])
        self.vmm.expect("ready")
        return self.vmm

    def start_view(self, *options, spice=True, attached=True, program=("vitrine-client",)):
        way = ["--spice", self.socket] if spice else []
        self.client = Process("client", [os.path.join(self.bin, program[0]), *program[1:],
                                         "--looking-glass", self.file, *way, "--title",
                                         "fake glass", *options], env=self.env)
        if attached:
            self.client.expect("attached to")
        return self.client


def start(session, *options, **mode):
    session.start_guest(**mode)
    session.start_view(*options)
    session.client.expect("keyboard and mouse go to")
    window = SCREEN.window("fake glass")
    wait_for("the title without a complaint", lambda: NO_INPUT not in SCREEN.title(window))
    return window


def click(window, x, y, button=1):
    SCREEN.do("mousemove", "--window", window, x, y, "click", button)


def capture(session, window, x=300, y=200):
    """There is no display in that SPICE server: only motion is taken."""
    click(window, x, y)
    wait_for("the capture", lambda: "releases the keyboard and pointer" in SCREEN.title(window))
    session.vmm.expect(f"pointer to {x} {y}")
    session.mark()


def shows(window, width, height):
    wait_for("the guest's picture in the window",
             lambda: SCREEN.picture(window).bytes == guest_picture(width, height))


def test_picture_and_damage(session):
    window = start(session, width=403, height=301)
    shows(window, 403, 301)
    session.vmm.tell("box 10 20 30 40 ff8000")
    wait_for("the box", lambda: SCREEN.picture(window).at(39, 59) == (255, 128, 0))


def test_keys_with_modifiers(session):
    start(session)
    session.mark()
    SCREEN.do("keydown", "Shift_L", "key", "a", "keyup", "Shift_L", "key", "ctrl+alt+Delete")
    SCREEN.do("key", "Super_L", "key", "Right")
    got = [line for line in session.vmm.expect("key 106 0") if line.startswith("key ")]
    assert got[:4] == ["key 42 1", "key 30 1", "key 30 0", "key 42 0"], got
    assert got[4:7] == ["key 29 1", "key 56 1", "key 111 1"], got
    assert sorted(got[7:10]) == ["key 111 0", "key 29 0", "key 56 0"], got
    assert got[10:] == ["key 125 1", "key 125 0", "key 106 1", "key 106 0"], got


# What has a scan code of set 1 and comes through X and SDL; Print and Pause are two of them.
KEYS = [code for code in range(2, 127) if code not in (84, 85, 90, 91, 92, 93, 94, 95, 101, 112,
                                                       118, 120, 121)]


def test_every_key_arrives_as_itself(session):
    window = start(session, "--grab-key", "ctrl+alt+shift+f12")
    capture(session, window)
    SCREEN.do("key", "Escape")
    for code in KEYS:
        SCREEN.do("key", "--delay", "1", code + 8)
    session.vmm.expect(f"key {KEYS[-1]} 0")
    got = [line for line in session.vmm.lines[session.vmm.lines.index("mark here") + 1:]
           if line.startswith("key ")]
    want = [f"key {code} {down}" for code in [1, *KEYS] for down in (1, 0)]
    assert got == want, ([line for line in want if line not in got],
                         [line for line in got if line not in want])


def test_capture_motion_and_buttons(session):
    window = start(session)
    session.vmm.tell("cursor 200 100")
    capture(session, window)
    SCREEN.do("mousemove_relative", "--", 30, 0)
    session.vmm.expect("rel 0 30")
    SCREEN.do("mousemove_relative", "--", -5, 7)
    session.vmm.expect("rel 0 -5, rel 1 7")
    for number, code in ((1, 272), (3, 273), (2, 274), (8, 275), (9, 276)):
        SCREEN.do("click", number)
        session.vmm.expect(f"key {code} 0")
    assert session.vmm.lines.count("key 272 1") == 1, "the capturing click is not the guest's"
    session.vmm.tell("pointer")
    at = [int(word) for word in session.vmm.expect("pointer at")[-1].split()[2:]]
    wait_for("the guest's cursor in the picture",
             lambda: SCREEN.picture(window).at(*at) == (255, 0, 255))
    SCREEN.do("key", "ctrl+alt+g")
    wait_for("the release", lambda: "releases" not in SCREEN.title(window))
    session.mark()
    SCREEN.do("mousemove", "--window", window, 50, 50, "mousemove", "--window", window, 60, 60)
    assert not session.mark(), "motion of a pointer that is not captured"


def test_drag(session):
    window = start(session)
    capture(session, window)
    SCREEN.do("mousedown", 1)
    session.vmm.expect("key 272 1")
    SCREEN.do("mousemove_relative", "--", 11, 12)
    session.vmm.expect("rel 0 11, rel 1 12")
    SCREEN.do("mousemove_relative", "--", -3, 0)
    session.vmm.expect("rel 0 -3")
    SCREEN.do("mouseup", 1)
    got = session.vmm.expect("key 272 0")
    assert got == ["key 272 0"], got


def test_wheel(session):
    window = start(session)
    capture(session, window)
    for number, notch in ((4, 1), (5, -1)):
        SCREEN.do("click", number)
        session.vmm.expect(f"rel 8 {notch}")
    SCREEN.do("click", 6, "click", 7, "key", "b")
    got = session.vmm.expect("key 48 0")
    assert got == ["key 48 1", "key 48 0"], got


def test_clipboard_both_ways(session):
    start(session)
    session.client.expect("the clipboard is shared")
    session.copy(TEXT)
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT
    for picture in (SMALL_PNG, BIG_PNG):
        session.copy(picture, "image/png")
        session.vmm.expect("guest sees png")
        assert session.guest_paste("png") == picture
        session.guest_copy(text=TEXT, png=picture)
        wait_for("the guest's copy", lambda: "image/png" in session.targets())
        assert session.paste("image/png") == picture
        assert session.paste() == TEXT
    session.vmm.tell("clipboard clear")
    wait_for("nothing", lambda: not session.targets())


def test_clipboard_of_a_server_that_comes_back(session):
    start(session)
    session.client.expect("the clipboard is shared")
    session.guest_copy(text=b"before")
    wait_for("the guest's copy", lambda: session.paste() == b"before")
    session.vmm.tell("spice off")
    session.vmm.expect("spice off")
    wait_for("nothing", lambda: not session.targets())
    session.copy(TEXT)
    session.vmm.tell("spice on")
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT
    session.guest_copy(text=b"after")
    wait_for("the guest's copy", lambda: session.paste() == b"after")


def test_clipboard_off(session):
    start(session, "--clipboard", "off")
    session.guest_copy(text=b"secret")
    session.copy(TEXT)
    wait_for("the copy", lambda: session.paste() == TEXT)
    assert not [line for line in session.mark() if "sees" in line]


def test_focus_loss_releases(session):
    window = start(session)
    other = Process("other", [os.path.join(session.bin, "vitrine-client"), "--source", "test",
                              "--title", "other window", "--size", "200x200"], env=session.env)
    try:
        other_window = SCREEN.window("other window")
        SCREEN.do("windowactivate", "--sync", window)
        SCREEN.do("keydown", "a", "keydown", "Control_R")
        session.vmm.expect("key 97 1")
        SCREEN.do("windowactivate", "--sync", other_window)
        got = session.vmm.expect("key 97 0")
        assert "key 30 0" in got, got
        SCREEN.do("keyup", "a", "keyup", "Control_R")
    finally:
        other.kill()


def test_end_releases(session):
    window = start(session)
    SCREEN.do("windowactivate", "--sync", window, "keydown", "a")
    session.vmm.expect("key 30 1")
    session.client.child.send_signal(signal.SIGTERM)
    session.vmm.expect("key 30 0")
    assert session.client.wait() == 0
    SCREEN.do("keyup", "a")


def test_spice_server_goes_and_comes_back(session):
    window = start(session)
    capture(session, window)
    SCREEN.do("keydown", "a")
    session.vmm.expect("key 30 1")
    for _ in range(2):
        session.vmm.tell("spice off")
        session.vmm.expect("spice off")
        wait_for("the title", lambda: NO_INPUT in SCREEN.title(window))
        session.client.expect("is gone")
        session.vmm.tell("box 0 0 100 100 00ff00")
        wait_for("the picture to go on", lambda: SCREEN.picture(window).at(50, 50) == (0, 255, 0))
        session.vmm.tell("box 0 0 100 100 ff0000")
        wait_for("the picture to go on", lambda: SCREEN.picture(window).at(50, 50) == (255, 0, 0))
        SCREEN.do("keyup", "a", "key", "b")
        assert "key 48 1" not in session.mark()
        session.vmm.tell("spice on")
        session.client.expect("keyboard and mouse go to")
        wait_for("the title", lambda: NO_INPUT not in SCREEN.title(window))
        SCREEN.do("key", "c")
        got = session.vmm.expect("key 46 0")
        assert "key 30 1" not in got and "key 48 1" not in got, got
    said = [line for line in session.client.lines if "no keyboard and mouse" in line]
    assert len(said) == 2, said


def test_everything_is_killed_and_comes_back(session):
    window = start(session)
    capture(session, window)
    session.vmm.kill(signal.SIGKILL)
    wait_for("the title", lambda: "waiting for the VM" in SCREEN.title(window))
    session.start_guest(width=640, height=480)
    wait_for("the new guest's picture", lambda: SCREEN.size(window) == (640, 480))
    shows(window, 640, 480)
    session.client.expect("keyboard and mouse go to")
    SCREEN.do("key", "d")
    session.vmm.expect("key 32 0")
    capture(session, window, 20, 30)


def test_spice_server_comes_later(session):
    session.start_guest()
    session.vmm.tell("spice off")
    session.vmm.expect("spice off")
    session.start_view()
    window = SCREEN.window("fake glass")
    wait_for("the word of it", lambda: [line for line in session.client.lines
                                        if "no keyboard and mouse: SPICE server" in line])
    wait_for("the title", lambda: NO_INPUT in SCREEN.title(window))
    shows(window, 800, 600)
    click(window, 50, 50)
    assert "releases" not in SCREEN.title(window), "a grab that leads nowhere"
    session.vmm.tell("spice on")
    wait_for("the title", lambda: NO_INPUT not in SCREEN.title(window))
    SCREEN.do("key", "e")
    session.vmm.expect("key 18 0")


def test_without_spice_it_only_looks(session):
    session.start_guest()
    session.start_view(spice=False)
    window = SCREEN.window("fake glass")
    shows(window, 800, 600)
    session.mark()
    SCREEN.do("key", "a")
    click(window, 10, 10)
    assert not session.mark()


def test_vitrine_view(session):
    session.start_guest(width=320, height=240)
    session.start_view(program=("vitrine", "view"))
    session.client.expect("keyboard and mouse go to")
    window = SCREEN.window("fake glass")
    shows(window, 320, 240)
    SCREEN.do("key", "f")
    session.vmm.expect("key 33 0")


def fails_with(session, words, path=None, user=None):
    way = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    client = Process("client", [*way, os.path.join(session.bin, "vitrine"), "view",
                                "--looking-glass", path or session.file], env=session.env)
    assert client.wait() == 1, client.lines
    client.expect(words)
    assert len(client.lines) == 1, client.lines


def test_files_that_are_refused(session):
    fails_with(session, "no such file: start the VM that shares it")
    with open(session.file, "wb") as file:
        file.write(b"\0" * 100)
    fails_with(session, "too small for a Looking Glass file")
    with open(session.file, "wb") as file:
        file.write(b"\x7fELF" * 10000)
    fails_with(session, "not a Looking Glass file")
    fails_with(session, "not a file of shared memory", path=session.directory)
    fails_with(session, "not a file of shared memory", path="/dev/null")
    os.truncate(session.file, 0)
    os.truncate(session.file, 1 << 20)
    fails_with(session, "no Looking Glass host runs there")


def test_file_of_somebody_else(session):
    with open(session.file, "wb") as file:
        file.write(b"\0" * 65536)
    os.chmod(session.directory, 0o755)
    os.chmod(session.file, 0o644)
    if os.geteuid():
        os.chmod(session.file, 0o444)
    fails_with(session, "you may not read and write it",
               user=None if os.geteuid() else "65534")


def test_wrong_usage(session):
    for options, words in ((["--spice", "/x"], "needs --looking-glass"),
                           (["--looking-glass", "/x", "--spice", "there"], "HOST:PORT"),
                           (["--looking-glass", "/x", "--spice", "there:0"], "HOST:PORT"),
                           (["--looking-glass", "/x", "--spice", "/" + 107 * "x"], "too long"),
                           (["--looking-glass", "/x", "--spice-password-file", "/nowhere"],
                            "No such file"),
                           (["--looking-glass", "/x", "--spice", "/y", "--spice-password-file",
                             "/dev/null"], "first line")):
        client = Process("client", [os.path.join(session.bin, "vitrine-client"), *options],
                         env=session.env)
        assert client.wait() == 2, options
        client.expect(words)
        assert len(client.lines) == 1, client.lines


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "import", "convert", "setpriv", "xclip")
    build, wanted = sys.argv[1], sys.argv[2:]
    tests = [test for name, test in globals().items()
             if name.startswith("test_") and (not wanted or name in wanted)]

    def make_session():
        SCREEN.release_keys()
        return GlassSession(build, SCREEN.env)

    with Screen() as SCREEN:
        return run_tests(tests, make_session)


if __name__ == "__main__":
    sys.exit(main())
