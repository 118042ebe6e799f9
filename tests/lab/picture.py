# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the PNG files that Vitrine writes (8 bits, RGB) and answers questions about them."""

import struct
import zlib


class Picture:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:8] != b"\x89PNG\r\n\x1a\n":
            raise ValueError(f"{path}: not a PNG")
        position, packed = 8, b""
        while position < len(data):
            length, kind = struct.unpack(">I4s", data[position:position + 8])
            body = data[position + 8:position + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colour = struct.unpack(">IIBB", body[:10])
                if (depth, colour) != (8, 2):
                    raise ValueError(f"{path}: not 8-bit RGB")
            elif kind == b"IDAT":
                packed += body
            position += 12 + length
        self.rows = self.unfilter(zlib.decompress(packed))

    def unfilter(self, raw):
        """Undoes the row filters (PNG, section 9)."""
        stride, rows, above = self.width * 3, [], bytes(self.width * 3)
        for y in range(self.height):
            kind = raw[y * (stride + 1)]
            row = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
            if kind == 1:
                for i in range(3, stride):
                    row[i] = (row[i] + row[i - 3]) & 255
            elif kind == 2:
                row = bytearray((a + b) & 255 for a, b in zip(row, above))
            elif kind == 3:
                for i in range(stride):
                    left = row[i - 3] if i >= 3 else 0
                    row[i] = (row[i] + (left + above[i]) // 2) & 255
            elif kind == 4:
                self.unfilter_paeth(row, above)
            above = bytes(row)
            rows.append(above)
        return rows

    @staticmethod
    def unfilter_paeth(row, above):
        for i in range(len(row)):
            left, corner = (row[i - 3], above[i - 3]) if i >= 3 else (0, 0)
            up = above[i]
            guess = left + up - corner
            to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
            if to_left <= to_up and to_left <= to_corner:
                row[i] = (row[i] + left) & 255
            elif to_up <= to_corner:
                row[i] = (row[i] + up) & 255
            else:
                row[i] = (row[i] + corner) & 255

    def pixel(self, x, y):
        return tuple(self.rows[y][3 * x:3 * x + 3])

    def count_row(self, row, colour):
        wanted, count, at = bytes(colour), 0, row.find(bytes(colour))
        while at >= 0:
            count += at % 3 == 0
            at = row.find(wanted, at + 1)
        return count

    def share(self, colour):
        """The part of the picture, 0 to 1, that has exactly this colour."""
        return sum(self.count_row(row, colour) for row in self.rows) / (self.width * self.height)

    def row_of(self, colour):
        """The first row that shows the colour; the height when none does."""
        for y, row in enumerate(self.rows):
            if self.count_row(row, colour):
                return y
        return self.height

    def colours(self, step=4):
        """How many different colours every step-th pixel of every step-th row shows."""
        return len({self.pixel(x, y) for y in range(0, self.height, step) for x in range(0, self.width, step)})

    def region(self, x, y, width, height):
        """The bytes of a rectangle, for comparing."""
        return b"".join(row[3 * x:3 * (x + width)] for row in self.rows[y:y + height])
