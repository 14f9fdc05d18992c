"""Sounds to listen to: int16 at 16 kHz. None of them is speech; `babble` is meant to sound like it."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.int16]


def chords(seconds: float, seed: int = 0) -> Sound:
    """Chords of tones with overtones that swell and fade, a new one each second."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE) / RATE
    shape = np.minimum(1, t * 20) * np.exp(-2 * t)
    bars = []
    for _ in range(int(seconds)):
        root = 110 * 2 ** (rng.integers(0, 24) / 12)
        notes = [root * 2 ** (step / 12) for step in (0, rng.choice([3, 4]), 7, 12)]
        tones = sum(np.sin(2 * np.pi * note * k * t) / k**1.5 for note in notes for k in range(1, 7))
        bars.append(tones * shape)
    return _loud(np.concatenate(bars))


def drums(seconds: float, seed: int = 0) -> Sound:
    """A beat of bass drum and snare, two a second."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE // 4) / RATE
    bass = np.sin(2 * np.pi * 60 * np.exp(-6 * t) * t) * np.exp(-12 * t)
    bars = [bass if i % 2 == 0 else rng.normal(size=len(t)) * np.exp(-25 * t) for i in range(int(seconds * 4))]
    return _loud(np.concatenate(bars))


def melody(seconds: float, seed: int = 0) -> Sound:
    """One instrument with vibrato that plays a tune."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE // 2) / RATE
    bars = []
    for _ in range(int(seconds * 2)):
        note = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
        phase = 2 * np.pi * note * t + 2 * np.sin(2 * np.pi * 5.5 * t)
        bars.append(
            sum(np.sin(k * phase) / k for k in range(1, 8)) * np.minimum(1, t * 30) * np.minimum(1, (0.5 - t) * 20)
        )
    return _loud(np.concatenate(bars))


def noise(seconds: float, seed: int = 0) -> Sound:
    """Wind: noise that is stronger in the bass."""
    white = np.random.default_rng(seed).normal(size=int(seconds * RATE))
    return _loud(np.convolve(white, np.exp(-np.arange(64) / 8), "same"))


def band(seconds: float, seed: int = 0) -> Sound:
    """All together."""
    parts = [kind(seconds, seed) for kind in (chords, drums, melody, noise)]
    size = min(map(len, parts))
    return _loud(sum(part[:size].astype(np.float64) for part in parts))


def babble(seconds: float, seed: int = 0) -> Sound:
    """A voice that says vowels: a buzz through three resonances that move, in syllables, with a rest now and then."""
    rng = np.random.default_rng(seed)
    size = int(seconds * RATE)
    edges = np.arange(0, size + RATE // 5, RATE // 5)
    vowels = np.array([(700, 1200, 2600), (300, 2300, 3000), (500, 1900, 2500), (350, 800, 2400), (450, 1000, 2500)])
    said = vowels[rng.integers(0, len(vowels), len(edges))]
    t = np.arange(size)
    pitch = 110 + 15 * np.sin(2 * np.pi * 0.4 * t / RATE) + np.interp(t, edges, rng.normal(0, 8, len(edges)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    resonances = [np.interp(t, edges, said[:, i]) for i in range(3)]
    found = np.zeros(size)
    for harmonic in range(1, 30):
        hertz = harmonic * pitch
        gain = sum(1 / (1 + ((hertz - resonances[i]) / (80 + 40 * i)) ** 2) for i in range(3))
        found += np.sin(harmonic * phase) * gain / harmonic**0.3
    loud = np.interp(t, edges, rng.choice([0.0, 0.6, 1.0, 1.0], len(edges)))
    return _loud(found * loud * (0.6 + 0.4 * np.sin(2 * np.pi * 5 * t / RATE) ** 2) + rng.normal(0, 0.005, size))


def _loud(sound: NDArray[np.float64]) -> Sound:
    return (sound / np.abs(sound).max() * 20_000).astype(np.int16)
