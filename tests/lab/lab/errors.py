# SPDX-License-Identifier: GPL-2.0-or-later
"""How the lab speaks to its user."""

import shutil
import sys


class LabError(Exception):
    """A one-line reason that tells the user what to do. Exit status 2."""


def say(text):
    """One progress or result line; stdout belongs to the command in L1."""
    try:
        print(f"lab: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass


def need_tool(name, package):
    """The full path of a host program, or an error that names its package."""
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise LabError(f"{name} is missing: apt-get install {package}")
    return path
