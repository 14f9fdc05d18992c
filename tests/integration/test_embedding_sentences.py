"""What scores of texts against texts mean, on a real Triton with the built-in pack; with -s the table is printed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.core.jobs import Job, no_progress
from services.core.names import VideoName
from services.core.text import Captions, OnScreenText, Passages, Sentence, Source, Transcript, TranscriptTrack
from services.core.times import SECOND, TimeRange
from services.core.vectors import from_npz
from services.embedding.__main__ import build
from services.embedding.passages import TextSteps
from services.embedding.service import Embedding
from services.embedding.settings import EmbeddingSettings
from services.runtime.pictures import OPENING_BYTES
from services.runtime.sandbox import Sandbox
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from services.runtime.triton import TritonSettings
from tests.servers.triton import built_pack, serving

# The first test may build the pack, which takes minutes on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(900)

VIDEO = VideoName("c", "v")
PARAPHRASES = [
    ("A man is riding a horse along the beach.", "Someone rides a horse by the sea."),
    ("The meeting has been moved to Friday.", "We are meeting on Friday instead."),
    ("Prices went up by ten percent last year.", "Over the past year costs rose ten per cent."),
    ("You should drink plenty of water every day.", "It is important to stay hydrated."),
    ("The children are playing football in the park.", "Kids kick a ball around in the park."),
    ("How do I reset my password?", "I forgot my password and need a new one."),
    ("The train was delayed because of snow.", "Snow made the train late."),
    ("She was awarded the Nobel Prize in chemistry.", "She won the chemistry Nobel."),
    ("Plants use sunlight to make their food.", "Photosynthesis converts light into chemical energy."),
    ("The company fired hundreds of workers.", "Hundreds of employees were laid off by the firm."),
    ("Let the dough rise for an hour.", "Leave the dough to rest for sixty minutes."),
    ("He apologized for being late.", "He said sorry that he hadn't come on time."),
    ("The volcano erupted last night.", "There was a volcanic eruption during the night."),
    ("A dog runs through shallow water.", "A wet dog splashes in the waves."),
    ("The function calls itself until it reaches the base case.", "recursion"),
    ("Interest rates were raised by the central bank.", "central bank rate rise"),
    ("Two women are talking in a cafe.", "women in a coffee shop"),
    ("A surfer rides a big wave.", "surfing"),
    ("The castle was built in the twelfth century.", "medieval castle"),
    ("Turn off the water before you repair the pipe.", "fixing a leaking pipe"),
]
RELATED = [
    ("A man is riding a horse along the beach.", "A woman walks her dog on the beach."),
    ("The meeting has been moved to Friday.", "The meeting room has a new projector."),
    ("Prices went up by ten percent last year.", "The company lowered its prices."),
    ("You should drink plenty of water every day.", "The water in this lake is very cold."),
    ("The children are playing football in the park.", "The stadium was sold out for the match."),
    ("How do I reset my password?", "All passwords are stored in encrypted form."),
    ("The train was delayed because of snow.", "Our train journey through the Alps was lovely."),
    ("She was awarded the Nobel Prize in chemistry.", "He teaches chemistry at a school."),
    ("Plants use sunlight to make their food.", "Water the plants in the garden twice a week."),
    ("The company fired hundreds of workers.", "The factory workers wear helmets."),
    ("Let the dough rise for an hour.", "Spread the tomato sauce on the pizza."),
    ("He apologized for being late.", "He arrived early at the airport."),
    ("The volcano erupted last night.", "We hiked up to the rim of the crater."),
    ("A dog runs through shallow water.", "A cat sleeps on a chair."),
    ("The function calls itself until it reaches the base case.", "loops in python"),
    ("Interest rates were raised by the central bank.", "opening a bank account"),
    ("Two women are talking in a cafe.", "a woman on the phone"),
    ("A surfer rides a big wave.", "sailing boat"),
    ("The castle was built in the twelfth century.", "modern architecture"),
    ("Turn off the water before you repair the pipe.", "swimming pool"),
]
UNRELATED = [
    ("A man is riding a horse along the beach.", "The central bank raised interest rates."),
    ("The meeting has been moved to Friday.", "A frog sits on a lily pad."),
    ("Prices went up by ten percent last year.", "She plays the cello in a quartet."),
    ("You should drink plenty of water every day.", "The suspect fled in a black van."),
    ("The children are playing football in the park.", "The enzyme binds to the substrate."),
    ("How do I reset my password?", "Snow covers the mountain tops."),
    ("The train was delayed because of snow.", "Mix the butter with the sugar."),
    ("She was awarded the Nobel Prize in chemistry.", "My tyre is flat."),
    ("Plants use sunlight to make their food.", "The jury found him guilty."),
    ("The company fired hundreds of workers.", "A kitten plays with a ball of wool."),
    ("Let the dough rise for an hour.", "The rocket reached orbit after nine minutes."),
    ("He apologized for being late.", "Copper conducts electricity well."),
    ("The volcano erupted last night.", "Our software supports dark mode."),
    ("A dog runs through shallow water.", "The treaty ended the war."),
    ("The function calls itself until it reaches the base case.", "wedding dress"),
    ("Interest rates were raised by the central bank.", "snowboarding"),
    ("Two women are talking in a cafe.", "tax law"),
    ("A surfer rides a big wave.", "kidney disease"),
    ("The castle was built in the twelfth century.", "machine learning"),
    ("Turn off the water before you repair the pipe.", "opera singer"),
]
OTHER_LANGUAGES = [
    ("Ein Hund läuft über die Wiese.", "Die Zentralbank hat die Zinsen erhöht."),
    ("El perro corre por la playa.", "La reunión se ha aplazado al viernes."),
    ("Le chat dort sur le canapé.", "Les prix ont augmenté cette année."),
    ("собака бежит по пляжу", "цены выросли в этом году"),
    ("犬が浜辺を走る", "会議は金曜日に変更された"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = built_pack(tmp_path_factory.mktemp("models"))
    with serving(folder, tmp_path_factory.mktemp("triton")) as (found, _):
        yield folder, found


@pytest.fixture
def stages(address: tuple[Path, str], objects: StoreSettings) -> Iterator[tuple[Embedding, TextSteps]]:
    settings = EmbeddingSettings(models=address[0])
    with Sandbox(1, OPENING_BYTES, within=[]) as sandbox:
        yield build(settings, TritonSettings(address=address[1]), objects, sandbox)


def scores(stage: Embedding, pairs: list[tuple[str, str]]) -> np.ndarray:
    """Of each pair, the first text as query and the second as passage, then the other way round."""
    first, second = (stage.embed_sentences([pair[side] for pair in pairs]) for side in (0, 1))
    cosines = (first.vectors * second.vectors).sum(1)
    found = np.array([1 / (1 + np.exp(-(cosines - q.middles) / q.spreads)) for q in (first, second)])
    for pair, cosine, both in zip(pairs, cosines, found.T, strict=True):
        print(f"{cosine:6.2f} {both[0]:6.3f} {both[1]:6.3f}  {pair[0]} | {pair[1]}")
    return found.ravel()


def test_paraphrases_score_above_one_half(stages: tuple[Embedding, TextSteps]) -> None:
    found = scores(stages[0], PARAPHRASES)
    # "recursion" for a sentence that explains it without the word is beyond the model.
    assert (found > 0.5).sum() >= 38
    assert np.median(found) > 0.9


def test_texts_of_one_subject_that_say_other_things_score_between(stages: tuple[Embedding, TextSteps]) -> None:
    found = scores(stages[0], RELATED)
    assert found.mean() < 0.35
    assert np.percentile(found, 75) < 0.5


@pytest.mark.parametrize("pairs", [UNRELATED, OTHER_LANGUAGES], ids=["English", "other languages"])
def test_unrelated_texts_score_below_a_tenth(stages: tuple[Embedding, TextSteps], pairs: list[tuple[str, str]]) -> None:
    assert scores(stages[0], pairs).max() < 0.1


def test_a_passage_is_found_by_what_it_says(stages: tuple[Embedding, TextSteps], objects: StoreSettings) -> None:
    stage, steps = stages
    artifacts = connect(objects)
    sentences = [Sentence(TimeRange(i * SECOND, (i + 1) * SECOND), text) for i, (text, _) in enumerate(PARAPHRASES)]
    track = TranscriptTrack("en", Source.SUBTITLE_FILE, sentences=tuple(sentences))
    artifacts.save(f"{VIDEO}/t.pb", Transcript((track,)))
    artifacts.save(f"{VIDEO}/o.pb", OnScreenText())
    artifacts.save(f"{VIDEO}/c.pb", Captions())
    inputs = {"transcript": (f"{VIDEO}/t.pb",), "on_screen_text": (f"{VIDEO}/o.pb",), "captions": (f"{VIDEO}/c.pb",)}
    outputs = steps.text(Job(VIDEO, "embedding.text", inputs=inputs), no_progress)
    passages = artifacts.load(outputs.artifacts["passages"], Passages).passages
    vectors, space = from_npz(artifacts.objects.get(outputs.artifacts["passage_vectors"]))
    queries = stage.embed_sentences([query for _, query in PARAPHRASES])
    assert queries.space == space != stage.space
    np.testing.assert_allclose(vectors, stage.embed_sentences([p.text for p in passages]).vectors, atol=1e-5)
    best = [passages[i].text for i in (queries.vectors @ vectors.T).argmax(1)]
    assert best == [text for text, _ in PARAPHRASES]
