#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The clipboard of programs under X and a guest. client_clipboard.py BUILD_DIRECTORY [TEST...]"""
import os
import signal
import subprocess
import sys
import time

from clipboard import BIG_PNG, SMALL_PNG, TEXT, XSession
from harness import require, run_tests, wait_for
from x11 import Screen

SCREEN = None


def test_text_from_host_to_guest(session):
    session.start()
    session.copy(TEXT)
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT
    session.copy(b"later")
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == b"later"


def test_text_from_guest_to_host(session):
    session.start()
    session.guest_copy(text=TEXT)
    wait_for("the guest's text", lambda: session.paste() == TEXT)
    assert session.paste("text/plain;charset=utf-8") == TEXT
    targets = session.targets()
    assert "image/png" not in targets, targets
    for target in ("TARGETS", "TIMESTAMP", "MULTIPLE", "UTF8_STRING"):
        assert target in targets, targets
    assert int(session.paste("TIMESTAMP")) > 0
    assert session.paste("image/png") == b"" and session.paste("STRING") == b""


def test_what_icccm_allows_besides(session):
    session.start()
    session.guest_copy(text=TEXT, png=BIG_PNG)
    wait_for("the guest's copy", lambda: "image/png" in session.targets())
    ask = os.path.join(session.bin, "ask-selection")
    got = session.output(ask, "multiple", "UTF8_STRING", "image/png", "TIMESTAMP", "STRING",
                         "text/plain;charset=utf-8", "TARGETS").decode().splitlines()
    assert got == [f"UTF8_STRING {len(TEXT)}", "image/png 4 INCR", "TIMESTAMP 4", "STRING refused",
                   f"text/plain;charset=utf-8 {len(TEXT)}", "TARGETS 24"], got
    got = session.output(ask, "list").decode().splitlines()
    assert got == ["none refused", "odd refused", "many refused"], got
    assert session.output(ask, "early") == b"early refused\n"
    assert session.paste() == TEXT


def test_pictures_both_ways(session):
    session.start()
    for picture in (SMALL_PNG, BIG_PNG):
        session.copy(picture, "image/png")
        session.vmm.expect("guest sees png")
        assert session.guest_paste("png") == picture, len(picture)
        session.guest_copy(png=picture, text=b"its name")
        wait_for("the guest's copy", lambda: "image/png" in session.targets() and
                 session.paste() == b"its name")
        assert session.paste("image/png") == picture, len(picture)


def test_bytes_move_only_when_pasted(session):
    session.start()
    session.guest_copy(text=TEXT, png=SMALL_PNG)
    wait_for("the guest's copy", lambda: "image/png" in session.targets())
    assert not [line for line in session.mark() if "asked" in line]
    assert session.paste() == TEXT
    session.vmm.expect("guest is asked for text")


def test_what_the_guest_copied_is_not_told_back(session):
    session.start()
    for i in range(5):
        session.guest_copy(text=b"%d" % i)
        wait_for("the guest's copy", lambda: session.paste() == b"%d" % i)
    assert not [line for line in session.mark() if "sees" in line]


def test_what_was_copied_before(session):
    session.copy(TEXT)
    wait_for("the copy", lambda: session.paste() == TEXT)
    session.start_vmm()
    session.guest_copy(text=b"the guest's")
    session.start_client()
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT
    assert session.paste() == TEXT, "the user's copy is gone"


def test_the_owner_goes(session):
    session.start()
    owner = session.copy(TEXT)
    session.vmm.expect("guest sees text")
    owner.kill()
    session.vmm.expect("guest sees nothing")
    assert session.guest_paste("text") == b""
    session.guest_copy(text=b"the guest's")
    wait_for("the guest's copy", lambda: session.paste() == b"the guest's")
    session.vmm.tell("clipboard clear")
    wait_for("nothing", lambda: not session.targets())


def moves(session, window):
    """The client's main thread is alive."""
    moves.x = getattr(moves, "x", 0) % 50 + 1
    SCREEN.do("mousemove", "--window", window, 100 + moves.x, 100)
    session.vmm.expect(f"abs 0 {100 + moves.x} 100", timeout_s=2)


def test_an_owner_that_never_answers(session):
    session.start()
    window = SCREEN.window("fake vm")
    owner = session.copy(TEXT)
    session.vmm.expect("guest sees text")
    owner.send_signal(signal.SIGSTOP)
    path = session.path()
    started = time.monotonic()
    session.vmm.tell(f"clipboard paste text {path}")
    moves(session, window)
    session.vmm.expect("guest pasted text 0")
    assert 3 < time.monotonic() - started < 30
    moves(session, window)
    # The next copy is heard: nobody waits for that owner.
    session.copy(b"next")
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == b"next"
    owner.send_signal(signal.SIGCONT)


def test_a_guest_that_never_answers(session):
    session.start()
    window = SCREEN.window("fake vm")
    session.vmm.tell("clipboard mute on")
    session.guest_copy(text=TEXT)
    wait_for("the guest's copy", lambda: "UTF8_STRING" in session.targets())
    moves(session, window)
    assert session.paste(timeout_s=30) == b""
    moves(session, window)


def test_a_reader_that_stops_half_way(session):
    session.start()
    window = SCREEN.window("fake vm")
    session.guest_copy(png=BIG_PNG)
    wait_for("the guest's copy", lambda: "image/png" in session.targets())
    readers = [subprocess.Popen(["xclip", "-selection", "clipboard", "-t", "image/png", "-o"],
                                env=SCREEN.env, stdout=subprocess.PIPE) for _ in range(4)]
    for reader in readers:
        assert reader.stdout.read(1)
        reader.send_signal(signal.SIGSTOP)
    moves(session, window)
    assert session.paste("image/png") == BIG_PNG
    for reader in readers:
        reader.kill()
        reader.wait()
    assert session.paste("image/png") == BIG_PNG


def test_vmm_comes_back(session):
    session.start()
    session.guest_copy(text=b"of the first")
    wait_for("the guest's copy", lambda: session.paste() == b"of the first")
    session.vmm.kill()
    wait_for("nothing", lambda: not session.targets())
    session.start_vmm()
    session.client.expect("the clipboard is shared")
    session.copy(TEXT)
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT
    session.guest_copy(text=b"of the second")
    wait_for("the guest's copy", lambda: session.paste() == b"of the second")


def test_two_clients_on_one_desktop(session):
    session.start()
    first = session.client
    session.start_client("--title", "other")
    session.client.expect("the clipboard is shared")
    for i in range(3):
        session.copy(b"host %d" % i)
        session.vmm.expect("guest sees text")
        assert session.guest_paste("text") == b"host %d" % i
        session.guest_copy(text=b"guest %d" % i)
        wait_for("the guest's copy", lambda: session.paste() == b"guest %d" % i)
    assert not [line for line in session.mark() if "sees" in line], "they chase each other"
    first.kill(signal.SIGTERM)
    wait_for("the other client", lambda: session.paste() == b"guest 2")
    session.copy(TEXT)
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == TEXT


def test_clipboard_off(session):
    session.start_vmm()
    session.start_client("--clipboard", "off")
    session.copy(TEXT)
    wait_for("the copy", lambda: session.paste() == TEXT)
    session.guest_copy(text=b"secret")
    time.sleep(1)
    assert session.paste() == TEXT
    assert not [line for line in session.mark() if "clipboard" in line or "sees" in line]


def test_vm_that_shares_none(session):
    session.start_vmm()
    session.vmm.tell("clipboard off")
    session.start_client()
    session.client.expect("no clipboard here")
    session.copy(TEXT)
    wait_for("the copy", lambda: session.paste() == TEXT)
    moves(session, SCREEN.window("fake vm"))


def test_what_is_no_text_and_no_picture(session):
    session.start()
    session.copy(b"\xff\xfe not UTF-8")
    session.vmm.expect("guest sees text")
    assert session.guest_paste("text") == b""
    session.copy(b"not a PNG", "image/png")
    session.vmm.expect("guest sees png")
    assert session.guest_paste("png") == b""
    session.guest_copy(png=b"not a PNG either", text=b"\x80")
    wait_for("the guest's copy", lambda: "image/png" in session.targets())
    assert session.paste("image/png") == b"" and session.paste() == b""


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "xclip")
    build, wanted = sys.argv[1], sys.argv[2:]
    tests = [test for name, test in globals().items()
             if name.startswith("test_") and (not wanted or name in wanted)]

    with Screen() as SCREEN:
        return run_tests(tests, lambda: XSession(build, SCREEN.env))


if __name__ == "__main__":
    sys.exit(main())
