#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The client's sound on a real PipeWire of its own, and through SDL. The fake VMM plays and records with
the VMM's real sound backend, so the sound server is its clock as it is in use.
client_sound.py BUILD_DIRECTORY [TEST...]"""
import array
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab"))

import tone  # noqa: E402
from harness import Process, Session, guest_colour, guest_picture, require, run_tests, \
    wait_for  # noqa: E402
from pipewire import PipeWire  # noqa: E402
from x11 import Screen  # noqa: E402

HERTZ = 440
STREAM, MICROPHONE = "vitrine-fake vm", "vitrine-fake vm-microphone"
S16, S24, S32, FLOAT = 1, 2, 3, 4
SCREEN = None


class SoundSession(Session):
    def __init__(self, build):
        self.server = PipeWire()
        super().__init__(build, dict(SCREEN.env, **self.server.env))
        for name in ("PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "PULSE_SERVER"):
            self.env.pop(name, None)

    def path(self, name):
        return os.path.join(self.directory, name)

    def play(self, rate=48000, channels=2, sample=S16, period=480):
        self.vmm.tell(f"sound play {rate} {channels} {sample} {period}")
        self.vmm.expect("play 0")

    def silence(self):
        self.vmm.tell("sound silence")
        return int(self.vmm.expect("played ")[-1].split()[1])

    def streams(self, name=STREAM):
        """True while the server has the stream running; it goes with the process, too."""
        node = self.server.node(name)
        return node is not None and node["info"]["state"] == "running"

    def close(self):
        super().close()
        self.server.close()


def record(session, seconds, name="rec.wav", **shape):
    path = session.path(name)
    recorder = session.server.record(path, **shape)
    time.sleep(seconds)
    session.server.finish(recorder)
    return tone.read_wav(path)


def check_whole(session, seconds, attempts=5):
    """A busy machine may be late for once, and says so here; one that always is has a fault."""
    for attempt in range(attempts):
        sound = record(session, seconds, f"whole{attempt}.wav")
        wrong = tone.problems(sound, HERTZ, seconds=seconds - 0.2)
        if not wrong:
            return sound
        print(f"        attempt {attempt + 1}: {wrong}", flush=True)
    raise AssertionError(wrong)


def peak(sound):
    return max(tone.loudest(samples) for samples in sound.channels)


def raw(path, rate=48000, channels=2):
    with open(path, "rb") as file:
        data = file.read()
    flat = array.array("h", data[:len(data) // (2 * channels) * 2 * channels])
    return tone.Sound(rate, [[value / 32768 for value in flat[i::channels]]
                             for i in range(channels)])


def begin(session, *options, **mode):
    session.start_vmm(320, 240, **mode)
    session.start_client("--sound-backend", "pipewire", *options,
                         **({"shm": True} if mode.get("shm") else {}))


def test_tone_arrives_whole(session):
    begin(session)
    session.play()
    wait_for("the stream", session.streams)
    sound = check_whole(session, 8)
    assert abs(peak(sound) - 0.25) < 0.0001, "at full volume samples are passed on as they are"
    assert not [line for line in session.client.lines if "trying again" in line]


def test_names_and_latency(session):
    begin(session)
    session.play(44100, period=441)
    wait_for("the stream", session.streams)
    props = session.server.node(STREAM)["info"]["props"]
    assert props["media.name"] == "fake vm" and props["application.name"] == "Vitrine", props
    assert props["node.latency"] == "441/44100" and props["node.rate"] == "1/44100", props
    assert props["media.class"] == "Stream/Output/Audio" and props["media.role"] == "Music", props


def test_every_format(session):
    begin(session)
    for rate, channels, sample in ((44100, 2, S24), (48000, 1, S32), (48000, 6, FLOAT),
                                   (32000, 2, S16)):
        session.play(rate, channels, sample)
        wait_for("the stream", session.streams)
        sound = check_whole(session, 1.5)
        # Six channels are mixed down to two, whoever does it decides how loud.
        assert channels == 6 or abs(peak(sound) - 0.25) < 0.01, (sample, peak(sound))
        session.silence()


def test_an_idle_guest_costs_nothing(session):
    begin(session)
    time.sleep(1)
    names = [node["info"]["props"].get("node.name", "") for node in session.server.nodes()]
    assert not [name for name in names if name.startswith("vitrine")], names
    session.play()
    wait_for("the stream", session.streams)
    session.silence()
    wait_for("its end", lambda: session.server.node(STREAM) is None)


def test_the_test_source_plays(session):
    session.client = Process("client", [os.path.join(session.bin, "vitrine-client"), "--source",
                                        "test", "--size", "200x200"], env=session.env)
    wait_for("the stream", lambda: session.streams("vitrine-test pattern"))
    sound = check_whole(session, 2)
    assert abs(peak(sound) - 0.1) < 0.001, peak(sound)


def heard_frames(sound):
    limit = 0.25 * tone.QUIET
    spans = []
    for samples in sound.channels:
        sounding = [i for i, value in enumerate(samples) if abs(value) > limit]
        spans.append(sounding[-1] - sounding[0] + 1 if sounding else 0)
    return min(spans)


def test_the_beginning_is_not_lost(session):
    """Nor is the end, though the guest has stopped its stream by then."""
    begin(session)
    for seconds, rate, period in ((1.5, 48000, 480), (0.6, 44100, 441), (0.05, 48000, 480),
                                  (1, 48000, 1920)):
        path = session.path(f"rec{period}-{seconds}.wav")
        recorder = session.server.record(path)
        session.play(rate=rate, period=period)
        time.sleep(seconds)
        frames = session.silence()
        # The short one may not have begun to sound by now.
        time.sleep(0.7)
        wait_for("its end", lambda: session.server.node(STREAM) is None)
        session.server.finish(recorder)
        sound = tone.read_wav(path)
        heard = heard_frames(sound) * rate / sound.rate
        print(f"        {frames} frames at {rate} Hz, {frames - heard:.0f} not heard", flush=True)
        assert abs(heard - frames) < rate * 0.003, (heard, frames)


def turn_volume(session, window):
    """Up and down by one key; the largest step between two samples."""
    recorder = session.server.record(session.path("keys.wav"))
    SCREEN.do("key", "--window", window, "ctrl+alt+Prior")
    time.sleep(0.3)
    SCREEN.do("key", "--window", window, "ctrl+alt+Next")
    time.sleep(0.3)
    session.server.finish(recorder)
    sound = tone.read_wav(session.path("keys.wav"))
    assert abs(peak(sound) - 0.25 * 0.55 ** 3) < 0.001, peak(sound)
    part = tone.trim(sound.channels[0], sound.rate)
    return max(abs(a - b) for a, b in zip(part, part[1:]))


def test_volume(session):
    begin(session, "--volume", "50")
    session.play()
    wait_for("the stream", session.streams)
    window = SCREEN.window("fake vm")
    sound = record(session, 0.5)
    assert abs(peak(sound) - 0.25 / 8) < 0.001, peak(sound)
    steps = [turn_volume(session, window) for _ in range(3)]
    # A click would be a jump from one sample to the next that the tone does not have.
    assert min(steps) < 0.25 * 0.55 ** 3 * 2 * 3.1416 * HERTZ / 48000 * 1.2, steps
    SCREEN.do("key", "--window", window, "ctrl+alt+s")
    wait_for("the volume in the picture",
             lambda: SCREEN.picture(window).at(16, 16) != guest_colour(16, 16))
    wait_for("the picture alone",
             lambda: SCREEN.picture(window).bytes == guest_picture(320, 240))
    assert peak(record(session, 0.5)) == 0
    SCREEN.do("key", "--window", window, "ctrl+alt+s")
    time.sleep(0.3)
    assert abs(peak(record(session, 0.5)) - 0.25 / 8) < 0.001
    assert not [line for line in session.vmm.lines if line.startswith(("key 104", "key 109",
                                                                       "key 31"))], "leaked"


def test_mute_and_no_sound(session):
    begin(session, "--mute")
    session.play()
    wait_for("the stream", session.streams)
    assert peak(record(session, 0.5)) == 0
    session.client.kill()
    wait_for("its end", lambda: session.server.node(STREAM) is None)
    session.start_client("--no-sound")
    time.sleep(1)
    assert session.server.node(STREAM) is None
    assert session.silence() > 48000, "the guest stood still"


def test_microphone(session):
    tone.write_wav(session.path("speech.wav"), [997, 1500], seconds=30)
    begin(session, "--mic")
    window = SCREEN.window("fake vm")
    mouth = session.server.speak(session.path("speech.wav"))
    assert SCREEN.title(window) == "fake vm"
    session.vmm.tell(f"sound record {session.path('heard')}")
    session.vmm.expect("record 0")
    wait_for("the stream", lambda: session.streams(MICROPHONE))
    wait_for("the title", lambda: "microphone on" in SCREEN.title(window))
    time.sleep(3)
    session.vmm.tell("sound deaf")
    session.vmm.expect("heard ")
    wait_for("the title", lambda: SCREEN.title(window) == "fake vm")
    wait_for("its end", lambda: session.server.node(MICROPHONE) is None)
    wrong = tone.problems(raw(session.path("heard")), [997, 1500], seconds=2, gaps_allowed=3)
    assert not wrong, wrong
    mouth.kill()


def test_no_microphone_unasked(session):
    tone.write_wav(session.path("speech.wav"), 997, seconds=30)
    begin(session)
    mouth = session.server.speak(session.path("speech.wav"))
    session.vmm.tell(f"sound record {session.path('heard')}")
    session.vmm.expect("record 0")
    time.sleep(1.5)
    assert session.server.node(MICROPHONE) is None
    session.vmm.tell("sound deaf")
    frames = int(session.vmm.expect("heard ")[-1].split()[1])
    assert frames > 24000, "the guest stood still"
    assert peak(raw(session.path("heard"))) == 0
    mouth.kill()


def test_server_dies_and_comes_back(session):
    begin(session)
    session.play()
    wait_for("the stream", session.streams)
    check_whole(session, 1)
    session.server.stop()
    session.client.expect("trying again")
    time.sleep(1)
    session.server.start()
    back = time.monotonic()
    wait_for("the stream", session.streams)
    print(f"        sound {time.monotonic() - back:.2f} s after the server", flush=True)
    check_whole(session, 2)
    session.client.expect("sound: back")
    assert len([line for line in session.client.lines if "trying again" in line]) == 1
    # Time went on for the guest.
    assert session.silence() > 48000 * 4


def test_no_server_at_first(session):
    session.server.stop()
    begin(session)
    session.play()
    session.client.expect("no sound server answers")
    time.sleep(4.5)
    session.server.start()
    wait_for("the stream", session.streams)
    check_whole(session, 1)
    assert len([line for line in session.client.lines if "trying again" in line]) == 1


def test_no_device_at_first(session):
    session.server.stop()
    session.server.start_without_devices()
    begin(session)
    session.play()
    session.client.expect("trying again")
    time.sleep(4)
    session.server.plug_speaker()
    wait_for("the stream", session.streams)
    check_whole(session, 1)
    assert len([line for line in session.client.lines if "trying again" in line]) == 1
    assert session.silence() > 48000 * 4, "the guest stood still"


def test_many_short_sounds(session):
    begin(session)
    for number in range(60):
        session.play(period=240 + number * 8)
        time.sleep(0.01 * (number % 7))
        session.silence()
    session.play()
    wait_for("the stream", session.streams)
    check_whole(session, 1)


def test_window_lives_while_the_server_hangs(session):
    begin(session)
    session.play()
    wait_for("the stream", session.streams)
    window = SCREEN.window("fake vm")
    session.server.server.child.send_signal(signal.SIGSTOP)
    try:
        session.silence()
        session.play()
        for colour in range(1, 6):
            session.vmm.tell(f"box 0 0 320 240 {colour * 40:06x}")
            wait_for("the picture", lambda value=colour * 40:
                     SCREEN.picture(window).at(9, 9) == (0, 0, value))
        before = session.silence()
        session.play()
        time.sleep(2)
        assert session.silence() > 24000, (before, "the guest stood still")
    finally:
        session.server.server.child.send_signal(signal.SIGCONT)
    session.play()
    wait_for("the stream", session.streams)
    check_whole(session, 1)


def quiet_s(sound):
    """The longest silence between sounds."""
    samples = sound.channels[0]
    return max([length for _, length in tone.gaps(tone.trim(samples, sound.rate), sound.rate)],
               default=0)


def test_client_is_killed_and_comes_back(session):
    begin(session)
    session.play()
    wait_for("the stream", session.streams)
    recorder = session.server.record(session.path("rec.wav"))
    time.sleep(1)
    killed = time.monotonic()
    session.client.kill()
    session.start_client("--sound-backend", "pipewire")
    attached = time.monotonic()
    wait_for("the stream", session.streams)
    time.sleep(1)
    session.server.finish(recorder)
    silent = quiet_s(tone.read_wav(session.path("rec.wav")))
    late = silent - (attached - killed)
    print(f"        silent for {silent * 1e3:.0f} ms, {late * 1e3:.0f} ms of it after the client "
          "had attached", flush=True)
    # 0.1 to 0.2 s where nothing else runs.
    assert late < 2, (silent, late)
    check_whole(session, 1)


def test_a_stream_starts_soon(session):
    begin(session)
    session.client.kill()
    session.env["VITRINE_LOG"] = "debug"
    session.start_client("--sound-backend", "pipewire")
    took = []
    for _ in range(3):
        asked = time.monotonic()
        session.vmm.tell("sound play")
        session.client.expect("playback is streaming")
        took.append(round((time.monotonic() - asked) * 1e3))
        session.silence()
        wait_for("its end", lambda: session.server.node(STREAM) is None)
    print(f"        streaming {took} ms after the guest's start", flush=True)
    assert min(took) < 1000, took


def test_the_client_that_came_last_plays(session):
    begin(session)
    first = session.client
    session.play()
    wait_for("the stream", session.streams)
    session.start_client("--title", "second", "--sound-backend", "pipewire")
    first.expect("another client has it")
    wait_for("one stream", lambda: len([1 for node in session.server.nodes() if
                                        node["info"]["props"].get("node.name") == STREAM]) == 1)
    check_whole(session, 1)
    session.client.kill(signal.SIGTERM)
    first.expect("sound: ours again")
    wait_for("the stream", session.streams)
    check_whole(session, 1)
    session.client = first


def test_segment_in_a_file(session):
    begin(session, shm=True)
    session.play()
    wait_for("the stream", session.streams)
    check_whole(session, 3)
    session.silence()
    wait_for("its end", lambda: session.server.node(STREAM) is None)


def test_shared_file_is_cut_short(session):
    begin(session, shm=True)
    session.play()
    wait_for("the stream", session.streams)
    session.vmm.kill()
    os.truncate(session.file, 0)
    wait_for("its end", lambda: session.server.node(STREAM) is None)
    session.start_vmm(320, 240, shm=True)
    session.client.expect("attached to")
    session.play()
    wait_for("the stream", session.streams)
    check_whole(session, 1)


def test_garbage_ends_the_session_only(session):
    begin(session)
    session.play()
    wait_for("the stream", session.streams)
    for number in range(1, 6):
        session.vmm.tell(f"garbage sound {number}")
        time.sleep(0.4)
        assert session.client.alive(), session.client.lines
    session.vmm.kill()
    session.start_vmm(320, 240)
    session.vmm.expect("attached")
    session.play()
    wait_for("the stream", session.streams)
    check_whole(session, 1)


def longest_whole(samples, rate):
    """The longest part without a gap."""
    parts, start = [], 0
    for second, seconds in tone.gaps(samples, rate):
        parts.append(samples[start:int(second * rate)])
        start = int((second + seconds) * rate) + 1
    parts.append(samples[start:])
    return max(parts, key=len)


def test_sdl_plays_without_pipewire(session):
    session.server.stop()
    session.env.update(SDL_AUDIODRIVER="disk", SDL_DISKAUDIOFILE=session.path("sdl.raw"))
    session.start_vmm(320, 240)
    session.start_client()
    session.play()
    wait_for("samples", lambda: os.path.exists(session.path("sdl.raw")) and
             os.path.getsize(session.path("sdl.raw")) > 2 * 48000 * 4)
    session.client.kill(signal.SIGTERM)
    # The disk driver's pace is its own, and on a busy machine it runs ahead of the guest: only the tone
    # is looked at, where it is whole.
    sound = raw(session.path("sdl.raw"))
    part = longest_whole(tone.trim(sound.channels[0], sound.rate), sound.rate)
    assert len(part) > sound.rate // 5, len(part)
    assert abs(tone.frequency_by_crossings(part, sound.rate) - HERTZ) < 1
    assert abs(peak(sound) - 0.25) < 0.0001


def test_nobody_plays(session):
    session.server.stop()
    session.env.update(SDL_AUDIODRIVER="no such driver")
    session.start_vmm(320, 240)
    session.start_client()
    session.play()
    session.client.expect("no sound server answers")
    time.sleep(3)
    assert session.silence() > 48000 * 2, "the guest stood still"
    assert len([line for line in session.client.lines if "trying again" in line]) == 1


def main():
    global SCREEN
    require("Xvfb", "openbox", "xdotool", "xprop", "import", "convert", "pipewire", "wireplumber",
            "dbus-daemon", "pw-record", "pw-play", "pw-link", "pw-dump")
    build, wanted = sys.argv[1], sys.argv[2:]
    tests = [test for name, test in globals().items()
             if name.startswith("test_") and (not wanted or name in wanted)]

    def make_session():
        SCREEN.release_keys()
        return SoundSession(build)

    with Screen() as SCREEN:
        return run_tests(tests, make_session)


if __name__ == "__main__":
    sys.exit(main())
