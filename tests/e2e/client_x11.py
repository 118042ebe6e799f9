#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The client under X: what it shows and what it sends. client_x11.py BUILD_DIRECTORY [TEST...]"""
import os
import signal
import subprocess
import sys
import time

from harness import Picture, Process, Session, guest_colour, guest_picture, require, run_tests, \
    wait_for
from x11 import Screen

BTN_LEFT, BTN_RIGHT, BTN_MIDDLE = 272, 273, 274
SCREEN = None


def shows(session, window, expected):
    wait_for("the guest's picture in the window",
             lambda: SCREEN.picture(window).bytes == expected)


def start(session, *options, **mode):
    session.start_vmm(**mode)
    session.start_client(*options)
    window = SCREEN.window("fake vm")
    session.vmm.expect("attached")
    return window


def click(window, x, y, button=1):
    SCREEN.do("mousemove", "--window", window, x, y, "click", button)


def test_pixels_are_exact(session):
    window = start(session, width=403, height=301)
    assert SCREEN.size(window) == (403, 301), SCREEN.size(window)
    shows(session, window, guest_picture(403, 301))


def test_damage_arrives(session):
    window = start(session, width=320, height=240)
    session.vmm.tell("box 10 20 30 40 ff8000")
    wait_for("the box", lambda: SCREEN.picture(window).at(10, 20) == (255, 128, 0))
    picture = SCREEN.picture(window)
    for y in range(240):
        for x in range(320):
            inside = 10 <= x < 40 and 20 <= y < 60
            assert picture.at(x, y) == ((255, 128, 0) if inside else guest_colour(x, y)), (x, y)


def test_keys_with_modifiers(session):
    window = start(session)
    SCREEN.do("mousemove", "--window", window, 5, 5)
    session.mark()
    SCREEN.do("keydown", "Shift_L", "key", "a", "keyup", "Shift_L", "key", "ctrl+alt+Delete")
    SCREEN.do("key", "Super_L", "key", "Right")
    got = [line for line in session.vmm.expect("key 106 0") if line.startswith("key ")]
    assert got[:4] == ["key 42 1", "key 30 1", "key 30 0", "key 42 0"], got
    assert got[4:7] == ["key 29 1", "key 56 1", "key 111 1"], got
    assert sorted(got[7:10]) == ["key 111 0", "key 29 0", "key 56 0"], got
    assert got[10:14] == ["key 125 1", "key 125 0", "key 106 1", "key 106 0"], got


# evdev codes that SDL 2 can tell apart under X: letters, digits, punctuation, function keys, keypad,
# modifiers, cursor keys, the Japanese and Korean keys, and the multimedia keys that have a scancode.
KEYS = [code for code in range(2, 128) if code not in (84, 85, 95, 101, 112, 120, 121)] + [
    129, 131, 133, 135, 136, 137, 138, 139, 140, 142, 148, 149, 150, 155, 156, 157, 158, 159, 161,
    163, 164, 165, 166, 168, 172, 173, 179, 180, 183, 184, 185, 186, 187, 188, 189, 190, 208, 217,
    223, 224, 225, 226, 227, 228, 229, 230]


def test_every_key_comes_back_as_itself(session):
    """X keycodes are evdev codes + 8: the way through SDL must lead back to the same code."""
    window = start(session, "--grab-key", "ctrl+alt+shift+f12")
    click(window, 5, 5)
    wait_for("the grab", lambda: "releases" in SCREEN.title(window))
    session.mark()
    SCREEN.do("key", "Escape")
    for code in KEYS:
        SCREEN.do("key", "--delay", "1", code + 8)
    session.vmm.expect(f"key {KEYS[-1]} 0")
    got = session.vmm.lines[session.vmm.lines.index("mark here") + 1:]
    want = [f"key {code} {down}" for code in [1, *KEYS] for down in (1, 0)]
    assert got == want, ([line for line in want if line not in got],
                         [line for line in got if line not in want])


def test_clicks_are_exact(session):
    window = start(session)
    session.mark()
    for x, y, number, code in ((0, 0, 1, BTN_LEFT), (799, 599, 3, BTN_RIGHT),
                               (400, 299, 2, BTN_MIDDLE), (1, 598, 1, BTN_LEFT)):
        click(window, x, y, number)
        got = session.vmm.expect(f"button {code} 0")
        assert got[-3:] == [f"abs 0 {x} {y}", f"button {code} 1", f"button {code} 0"], got


def test_drag(session):
    window = start(session)
    SCREEN.do("mousemove", "--window", window, 100, 100, "mousedown", 1)
    session.vmm.expect("button 272 1")
    SCREEN.do("mousemove", "--window", window, 150, 120)
    SCREEN.do("mousemove", "--window", window, 300, 250, "mouseup", 1)
    got = session.vmm.expect("button 272 0")
    assert "abs 0 150 120" in got and got[-2] == "abs 0 300 250", got


def test_wheel(session):
    window = start(session)
    SCREEN.do("mousemove", "--window", window, 100, 100)
    for number, record in ((4, "wheel 0 120"), (5, "wheel 0 -120"), (6, "wheel -120 0"),
                           (7, "wheel 120 0")):
        SCREEN.do("click", number)
        session.vmm.expect(record)


def expected_pixel(point, window, guest, other_window, other_guest):
    """One axis of 'fit': where the picture stands and which guest pixel is under the point."""
    scale = min(window / guest, other_window / other_guest)
    length = round(guest * scale)
    origin = (window - length) // 2 if length < window else 0
    return max(0, min(guest - 1, int((point + 0.5 - origin) * guest / length)))


def test_clicks_in_a_scaled_picture(session):
    window = start(session, "--no-resize")
    SCREEN.do("windowsize", "--sync", window, 1000, 600)
    wait_for("the borders", lambda: SCREEN.picture(window).at(20, 300) == (0, 0, 0))
    SCREEN.do("windowsize", "--sync", window, 1100, 700)
    wait_for("the larger picture", lambda: SCREEN.picture(window).at(550, 690) != (0, 0, 0))
    for x, y in ((90, 10), (500, 350), (700, 699), (901, 3), (1015, 500)):
        click(window, x, y)
        got = session.vmm.expect("button 272 0")
        want = (expected_pixel(x, 1100, 800, 700, 600), expected_pixel(y, 700, 600, 1100, 800))
        assert got[-3] == "abs 0 %d %d" % want, (x, y, want, got)
        got = SCREEN.picture(window).at(x, y)
        near = guest_colour(*want)
        assert abs(got[0] - near[0]) <= 2 and abs(got[1] - near[1]) <= 2, (x, y, got, near)
    session.mark()
    click(window, 20, 300)
    assert not [line for line in session.mark() if line.startswith("button")], "a border clicked"


def test_integer_scale(session):
    window = start(session, "--no-resize", "--scale", "integer", width=200, height=150)
    SCREEN.do("windowsize", "--sync", window, 700, 500)
    wait_for("three times the size", lambda: SCREEN.picture(window).at(49, 250) == (0, 0, 0) and
             SCREEN.picture(window).at(50, 25) == guest_colour(0, 0))
    picture = SCREEN.picture(window)
    for x, y in ((0, 0), (2, 2), (3, 0), (300, 224), (599, 449)):
        assert picture.at(50 + x, 25 + y) == guest_colour(x // 3, y // 3), (x, y)


def test_relative_capture(session):
    window = start(session, "--pointer", "relative")
    session.vmm.tell("cursor 200 100")
    SCREEN.do("mousemove", "--window", window, 300, 300)
    session.mark()
    SCREEN.do("click", 1)
    wait_for("the title to tell how to get out",
             lambda: "Ctrl+Alt+G releases the keyboard and pointer" in SCREEN.title(window))
    SCREEN.do("mousemove_relative", "--", 30, 0)
    session.vmm.expect("rel 30 0")
    SCREEN.do("mousemove_relative", "--", -5, 7)
    session.vmm.expect("rel -5 7")
    SCREEN.do("click", 1)
    session.vmm.expect("button 272 0")
    assert session.vmm.lines.count("button 272 1") == 1, "the capturing click is not the guest's"
    wait_for("the guest's cursor in the picture",
             lambda: SCREEN.picture(window).at(200, 100) == (255, 0, 255))
    picture = SCREEN.picture(window)
    assert picture.at(196, 96) == (255, 0, 255) and picture.at(195, 96) == guest_colour(195, 96)
    SCREEN.do("key", "ctrl+alt+g")
    wait_for("the release", lambda: "releases" not in SCREEN.title(window))
    wait_for("the cursor to leave", lambda: SCREEN.picture(window).at(200, 100) ==
             guest_colour(200, 100))


def test_pointer_mode_key(session):
    window = start(session)
    SCREEN.do("mousemove", "--window", window, 300, 300)
    SCREEN.do("key", "ctrl+alt+m")
    wait_for("the capture", lambda: "and pointer" in SCREEN.title(window))
    SCREEN.do("mousemove_relative", "--", 3, 4)
    session.vmm.expect("rel 3 4")
    SCREEN.do("key", "ctrl+alt+m")
    wait_for("the release", lambda: "and pointer" not in SCREEN.title(window))


def test_grab_is_shown_and_released(session):
    window = start(session)
    click(window, 10, 10)
    wait_for("the grab", lambda: "Ctrl+Alt+G releases the keyboard" in SCREEN.title(window))
    SCREEN.do("key", "ctrl+alt+g")
    wait_for("the release", lambda: SCREEN.title(window) == "fake vm")
    session.vmm.expect("release all")
    assert not [line for line in session.vmm.lines if line.startswith("key 34 ")], "G leaked"


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
        got = session.vmm.expect("release all")
        assert "key 30 0" in got and "key 97 0" in got, got
        SCREEN.do("keyup", "a", "keyup", "Control_R")
    finally:
        other.kill()


def test_resize_asks_the_guest_once(session):
    window = start(session)
    session.vmm.tell("follow on")
    session.mark()
    for width in range(820, 1001, 20):
        SCREEN.do("windowsize", window, width, 700)
    got = session.vmm.expect("size 0 1000 700")
    wait_for("the guest's new mode in the window",
             lambda: SCREEN.picture(window).at(999, 699) == guest_colour(999, 699))
    time.sleep(0.5)
    got += session.mark()
    sizes = [line for line in got if line.startswith("size")]
    assert len(sizes) <= 3 and sizes[-1] == "size 0 1000 700", sizes
    assert SCREEN.size(window) == (1000, 700)


def test_window_follows_the_guest_without_asking(session):
    window = start(session)
    for width, height in ((640, 480), (1024, 768), (720, 400), (1280, 720)):
        session.vmm.tell(f"mode 0 {width} {height}")
    wait_for("the window at the guest's size", lambda: SCREEN.size(window) == (1280, 720))
    time.sleep(0.5)
    assert not [line for line in session.mark() if line.startswith("size")], "the guest was asked"


def test_size_option_wins(session):
    window = start(session, "--size", "900x650")
    session.vmm.expect("size 0 900 650")
    assert SCREEN.size(window) == (900, 650)
    session.vmm.tell("mode 0 640 480")
    time.sleep(0.3)
    assert SCREEN.size(window) == (900, 650)
    SCREEN.do("key", "ctrl+alt+1")
    wait_for("the guest's size", lambda: SCREEN.size(window) == (640, 480))


def test_full_screen(session):
    window = start(session)
    SCREEN.do("key", "ctrl+alt+f")
    session.vmm.expect("size 0 1600 1000")
    SCREEN.do("key", "ctrl+alt+f")
    session.vmm.expect("size 0 800 600")
    wait_for("the window", lambda: SCREEN.size(window) == (800, 600))


def test_vmm_dies_and_comes_back(session):
    window = start(session)
    shows(session, window, guest_picture(800, 600))
    SCREEN.do("keydown", "a")
    session.vmm.expect("key 30 1")
    session.vmm.kill()
    wait_for("the title", lambda: "waiting for the VM" in SCREEN.title(window))
    bright = guest_colour(700, 500)[0]
    wait_for("the dimmed picture",
             lambda: 0 < SCREEN.picture(window).at(700, 500)[0] < bright * 0.6)
    SCREEN.do("keyup", "a")
    session.start_vmm(640, 480)
    session.vmm.expect("attached")
    wait_for("the new picture", lambda: SCREEN.size(window) == (640, 480))
    shows(session, window, guest_picture(640, 480))
    click(window, 7, 9)
    session.vmm.expect("abs 0 7 9")


def test_garbage_ends_the_session_only(session):
    window = start(session)
    for kind in ("video 1", "video 2", "video 3", "cursor 4", "input 5"):
        session.vmm.tell(f"garbage {kind}")
        time.sleep(0.3)
        click(window, 20, 20)
        assert session.client.alive(), f"dead after {kind}: {session.client.lines}"
    session.vmm.kill()
    session.start_vmm(320, 240)
    session.vmm.expect("attached")
    wait_for("the new picture", lambda: SCREEN.size(window) == (320, 240))
    shows(session, window, guest_picture(320, 240))


def test_shutdown_ends_the_client(session):
    start(session)
    session.vmm.tell("state shutdown")
    assert session.client.wait() == 0


def test_wait_option_outlives_a_shutdown(session):
    session.start_client("--wait", "--title", "patient", attached=False)
    window = SCREEN.window("patient")
    wait_for("the title", lambda: "waiting for the VM" in SCREEN.title(window))
    for size in ((640, 480), (320, 240)):
        session.start_vmm(*size)
        session.vmm.expect("attached")
        wait_for("the picture", lambda: SCREEN.size(window) == size)
        session.vmm.tell("state shutdown")
        session.vmm.tell("quit")
        session.vmm.wait()
        wait_for("the title", lambda: "waiting for the VM" in SCREEN.title(window))
    session.client.child.send_signal(signal.SIGTERM)
    assert session.client.wait() == 0


def test_close_asks_then_forces(session):
    window = start(session)
    SCREEN.do("key", "alt+F4")
    session.vmm.expect("power button")
    wait_for("the title", lambda: "close again to force" in SCREEN.title(window))
    SCREEN.do("key", "alt+F4")
    session.vmm.expect("force off")
    session.vmm.kill()
    assert session.client.wait() == 0


def test_close_detaches(session):
    start(session, "--close", "detach")
    SCREEN.do("key", "alt+F4")
    assert session.client.wait() == 0
    session.vmm.expect("detached")
    assert "power button" not in session.vmm.lines


def test_second_monitor(session):
    first = start(session)
    session.vmm.tell("mode 1 500 400")
    second = SCREEN.window("monitor 2")
    shows(session, second, guest_picture(500, 400))
    click(second, 33, 44)
    session.vmm.expect("abs 1 33 44")
    SCREEN.do("key", "ctrl+alt+g")
    SCREEN.do("key", "alt+F4")
    session.vmm.expect("size 1 0 0")
    wait_for("the window to go", lambda: not SCREEN.find("monitor 2"))
    session.vmm.tell("mode 1 0 0")
    session.mark()
    # When this click arrives, the client has seen that the monitor is off.
    click(first, 70, 80)
    session.vmm.expect("button 272 0")
    time.sleep(0.2)
    session.vmm.tell("mode 1 300 200")
    SCREEN.window("monitor 2")
    session.vmm.tell("mode 1 0 0")
    wait_for("the window to go", lambda: not SCREEN.find("monitor 2"))
    assert session.client.alive()


def test_two_monitors_asked_for(session):
    session.start_vmm()
    session.vmm.tell("follow on")
    session.start_client("--scanouts", "2")
    session.vmm.expect("size 1 ")
    second = SCREEN.window("monitor 2")
    width, height = SCREEN.size(second)
    shows(session, second, guest_picture(width, height))


def test_second_client_looks_on(session):
    start(session)
    first = session.client
    session.start_client("--title", "onlooker", attached=False)
    session.client.expect("another client has")
    window = SCREEN.window("onlooker")
    shows(session, window, guest_picture(800, 600))
    session.mark()
    click(window, 50, 60)
    assert not [line for line in session.mark() if line.startswith("button")]
    first.kill(signal.SIGTERM)
    session.client.expect("the input is ours", timeout_s=8)
    click(window, 51, 61)
    session.vmm.expect("abs 0 51 61")


def test_shared_file_without_doorbells(session):
    session.start_vmm(640, 480, shm=True)
    session.start_client(shm=True)
    window = SCREEN.window("fake vm")
    shows(session, window, guest_picture(640, 480))
    click(window, 12, 34)
    session.vmm.expect("abs 0 12 34")
    session.vmm.tell("box 0 0 8 8 00ff00")
    wait_for("the box", lambda: SCREEN.picture(window).at(3, 3) == (0, 255, 0))
    session.vmm.kill()
    session.start_vmm(320, 240, shm=True)
    wait_for("the new VMM's picture", lambda: SCREEN.size(window) == (320, 240))
    session.vmm.tell("state shutdown")
    assert session.client.wait() == 0


def test_shared_file_is_cut_short(session):
    session.start_vmm(640, 480, shm=True)
    session.start_client(shm=True)
    window = SCREEN.window("fake vm")
    session.vmm.kill()
    os.truncate(session.file, 0)
    wait_for("the title", lambda: "waiting for the VM" in SCREEN.title(window))
    session.start_vmm(320, 240, shm=True)
    wait_for("the new VMM's picture", lambda: SCREEN.size(window) == (320, 240))
    shows(session, window, guest_picture(320, 240))


def test_screenshot_when_settled(session):
    path = os.path.join(session.directory, "shot.png")
    session.start_vmm(400, 300)
    session.vmm.tell("cursor 100 50")
    session.start_client("--screenshot", path, "--settle", "1", "--timeout", "20")
    started = time.monotonic()
    while time.monotonic() - started < 2:
        session.vmm.tell(f"box 0 0 400 150 {int(time.monotonic() * 1e6) & 0xffffff:06x}")
        time.sleep(0.1)
    assert session.client.alive(), "saved while the picture changed"
    session.vmm.tell("box 0 0 400 150 0000ff")
    while session.client.alive():
        session.vmm.tell(f"box 390 290 8 8 {int(time.monotonic() * 10) % 2 * 0xffffff:06x}")
        time.sleep(0.05)
        assert time.monotonic() - started < 15, "a blinking cursor kept it from settling"
    assert session.client.wait() == 0
    picture = Picture(path)
    assert (picture.width, picture.height) == (400, 300)
    assert picture.at(100, 50) == (255, 0, 255), "the cursor is missing"
    assert picture.at(200, 100) == (0, 0, 255) and picture.at(200, 200) == guest_colour(200, 200)


def test_screenshot_gives_up_with_a_reason(session):
    path = os.path.join(session.directory, "shot.png")
    session.start_vmm(400, 300)
    session.vmm.tell("box 0 0 400 300 000000")
    session.start_client("--screenshot", path, "--settle", "1", "--timeout", "3")
    session.client.expect("the picture is of one colour")
    assert session.client.wait() == 1 and not os.path.exists(path)


def test_screenshot_by_signal(session):
    path = os.path.join(session.directory, "shot.png")
    window = start(session, "--screenshot", path, "--settle", "600",
                   "--exit-after-screenshot=off", width=320, height=200)
    shows(session, window, guest_picture(320, 200))
    session.client.child.send_signal(signal.SIGUSR1)
    wait_for("the file", lambda: os.path.exists(path))
    assert Picture(path).bytes == guest_picture(320, 200)
    assert session.client.alive()


def test_nobody_there(session):
    session.start_client(attached=False)
    session.client.expect("no VM at")
    assert session.client.wait() == 1


def test_wrong_usage(session):
    for options, words in ((["--scalee", "fit"], "did you mean"), (["--size", "big"], "1280x720"),
                           (["--grab-key", "hyper+x"], "ctrl+alt+g"),
                           (["--shm", "/x", "--name", "y"], "only one"), (["stray"], "--help")):
        client = Process("client", [os.path.join(session.bin, "vitrine-client"), *options],
                         env=session.env)
        assert client.wait() == 2, options
        client.expect(words)
        assert len(client.lines) == 1, client.lines


def test_man_page_names_every_option(session):
    text = subprocess.run([os.path.join(session.bin, "vitrine-client"), "--help"], check=True,
                          text=True, stdout=subprocess.PIPE).stdout
    options = [line.split()[0] for line in text.splitlines() if line.startswith("  --")]
    with open(os.path.join(os.path.dirname(__file__), "../../man/vitrine-client.1")) as file:
        page = file.read()
    assert len(options) > 20, text
    missing = [option for option in options if option.replace("-", "\\-") not in page]
    assert missing == ["--help", "--version"], missing


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "import", "convert")
    build, wanted = sys.argv[1], sys.argv[2:]
    tests = [test for name, test in globals().items()
             if name.startswith("test_") and (not wanted or name in wanted)]
    def make_session():
        SCREEN.release_keys()
        return Session(build, SCREEN.env)

    with Screen() as SCREEN:
        return run_tests(tests, make_session)


if __name__ == "__main__":
    sys.exit(main())
