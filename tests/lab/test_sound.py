#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sound end to end: a stock guest with ALSA in the lab, the client on this machine, and a PipeWire of its own whose
null sink is recorded. The tone in the recording is what the guest played, sample by sample, or it is not.

usage: test_sound.py BUILD GUEST OUT CARD    GUEST: a directory of tools/make-guest; CARD: virtio or hda; OUT: recordings and logs go there
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))

import tone  # noqa: E402
from pipewire import PipeWire  # noqa: E402
from vm import Vm, check, run_checks, say, wait_until  # noqa: E402
from x11 import Screen  # noqa: E402

BUILD, GUEST, OUT, CARD = sys.argv[1:5]
SHM = f"/dev/shm/vitrine-sound-{os.getpid()}"
EXCHANGE = os.path.join(OUT, "exchange.img")    # the guest's /dev/vdb: what it records comes out here
RATE, FRAME = 48000, 4
LEFT, RIGHT, SPOKEN = 440, 660, 1000
WHOLE_S = 60
# The emulated machine stands still for up to a tenth of a second when this one is busy: with this quantum the VMM
# has 170 ms to fill the ring again. Latency is what bench/sound_path measures.
QUANTUM = 8192
ATTEMPTS = 5    # the lab shares two CPUs with all that listens; it may be late for once, and that is said
vm = client = server = screen = None


def start_client(*options):
    global client
    client = subprocess.Popen([f"{BUILD}/bin/vitrine-client", "--shm", SHM, "--title", "sound", "--size", "640x480", "--wait",
                               "--sound-backend", "pipewire", *options],
                              env=dict(screen.env, **server.env), stderr=open(f"{OUT}/client.log", "ab"))


def comes_up():
    global vm
    disk = os.path.join(OUT, "disk.img")
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", f"{GUEST}/disk.img", disk], check=True)
    with open(EXCHANGE, "wb") as exchange:
        exchange.truncate(16 << 20)
    cmdline = open(os.path.join(GUEST, "cmdline")).read().strip()
    lab = [os.path.join(TOP, "tests/lab/run"), "--timeout", "3000", "--memory", "3G", "--shm", f"{SHM},128M", "--disk", disk,
           "--disk", EXCHANGE, "--", "sh", "-c", 'exec "$0" "$@" --shm "$LAB_SHM" --disk "path=$LAB_DISK0" --disk "path=$LAB_DISK1"']
    vm = Vm(BUILD, ["--headless", "--name", "sound", "--kernel", f"{GUEST}/vmlinuz", "--initrd", f"{GUEST}/initrd.img",
                    "--cmdline", cmdline, "--memory", "1G", "--cpus", "1", "--display", "640x480",
                    "--sound", "on" if CARD == "virtio" else CARD], command=lab, log=f"{OUT}/vitrine.log")
    wait_until("the segment's file", 30, lambda: os.path.exists(SHM))
    start_client()
    vm.wait_shell(120)


def card():
    wait_until("the sound card", 30, lambda: "card 0" in vm.sh("aplay -l 2>&1 || true"), 1)
    kernel, cards = vm.sh("uname -r"), vm.sh("cat /proc/asound/cards")
    say(f"      {kernel}: " + " ".join(cards.split()))
    if CARD == "virtio":
        check("virtio" in cards.lower(), "a virtio card")
    else:
        check("HDA" in cards, "an HDA card")
        check("missing" in vm.sh("modprobe -n virtio_snd 2>/dev/null && echo there || echo missing"), "a kernel without virtio-snd")
        # The mixer of a codec may start muted.
        say("      " + " ".join(vm.sh("for c in Master PCM Speaker 'Line Out'; do amixer -q sset \"$c\" 100% unmute 2>/dev/null; done; "
                                      "amixer -q sset Capture 100% cap 2>/dev/null; amixer scontrols").split("\n")))


def formats():
    """What the card says it takes, without a plug-in that converts."""
    shapes = [("S16_LE", 44100, 1), ("S32_LE", 96000, 2), ("S24_LE", 48000, 6), ("FLOAT_LE", 192000, 8), ("S16_LE", 88200, 4)]
    if CARD == "hda":
        shapes = [("S16_LE", 44100, 2), ("S32_LE", 96000, 2), ("S32_LE", 192000, 2)]
    for shape, rate, channels in shapes:
        vm.sh(f"head -c {rate * channels * 2} /dev/zero | aplay -q -D hw:0,0 -t raw -f {shape} -r {rate} -c {channels} 2>&1", 30)
        if channels <= 2:
            vm.sh(f"arecord -q -D hw:0,0 -t raw -f {shape} -r {rate} -c {channels} -s {rate // 2} /dev/null 2>&1", 30)


def record(name, seconds):
    path = os.path.join(OUT, name)
    recorder = server.record(path)
    time.sleep(seconds)
    server.finish(recorder)
    return tone.read_wav(path)


def speaker_test():
    """It plays one channel after the other, 3 s each."""
    recorder = server.record(f"{OUT}/speaker-test.wav")
    vm.sh(f"speaker-test -D plughw:0,0 -t sine -f {LEFT} -c 2 -r {RATE} -l 1 2>&1", 60)
    time.sleep(1)
    server.finish(recorder)
    sound = tone.read_wav(f"{OUT}/speaker-test.wav")
    parts = []
    for number, samples in enumerate(sound.channels):
        part = tone.trim(samples, sound.rate)
        check(len(part), f"channel {number} is silent")
        found = tone.analyse(part, sound.rate, LEFT)
        check(abs(found.frequency - LEFT) < 1, f"channel {number}: {found.frequency:.2f} Hz")
        check(found.seconds > 2, f"channel {number} sounds for {found.seconds:.2f} s")
        parts.append(next(i for i, value in enumerate(samples) if abs(value) > found.peak / 2))
    check(parts[0] + RATE < parts[1], f"left first, then right: {parts}")


def tone_from_guest():
    """60 s of two tones, one a channel: the frequencies, and not one sample missing or doubled."""
    vm.sh("perl -e 'for $n (0..47999) { print pack(\"s<2\", 16000*sin(6.283185307179586*440*$n/48000), "
          "16000*sin(6.283185307179586*660*$n/48000)) }' > /tmp/second.raw; test $(stat -c %s /tmp/second.raw) = 192000", 60)
    play = f"while cat /tmp/second.raw; do :; done | aplay -q -D plughw:0,0 -t raw -f S16_LE -c 2 -r {RATE}"
    for attempt in range(ATTEMPTS):
        vm.sh(f"(setsid sh -c '{play}' > /tmp/aplay.log 2>&1 &)")
        wait_until("the tone", 30, lambda: tone.loudest(record("before.wav", 0.5).channels[0]) > 0.1)
        sound = record(f"tone{attempt}.wav", WHOLE_S + 1)
        vm.sh("pkill aplay; cat /tmp/aplay.log")
        wrong = tone.problems(sound, [LEFT, RIGHT], seconds=WHOLE_S, channels=2)
        if not wrong:
            found = [tone.analyse(tone.trim(c, sound.rate), sound.rate, f) for c, f in zip(sound.channels, (LEFT, RIGHT))]
            say("      " + "; ".join(f"{one.frequency:.3f} Hz for {one.seconds:.1f} s, {len(one.gaps)} gaps" for one in found))
            return
        say(f"      attempt {attempt + 1}: {wrong}; the guest said {vm.sh('cat /tmp/aplay.log')!r}")
    check(False, str(wrong))


def client_returns():
    """The guest plays on while the client is away, and is heard again as soon as the next one is there."""
    vm.sh(f"(setsid sh -c 'while cat /tmp/second.raw; do :; done | aplay -q -D plughw:0,0 -t raw -f S16_LE -c 2 -r {RATE}' > /tmp/aplay.log 2>&1 &)")
    wait_until("the tone", 30, lambda: tone.loudest(record("before.wav", 0.5).channels[0]) > 0.1)
    client.kill()
    client.wait()
    before = vm.sh("cat /proc/asound/card0/pcm0p/sub0/status | grep hw_ptr")
    check("state: RUNNING" in vm.sh("sleep 2; cat /proc/asound/card0/pcm0p/sub0/status"), "the guest's stream runs without a client")
    check(vm.sh("cat /proc/asound/card0/pcm0p/sub0/status | grep hw_ptr") != before, "and moves")
    start_client("--mic")
    wait_until("the tone", 30, lambda: tone.loudest(record("after.wav", 0.5).channels[0]) > 0.1)
    wrong = tone.problems(record("returned.wav", 3), [LEFT, RIGHT], seconds=2.5, gaps_allowed=2)
    vm.sh("pkill aplay")
    check(not wrong, str(wrong))


def microphone():
    """A known tone spoken into the host's microphone, recorded by the guest."""
    tone.write_wav(f"{OUT}/spoken.wav", SPOKEN, seconds=90, rate=RATE)
    wanted = 5 * RATE * FRAME
    for attempt in range(ATTEMPTS):
        mouth = server.speak(f"{OUT}/spoken.wav")
        vm.sh(f"arecord -q -D plughw:0,0 -t raw -f S16_LE -c 2 -r {RATE} -d 7 /tmp/heard.raw; "
              f"tail -c {wanted} /tmp/heard.raw | dd of=/dev/vdb bs=64k conv=fsync 2>/dev/null", 60)
        mouth.kill()
        with open(EXCHANGE, "rb") as exchange:
            raw = exchange.read(wanted)
        path = f"{OUT}/heard.wav"
        tone.write_wav(path, SPOKEN, seconds=5, rate=RATE)     # its header fits
        with open(path, "r+b") as wav:
            wav.seek(-len(raw), os.SEEK_END)
            wav.write(raw)
        wrong = tone.problems(path, SPOKEN, seconds=4.5)
        if not wrong:
            return
        say(f"      attempt {attempt + 1}: {wrong}")
    check(False, str(wrong))


def alsabat():
    """The guest's own test of a loop: what the sink plays is fed into the microphone. (In a locale alsabat 1.2.8
    takes an errno of gettext for its own.)"""
    for channel in ("FL", "FR"):
        subprocess.run(["pw-link", f"speaker:monitor_{channel}", f"ear:input_{channel}"], env=server.whole_env(), check=True)
    for attempt in range(ATTEMPTS):
        said = vm.sh(f"LC_ALL=C alsabat -D plughw:0,0 -f S16_LE -c 2 -r {RATE} -F {LEFT} -n 4s 2>&1 || true", 120)
        if re.search(r"Return value is 0\b", said):
            return
        say(f"      attempt {attempt + 1}: {said[-400:]}")
    check(False, "alsabat did not find its tone")


def poweroff():
    vm.type("systemctl poweroff")
    check(vm.wait_end(90) == 0, "vitrine's exit status")


def main():
    global server, screen
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    try:
        screen = Screen().__enter__()
        server = PipeWire(QUANTUM)
        status = run_checks([
            (f"a guest with a {CARD} sound card", comes_up), ("the guest's driver", card), ("formats, rates, channels", formats),
            ("speaker-test: 440 Hz, left, then right", speaker_test),
            (f"{WHOLE_S} s without a gap", tone_from_guest), ("a client that was killed", client_returns), ("the microphone", microphone),
            ("alsabat", alsabat), ("poweroff", poweroff)])
        return 125 if vm and vm.process.poll() == 125 else status
    finally:
        if client and client.poll() is None:
            client.terminate()
        if vm:
            vm.close()
        if server:
            server.close()
        if screen:
            screen.__exit__()
        for path in (SHM, os.path.join(OUT, "disk.img")):
            if os.path.exists(path):
                os.unlink(path)


if __name__ == "__main__":
    sys.exit(main())
