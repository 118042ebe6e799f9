#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The desktop end to end: the VMM runs in the lab, the client's window is on this machine's (virtual) X server, and
everything is typed, clicked and looked at there; what the guest made of it is asked over its serial port.

usage: test_desktop.py BUILD GUEST OUT    GUEST: a directory of tools/make-guest; OUT: pictures and logs go there
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

from picture import Picture
from vm import TOP, Failure, Vm, check, run_checks, say, wait_until

BUILD, GUEST, OUT = sys.argv[1:4]
SHM = f"/dev/shm/vitrine-test-{os.getpid()}"
FILL = (51, 102, 204)
vm = client = None
helpers = []


def start_x_server():
    read_end, write_end = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
                              pass_fds=[write_end], stderr=subprocess.DEVNULL)
    helpers.append(server)
    os.close(write_end)
    number = os.read(read_end, 16).decode().strip()
    check(number, "Xvfb does not start")
    os.environ["DISPLAY"] = f":{number}"
    os.environ.pop("WAYLAND_DISPLAY", None)
    helpers.append(subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def start_vm():
    global vm
    disk = os.path.join(OUT, "disk.img")
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", f"{GUEST}/disk.img", disk], check=True)
    cmdline = open(os.path.join(GUEST, "cmdline")).read().strip()
    lab = [os.path.join(TOP, "tests/lab/run"), "--timeout", "3000", "--memory", "5G", "--shm", f"{SHM},512M", "--disk", disk, "--",
           "sh", "-c", 'exec "$0" "$@" --shm "$LAB_SHM" --disk "path=$LAB_DISK0"']
    vm = Vm(BUILD, ["--headless", "--name", "desktop", "--kernel", f"{GUEST}/vmlinuz", "--initrd", f"{GUEST}/initrd.img",
                    "--cmdline", cmdline, "--memory", "2G", "--cpus", "1", "--display", "1280x720"],
            command=lab, log=f"{OUT}/vitrine.log")


def start_client():
    global client
    client = subprocess.Popen([f"{BUILD}/bin/vitrine-client", "--shm", SHM, "--title", "desktop", "--size", "1280x720", "--wait"],
                              stderr=open(f"{OUT}/client.log", "ab"))


def xdotool(*arguments):
    return subprocess.run(["xdotool", *map(str, arguments)], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def window():
    def find():
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "desktop"], capture_output=True, text=True, timeout=60)
        return found.stdout.split()
    return wait_until("the client's window", 20, find)[0]


def shot(name):
    path = f"{OUT}/{name}.png"
    subprocess.run(["import", "-window", window(), f"PNG24:{path}"], check=True, timeout=60)
    return Picture(path)


def x(command, seconds=30):
    return vm.sh(f"su vitrine -c 'export DISPLAY=:0; {command}'", seconds)


def move(to_x, to_y):
    """Moves the pointer to a pixel of the guest's screen: the window shows it 1:1."""
    xdotool("mousemove", "--window", window(), to_x, to_y)


def desktop_comes_up():
    start_x_server()
    start_vm()
    wait_until("the segment's file", 30, lambda: os.path.exists(SHM))
    start_client()
    vm.wait_shell(120)
    vm.sh("for i in $(seq 300); do pgrep -u vitrine xfce4-panel >/dev/null && pgrep -u vitrine xfdesktop >/dev/null && break; "
          "sleep 0.5; done; pgrep -u vitrine -l xf", 160)
    check("1280x720" in re.sub(r" x ", "x", x("xdpyinfo | grep dimensions")), "the guest's screen has the window's size")
    wait_until("a picture with many colours in the window", 60, lambda: shot("desktop").colours(8) > 200, 2)


def typed_command():
    """A command line typed into a terminal makes a file; its coloured output is on the screen, exactly."""
    vm.sh("(setsid su vitrine -c 'DISPLAY=:0 xfce4-terminal --geometry=80x20+200+150' >/dev/null 2>&1 &)")
    tree = r'"xfce4-terminal" "Xfce4-terminal"\)\s+[3-9]\d\dx'
    wait_until("the terminal's window", 60, lambda: re.search(tree, x("xwininfo -root -tree")), 1)
    move(500, 350)
    xdotool("click", 1)
    wait_until("its shell", 60, lambda: "bash" in vm.sh("ps -u vitrine -o tty=,comm= | grep pts/ || true"), 1)
    before = shot("before-typing").share(FILL)
    xdotool("type", "--delay", "60", "echo \"Typed: $((6*7))\" '~!@#%^&*()_+{}|:<>?' > /tmp/typed.txt")
    xdotool("key", "Return")
    wait_until("the file", 30, lambda: "42" in vm.sh("cat /tmp/typed.txt 2>/dev/null || true"), 1)
    got = vm.sh("cat /tmp/typed.txt")
    check(got == "Typed: 42 ~!@#%^&*()_+{}|:<>?", f"the file says {got!r}")
    xdotool("type", "--delay", "60", "printf '\\e[48;2;51;102;204m%640s\\e[0m'")
    xdotool("key", "Return")
    filled = wait_until("the colour in the terminal", 30, lambda: shot("typed").share(FILL) > 0.06, 1)
    check(before < 0.001 and filled, "the colour was not there before")


def region_is_exact():
    picture = Picture(f"{OUT}/typed.png")
    top = picture.row_of(FILL)
    line = picture.rows[top + 3]
    left = line.find(bytes(FILL)) // 3
    block = picture.region(left, top, 300, 40)
    check(block == bytes(FILL) * (300 * 40), f"a 300x40 block of the colour at {left},{top}")


def clicks_and_drags():
    vm.sh("(setsid su vitrine -c 'DISPLAY=:0 stdbuf -oL xev -geometry 300x200+900+450 -event button -event mouse' > /tmp/xev.log 2>&1 &)")
    wait_until("xev's window", 30, lambda: "Event Tester" in x("xwininfo -root -tree"), 1)
    info = x('xwininfo -name "Event Tester"')
    left, top = (int(re.search(rf"Absolute upper-left {axis}:\s+(\d+)", info).group(1)) for axis in "XY")
    move(left + 120, top + 80)
    vm.sh("sleep 0.5; : > /tmp/xev.log")
    xdotool("click", 1)
    wait_until("the click in the guest", 20, lambda: "ButtonRelease" in vm.sh("cat /tmp/xev.log"), 0.5)
    at = re.search(r"ButtonPress event.*?root:\((\d+),(\d+)\)", vm.sh("cat /tmp/xev.log").replace("\n", " "))
    check((int(at.group(1)), int(at.group(2))) == (left + 120, top + 80), f"clicked {left + 120},{top + 80}, the guest saw {at.group(1, 2)}")
    vm.sh(": > /tmp/xev.log")
    move(left + 40, top + 40)
    xdotool("mousedown", 1)
    for step in range(1, 9):
        move(left + 40 + 20 * step, top + 40 + 10 * step)
    xdotool("mouseup", 1)
    wait_until("the end of the drag", 20, lambda: "ButtonRelease" in vm.sh("cat /tmp/xev.log"), 0.5)
    log = vm.sh("cat /tmp/xev.log").replace("\n", " ")
    points = re.findall(r"(ButtonPress|MotionNotify|ButtonRelease) event.*?root:\((\d+),(\d+)\)", log)
    press, release = points[[p[0] for p in points].index("ButtonPress")], points[-1]
    check(press[1:] == (str(left + 40), str(top + 40)), f"drag began at {press}")
    check(release == ("ButtonRelease", str(left + 200), str(top + 120)), f"drag ended at {release}")
    check(any(p[0] == "MotionNotify" and int(p[1]) > left + 40 for p in points), "motion between")
    vm.sh(": > /tmp/xev.log")
    xdotool("click", 4)
    wait_until("the wheel", 20, lambda: "button 4" in vm.sh("cat /tmp/xev.log"), 0.5)


def title_bar_drag():
    def position():
        info = x('xwininfo -name "Event Tester"')
        return [int(re.search(rf"Absolute upper-left {axis}:\s+(\d+)", info).group(1)) for axis in "XY"]
    left, top = position()
    move(left + 150, top - 10)
    xdotool("mousedown", 1)
    for step in range(1, 11):
        move(left + 150 - 30 * step, top - 10 - 10 * step)
        time.sleep(0.05)
    xdotool("mouseup", 1)
    wait_until("the dragged window in its new place", 20, lambda: all(
        abs(now - wanted) <= 2 for now, wanted in zip(position(), (left - 300, top - 100))), 0.5)
    shot("dragged")


def resize():
    xdotool("windowsize", "--sync", window(), 1600, 900)
    wait_until("the guest's new mode", 30, lambda: "1600x900" in x("xrandr | grep \\*"), 1)
    wait_until("the picture in the new size", 30, lambda: (lambda p: p.width == 1600 and p.height == 900 and p.colours(8) > 200)(shot("resized")), 1)
    xdotool("windowsize", "--sync", window(), 1280, 720)
    wait_until("the first mode again", 30, lambda: "1280x720" in x("xrandr | grep \\*"), 1)


def client_dies_and_returns():
    client.kill()
    client.wait()
    check(vm.sh("echo alive") == "alive", "the guest lives on")
    start_client()
    wait_until("the new client's picture", 30, lambda: shot("returned").colours(8) > 200, 1)
    move(640, 400)
    xdotool("click", 1)


def noise_in_the_segment():
    """Whoever can write the segment can spoil the picture, not the VM."""
    client.kill()
    client.wait()
    with open(SHM, "r+b") as segment:
        noise = os.urandom(1 << 20)
        for offset in range(0, 2 << 20, 1 << 20):
            segment.seek(offset)
            segment.write(noise)
    vm.sh("sleep 2; echo alive", 30)
    check(vm.process.poll() is None, "vitrine runs")


def poweroff():
    vm.type("systemctl poweroff")
    check(vm.wait_end(90) == 0, "vitrine's exit status")


def main():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    try:
        status = run_checks([
            ("the desktop comes up in the client's window", desktop_comes_up), ("a typed command line", typed_command),
            ("its colours, pixel by pixel", region_is_exact), ("click, drag, wheel", clicks_and_drags),
            ("a window dragged by its title", title_bar_drag), ("the guest follows the window's size", resize),
            ("a client that was killed comes back", client_dies_and_returns), ("noise in the segment", noise_in_the_segment),
            ("poweroff", poweroff)])
        return 125 if vm and vm.process.poll() == 125 else status
    finally:
        for process in [client, *helpers]:
            if process and process.poll() is None:
                process.terminate()
        if vm:
            vm.close()
        for path in (SHM, os.path.join(OUT, "disk.img")):
            if os.path.exists(path):
                os.unlink(path)


if __name__ == "__main__":
    sys.exit(main())
