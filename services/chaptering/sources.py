"""Reads what is known of a video from the store."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures
from services.chaptering.stopwordsiso import StopwordsIso
from services.core.errors import Incomplete, InvalidInput
from services.core.media import Plan, SampledFrames, Shots
from services.core.store import Artifacts
from services.core.text import OnScreenText, Passage, Passages, Track, Transcript
from services.core.times import TimeRange
from services.core.vectors import F32, from_npz

KINDS = ("plan", "shots", "shot_vectors", "passages", "passage_vectors", "transcript", "on_screen_text")
"""What is read; only the plan is needed."""
EACH_SEGMENT = ("frames", "frame_vectors")
"""What is read of each segment, where it is given."""
UNSEEN = 0.5
"""Vectors have length 1; a shot without frames has a vector of zeros."""


def load(artifacts: Artifacts, keys: Mapping[str, str]) -> tuple[Material, str]:
    """What is known, and the space of the passages' vectors ("" without any).

    Raises InvalidInput without a plan or for a kind that is not read, Incomplete when vectors do not fit their things.
    """
    unknown = sorted(set(keys) - set(KINDS))
    if unknown or "plan" not in keys:
        rule = f"plan, and any of {', '.join(KINDS[1:])}"
        raise InvalidInput(f"sources are {sorted(keys)}; wanted {rule}", fields={"sources.keys": rule})
    shots = artifacts.load(keys["shots"], Shots).shots if "shots" in keys else ()
    passages = artifacts.load(keys["passages"], Passages).passages if "passages" in keys else ()
    transcript = artifacts.load(keys["transcript"], Transcript) if "transcript" in keys else Transcript()
    readings = artifacts.load(keys["on_screen_text"], OnScreenText).readings if "on_screen_text" in keys else ()
    shot_vectors, _ = _vectors(artifacts, keys, "shot_vectors", len(shots))
    passage_vectors, space = _vectors(artifacts, keys, "passage_vectors", len(passages))
    material = Material(
        duration=artifacts.load(keys["plan"], Plan).probe.duration,
        shots=shots,
        shot_vectors=shot_vectors,
        passages=passages,
        passage_vectors=passage_vectors,
        readings=readings,
        language=transcript.tracks[0].language if transcript.tracks else "",
        functions=frozenset().union(*map(StopwordsIso().of, _spoken(passages))),
    )
    return material, space


def pictures(
    artifacts: Artifacts, keys: Mapping[str, str], segment_keys: Mapping[str, Sequence[str]], material: Material
) -> Pictures:
    """What is seen: of sampled frames, or of whole shots where frames are not given.

    Raises InvalidInput for segments' kinds that are not read, or not of the same segments; Incomplete when vectors do
    not fit their frames, or were made by different models.
    """
    if not segment_keys:
        if not len(material.shot_vectors):
            return Pictures()
        vectors, space = _vectors(artifacts, keys, "shot_vectors", len(material.shots))
        return _pictures([shot.range for shot in material.shots], vectors, space)
    counts = {kind: len(found) for kind, found in segment_keys.items()}
    if sorted(counts) != sorted(EACH_SEGMENT) or len(set(counts.values())) != 1:
        rule = f"as many {' as '.join(EACH_SEGMENT)}, in order of segments"
        raise InvalidInput(f"sources of segments are {counts}; wanted {rule}", fields={"sources.segment_keys": rule})
    ranges: list[TimeRange] = []
    parts, spaces = [], set()
    for frames_key, vectors_key in zip(*(segment_keys[kind] for kind in EACH_SEGMENT), strict=True):
        frames = artifacts.load(frames_key, SampledFrames).frames
        vectors, space = _vectors(artifacts, {"frame_vectors": vectors_key}, "frame_vectors", len(frames))
        if len(frames):
            ranges += [frame.range for frame in frames]
            parts.append(vectors)
            spaces.add(space)
    if len(spaces) > 1:
        raise Incomplete(f"frame_vectors are of several spaces, {sorted(spaces)}: embed the video again")
    return _pictures(ranges, np.concatenate(parts), spaces.pop()) if parts else Pictures()


def _spoken(passages: Sequence[Passage]) -> list[str]:
    """The languages that are spoken; "" when none is, as what is told and written has none."""
    return sorted({p.language for p in passages if p.track is Track.SPEECH} or {""})


def _pictures(ranges: Sequence[TimeRange], vectors: F32, space: str) -> Pictures:
    seen = np.linalg.norm(vectors, axis=1) > UNSEEN
    bounds = np.array([(r.start, r.end) for r in ranges], np.int64)[seen]
    return Pictures(bounds[:, 0], bounds[:, 1], vectors if seen.all() else vectors[seen], space)


def _vectors(artifacts: Artifacts, keys: Mapping[str, str], kind: str, things: int) -> tuple[F32, str]:
    if kind not in keys or not things:
        return np.zeros((0, 0), np.float32), ""
    try:
        vectors, space = from_npz(artifacts.objects.get(keys[kind]))
    except ValueError as error:
        raise Incomplete(f"object {keys[kind]}: {error}: embed the video again") from error
    if len(vectors) != things:
        raise Incomplete(f"{len(vectors)} {kind} of {things}: embed the video again")
    return vectors, space
