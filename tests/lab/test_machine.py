#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of the machine and its devices with a real guest; runs inside the lab (it needs a working /dev/kvm).

usage: test_machine.py BUILD GUEST OUT    GUEST: a directory of tools/make-guest; OUT: pictures and logs go there
The guest's disk is $LAB_DISK0.
"""

import functools
import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time

import clipboards
from vm import Failure, Vm, check, run_checks, say, wait_until
from picture import Picture

BUILD, GUEST, OUT = sys.argv[1:4]
VITRINE = os.path.join(BUILD, "bin", "vitrine")
DATA = "/tmp/data.img"
HOST_PORT, SERVER_PORT = 2280, 8099
vm = None
helpers = []


def start(*extra, window=False):
    global vm
    if vm:
        vm.close()
    cmdline = open(os.path.join(GUEST, "cmdline")).read().strip()
    vm = Vm(BUILD, ["--headless", "off" if window else "on", "--name", "lab", "--kernel", f"{GUEST}/vmlinuz", "--initrd", f"{GUEST}/initrd.img",
                    "--cmdline", cmdline, "--memory", "1G", "--cpus", "2", "--disk", f"path={os.environ['LAB_DISK0']}",
                    "--disk", f"path={DATA},serial=data", *extra], log=f"{OUT}/vitrine.log")
    vm.wait_shell()


def vitrine(*arguments, ok=True):
    done = subprocess.run([VITRINE, *arguments], capture_output=True, text=True, timeout=300)
    check(not ok or done.returncode == 0, f"vitrine {' '.join(arguments)}: {done.returncode}: {done.stderr}")
    return done.stdout


def screenshot(name, screen=0):
    path = f"{OUT}/{name}.png"
    vitrine("screenshot", "lab", path, str(screen))
    return Picture(path)


def boots():
    with open(DATA, "wb") as data:
        data.truncate(64 << 20)
    start("--display", "1280x720", "--display", "800x600", "--console", f"file={OUT}/console.log",
          "--net", f"user,hostfwd=tcp:127.0.0.1:{HOST_PORT}-:7")
    say(vm.sh("uname -a; cat /proc/uptime"))


def listed():
    [one] = [json.loads(line) for line in vitrine("list", "--json").splitlines()]
    check(one["name"] == "lab" and one["cpus"] == 2 and one["state"] == "running", str(one))
    check(" lab " in " " + vitrine("list").replace("\n", " "), "list without --json")
    second = subprocess.run([VITRINE, "run", "--headless", "--name", "lab", "--kernel", f"{GUEST}/vmlinuz"],
                            capture_output=True, text=True, timeout=60)
    check(second.returncode == 2 and "running already" in second.stderr and second.stderr.count("\n") == 1,
          f"taken name: {second.returncode} {second.stderr}")


def smp():
    check(vm.sh("nproc") == "2", "two vCPUs seen")
    read = "grep '^cpu[01]' /proc/stat"

    def busy():
        return [int(line.split()[1]) + int(line.split()[2]) for line in vm.sh(read).splitlines()]

    before = busy()
    vm.sh("for i in 1 2; do (timeout 100 sh -c 'while :; do :; done' &) ; done")
    # They share the lab's only CPU with all of us.
    wait_until("both vCPUs busy", 30, lambda: all(b - a > 30 for a, b in zip(before, busy())), 1)
    vm.sh("pkill timeout")


def rng_and_console():
    check("virtio" in vm.sh("cat /sys/class/misc/hw_random/rng_current"), "virtio-rng is the hardware generator")
    check(len(vm.sh("head -c 4096 /dev/hwrng | sha256sum")) > 60, "bytes from it")
    vm.sh("echo hello from hvc0 > /dev/hvc0")
    wait_until("the text of hvc0 in its file", 10, lambda: "hello from hvc0" in open(f"{OUT}/console.log", errors="replace").read())


def data_disk():
    """The second disk, by the serial number it was given. (udev's links come late on a slow machine.)"""
    return vm.sh("cd /sys/block; for disk in vd*; do grep -qx data $disk/serial && echo /dev/$disk; done; true")


def disk_survives_kill():
    device = data_disk()
    check(int(vm.sh(f"blockdev --getsize64 {device}")) == 64 << 20, "size of the second disk")
    vm.sh(f"head -c 8M /dev/urandom > /tmp/random; dd if=/tmp/random of={device} bs=1M conv=fsync 2>&1", 60)
    digest = vm.sh("sha256sum < /tmp/random").split()[0]
    vm.kill()
    data = open(DATA, "rb").read(8 << 20)
    check(hashlib.sha256(data).hexdigest() == digest, "what was flushed is in the image")
    start("--display", "1280x720", "--display", "800x600", "--console", f"file={OUT}/console.log",
          "--net", f"user,hostfwd=tcp:127.0.0.1:{HOST_PORT}-:7")
    device = data_disk()
    check(vm.sh(f"head -c 8M {device} | sha256sum").split()[0] == digest, "and the next guest reads it")
    vm.sh(f"blkdiscard -o 1M -l 1M {device} && sync", 30)
    check(not any(open(DATA, "rb").read(2 << 20)[1 << 20:]), "a discarded part reads as zeros")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def network():
    os.makedirs("/tmp/www", exist_ok=True)
    body = os.urandom(3 << 20)
    with open("/tmp/www/file", "wb") as file:
        file.write(body)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", SERVER_PORT), functools.partial(Quiet, directory="/tmp/www"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    vm.sh("for i in $(seq 60); do ip -4 route | grep -q default && break; sleep 0.5; done; ip -4 addr show", 60)
    got = vm.sh(f"curl -sf http://10.0.2.2:{SERVER_PORT}/file | sha256sum", 60).split()[0]
    server.shutdown()
    check(got == hashlib.sha256(body).hexdigest(), "the guest fetched the file")


def hostfwd():
    vm.sh(
          "(perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 7, Listen => 5, ReuseAddr => 1) or die; "
          "while ($c = $s->accept) { $l = <$c>; print $c \"guest says $l\"; close $c }' >/dev/null 2>&1 &)")

    def answer():
        try:
            with socket.create_connection(("127.0.0.1", HOST_PORT), 5) as connection:
                connection.sendall(b"hello\n")
                return connection.makefile().readline()
        except OSError:
            return ""

    check(wait_until("an answer through hostfwd", 20, answer) == "guest says hello\n", "hostfwd reaches the guest")
    second = subprocess.run([VITRINE, "run", "--headless", "--name", "other", "--kernel", f"{GUEST}/vmlinuz", "--net",
                             f"user,hostfwd=tcp:127.0.0.1:{HOST_PORT}-:7"], capture_output=True, text=True, timeout=60)
    check(second.returncode == 2 and str(HOST_PORT) in second.stderr and second.stderr.count("\n") == 1,
          f"port in use: {second.returncode} {second.stderr}")


def console_picture():
    vm.sh("chvt 1; printf '\\033[2J\\033[H\\033[?25l\\033[41m%400s\\033[42m%400s\\033[44m%400s\\033[0m white' '' '' '' > /dev/tty1")
    picture = None

    def drawn():
        nonlocal picture
        picture = screenshot("console")
        return all(picture.share(colour) > 0.005 for colour in ((170, 0, 0), (0, 170, 0), (0, 0, 170), (0, 0, 0)))
    wait_until("red, green, blue and black on the console", 30, drawn, 1)
    check((picture.width, picture.height) == (1280, 720), f"the console's size: {picture.width}x{picture.height}")
    check(picture.row_of((170, 0, 0)) < picture.row_of((0, 170, 0)) < picture.row_of((0, 0, 170)), "in their order")


def xorg():
    vm.sh("systemctl start x11.service", 60)
    vm.sh("for i in $(seq 120); do su vitrine -c 'DISPLAY=:0 xdpyinfo' >/dev/null 2>&1 && break; sleep 0.5; done; "
          "su vitrine -c 'DISPLAY=:0 xdpyinfo | grep dimensions'", 90)


def x(command, seconds=30):
    return vm.sh(f"su vitrine -c \"export DISPLAY=:0; {command}\"", seconds)


def two_scanouts():
    outputs = [line.split()[0] for line in x("xrandr").splitlines() if " connected" in line]
    check(len(outputs) == 2, f"two connected outputs: {outputs}")
    check("1280x720" in x("xrandr") and "800x600" in x("xrandr"), "with the modes that were asked for")
    x(f"xrandr --output {outputs[0]} --mode 1280x720 --pos 0x0 --output {outputs[1]} --mode 800x600 --pos 1280x0")

    def have_sizes():
        first, second = screenshot("xorg-0"), screenshot("xorg-1", 1)
        return (first.width, first.height, second.width, second.height) == (1280, 720, 800, 600)
    wait_until("both sizes", 30, have_sizes, 1)


def xorg_picture():
    x("sh -c 'pkill icewmbg; xsetroot -solid \\\"#3366cc\\\" -cursor_name crosshair'; "
      "xterm -geometry 40x10+100+100 -bg '#102030' -fg '#f0e0d0' -e sh -c 'printf hello; sleep 300' >/dev/null 2>&1 &")
    def drawn():
        picture = screenshot("xorg")
        return picture.share((0x10, 0x20, 0x30)) > 0.02 and picture.share((0xf0, 0xe0, 0xd0)) > 0.00001
    wait_until("the terminal and its text on the X screen", 30, drawn, 1)


def start_x_server():
    """On the VM's own machine, once."""
    if os.environ.get("DISPLAY") == ":7":
        return
    helpers.append(subprocess.Popen(["Xvfb", ":7", "-screen", "0", "1400x900x24", "-nolisten", "tcp", "-noreset"], stderr=subprocess.DEVNULL))
    os.environ["DISPLAY"] = ":7"
    # Mesa's llvmpipe was seen to crash in code it had generated for the emulated CPU; the tests outside of the lab use it.
    os.environ.update(SDL_RENDER_DRIVER="software", SDL_FRAMEBUFFER_ACCELERATION="0")
    wait_until("the X server", 30, lambda: os.path.exists("/tmp/.X11-unix/X7"))


def clipboard():
    """By spice-vdagent and the window."""
    start_x_server()
    view = subprocess.Popen([VITRINE, "view", "lab", "--no-resize"], stderr=subprocess.DEVNULL)
    helpers.append(view)
    clipboards.check_both_ways(vm, f"{OUT}/xorg.png")
    view.terminate()
    check(view.wait(30) == 0, "the client ends on SIGTERM")


def weston():
    vm.sh("systemctl stop x11.service; systemctl start wayland.service", 60)
    shot = None

    def drawn():
        nonlocal shot
        shot = screenshot("weston")
        return shot.share((0x20, 0x30, 0x4a)) > 0.5
    wait_until("Weston's background colour on most of the screen", 60, drawn, 1)
    check(shot.colours() > 8, "and its panel")
    vm.sh("systemctl stop wayland.service")


def window_and_idle():
    """The client on the VM's own machine, woken by doorbells: pixel for pixel what the guest shows, and asleep with it."""
    start_x_server()
    vm.sh("chvt 1; printf '\\033[2J\\033[H\\033[?25l\\033[45m%400s\\033[0m quiet' '' > /dev/tty1", 30)
    wait_until("the console's colour", 30, lambda: screenshot("guest").share((170, 0, 170)) > 0.02, 1)
    done = subprocess.run([f"{BUILD}/bin/vitrine-client", "--name", "lab", "--no-resize", "--screenshot", f"{OUT}/window.png",
                           "--settle", "2", "--timeout", "200"], capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, f"client: {done.returncode} {done.stderr}")
    window, guest = Picture(f"{OUT}/window.png"), screenshot("guest")
    check((window.width, window.height) == (guest.width, guest.height), f"the window is {window.width}x{window.height}")
    check(window.share((170, 0, 170)) > 0.02, "the colour is in the window")
    check(window.rows == guest.rows, "the window shows exactly the guest's pixels")
    view = subprocess.Popen([VITRINE, "view", "lab", "--no-resize"], stderr=subprocess.DEVNULL)
    helpers.append(view)
    vm.sh("sleep 20", 60)
    figures = subprocess.run([f"{BUILD}/bin/idle", "--vmm", str(vm.process.pid), "--client", str(view.pid), "--seconds", "20", "--json"],
                             capture_output=True, text=True, timeout=100)
    say(f"      {figures.stdout.strip()}")
    check("vmm_switches_per_s" in json.loads(figures.stdout.splitlines()[-1]), figures.stderr)
    view.terminate()
    check(view.wait(30) == 0, "the client ends on SIGTERM")


def reboot():
    before = vm.sh("cat /proc/sys/kernel/random/boot_id")
    vm.type("systemctl reboot")
    vm.wait_shell()
    check(vm.sh("cat /proc/sys/kernel/random/boot_id") != before, "another boot")
    check(vm.sh("nproc") == "2", "both vCPUs again")
    vm.sh("for i in $(seq 60); do ip -4 route | grep -q default && break; sleep 0.5; done; ping -c 1 -W 5 10.0.2.2", 60)
    vm.type("reboot -f")
    vm.wait_shell()


def power_button():
    vm.sh("for i in $(seq 120); do journalctl -b -u systemd-logind | grep -q 'Watching.*Power Button' && break; sleep 0.5; done", 90)
    stop = subprocess.Popen([VITRINE, "stop", "lab"])
    status = vm.wait_end(60)
    check(status == 0, f"vitrine's exit status {status}")
    check(stop.wait(30) == 0, "vitrine stop's exit status")
    check(vitrine("list", "--json") == "", "nothing is left in the list")


def poweroff():
    start()
    vm.type("systemctl poweroff")
    check(vm.wait_end(60) == 0, "vitrine's exit status")


def lives_without_its_window():
    start(window=True)
    children = wait_until("the window's process", 30, lambda: subprocess.run(
        ["pgrep", "-P", str(vm.process.pid), "vitrine-client"], capture_output=True, text=True).stdout.split())
    os.kill(int(children[0]), 9)
    check(vm.sh("echo alive") == "alive", "the guest lives on")


def ctrl_c():
    vm.process.send_signal(2)
    check(vm.wait_end(20) == 0, "vitrine's exit status")
    leftovers = subprocess.run(["find", os.environ["XDG_RUNTIME_DIR"], "-path", "*lab*"], capture_output=True, text=True).stdout
    check(leftovers == "", f"left behind: {leftovers}")


def main():
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp/runtime")
    os.makedirs(os.environ["XDG_RUNTIME_DIR"], mode=0o700, exist_ok=True)
    os.makedirs(OUT, exist_ok=True)
    try:
        return run_checks([
            ("boots to a shell", boots), ("list; a taken name is refused", listed), ("SMP", smp),
            ("rng and console", rng_and_console), ("disk: flush survives kill -9, discard", disk_survives_kill),
            ("user network", network), ("hostfwd; a port in use is refused", hostfwd),
            ("console picture", console_picture), ("Xorg starts", xorg), ("two scanouts", two_scanouts),
            ("Xorg picture", xorg_picture), ("clipboard", clipboard), ("Wayland picture", weston), ("the window, pixel by pixel; idle", window_and_idle),
            ("reboot, also a hard one", reboot),
            ("power button", power_button), ("poweroff", poweroff), 
            ("the VM lives without its window", lives_without_its_window), ("Ctrl-C", ctrl_c)])
    finally:
        if vm:
            vm.close()
        for helper in helpers:
            if helper.poll() is None:
                helper.terminate()


if __name__ == "__main__":
    sys.exit(main())
