"""A voice that says nothing: syllables of made vowels and consonants, which a voice detector takes for speech.

Glottal pulses and noise go through three resonances that glide from vowel to vowel (Klatt 1980, "Software for a
cascade/parallel formant synthesizer", much simplified). No word of it means anything, so a recognizer that listens to
it works as hard as on speech, and what it writes is of no use.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

RATE = 16_000
VOWELS = np.array(
    [
        (730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (300, 870, 2240),
        (570, 840, 2410), (660, 1720, 2410), (490, 1350, 1690), (440, 1020, 2240),
    ],
    float,
)  # fmt: skip
"""Resonances in Hz (Peterson and Barney 1952, men)."""
WIDTHS, GAINS = (70, 100, 140), (1.0, 0.7, 0.5)
BLOCK = 80
"""Samples in which a resonance stands still."""
Signal = NDArray[np.float64]


def talk(seconds: float, seed: int = 0, pitch: float = 115.0) -> NDArray[np.int16]:
    """Phrases of 6 to 13 syllables with rests of about 2 s, mono at RATE."""
    rng = np.random.default_rng(seed)
    size = round(seconds * RATE)
    source: list[Signal] = []
    tract: list[Signal] = []
    vowel, tone, left = VOWELS[0], pitch, 0
    while sum(map(len, source)) < size:
        if left == 0:
            left, tone = int(rng.integers(6, 14)), pitch * rng.uniform(1.1, 1.3)
            source.append(np.zeros(round(RATE * rng.uniform(1.4, 2.4))))
            tract.append(np.tile(vowel, (len(source[-1]), 1)))
        left -= 1
        source.append(_consonant(rng))
        tract.append(np.tile(vowel, (len(source[-1]), 1)))
        following = VOWELS[rng.integers(len(VOWELS))]
        tone = max(0.75 * pitch, tone * rng.uniform(0.93, 1.0))
        source.append(_vowel(rng, tone))
        way = np.minimum(1, np.arange(len(source[-1])) / (0.5 * len(source[-1])))
        tract.append(vowel + (following - vowel) * way[:, None])
        vowel = following
    pulses, shape = np.concatenate(source)[:size], np.concatenate(tract)[:size]
    voiced = sum(g * _resonate(pulses, shape[:, k], w) for k, (w, g) in enumerate(zip(WIDTHS, GAINS, strict=True)))
    sound = voiced + 0.2 * _resonate(pulses, np.full(size, 3500.0), 250) + 0.02 * pulses
    sound = sound / np.abs(sound).max() + rng.normal(0, 0.0006, size)
    return (sound / np.abs(sound).max() * 20_000).astype(np.int16)


def _consonant(rng: np.random.Generator) -> Signal:
    """30 to 90 ms: a hiss, a stop with its burst, or nearly nothing."""
    n = round(RATE * rng.uniform(0.03, 0.09))
    noise, kind = rng.normal(size=n), rng.integers(3)
    if kind == 0:
        hiss: Signal = np.diff(noise, prepend=0) * 0.25 * np.hanning(n)
        return hiss
    if kind == 1:
        since = np.arange(n) - 0.7 * n
        burst: Signal = noise * 0.5 * (since > 0) * np.exp(-np.maximum(0, since) / 60)
        return burst
    return noise * 0.03


def _vowel(rng: np.random.Generator, tone: float) -> Signal:
    """90 to 220 ms of glottal pulses with a rise and fall of the pitch, and a little breath."""
    n = round(RATE * rng.uniform(0.09, 0.22))
    bend = (rng.uniform(0.95, 1.15) - 1) * np.sin(np.pi * np.arange(n) / n)
    wander = 0.01 * rng.normal(size=n).cumsum() / np.sqrt(n)
    phase = np.cumsum(tone * (1 + bend) * (1 + wander) / RATE) % 1
    opening = 0.5 * (1 - np.cos(np.pi * phase / 0.4))
    closing = np.cos(np.pi / 2 * (phase - 0.4) / 0.16)
    pulse = np.where(phase < 0.4, opening, np.where(phase < 0.56, closing, 0))
    breath = 0.01 * rng.normal(size=n) * (phase < 0.6)
    found: Signal = (np.diff(pulse, prepend=0) * 8 + breath) * np.sqrt(np.sin(np.pi * np.arange(1, n + 1) / (n + 1)))
    return found


def _resonate(signal: Signal, hertz: Signal, width: float) -> Signal:
    """Through a resonator of two poles whose frequency moves."""
    radius = np.exp(-np.pi * width / RATE)
    out, state = np.empty_like(signal), np.zeros(2)
    for at in range(0, len(signal), BLOCK):
        turn = 2 * np.pi * hertz[at] / RATE
        gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * turn) + radius**2)
        poles = [1, -2 * radius * np.cos(turn), radius**2]
        out[at : at + BLOCK], state = lfilter([gain], poles, signal[at : at + BLOCK], zi=state)
    return out
