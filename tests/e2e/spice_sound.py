#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's sound in remote-viewer, on a PipeWire of its own, through the VMM's real SPICE server.
spice_sound.py BUILD_DIRECTORY [TEST...]"""
import array
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab"))

import tone  # noqa: E402
from harness import Process, Session, require, run_tests, wait_for  # noqa: E402
from pipewire import PipeWire  # noqa: E402
from x11 import Screen  # noqa: E402

HERTZ = 440
S16, S24, S32, FLOAT = 1, 2, 3, 4
SCREEN = None


class SpiceSession(Session):
    def __init__(self, build):
        self.server = PipeWire()
        self.server.start_pulse()
        super().__init__(build, dict(SCREEN.env, **self.server.env))
        for name in ("PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "PULSE_SERVER"):
            self.env.pop(name, None)
        self.spice = self.path("spice.sock")
        self.start_vmm(320, 240, spice=self.spice)

    def path(self, name):
        return os.path.join(self.directory, name)

    def start_viewer(self):
        self.client = Process("remote-viewer", ["remote-viewer", f"spice+unix://{self.spice}"],
                              env=self.env)

    def play(self, rate=48000, channels=2, sample=S16, period=480):
        self.vmm.tell(f"sound play {rate} {channels} {sample} {period}")
        self.vmm.expect("play 0")

    def silence(self):
        self.vmm.tell("sound silence")
        return int(self.vmm.expect("played ")[-1].split()[1])

    def streams(self, direction="Output"):
        """The viewer's nodes that run."""
        return [node for node in self.server.nodes() if node["info"]["state"] == "running" and
                node["info"]["props"].get("media.class") == f"Stream/{direction}/Audio" and
                node["info"]["props"].get("application.process.binary") == "remote-viewer"]

    def close(self):
        super().close()
        self.server.close()


def record(session, seconds, name):
    path = session.path(name)
    recorder = session.server.record(path)
    time.sleep(seconds)
    session.server.finish(recorder)
    return tone.read_wav(path)


def check_whole(session, seconds, attempts=5):
    """A busy machine may be late for once, and says so here; one that always is has a fault."""
    for attempt in range(attempts):
        sound = record(session, seconds, f"whole{attempt}.wav")
        wrong = tone.problems(sound, HERTZ, seconds=seconds - 0.2, channels=2)
        if not wrong:
            return sound
        print(f"        attempt {attempt + 1}: {wrong}", flush=True)
    raise AssertionError(wrong)


def peak(sound):
    return max(tone.loudest(samples) for samples in sound.channels)


def test_tone_arrives_whole(session):
    session.start_viewer()
    session.play()
    wait_for("the stream", session.streams)
    sound = check_whole(session, 20)
    assert abs(peak(sound) - 0.25) < 0.001, peak(sound)


def test_every_format(session):
    session.start_viewer()
    for rate, channels, sample in ((44100, 2, S24), (48000, 1, S32), (48000, 6, FLOAT),
                                   (32000, 2, S16)):
        session.play(rate, channels, sample)
        wait_for("the stream", session.streams)
        sound = check_whole(session, 1.5)
        # Six channels add up. Where the rate is converted the beginning is a little louder.
        assert peak(sound) > 0.5 if channels == 6 else abs(peak(sound) - 0.25) < 0.05, \
            (channels, peak(sound))
        session.silence()


def test_the_stream_ends(session):
    session.start_viewer()
    session.play()
    wait_for("the stream", session.streams)
    session.silence()
    wait_for("its end", lambda: not session.streams())
    session.play(44100)
    wait_for("the stream", session.streams)
    check_whole(session, 1)


def test_viewer_comes_late_and_again(session):
    session.play()
    for _ in range(2):
        session.start_viewer()
        wait_for("the stream", session.streams)
        check_whole(session, 1)
        session.client.kill()
        wait_for("its end", lambda: not session.streams())
    assert session.silence() > 48000 * 2, "the guest stood still"


def heard(session):
    with open(session.path("heard"), "rb") as file:
        data = file.read()
    flat = array.array("h", data[:len(data) // 4 * 4])
    return tone.Sound(48000, [[value / 32768 for value in flat[i::2]] for i in range(2)])


def test_microphone(session):
    """At the server's rate: then the packets have a length that libspice-server 0.15.1 does not damage
    (tests/unit/test_spice_sound.c)."""
    tone.write_wav(session.path("speech.wav"), [997, 1500], seconds=30)
    session.start_viewer()
    mouth = session.server.speak(session.path("speech.wav"))
    session.play()
    wait_for("the viewer's sound", session.streams)
    assert not session.streams("Input"), "the viewer records for a guest that does not"
    session.vmm.tell(f"sound record {session.path('heard')}")
    session.vmm.expect("record 0")
    wait_for("the stream", lambda: session.streams("Input"))
    time.sleep(4)
    session.vmm.tell("sound deaf")
    session.vmm.expect("heard ")
    wait_for("its end", lambda: not session.streams("Input"))
    wrong = tone.problems(heard(session), [997, 1500], seconds=2, gaps_allowed=3)
    assert not wrong, wrong
    mouth.kill()


def be_real_time():
    """As sound servers and the VMM's audio thread are on a desktop; what is started inherits it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    except PermissionError:
        print("not in the real-time class: a busy machine will be heard", flush=True)


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "pipewire", "pipewire-pulse", "wireplumber",
            "dbus-daemon", "pw-record", "pw-play", "pw-link", "pw-dump", "remote-viewer")
    build, wanted = sys.argv[1], sys.argv[2:]
    tests = [test for name, test in globals().items()
             if name.startswith("test_") and (not wanted or name in wanted)]
    be_real_time()
    with Screen() as SCREEN:
        return run_tests(tests, lambda: SpiceSession(build))


if __name__ == "__main__":
    sys.exit(main())
