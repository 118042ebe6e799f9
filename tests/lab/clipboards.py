# SPDX-License-Identifier: GPL-2.0-or-later
"""The clipboard between programs of the guest's desktop and programs of this machine's, whatever window joins the two."""

import hashlib
import subprocess

from vm import wait_until


def give(target, content):
    subprocess.run(["xclip", "-selection", "clipboard", "-t", target], input=content, check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def take(target):
    return subprocess.run(["timeout", "20", "xclip", "-selection", "clipboard", "-o", "-t", target], stdout=subprocess.PIPE, timeout=60,
                          stderr=subprocess.DEVNULL).stdout


def check_both_ways(vm, picture):
    """vm: a guest with X and spice-vdagent, somewhere behind a window on our DISPLAY; picture: any PNG file."""
    def guest_has(target, content):
        digest = hashlib.sha256(content).hexdigest()
        return wait_until(f"the {target} in the guest", 60, lambda: digest in vm.sh(
            f"su vitrine -c 'DISPLAY=:0 timeout 20 xclip -selection clipboard -o -t {target}' 2>/dev/null | sha256sum", 60), 1)

    vm.sh("for i in $(seq 120); do pgrep -u vitrine spice-vdagent >/dev/null && break; sleep 0.5; done; pgrep -u vitrine spice-vdagent", 90)
    text = ("Kopiert: \u00e4\u20ac \u65e5\u672c " + "0123456789" * 2000).encode()
    give("UTF8_STRING", text)
    guest_has("UTF8_STRING", text)
    with open(picture, "rb") as file:
        png = file.read()
    give("image/png", png)
    guest_has("image/png", png)
    vm.sh("cd /tmp; seq 3000 > copied.txt; su vitrine -c 'DISPLAY=:0 setsid xclip -selection clipboard copied.txt >/dev/null 2>&1'", 30)
    wait_until("the guest's text here", 60, lambda: take("UTF8_STRING") == b"".join(b"%d\n" % i for i in range(1, 3001)), 1)
