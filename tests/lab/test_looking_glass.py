#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real guest for Looking Glass clients: what lg-probe puts together is compared with `vitrine screenshot`, pixel for
pixel; keyboard and mouse come from spice-probe; then clients misbehave. Runs inside the lab.

usage: test_looking_glass.py BUILD GUEST OUT    GUEST: a directory of tools/make-guest; OUT: pictures and logs go there
The guest's disk is $LAB_DISK0.
"""

import base64
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from picture import Picture
from probes import GlassProbe, SpiceProbe
from vm import Failure, Vm, check, run_checks, say, wait_until

BUILD, GUEST, OUT = sys.argv[1:4]
VITRINE = os.path.join(BUILD, "bin", "vitrine")
FILE, SOCKET = "/dev/shm/looking-glass", "/tmp/spice.socket"
FILE_BYTES = 64 << 20
CURSOR = {"width": 24, "height": 20, "hot_x": 5, "hot_y": 9}
vm = None
probes, helpers, logs = [], [], []


# --- the machine and its clients ---

def start():
    global vm
    cmdline = open(os.path.join(GUEST, "cmdline")).read().strip()
    logs.append(f"{OUT}/vitrine-{len(logs)}.log")
    vm = Vm(BUILD, ["--headless", "--name", "lab", "--kernel", f"{GUEST}/vmlinuz", "--initrd", f"{GUEST}/initrd.img", "--cmdline", cmdline,
                    "--memory", "1G", "--cpus", "1", "--disk", f"path={os.environ['LAB_DISK0']}", "--display", "1280x720",
                    "--looking-glass", f"path={FILE},size={FILE_BYTES >> 20}M", "--spice", f"unix={SOCKET}"], log=logs[-1])


def add_probe(poll_us=20000):
    """Looks less often than B7 does: every look interrupts the guest, and costs it dearly under an emulated CPU."""
    probe = GlassProbe(BUILD, FILE, poll_us)
    helpers.append(probe)
    return probe


def x(command, seconds=30):
    return vm.sh(f"su vitrine -c 'export DISPLAY=:0; {command}'", seconds)


def background(command):
    """Starts it in the guest, out of the way of its shell."""
    vm.sh(f"(setsid {command} >/dev/null 2>&1 </dev/null &)")


def background_x(command):
    background(f'su vitrine -c "export DISPLAY=:0; {command}"')


# --- pictures ---

def take_screenshot(name):
    path = f"/tmp/{name}-guest.png"
    done = subprocess.run([VITRINE, "screenshot", "lab", path], capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, f"vitrine screenshot: {done.stderr}")
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def saved(probe, name, command="save-drawn"):
    path = f"/tmp/{name}.png"
    probe.ask(f"{command} {path}")
    return path


def explain_difference(name, first, second):
    for path in (first, second):
        shutil.copy(path, OUT)
    a, b = Picture(first), Picture(second)
    if (a.width, a.height) != (b.width, b.height):
        return f"{name}: {a.width}x{a.height} and {b.width}x{b.height}"
    different = [(i // 3, y) for y in range(a.height) if a.rows[y] != b.rows[y] for i in range(0, a.width * 3, 3)
                 if a.rows[y][i:i + 3] != b.rows[y][i:i + 3]]
    return f"{name}: {len(different)} pixels differ, the first at {different[:1]}, the last at {different[-1:]}"


def same_picture(name, looking=None, seconds=30):
    """Until what the probes show, pointer included, is what the VMM says the guest shows. Both write PNGs with the same code, so
    equal pixels are equal files. All probes must show the same."""
    first, *others = looking or probes
    pair = None

    def same():
        nonlocal pair
        pair = take_screenshot(name), saved(first, name)
        wanted = first.ask("fingerprint")["fingerprint"]
        return content(pair[0]) == content(pair[1]) and all(probe.ask("fingerprint")["fingerprint"] == wanted for probe in others)
    try:
        wait_until(name, seconds, same)
    except Failure as failure:
        raise Failure(f"{failure}; {explain_difference(name, *pair) if pair else 'no picture'}; {[probe.ask() for probe in looking or probes]}") from None
    shutil.copy(pair[1], f"{OUT}/{name}.png")
    return Picture(pair[1])


def size(picture):
    return picture.width, picture.height


# --- checks: pictures ---

def late_and_early_clients():
    """One waits on a file of zeros, the others come when the guest is up."""
    with open(FILE, "wb") as file:
        file.truncate(FILE_BYTES)
    probes.append(add_probe())
    start()
    vm.wait_shell()
    probes.extend(add_probe(poll_us) for poll_us in (5000, 20000))
    for probe in probes:
        wait_until("a picture", 20, lambda: probe.ask()["frames"] > 0)
    check(probes[0].ask()["features"] == 1, "the host says that it can set the cursor")


def console():
    vm.sh("chvt 8; printf '\\033[2J\\033[H\\033[?25l\\033[41m%400s\\033[42m%400s\\033[44m%400s\\033[0m white' '' '' '' > /dev/tty8")
    wait_until("the colours", 20, lambda: Picture(saved(probes[0], "console", "save")).share((170, 0, 0)) > 0.005)
    picture = same_picture("console")
    check(size(picture) == (1280, 720), f"the console's size: {size(picture)}")
    check(picture.row_of((170, 0, 0)) < picture.row_of((0, 170, 0)) < picture.row_of((0, 0, 170)) < 720, "its colours in their order")


def flip_rate(flips=1):
    """What modetest says of its next whole measurements, in Hz; the lowest."""
    before = len(re.findall(r"freq: ([\d.]+)Hz", vm.sh("cat /tmp/flips.log")))

    def rates():
        found = re.findall(r"freq: ([\d.]+)Hz", vm.sh("cat /tmp/flips.log"))
        # The first one began before we asked.
        return found[before + 1:] if len(found) > before + flips else None
    return min(map(float, wait_until("page flips", 30, rates, 1)))


def start_flips(mode):
    background(f"sh -c 'sleep 1000 | stdbuf -oL -eL modetest -M virtio_gpu -v -s {connector()}:{mode} > /tmp/flips.log 2>&1'")
    wait_until("page flips", 60, lambda: "freq" in vm.sh("cat /tmp/flips.log 2>/dev/null || true"), 1)


def stop_flips():
    vm.sh("pkill modetest; pkill -x sleep; rm -f /tmp/flips.log; true")


def connector():
    return re.search(r"^(\d+)\s+\d+\s+connected", vm.sh("modetest -M virtio_gpu -c"), re.M).group(1)


def whole_frames():
    """A guest that draws by turning pages: two pictures, never a piece of each, also when eight look."""
    start_flips("640x480")
    everybody = probes + [add_probe() for _ in range(8 - len(probes))]
    for probe in everybody:
        wait_until("the new mode", 30, lambda: probe.ask()["width"] == 640)
    begun = [probe.ask("watch")["frames"] for probe in everybody]
    for probe, before in zip(everybody, begun):
        state = wait_until("frames for everybody", 60, lambda: (lambda now: now["frames"] - before >= 8 and now)(probe.ask()), 0.5)
        check(state["pictures"] == 2, f"{state['pictures']} different pictures")
        check(state["stalls"] == 0, f"{state['stalls']} times the write pointer did not move")
    for probe in everybody[len(probes):]:
        probe.ask("leave")
        probe.close()


def stopped_client():
    """One that stands still for 3 s and more holds up nobody, and goes on afterwards."""
    before = flip_rate()
    probes[1].ask()
    probes[1].send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    begun = [probe.ask("watch")["frames"] for probe in (probes[0], probes[2])]
    try:
        during = flip_rate()
        others = [probe.ask() for probe in (probes[0], probes[2])]
        wait_until("3 seconds", 10, lambda: time.monotonic() - stopped > 3.5)
    finally:
        probes[1].send_signal(signal.SIGCONT)
    say(f"      {before:.1f} flips a second before, {during:.1f} while a client stood still; "
        f"longest time without a frame for the others: {[state['longest_gap_ms'] for state in others]} ms")
    # Waiting for it would leave next to nothing; how much of the machine we have changes by half.
    check(during > before / 4, "the guest was delayed")
    for state, frames in zip(others, begun):
        check(state["frames"] - frames >= 5, f"another client had {state['frames'] - frames} frames")
        check(state["pictures"] == 2, f"another client had {state['pictures']} different pictures")
    frames = probes[1].ask()["frames"]
    wait_until("frames for the one that had stopped", 20, lambda: probes[1].ask()["frames"] > frames + 5)
    stop_flips()


def xorg():
    vm.sh("mkdir -p ~vitrine/.icewm; echo 'ShowTaskBar=0' > ~vitrine/.icewm/preferences; chown -R vitrine ~vitrine/.icewm")
    vm.sh("systemctl start x11.service", 60)
    wait_until("X", 60, lambda: "vt7" in vm.sh("pgrep -a Xorg || true") and
               "dimensions" in vm.sh("su vitrine -c 'DISPLAY=:0 xdpyinfo' 2>&1 | grep dimensions || true"), 1)
    vm.sh(r"""cat > /tmp/colours.pl <<'END'
$| = 1; srand(1);
for (1..1500) { printf "\e[%d;%dH\e[48;2;%d;%d;%dm%s\e[0m", 1 + rand 22, 1 + rand 75, rand 256, rand 256, rand 256, chr(33 + rand 90) x (1 + rand 5); }
print "\e[24;1H"; for (1..5) { print "\n" . ("-" x 70) }
open my $done, ">", $ARGV[0]; close $done;
sleep 3000;
END""")
    same_picture("xorg", seconds=60)


def draw_colours(geometry):
    """A terminal full of colours that scrolls in the end."""
    done = f"/tmp/drawn{geometry}"
    background_x(f"xterm -geometry {geometry} -bg '#102030' -fg '#f0e0d0' -e perl /tmp/colours.pl {done}")
    wait_until("the colours", 60, lambda: vm.sh(f"test -e {done} && echo drawn || true"), 1)


def set_mode(width, height):
    x(f"xrandr --output Virtual-1 --mode {width}x{height}", 90)


def exact_at_every_size():
    for number, (width, height) in enumerate([(1280, 720), (1366, 768), (1920, 1080)]):
        before = [probe.ask()["formats"] for probe in probes]
        set_mode(width, height)
        for probe in probes:
            wait_until(f"{width}x{height}", 30, lambda: (lambda state: (state["width"], state["height"]) == (width, height))(probe.ask()))
        # Below the session's own terminal, which may come later, and on top.
        draw_colours(f"80x20+{37 + 300 * number}+{390 + 10 * number}")
        wait_until("the colours on the guest's screen", 60, lambda: Picture(take_screenshot("colours")).colours(16) > 20, 1)
        picture = same_picture(f"exact-{width}x{height}", seconds=60)
        check(size(picture) == (width, height), f"its size: {size(picture)}")
        after = [probe.ask()["formats"] for probe in probes]
        check(number == 0 or all(b > a for a, b in zip(before, after)), f"format versions seen: {before}, then {after}")
    check(all(probe.ask()["sessions"] == 1 for probe in probes), "it is one session all the time")


# --- checks: cursor ---

def cursor_file():
    """An Xcursor file: opaque red, half transparent green and clear, so that shape, colour and alpha show."""
    pixels = b""
    for row in range(CURSOR["height"]):
        for column in range(CURSOR["width"]):
            if row in (0, CURSOR["height"] - 1) or column in (0, CURSOR["width"] - 1):
                pixels += struct.pack("<I", 0xffff0000)
            else:
                pixels += struct.pack("<I", 0x80004000 + row if column < 12 else 0)
    image = struct.pack("<9I", 36, 0xfffd0002, 24, 1, CURSOR["width"], CURSOR["height"], CURSOR["hot_x"], CURSOR["hot_y"], 0) + pixels
    return b"Xcur" + struct.pack("<3I", 16, 0x10000, 1) + struct.pack("<3I", 0xfffd0002, 24, 28) + image


def cursor():
    vm.sh(f"echo {base64.b64encode(cursor_file()).decode()} | base64 -d > /tmp/cursor")
    x("xsetroot -solid \"#3366cc\" -xcf /tmp/cursor 24")
    at = 1500, 900  # on the root window
    probes[0].ask(f"set-cursor {at[0]} {at[1]}")
    for probe in probes:
        wait_until(f"the pointer at {at}", 20, lambda: probe.pointer() == at)
        # X moves the pointer onto the root window first, and gives it the window's shape then.
        wait_until("the cursor's hotspot", 20, lambda: (lambda state: (state["cursor_type"], state["hot_x"], state["hot_y"]) ==
                                                        (0, CURSOR["hot_x"], CURSOR["hot_y"]))(probe.ask()))
    wait_until("the new shape", 20, lambda: Picture(saved(probes[0], "cursor")).pixel(at[0] - 5, at[1] - 9) == (255, 0, 0))
    drawn = same_picture("cursor")
    without = Picture(saved(probes[0], "no-cursor", "save"))
    left, top = at[0] - CURSOR["hot_x"], at[1] - CURSOR["hot_y"]
    changed = [(px, py) for py in range(top - 30, top + 70) for px in range(left - 30, left + 70) if drawn.pixel(px, py) != without.pixel(px, py)]
    check(min(changed) == (left, top) and max(changed) == (left + CURSOR["width"] - 1, top + CURSOR["height"] - 1),
          f"the cursor is drawn from {min(changed)} to {max(changed)}, not from {left, top}")
    check(without.pixel(*at) == (0x33, 0x66, 0xcc), "it is not in the picture itself")
    # Half of the background below a green that is multiplied already.
    blended = drawn.pixel(left + 3, top + 4)
    check(all(abs(a - b) <= 1 for a, b in zip(blended, (0x33 / 2, 0x40 + 0x66 / 2, 4 + 0xcc / 2))), f"half transparent: {blended}")


def set_cursor():
    """The guest itself says where its pointer is."""
    background_x("stdbuf -oL xev -geometry 400x300+1200+100 -event mouse > /tmp/xev.log")
    wait_until("xev's window", 30, lambda: "Event Tester" in x("xwininfo -root -tree"), 1)
    for at in ((1300, 200), (1500, 333)):
        took = probes[2].ask(f"set-cursor {at[0]} {at[1]}")["took_ms"]
        wait_until(f"the guest's pointer at {at}", 20, lambda: f"root:({at[0]},{at[1]})" in vm.sh("cat /tmp/xev.log"), 0.5)
        wait_until("and for everybody", 20, lambda: all(probe.pointer() == at for probe in probes))
        say(f"      acknowledged after {took} ms")
    for beyond, at in (((-50000, 5000000), (0, 1079)), ((2 ** 31 - 1, -2 ** 31), (1919, 0))):
        probes[2].ask(f"set-cursor {beyond[0]} {beyond[1]}")
        wait_until(f"the guest's pointer at {at}", 20, lambda: probes[2].pointer() == at)
    vm.sh("pkill xev")
    set_mode(1280, 720)


# --- checks: keyboard and mouse ---

def event_device(name):
    return vm.sh(f"grep -l '{name}' /sys/class/input/event*/device/name | cut -d/ -f5")


def listen(name):
    log = f"/tmp/{name.split()[-1]}.log"
    background(f"sh -c 'exec stdbuf -oL evtest /dev/input/{event_device(name)} > {log}'")
    wait_until("evtest", 20, lambda: "Testing" in vm.sh(f"cat {log} 2>/dev/null || true"), 0.5)


def events(name, kind):
    """(name, value) of the events of a kind so far. A held key repeats faster than the serial port tells of it."""
    repeats = "| grep -v 'value 2$'" if kind == "EV_KEY" else ""
    return [(code, int(value)) for code, value in
            re.findall(rf"\({kind}\), code \d+ \((\w+)\), value (-?\d+)", vm.sh(f"grep {kind} /tmp/{name}.log {repeats} || true"))]


def typed_text():
    spice = SpiceProbe(BUILD, SOCKET)
    helpers.append(spice)
    background("sh -c 'exec cat < /dev/tty9 > /tmp/typed'")
    vm.sh("chvt 9")
    text = "The quick brown fox: 0123456789 ~!@#$%^&*()_+{}|\"<>? [];',./=-`"
    spice.do(f"type {text}\\n")
    wait_until("the typed line", 30, lambda: "`" in vm.sh("cat /tmp/typed"), 0.5)
    check(vm.sh("cat /tmp/typed") == text, f"typed: {vm.sh('cat /tmp/typed')!r}")
    same_picture("typed")
    return spice


def keyboard_and_mouse():
    try:
        check_keyboard_and_mouse(typed_text())
    finally:
        vm.sh("pkill evtest; pkill -x cat; chvt 7")


def check_keyboard_and_mouse(spice):
    for name in ("Vitrine keyboard", "Vitrine mouse"):
        listen(name)
    for code in (0x4d, 0x1d):  # Right, right Ctrl
        spice.extended(code, True)
        spice.extended(code, False)
    wait_until("the extended keys", 20, lambda: ("KEY_RIGHTCTRL", 0) in events("keyboard", "EV_KEY"), 0.5)
    pressed = [event for event in events("keyboard", "EV_KEY") if event[1] < 2]
    check(pressed == [("KEY_RIGHT", 1), ("KEY_RIGHT", 0), ("KEY_RIGHTCTRL", 1), ("KEY_RIGHTCTRL", 0)], f"extended keys: {pressed}")
    spice.do("move 300 -200")
    spice.do("move -45 3")
    wait_until("motion", 20, lambda: moved("REL_X", "REL_Y") == (255, -197), 0.5)
    for button, mask in ((1, 1), (3, 4), (2, 2)):
        spice.click(button, mask)
    # One by one: notches that wait for a slow machine are added up.
    for button, turned in ((4, 1), (4, 2), (5, 1)):
        spice.click(button)
        wait_until("the wheel", 20, lambda: moved("REL_WHEEL") == (turned,), 0.5)
    clicked = events("mouse", "EV_KEY")
    check(clicked == [(f"BTN_{name}", value) for name in ("LEFT", "RIGHT", "MIDDLE") for value in (1, 0)], f"buttons: {clicked}")
    spice.do("down 1e")
    wait_until("a key that is held", 20, lambda: ("KEY_A", 1) in events("keyboard", "EV_KEY"), 0.5)
    spice.kill()
    wait_until("its release after its client's death", 20, lambda: ("KEY_A", 0) in events("keyboard", "EV_KEY"), 0.5)


def moved(*axes):
    """How far the mouse has gone along each of them."""
    relative = events("mouse", "EV_REL")
    return tuple(sum(value for code, value in relative if code == axis) for axis in axes)


# --- checks: clients that misbehave ---

def everybody_lives(what):
    """The guest and all of the probes; a change that the guest draws reaches them."""
    check(vm.sh("echo alive") == "alive" and vm.process.poll() is None, f"{what}: the guest")
    background_x("xterm -geometry 30x5+700+500 -e sleep 3")
    same_picture(what, seconds=60)


def revive():
    """So that one check's victims do not fail the next."""
    for number, probe in enumerate(probes):
        try:
            probe.ask()
        except Failure as failure:
            say(f"      {failure}: started again")
            probe.kill()
            probes[number] = add_probe()
            wait_until("a picture", 30, lambda: probes[number].ask()["frames"] > 0)


def hostile(word, seconds=3):
    revive()
    attacker = add_probe()
    wait_until("the attacker", 20, lambda: attacker.ask()["frames"] > 0)
    attacker.ask(f"hostile {word}", alive=False)
    begun = time.monotonic()
    wait_until("attack", 30, lambda: attacker.ask(alive=False) and time.monotonic() - begun > seconds)
    return attacker


def subscriber_flood():
    """40 clients that never read, then none: their places are free again when they were silent for long enough."""
    attacker = hostile("crowd")
    wait_until("the crowd", 30, lambda: attacker.ask()["hostile"] == 40)
    everybody_lives("crowd")
    attacker.kill()


def after_the_flood():
    probe = add_probe()
    background_x("xterm -geometry 30x5+200+500 -e sleep 1000")
    wait_until("a place for another client", 60, lambda: probe.ask()["frames"] > 0, 1)
    same_picture("after-flood", [probe])
    probe.ask("leave")


def locks():
    for word in ("hold-locks", "retake-locks"):
        attacker = hostile(word)
        attacker.kill()
        everybody_lives(word)
        for at in ((700, 500), (900, 100)):
            probes[0].ask(f"set-cursor {at[0]} {at[1]}")
            wait_until("the pointer", 20, lambda: all(probe.pointer() == at for probe in probes))


def lies():
    hostile("lie").kill()
    everybody_lives("lie")
    took = probes[1].ask("set-cursor 1000 600")["took_ms"]
    say(f"      the next honest message is acknowledged after {took} ms")


def messages():
    attacker = hostile("flood")
    sent = attacker.ask()["hostile"]
    everybody_lives("flood")
    check(sent > 50, f"only {sent} messages were sent")
    attacker.kill()
    probes[0].ask("set-cursor 900 650")
    wait_until("the pointer", 20, lambda: probes[0].pointer() == (900, 650))


def zeroed():
    """As a guest's start may do to the memory: a new session, the same clients."""
    before = [probe.ask()["sessions"] for probe in probes]
    hostile("zero", 0).kill()
    for probe, sessions in zip(probes, before):
        wait_until("another session", 20, lambda: probe.ask()["sessions"] > sessions)
    everybody_lives("zero")


def noise():
    """No client can live through that for sure; the host does, and serves whoever comes."""
    hostile("noise", 0).kill()
    # So long a client takes to find out.
    vm.sh("sleep 2")
    revive()
    everybody_lives("noise")


def quiet_log():
    lines = open(logs[0], errors="replace").read().splitlines()
    say(f"      {len(lines)} lines in the log")
    check(len(lines) < 120, "\n".join(lines[-30:]))


# --- checks: another VMM on the same file ---

def killed_and_restarted():
    """The VM is killed and started again, after the first time twice while its guest still boots."""
    revive()
    for round_number in range(3):
        before = [probe.ask()["sessions"] for probe in probes]
        vm.kill()
        vm.close()
        killed = time.monotonic()
        start()
        for probe, sessions in zip(probes, before):
            wait_until("the next VM's session", 60, lambda: probe.ask()["sessions"] > sessions)
        attached = time.monotonic() - killed
        for probe in probes:
            wait_until("a picture of the next VM", 60, lambda: probe.ask()["session_frames"] > 0)
        say(f"      all {len(probes)} are attached {attached:.1f} s after the kill and show the next VM after {time.monotonic() - killed:.1f} s")
        if round_number == 0:
            vm.wait_shell()
            console()


def end():
    before = [probe.ask()["sessions"] for probe in probes]
    vm.process.send_signal(signal.SIGINT)
    check(vm.wait_end(20) == 0, "vitrine's exit status")
    for probe, sessions in zip(probes, before):
        wait_until("the clients' splash screen", 20, lambda: not probe.ask()["attached"])
        check(probe.ask("leave")["sessions"] == sessions, "no other session")
        probe.close()
    check(os.path.getsize(FILE) == FILE_BYTES and not os.path.exists(SOCKET), "the file stays, the socket goes")


def main():
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp/runtime")
    os.makedirs(os.environ["XDG_RUNTIME_DIR"], mode=0o700, exist_ok=True)
    try:
        return run_checks([
            ("clients before and after the start", late_and_early_clients), ("console", console),
            ("whole frames, eight clients", whole_frames), ("a client that stands still", stopped_client),
            ("Xorg", xorg), ("exact at every size", exact_at_every_size),
            ("cursor", cursor), ("set cursor position", set_cursor),
            ("more subscribers than there are places", subscriber_flood), ("keyboard and mouse over SPICE", keyboard_and_mouse),
            ("places are free again", after_the_flood), ("locks left held, and taken again and again", locks),
            ("lies about what was read", lies), ("oversized and unknown messages", messages),
            ("the header zeroed", zeroed), ("noise in the whole file", noise), ("the log is no flood", quiet_log),
            ("another VM on the same file", killed_and_restarted), ("Ctrl-C", end)])
    finally:
        if vm:
            vm.close()
        for helper in helpers:
            helper.close()


if __name__ == "__main__":
    sys.exit(main())
