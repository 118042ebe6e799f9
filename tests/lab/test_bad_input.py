#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input to `vitrine`: one clear line that says what to do, exit status 2, nothing left behind. Runs inside the lab.

usage: test_bad_input.py BUILD GUEST
"""

import os
import socket
import subprocess
import sys
import tempfile

from vm import check, run_checks

BUILD, GUEST = sys.argv[1:3]
VITRINE = os.path.join(BUILD, "bin", "vitrine")
KERNEL = f"{GUEST}/vmlinuz"
work = tempfile.mkdtemp(prefix="vitrine-bad-")
runtime = os.path.join(work, "runtime")


def write(name, data, mode=0o644):
    path = os.path.join(work, name)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def left_behind():
    found = [os.path.join(at, name) for at, dirs, files in os.walk(os.path.join(runtime, "vitrine")) for name in dirs + files]
    children = subprocess.run(["pgrep", "-x", "vitrine"], capture_output=True, text=True).stdout.split()
    return found + children


def refused(words, *arguments, prefix=()):
    def run():
        done = subprocess.run([*prefix, VITRINE, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={**os.environ, "XDG_RUNTIME_DIR": runtime})
        text = done.stderr
        check(done.returncode == 2, f"exit status {done.returncode}: {text}")
        check(text.count("\n") == 1, f"not one line: {text!r}")
        for word in words:
            check(word in text, f"no {word!r} in {text!r}")
        check(not left_behind(), f"left behind: {left_behind()}")
    return run


def with_kvm_for_all(function):
    def run():
        os.chmod("/dev/kvm", 0o666)
        try:
            function()
        finally:
            os.chmod("/dev/kvm", 0o600)
    return run


def with_port_in_use(make):
    def run():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            make(taken.getsockname()[1])()
    return run


def main():
    os.makedirs(runtime, mode=0o700)
    os.environ.pop("DISPLAY", None)
    os.environ.pop("WAYLAND_DISPLAY", None)
    run = ("run", "--headless")
    text = write("text", b"just some text, long enough to be read as a header" * 100)
    half = write("half", open(KERNEL, "rb").read(100000))
    typo = write("typo.conf", b"name = x\nkernle = /boot/vmlinuz\n")
    kernel_for_all = write("vmlinuz", open(KERNEL, "rb").read())
    locked = write("locked.img", bytes(1 << 20), 0o000)
    disk = write("disk.img", bytes(1 << 20))
    lg_text = write("lg-text", b"not a Looking Glass file")
    os.truncate(lg_text, 64 << 20)
    os.chmod(work, 0o777)
    os.chmod(runtime, 0o777)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"XDG_RUNTIME_DIR={work}/nobody")
    os.makedirs(f"{work}/nobody", mode=0o700)
    os.chown(f"{work}/nobody", 65534, 65534)
    os.chmod(runtime, 0o700)
    big = str(1 << 20) + "M"
    return run_checks([
        ("no kernel given", refused(["--kernel"], *run)),
        ("a missing kernel", refused(["/nonexistent/vmlinuz", "No such file"], *run, "--kernel", "/nonexistent/vmlinuz")),
        ("a directory as kernel", refused([work], *run, "--kernel", work)),
        ("a text file as kernel", refused([text, "bzImage"], *run, "--kernel", text)),
        ("half a kernel", refused([half], *run, "--kernel", half)),
        ("a missing initrd", refused(["/nonexistent"], *run, "--kernel", KERNEL, "--initrd", "/nonexistent")),
        ("a missing disk", refused(["/nonexistent.img"], *run, "--kernel", KERNEL, "--disk", "path=/nonexistent.img")),
        ("a disk one may not read", with_kvm_for_all(refused([locked, "ermission"], *run, "--kernel", kernel_for_all, "--disk", f"path={locked}",
                                                             prefix=nobody))),
        ("no permission on /dev/kvm", refused(["/dev/kvm", "ermission"], *run, "--kernel", KERNEL, prefix=nobody)),
        ("a disk without a path", refused(["path"], *run, "--kernel", KERNEL, "--disk", "readonly=on")),
        ("a typo in --disk", refused(["readonly"], *run, "--kernel", KERNEL, "--disk", f"path={disk},readonyl=on")),
        ("a disk given twice", refused([disk], *run, "--kernel", KERNEL, "--disk", f"path={disk}", "--disk", f"path={disk}")),
        ("too little memory", refused(["memory", "64M"], *run, "--kernel", KERNEL, "--memory", "8M")),
        ("too little for this kernel and initrd", refused(["memory"], *run, "--kernel", KERNEL, "--initrd", f"{GUEST}/initrd.img", "--memory", "64M",
                                                          "--cmdline", "x")
         if os.path.getsize(f"{GUEST}/initrd.img") > (40 << 20) else refused(["memory"], *run, "--kernel", KERNEL, "--memory", "63M")),
        ("more memory than can be", refused(["memory"], *run, "--kernel", KERNEL, "--memory", big + "M")),
        ("no huge pages", refused(["huge"], *run, "--kernel", KERNEL, "--hugepages", "on", "--memory", "1G")),
        ("too many vCPUs", refused(["cpus", "64"], *run, "--kernel", KERNEL, "--cpus", "1000")),
        ("a bad size", refused(["WIDTHxHEIGHT"], *run, "--kernel", KERNEL, "--display", "big")),
        ("a bad serial", refused(["serial", "stdio"], *run, "--kernel", KERNEL, "--serial", "tty")),
        ("serial and console on one terminal", refused(["console"], *run, "--kernel", KERNEL, "--serial", "stdio", "--console", "stdio")),
        ("a serial file that cannot be", refused(["/nonexistent/log"], *run, "--kernel", KERNEL, "--serial", "file=/nonexistent/log")),
        ("a bad network", refused(["wifi"], *run, "--kernel", KERNEL, "--net", "wifi")),
        ("a bad hostfwd", refused(["hostfwd"], *run, "--kernel", KERNEL, "--net", "user,hostfwd=tcp:99999-:7")),
        ("a tap that is not there", refused(["tap"], *run, "--kernel", KERNEL, "--net", "tap=" + "x" * 40)),
        ("a bad sound card", refused(["adlib", "hda"], *run, "--kernel", KERNEL, "--sound", "adlib")),
        ("a sound file that cannot be", refused(["/nonexistent/a.wav"], *run, "--kernel", KERNEL, "--sound", "hda,wav=/nonexistent/a.wav")),
        ("Looking Glass without a file", refused(["looking-glass", "path="], *run, "--kernel", KERNEL, "--looking-glass", "size=64M")),
        ("a Looking Glass file too small", refused(["looking-glass", "25M"], *run, "--kernel", KERNEL, "--looking-glass", f"path={work}/lg,size=16M")),
        ("a Looking Glass file that holds something else", refused([lg_text, "something else"], *run, "--kernel", KERNEL,
                                                                   "--looking-glass", f"path={lg_text}")),
        ("a Looking Glass file of another size", refused([disk, "size=1024K"], *run, "--kernel", KERNEL, "--looking-glass", f"path={disk}")),
        ("a Looking Glass file that cannot be", refused(["/nonexistent/lg", "No such file"], *run, "--kernel", KERNEL,
                                                        "--looking-glass", "/nonexistent/lg")),
        ("a Looking Glass file one may not write", with_kvm_for_all(refused([locked, "ermission"], *run, "--kernel", kernel_for_all,
                                                                            "--looking-glass", f"path={locked}", prefix=nobody))),
        ("a Looking Glass group that is not there", refused(["no-such-group"], *run, "--kernel", KERNEL,
                                                            "--looking-glass", f"path={work}/lg,group=no-such-group")),
        ("SPICE without a place", refused(["spice", "unix=PATH"], *run, "--kernel", KERNEL, "--spice", "addr=127.0.0.1")),
        ("a SPICE socket with too long a path", refused(["spice", "too long"], *run, "--kernel", KERNEL, "--spice", "unix=/tmp/" + "x" * 120)),
        ("a SPICE socket that cannot be", refused(["/nonexistent/spice", "No such file"], *run, "--kernel", KERNEL,
                                                  "--spice", "unix=/nonexistent/spice")),
        ("a file where the SPICE socket should be", refused([text, "no socket"], *run, "--kernel", KERNEL, "--spice", f"unix={text}")),
        ("a SPICE port for everybody", refused(["0.0.0.0", "loopback"], *run, "--kernel", KERNEL, "--spice", "port=5900,addr=0.0.0.0")),
        ("a SPICE port in use", with_port_in_use(lambda port: refused([f"port {port}", "in use"], *run, "--kernel", KERNEL,
                                                                      "--spice", f"port={port}"))),
        ("a bad UUID", refused(["uuid", "123"], *run, "--kernel", KERNEL, "--uuid", "123")),
        ("a bad name", refused(["name"], *run, "--kernel", KERNEL, "--name", "../../etc")),
        ("a typo in the config file", refused([f"{typo}:2", "did you mean 'kernel'"], *run, "--config", typo)),
        ("a missing config file", refused(["/nonexistent.conf"], *run, "--config", "/nonexistent.conf")),
        ("an unknown option", refused(["did you mean 'memory'"], *run, "--memroy", "1G")),
        ("an unknown command", refused(["frobnicate", "--help"], "frobnicate")),
        ("no screen for the window", refused(["--headless"], "run", "--kernel", KERNEL, "--memory", "256M")),
        ("stop: nobody of that name", refused(["vitrine list"], "stop", "nobody")),
        ("screenshot: nobody of that name", refused(["vitrine list"], "screenshot", "nobody", "/tmp/x.png")),
        ("a segment in a file too small", refused(["shm"], *run, "--kernel", KERNEL, "--shm", text)),
    ])


if __name__ == "__main__":
    sys.exit(main())
