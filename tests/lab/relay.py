#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Carries TCP connections to a unix socket: the way into the lab's machine leads to its network only.

usage: relay.py PORT SOCKET
"""

import fcntl
import os
import socket
import sys
import threading


PIPE_BYTES = 1 << 20


def pump(source, target):
    """Through a pipe, in the kernel: pictures are many and the lab's CPU is slow."""
    read_end, write_end = os.pipe()
    try:
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        while left := os.splice(source.fileno(), write_end, PIPE_BYTES):
            while left:
                left -= os.splice(read_end, target.fileno(), left)
    except OSError:
        pass
    os.close(read_end)
    os.close(write_end)
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, path):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        client.close()
        return
    for ends in ((client, server), (server, client)):
        threading.Thread(target=pump, args=ends, daemon=True).start()


def main():
    listener = socket.create_server(("", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serve(client, sys.argv[2])


if __name__ == "__main__":
    main()
