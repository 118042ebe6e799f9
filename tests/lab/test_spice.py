#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real guest over SPICE: the VMM runs in the lab, remote-viewer on this machine's (virtual) X server. What is typed and
clicked there is looked for in the guest, what the guest draws and plays is looked for there, and both share a clipboard.

usage: test_spice.py BUILD GUEST OUT    GUEST: a directory of tools/make-guest; OUT: pictures and logs go there
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))

import clipboards  # noqa: E402
import tone  # noqa: E402
from picture import Picture  # noqa: E402
from pipewire import PipeWire  # noqa: E402
from vm import Vm, check, run_checks, say, wait_until  # noqa: E402

BUILD, GUEST, OUT = sys.argv[1:4]
SOCKET, L1_PORT = "/tmp/spice.socket", 5930
WIDTH, HEIGHT = 800, 600
ROOT, FILL = (51, 102, 153), (51, 102, 204)
RATE, LEFT, RIGHT, TONE_S = 48000, 440, 660, 5
QUANTUM, ATTEMPTS = 8192, 5         # see test_sound.py
port = vm = viewer = sound = None
helpers = []


# --- this machine ---

def start_x_server():
    read_end, write_end = os.pipe()
    helpers.append(subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
                                    pass_fds=[write_end], stderr=subprocess.DEVNULL))
    os.close(write_end)
    number = os.read(read_end, 16).decode().strip()
    check(number, "Xvfb does not start")
    os.environ["DISPLAY"] = f":{number}"
    os.environ.pop("WAYLAND_DISPLAY", None)
    helpers.append(subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def start_viewer():
    global viewer
    env = dict(sound.whole_env(), GSETTINGS_BACKEND="memory", NO_AT_BRIDGE="1")
    viewer = subprocess.Popen(["remote-viewer", f"spice://127.0.0.1:{port}"], env=env, stdout=subprocess.DEVNULL,
                              stderr=open(f"{OUT}/viewer.log", "ab"))


def xdotool(*arguments):
    return subprocess.run(["xdotool", *map(str, arguments)], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def window():
    def find():
        check(viewer.poll() is None, "remote-viewer runs")
        return subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "spicelab"], capture_output=True, text=True,
                              timeout=60).stdout.split()
    return wait_until("the viewer's window", 60, find)[0]


def shot(name):
    path = f"{OUT}/{name}.png"
    subprocess.run(["import", "-window", window(), f"PNG24:{path}"], check=True, timeout=60)
    return Picture(path)


def place(picture):
    """Where the guest's screen is in a picture of the window: its background is nowhere else."""
    pixel = bytes(ROOT)
    rows = [y for y in range(picture.height) if picture.rows[y].count(pixel)]
    if not rows:
        return None
    lefts = [picture.rows[y].find(pixel) // 3 for y in rows]
    rights = [picture.rows[y].rfind(pixel) // 3 for y in rows]
    found = min(lefts), rows[0], max(rights) + 1 - min(lefts), rows[-1] + 1 - rows[0]
    return found if found[2:] == (WIDTH, HEIGHT) else None


# --- the guest ---

def start_vm():
    global vm, port
    disk = os.path.join(OUT, "disk.img")
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", f"{GUEST}/disk.img", disk], check=True)
    cmdline = open(os.path.join(GUEST, "cmdline")).read().strip()
    port = free_port()
    lab = [os.path.join(TOP, "tests/lab/run"), "--timeout", "3000", "--memory", "4G", "--disk", disk, "--hostfwd", f"{port}:{L1_PORT}", "--",
           "sh", "-c", f'python3 -B "{TOP}/tests/lab/relay.py" {L1_PORT} {SOCKET} </dev/null >/dev/null & exec "$0" "$@" --disk "path=$LAB_DISK0"']
    vm = Vm(BUILD, ["--headless", "--name", "spicelab", "--kernel", f"{GUEST}/vmlinuz", "--initrd", f"{GUEST}/initrd.img",
                    "--cmdline", cmdline, "--memory", "1G", "--cpus", "1", "--display", f"{WIDTH}x{HEIGHT}", "--spice", f"unix={SOCKET}"],
            command=lab, log=f"{OUT}/vitrine.log")


def x(command, seconds=30):
    return vm.sh(f"su vitrine -c 'export DISPLAY=:0; {command}'", seconds)


def background_x(command, log="/dev/null"):
    vm.sh(f"(setsid su vitrine -c 'export DISPLAY=:0; {command}' >{log} 2>&1 </dev/null &)")


def move(to_x, to_y):
    """Moves the pointer to a pixel of the guest's screen."""
    left, top = place(shot("moving"))[:2]
    xdotool("mousemove", "--window", window(), left + to_x, top + to_y)


# --- checks ---

def console_is_shown():
    global sound
    start_x_server()
    sound = PipeWire(QUANTUM)
    sound.start_pulse()
    start_vm()
    vm.wait_shell(120)
    start_viewer()
    vm.sh("chvt 8; printf '\\033[2J\\033[H\\033[41m%400s\\033[42m%400s\\033[0m' '' '' > /dev/tty8")
    wait_until("the console's colours", 60, lambda: (lambda p: p.share((170, 0, 0)) > 0.005 and p.share((0, 170, 0)) > 0.005)(shot("console")), 1)


def desktop_is_shown():
    vm.sh("mkdir -p ~vitrine/.icewm; echo 'ShowTaskBar=0' > ~vitrine/.icewm/preferences; chown -R vitrine ~vitrine/.icewm")
    vm.sh("systemctl start x11.service", 60)
    wait_until("X", 60, lambda: "dimensions" in vm.sh("su vitrine -c 'DISPLAY=:0 xdpyinfo' 2>&1 | grep dimensions || true"), 1)
    wait_until("the window manager", 60, lambda: "icewm" in vm.sh("pgrep -a icewm || true"), 1)

    def shown():
        x("xsetroot -solid \"#336699\"")
        return place(shot("desktop"))
    wait_until("the guest's screen in the window, 1:1", 60, shown, 1)


def typed_command():
    """A command line typed into a terminal makes a file; its coloured output is on the screen, exactly."""
    wait_until("the terminal", 60, lambda: shot("terminal").share((255, 255, 255)) > 0.2, 1)
    wait_until("its shell", 60, lambda: "bash" in vm.sh("ps -u vitrine -o tty=,comm= | grep pts/ || true"), 1)
    xdotool("windowactivate", "--sync", window())
    move(250, 200)
    xdotool("click", 1)
    wait_until("the terminal's focus", 60, lambda: re.search("# 0x[1-9a-f]", x("xprop -root _NET_ACTIVE_WINDOW")), 1)
    before = shot("before-typing").share(FILL)
    xdotool("type", "--delay", "80", "echo \"Typed: $((6*7))\" '~!@#%^&*()_+{}|:<>?' > /tmp/typed.txt")
    xdotool("key", "Return")
    wait_until("the file", 60, lambda: "42" in vm.sh("cat /tmp/typed.txt 2>/dev/null || true"), 1)
    got = vm.sh("cat /tmp/typed.txt")
    check(got == "Typed: 42 ~!@#%^&*()_+{}|:<>?", f"the file says {got!r}")
    xdotool("type", "--delay", "80", "printf '\\e[48;2;51;102;204m%640s\\e[0m'")
    xdotool("key", "Return")
    filled = wait_until("the colour in the terminal", 60, lambda: shot("typed").share(FILL) > 0.06, 1)
    check(before < 0.001 and filled, "the colour was not there before")
    picture = Picture(f"{OUT}/typed.png")
    top = picture.row_of(FILL)
    left = picture.rows[top + 3].find(bytes(FILL)) // 3
    check(picture.region(left, top, 300, 40) == bytes(FILL) * (300 * 40), f"a 300x40 block of the colour at {left},{top}")


def clicks_are_exact():
    """The viewer's own pointer is the guest's: absolute positions."""
    background_x("stdbuf -oL xev -geometry 200x120+560+420 -event button", "/tmp/xev.log")
    wait_until("xev's window", 60, lambda: "Event Tester" in x("xwininfo -root -tree"), 1)
    for at in ((600, 480), (701, 515)):
        vm.sh(": > /tmp/xev.log")
        move(*at)
        xdotool("click", 1)
        wait_until("the click in the guest", 60, lambda: "ButtonRelease" in vm.sh("cat /tmp/xev.log"), 0.5)
        seen = re.search(r"ButtonPress event.*?root:\((\d+),(\d+)\)", vm.sh("cat /tmp/xev.log").replace("\n", " "))
        check((int(seen.group(1)), int(seen.group(2))) == at, f"clicked {at}, the guest saw {seen.group(1, 2)}")


def record(name, seconds):
    recorder = sound.record(f"{OUT}/{name}.wav")
    time.sleep(seconds)
    sound.finish(recorder)
    return tone.read_wav(f"{OUT}/{name}.wav")


def tone_from_guest():
    """Two tones, one a channel: the guest's driver, SPICE, the viewer, this machine's sound server."""
    vm.sh(f"perl -e 'for $n (0..{RATE - 1}) {{ print pack(\"s<2\", 16000*sin(6.283185307179586*{LEFT}*$n/{RATE}), "
          f"16000*sin(6.283185307179586*{RIGHT}*$n/{RATE})) }}' > /tmp/second.raw", 60)
    vm.sh(f"(setsid sh -c 'while cat /tmp/second.raw; do :; done | aplay -q -D plughw:0,0 -t raw -f S16_LE -c 2 -r {RATE}' "
          ">/tmp/aplay.log 2>&1 </dev/null &)")
    wait_until("the tone", 30, lambda: tone.loudest(record("begin", 0.5).channels[0]) > 0.1)
    for attempt in range(ATTEMPTS):
        wrong = tone.problems(record(f"tone{attempt}", TONE_S + 1), [LEFT, RIGHT], seconds=TONE_S, channels=2)
        if not wrong:
            break
        say(f"      attempt {attempt + 1}: {wrong}; the guest said {vm.sh('cat /tmp/aplay.log')!r}")
    vm.sh("pkill aplay")
    check(not wrong, str(wrong))


def viewer_dies_and_returns():
    viewer.kill()
    viewer.wait()
    x("xsetroot -solid \"#224488\"")
    check(vm.sh("echo alive") == "alive", "the guest lives on")
    start_viewer()
    x("xsetroot -solid \"#336699\"")
    wait_until("the picture in the new viewer", 60, lambda: place(shot("returned")), 1)


def stopped_viewer():
    """One that reads nothing for a while does not hold up the guest."""
    viewer.send_signal(signal.SIGSTOP)
    try:
        x("for i in $(seq 40); do xsetroot -solid \"#$((RANDOM % 900000 + 100000))\"; done; xsetroot -solid \"#336699\"", 60)
        background_x("xterm -geometry 20x5+500+100")
        check(vm.sh("echo alive") == "alive", "the guest lives on")
    finally:
        viewer.send_signal(signal.SIGCONT)
    wait_until("the newest picture", 60, lambda: place(shot("continued")), 1)


def poweroff():
    vm.type("systemctl poweroff")
    check(vm.wait_end(90) == 0, "vitrine's exit status")


def main():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    try:
        status = run_checks([
            ("the console in remote-viewer", console_is_shown), ("the desktop, 1:1", desktop_is_shown),
            ("a typed command line, its colours pixel by pixel", typed_command), ("clicks, to the pixel", clicks_are_exact),
            ("the clipboard", lambda: clipboards.check_both_ways(vm, f"{OUT}/desktop.png")), ("two tones", tone_from_guest),
            ("a viewer that was killed comes back", viewer_dies_and_returns), ("a viewer that stands still", stopped_viewer),
            ("poweroff", poweroff)])
        return 125 if vm and vm.process.poll() == 125 else status
    finally:
        for process in [viewer, *helpers]:
            if process and process.poll() is None:
                process.kill()
        if vm:
            vm.close()
        if sound:
            sound.close()
        if os.path.exists(os.path.join(OUT, "disk.img")):
            os.unlink(os.path.join(OUT, "disk.img"))


if __name__ == "__main__":
    sys.exit(main())
