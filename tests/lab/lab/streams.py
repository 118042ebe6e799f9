# SPDX-License-Identifier: GPL-2.0-or-later
"""Byte pumps between our own standard streams and L1's.

QEMU gets pipes, never our own descriptors, because it would set O_NONBLOCK on what we share with
the caller. L1's output ends with a marker that the host knows: a virtio port's close does not
wait for queued bytes, so only the marker proves that everything has arrived.
"""

import os
import socket
import threading
import time

CHUNK_BYTES = 1 << 16
PULSE_S = 0.01


class OutputPump(threading.Thread):
    """Copies source to sink until the marker. Calls notify once, when it has ended."""

    def __init__(self, source, sink, marker, notify):
        super().__init__(daemon=True)
        self.source, self.sink, self.marker, self.notify = source, sink, marker, notify
        self.complete = False  # the marker came
        self.sink_closed = False

    def run(self):
        held = b""  # a tail that may be the beginning of the marker
        while not self.complete:
            chunk = os.read(self.source, CHUNK_BYTES)
            data = held + chunk
            end = data.find(self.marker)
            if end >= 0:
                self.complete = True
            elif chunk:
                end = len(data) - overlap(data, self.marker)
            else:
                end = len(data)
            self.write(data[:end])
            held = data[end:]
            if not chunk:
                break
        self.notify()

    def write(self, data):
        """Once the sink is gone the rest is still taken, or L1 would block in its own writes."""
        try:
            while data and not self.sink_closed:
                data = data[os.write(self.sink, data):]
        except OSError:
            self.sink_closed = True
            self.notify()


class Pulse(threading.Thread):
    """Sends a byte to L1 over the socket every PULSE_S until the other end is closed.

    QEMU 7.2 clears a bit of a CPU's pending requests without its lock at each entry and exit of a
    guest, and so loses an interrupt that comes in that moment. L1's timer is armed anew only by its
    own interrupt: lost once, L1 would stand still for ever. Any later interrupt delivers it too.
    """

    def __init__(self, socket):
        super().__init__(daemon=True)
        self.socket = socket

    def run(self):
        try:
            while True:
                time.sleep(PULSE_S)
                try:
                    self.socket.send(b".", socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass  # L1 is not that far yet
        except OSError:
            pass


class InputPump(threading.Thread):
    """Copies source to sink until either ends, then closes sink, which is L1's end of file."""

    def __init__(self, source, sink):
        super().__init__(daemon=True)
        self.source, self.sink = source, sink

    def run(self):
        try:
            while chunk := os.read(self.source, CHUNK_BYTES):
                while chunk:
                    chunk = chunk[os.write(self.sink, chunk):]
        except OSError:  # no stdin at all, or L1 has ended
            pass
        os.close(self.sink)


def overlap(data, marker):
    """The length of the longest end of data that is a beginning of marker."""
    for length in range(min(len(marker) - 1, len(data)), 0, -1):
        if data.endswith(marker[:length]):
            return length
    return 0
