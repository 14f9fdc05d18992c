"""Reads what is known of a video from the store."""

from collections.abc import Mapping

import numpy as np

from services.chaptering.domain.material import Material
from services.core.errors import Incomplete, InvalidInput
from services.core.media import Plan, Shots
from services.core.store import Artifacts
from services.core.text import OnScreenText, Passages, Transcript
from services.core.vectors import F32, from_npz

KINDS = ("plan", "shots", "shot_vectors", "passages", "passage_vectors", "transcript", "on_screen_text")
"""What is read; only the plan is needed."""


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
    )
    return material, space


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
