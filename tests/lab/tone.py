# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes and judges recordings of a steady tone, without any library beyond Python's own.

    import tone
    tone.write_wav("tone.wav", 440, seconds=8, rate=48000, channels=2)
    ... play it through what is to be tested, record it into rec.wav (pw-record, a WAVE backend) ...
    problems = tone.problems("rec.wav", 440, seconds=5)     # [] when all is well, else sentences
    assert not problems, problems

or step by step:

    sound = tone.read_wav("rec.wav")            # sound.rate, sound.channels[i]: samples -1..1
    for samples in sound.channels:
        part = tone.trim(samples, sound.rate)   # the sounding part, quiet before and after cut off
        found = tone.analyse(part, sound.rate, 440)
        found.frequency, found.peak, found.seconds
        found.gaps       # [(second, seconds)]: quiet for longer than GAP_S
        found.jumps      # [(second, frames)]: frames lost (> 0) or played again (< 0)

Frequency and jumps come from the phase of one window after another, so that a single lost frame of a
440 Hz tone shows (3.3 degrees) and a recording of 5 s gives the frequency to better than 0.01 Hz.
Recordings that end in the middle, or whose recorder was killed before it wrote the sizes, are read as
far as they go. Command line: tone.py FILE.wav [FREQUENCY]; tone.py --write FILE.wav [FREQUENCY [SECONDS]]
"""

import array
import collections
import math
import operator
import struct
import sys

GAP_S = 0.0005                  # a 100 Hz tone is near zero for less than that at each crossing
QUIET = 0.02                    # of the peak
SILENT_PEAK = 0.0005            # a recording that is never louder than this has no sound in it
WINDOW_S = 0.01
JUMP_FRAMES = 2.0

Sound = collections.namedtuple("Sound", "rate channels")
Analysis = collections.namedtuple("Analysis", "seconds frequency peak gaps jumps")


# --- files -----------------------------------------------------------------------------------

def _chunks(data):
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("not a WAVE file")
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"data" and (length == 0 or position + 8 + length > len(data)):
            length = len(data) - position - 8
        yield kind, data[position + 8:position + 8 + length]
        position += 8 + length + (length & 1)


def _samples(raw, is_float, bits):
    width = bits // 8
    raw = raw[:len(raw) // width * width]
    if is_float:
        return array.array("f" if bits == 32 else "d", raw)
    if bits == 24:
        wide = bytearray(len(raw) // 3 * 4)
        for i in range(3):
            wide[i + 1::4] = raw[i::3]
        raw, bits = bytes(wide), 32
    if bits not in (16, 32):
        raise ValueError(f"{bits} bits per sample are not read")
    scale = 1.0 / (1 << (bits - 1))
    return array.array("d", (value * scale for value in array.array("h" if bits == 16 else "i", raw)))


def read_wav(path):
    """16, 24 and 32 bits and float, also WAVE_FORMAT_EXTENSIBLE."""
    shape = None
    with open(path, "rb") as file:
        data = file.read()
    for kind, body in _chunks(data):
        if kind == b"fmt ":
            tag, count, rate, _, align, bits = struct.unpack_from("<HHIIHH", body)
            if tag == 0xfffe:
                tag = struct.unpack_from("<H", body, 24)[0]
            if tag not in (1, 3):
                raise ValueError(f"{path}: format {tag} is not read")
            shape = (tag == 3, bits)
        elif kind == b"data" and shape:
            body = body[:len(body) // align * align]
            flat = _samples(body, *shape)
            return Sound(rate, [flat[i::count] for i in range(count)])
    raise ValueError(f"{path}: no samples in it")


def write_wav(path, frequency, seconds, rate=48000, channels=2, peak=0.5):
    """A 16-bit file with the same tone in all channels, or one frequency each (a list)."""
    each = list(frequency) if isinstance(frequency, (list, tuple)) else [frequency] * channels
    steps = [2 * math.pi * hertz / rate for hertz in each]
    flat = array.array("h", (round(32767 * peak * math.sin(step * n))
                             for n in range(int(seconds * rate)) for step in steps))
    head = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, len(each), rate, rate * len(each) * 2,
                       len(each) * 2, 16, b"data", len(flat) * 2)
    with open(path, "wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", 4 + len(head) + len(flat) * 2, b"WAVE"))
        file.write(head)
        file.write(flat.tobytes())


# --- samples ---------------------------------------------------------------------------------

def loudest(samples):
    return max(max(samples), -min(samples)) if len(samples) else 0.0


def trim(samples, rate):
    """Without the quiet before and after, and without 20 ms of what fades in or out there. Nothing
    when it is quiet all over."""
    limit = loudest(samples) * QUIET
    if loudest(samples) < SILENT_PEAK:
        return samples[:0]
    first = next(i for i, value in enumerate(samples) if abs(value) > limit)
    last = next(i for i in range(len(samples) - 1, -1, -1) if abs(samples[i]) > limit)
    edge = rate // 50
    return samples[first + edge:max(first + edge, last + 1 - edge)]


def gaps(samples, rate, longer_s=GAP_S):
    """[(second, seconds)] where it is quiet for longer than that."""
    limit, least = loudest(samples) * QUIET, int(longer_s * rate)
    found, start = [], None
    for i, value in enumerate(samples):
        if abs(value) > limit:
            if start is not None and i - start > least:
                found.append((start / rate, (i - start) / rate))
            start = None
        elif start is None:
            start = i
    if start is not None and len(samples) - start > least:
        found.append((start / rate, (len(samples) - start) / rate))
    return found


def frequency_by_crossings(samples, rate):
    """Rough, but asks for no guess; 0 when there is nothing to count."""
    limit, below, first, last, count = loudest(samples) * 0.2, False, 0.0, 0.0, 0
    for i in range(1, len(samples)):
        value, before = samples[i], samples[i - 1]
        if value < -limit:
            below = True
        elif below and value >= 0 > before:
            below = False
            last = i - value / (value - before)
            first = first if count else last
            count += 1
    return (count - 1) * rate / (last - first) if count > 1 else 0.0


def amplitude(samples, rate, frequency):
    """How much of that frequency is in it, 0..1 (one bin of a Fourier transform with Hann window)."""
    parts = _Window(frequency, rate, len(samples)).look(samples, 0)
    return 4 * abs(parts) / len(samples) if len(samples) else 0.0


class _Window:
    def __init__(self, frequency, rate, length):
        self.length = length
        self.step = 2 * math.pi * frequency / rate
        hann = [0.5 - 0.5 * math.cos(2 * math.pi * (n + 0.5) / length) for n in range(length)]
        self.real = [weight * math.cos(self.step * n) for n, weight in enumerate(hann)]
        self.imaginary = [-weight * math.sin(self.step * n) for n, weight in enumerate(hann)]

    def look(self, samples, start):
        part = samples[start:start + self.length]
        return complex(sum(map(operator.mul, part, self.real)),
                       sum(map(operator.mul, part, self.imaginary)))


def _wrap(angle):
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _phase_steps(samples, rate, frequency):
    """By how much the phase moved from window to window against the frequency; None: too quiet."""
    periods = max(1, math.ceil(WINDOW_S * frequency))
    window = _Window(frequency, rate, round(periods * rate / frequency))
    least = loudest(samples) * window.length / 4 * 0.25
    steps, before = [], None
    for start in range(0, len(samples) - window.length + 1, window.length):
        parts = window.look(samples, start)
        phase = math.atan2(parts.imag, parts.real) - window.step * start
        sounds = abs(parts) > least
        steps.append(_wrap(phase - before) if sounds and before is not None else None)
        before = phase if sounds else None
    return steps, window


def _jumps(steps, usual, window, rate):
    found, sum_frames, start = [], 0.0, None
    for i, step in enumerate([*steps, usual]):
        frames = _wrap((step if step is not None else usual) - usual) / window.step
        if abs(frames) > JUMP_FRAMES / 4:
            start = i if start is None else start
            sum_frames += frames
            continue
        if start is not None and abs(sum_frames) > JUMP_FRAMES:
            found.append((start * window.length / rate, sum_frames))
        sum_frames, start = 0.0, None
    return found


def analyse(samples, rate, frequency):
    """Of a part without quiet ends (trim). frequency: what it should be, to within 5 %."""
    steps, window = _phase_steps(samples, rate, frequency)
    known = sorted(step for step in steps if step is not None)
    if not known:
        return Analysis(len(samples) / rate, 0.0, loudest(samples), gaps(samples, rate), [])
    middle = known[len(known) // 2]
    # Around the median, so that a jump counts for nothing and what is left is averaged.
    near = [step for step in known if abs(step - middle) < 0.25 * window.step]
    usual = sum(near) / len(near) if near else middle
    return Analysis(len(samples) / rate, frequency + usual * rate / (2 * math.pi * window.length),
                    loudest(samples), gaps(samples, rate), _jumps(steps, usual, window, rate))


def problems(source, frequency, seconds=0.0, tolerance=1.0, channels=None, least_peak=0.01,
             gaps_allowed=0):
    """What is wrong with a recording (a path or a Sound) of that tone, as sentences: too short, another
    frequency, gaps and jumps. frequency: one for all channels, or a list."""
    sound = read_wav(source) if isinstance(source, str) else source
    wanted = list(frequency) if isinstance(frequency, (list, tuple)) \
        else [frequency] * len(sound.channels)
    told = []
    if channels is not None and len(sound.channels) != channels:
        told.append(f"{len(sound.channels)} channels instead of {channels}")
    for number, (samples, hertz) in enumerate(zip(sound.channels, wanted)):
        part = trim(samples, sound.rate)
        if loudest(part) < least_peak:
            told.append(f"channel {number} is silent (peak {loudest(samples):.5f})")
            continue
        found = analyse(part, sound.rate, hertz)
        if found.seconds < seconds:
            told.append(f"channel {number} sounds for {found.seconds:.2f} s, not {seconds:.2f} s")
        if abs(found.frequency - hertz) > tolerance:
            told.append(f"channel {number} has {found.frequency:.2f} Hz, not {hertz:.2f} Hz")
        if len(found.gaps) + len(found.jumps) > gaps_allowed:
            told.append(f"channel {number} has {len(found.gaps)} gaps {found.gaps[:5]} and "
                        f"{len(found.jumps)} jumps {found.jumps[:5]}")
    return told


def main():
    if sys.argv[1] == "--write":
        write_wav(sys.argv[2], *[float(value) for value in (sys.argv[3:] or ["440"])[:1]],
                  seconds=float(sys.argv[4]) if len(sys.argv) > 4 else 8)
        return
    sound = read_wav(sys.argv[1])
    for number, samples in enumerate(sound.channels):
        part = trim(samples, sound.rate)
        hertz = float(sys.argv[2]) if len(sys.argv) > 2 else frequency_by_crossings(part, sound.rate)
        print(number, f"{sound.rate} Hz", analyse(part, sound.rate, hertz) if hertz else "silent")


if __name__ == "__main__":
    main()
