"""A frame as the detectors see it: a small picture of luma and chroma, and how two of them differ.

A signature is uint8[864]: 32 x 18 luma, then 16 x 9 of each chroma plane, row by row.
"""

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 32, 18
LUMA = WIDTH * HEIGHT
CHROMA = LUMA // 4
SIZE = LUMA + 2 * CHROMA

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SHIFT_X, _SHIFT_Y = 3, 2
_MOST_GAIN = 2.0


def steps(signatures: Bytes) -> Floats:
    """float32[n]: difference of each of n signatures from the one before; 0 for the first."""
    change = np.zeros(len(signatures), np.float32)
    for begin in range(1, len(signatures), 1024):
        part = signatures[begin - 1 : begin + 1024].astype(np.int16)
        change[begin : begin + 1024] = _mean(np.abs(np.diff(part, axis=0)))
    return change


def difference(a: Bytes, b: Bytes) -> float:
    """Mean absolute difference of luma plus that of both chroma planes. Range: [0, 765]."""
    return float(_mean(np.abs(a.astype(np.int16) - b.astype(np.int16))[None])[0])


def change(a: Bytes, b: Bytes) -> int:
    """Largest change of a place's luma."""
    return int(np.abs(a[:LUMA].astype(np.int16) - b[:LUMA].astype(np.int16)).max())


def perceived(a: Bytes, b: Bytes) -> float:
    """Difference as a viewer of stills minds it: the mean, and a share of the place that changed most.

    The second part keeps apart two slides that differ in one line of text.
    """
    change = np.abs(a.astype(np.int16) - b.astype(np.int16))
    luma = change[:LUMA].reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3))
    return float(_mean(change[None])[0] + 0.15 * luma.max())


def flat(signature: Bytes) -> bool:
    """True when a frame shows next to nothing: one even brightness."""
    return bool(signature[:LUMA].std() < 5)


def compare(a: Bytes, b: Bytes) -> tuple[float, float]:
    """How alike two frames are, with b moved by the few pixels that suit it best.

    The first figure is the correlation of luma, blind to exposure, in [-1, 1]; the second the mean difference of
    chroma, in [0, 510], over places of 2 x 2, with the exposure made equal.
    """
    first, second = _luma(a), _luma(b)
    inner = first[_SHIFT_Y : HEIGHT - _SHIFT_Y, _SHIFT_X : WIDTH - _SHIFT_X]
    inner = inner - inner.mean()
    windows = np.lib.stride_tricks.sliding_window_view(second, inner.shape)
    centred = windows - windows.mean((2, 3), keepdims=True)
    dot = (centred * inner).sum((2, 3))
    # Two even frames correlate by their noise alone; a floor of one grey level a pixel keeps that from counting.
    scale = np.sqrt(np.maximum((centred**2).sum((2, 3)), inner.size) * max(float((inner**2).sum()), inner.size))
    alike = dot / scale
    y, x = np.unravel_index(int(alike.argmax()), alike.shape)
    # Half of the shift, as chroma has half the pixels.
    dy, dx = round((int(y) - _SHIFT_Y) / 2), round((int(x) - _SHIFT_X) / 2)
    one = _chroma(a)[:, 1:-2, 2:-2]
    other = _chroma(b)[:, 1 + dy : HEIGHT // 2 - 2 + dy, 2 + dx : WIDTH // 2 - 2 + dx]
    # More light makes colours stronger by as much as it does contrasts.
    gain = float(np.sqrt((centred[y, x] ** 2).sum() / max(float((inner**2).sum()), 1.0)))
    gain = min(_MOST_GAIN, max(1 / _MOST_GAIN, gain))
    places = (one * np.sqrt(gain) - other / np.sqrt(gain)).reshape(2, 3, 2, 6, 2).mean((2, 4))
    return float(alike.max()), float(np.abs(places).sum(0).mean())


def same_scene(a: Bytes, b: Bytes, likeness: float = 0.65) -> bool:
    """True when two frames may be of one shot: alike in structure, whatever the exposure, and of like colour."""
    if flat(a) and flat(b):
        return difference(a, b) < 12
    alike, colour = compare(a, b)
    # A zoom or a turn moves colours too; the more of the structure is still in place, the more that is let go.
    return alike >= likeness and colour <= 12 + 80 * (alike - 0.65)


def any_same_scene(first: Bytes, second: Bytes, likeness: float) -> bool:
    """True when any of some frames uint8[m, 864] and any of others may be of one shot, as `same_scene` has it."""
    inner = first[:, :LUMA].reshape(-1, HEIGHT, WIDTH)[:, _SHIFT_Y : HEIGHT - _SHIFT_Y, _SHIFT_X : WIDTH - _SHIFT_X]
    one = _centred(inner.reshape(len(first), -1).astype(np.float32))
    for other in second:
        windows = np.lib.stride_tricks.sliding_window_view(_luma(other), inner.shape[1:])
        moved = _centred(windows.reshape(-1, one.shape[1]))
        # Not the last word: what comes near is compared in full.
        near = (one @ moved.T).max(1) >= likeness - 0.01
        if flat(other):
            near[:] = True
        if any(same_scene(a, other, likeness) for a in first[near]):
            return True
    return False


def _centred(pixels: Floats) -> Floats:
    """Rows without their mean, of length 1; of less where there is next to nothing in them."""
    rows = pixels - pixels.mean(1, keepdims=True)
    scaled: Floats = rows / np.sqrt(np.maximum((rows**2).sum(1, keepdims=True), rows.shape[1]))
    return scaled


def _luma(signature: Bytes) -> Floats:
    return signature[:LUMA].reshape(HEIGHT, WIDTH).astype(np.float32)


def _chroma(signature: Bytes) -> Floats:
    return signature[LUMA:].reshape(2, HEIGHT // 2, WIDTH // 2).astype(np.float32) - 128


def _mean(change: NDArray[np.int16]) -> Floats:
    luma = change[:, :LUMA].mean(1, dtype=np.float32)
    chroma = change[:, LUMA:].mean(1, dtype=np.float32)
    total: Floats = luma + 2 * chroma
    return total
