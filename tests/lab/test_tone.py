#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tone.py finds what it is made to find, and nothing in a recording that is whole."""
import math
import os
import struct
import tempfile
import unittest

import tone

RATE = 48000


def sine(frequency, seconds, rate=RATE, peak=0.5):
    step = 2 * math.pi * frequency / rate
    return [peak * math.sin(step * n) for n in range(int(seconds * rate))]


def judge(samples, frequency=440.0, rate=RATE):
    return tone.analyse(tone.trim(samples, rate), rate, frequency)


class Tone(unittest.TestCase):
    def test_whole(self):
        for rate, hertz in ((48000, 440.0), (44100, 440.0), (44100, 997.0), (8000, 440.0)):
            found = judge([0.0] * 999 + sine(hertz, 2, rate) + [0.0] * 4000, hertz, rate)
            self.assertAlmostEqual(found.frequency, hertz, delta=0.01)
            self.assertEqual((found.gaps, found.jumps), ([], []))
            self.assertAlmostEqual(found.seconds, 1.96, delta=0.01)
            self.assertAlmostEqual(found.peak, 0.5, delta=0.001)

    def test_another_frequency(self):
        self.assertAlmostEqual(judge(sine(442, 2)).frequency, 442, delta=0.01)
        self.assertAlmostEqual(judge(sine(438.5, 2)).frequency, 438.5, delta=0.01)
        self.assertAlmostEqual(tone.frequency_by_crossings(sine(442, 2), RATE), 442, delta=0.1)

    def test_gap(self):
        samples = sine(440, 2)
        samples[50000:50048] = [0.0] * 48
        found = judge(samples)
        self.assertEqual(len(found.gaps), 1)
        self.assertAlmostEqual(found.gaps[0][0], 50000 / RATE - 0.02, delta=0.001)
        self.assertAlmostEqual(found.gaps[0][1], 0.001, delta=0.0002)

    def test_lost_and_repeated_frames(self):
        samples = sine(440, 2)
        for lost in (3, 30):
            found = judge(samples[:50000] + samples[50000 + lost:])
            self.assertEqual(len(found.jumps), 1, found.jumps)
            self.assertAlmostEqual(found.jumps[0][1], lost, delta=0.5)
            self.assertAlmostEqual(found.frequency, 440, delta=0.01)
        found = judge(samples[:50000] + samples[49980:])
        self.assertEqual(len(found.jumps), 1, found.jumps)
        self.assertAlmostEqual(found.jumps[0][1], -20, delta=0.5)

    def test_amplitude(self):
        samples = [a + b for a, b in zip(sine(440, 0.5, peak=0.5), sine(1000, 0.5, peak=0.25))]
        self.assertAlmostEqual(tone.amplitude(samples, RATE, 440), 0.5, delta=0.01)
        self.assertAlmostEqual(tone.amplitude(samples, RATE, 1000), 0.25, delta=0.01)
        self.assertLess(tone.amplitude(samples, RATE, 700), 0.01)

    def test_files(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "a.wav")
            tone.write_wav(path, [440, 1000], seconds=1, rate=44100)
            self.assertEqual(tone.problems(path, [440, 1000], seconds=0.9, channels=2), [])
            self.assertEqual(len(tone.problems(path, 440)), 1)
            self.assertEqual(len(tone.problems(path, [440, 1000], seconds=2)), 2)
            with open(path, "r+b") as file:         # a recorder that was killed
                file.seek(40)
                file.write(struct.pack("<I", 0))
                file.truncate(44 + 44100 * 2 - 1)
            self.assertEqual(tone.problems(path, [440, 1000], seconds=0.4), [])

    def test_formats(self):
        samples = sine(440, 0.5)
        kinds = ((1, 24, b"".join(struct.pack("<i", round(s * 8388607))[:3] for s in samples)),
                 (1, 32, b"".join(struct.pack("<i", round(s * 2147483647)) for s in samples)),
                 (3, 32, b"".join(struct.pack("<f", s) for s in samples)))
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "a.wav")
            for tag, bits, data in kinds:
                head = struct.pack("<HHIIHHHHIH14s", 0xfffe, 1, RATE, RATE * bits // 8, bits // 8,
                                   bits, 22, bits, 4, tag, b"\0" * 14)
                with open(path, "wb") as file:
                    file.write(b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(head)) + head +
                               b"data" + struct.pack("<I", len(data)) + data)
                self.assertEqual(tone.problems(path, 440, seconds=0.4, channels=1), [])

    def test_silence(self):
        quiet = tone.Sound(RATE, [[0.0] * RATE] * 2)
        self.assertEqual(len(tone.problems(quiet, 440)), 2)


if __name__ == "__main__":
    unittest.main()
