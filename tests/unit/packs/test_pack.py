"""The pack file: what is accepted, what is refused, and what its digest covers."""

import re
from pathlib import Path

import pytest

from services.core import errors
from services.packs import pack, source
from services.packs.extras import class_names
from services.packs.sentences import load as load_sentences

BUILTIN = Path(__file__).parents[3] / "deploy/models/builtin.toml"


def test_builtin_is_valid_and_shares_one_space() -> None:
    builtin = pack.load(BUILTIN)
    assert builtin.visual_encoder.dimension == builtin.text_encoder.dimension
    assert {builtin.visual_encoder.source.licence, builtin.text_encoder.source.licence} == {"Apache-2.0"}


def test_builtin_has_sentences_for_every_imagenet_class() -> None:
    classes = load_sentences(BUILTIN.parent / pack.load(BUILTIN).visual_encoder.sentences)
    assert len(classes) == 1000
    # Landmarks of the order of ILSVRC 2012: a line lost anywhere would shift one of them.
    for index, name in {0: "tench", 207: "golden retriever", 398: "abacus", 842: "swimming trunks", 970: "alp"}.items():
        assert classes[index][0] == name


def test_builtin_names_every_class_in_the_order_of_its_sentences() -> None:
    builtin = pack.load(BUILTIN)
    names = class_names(BUILTIN.parent / builtin.visual_encoder.classes)
    spoken = [said[0] for said in load_sentences(BUILTIN.parent / builtin.visual_encoder.sentences)]
    assert len(set(names)) == len(names) == len(spoken)
    # A name shares a word with what stands before its sentences, which tells the class by other words here and there.
    renamed = {i: name for i, name in enumerate(names) if not set(name.lower().split()) & set(words(spoken[i]))}
    assert renamed == {
        27: "young newt",
        97: "male duck",
        154: "Pekingese dog",
        155: "Shih Tzu dog",
        255: "Leonberger dog",
        836: "pair of dark glasses",
        856: "threshing machine",
        884: "vaulted ceiling",
        906: "necktie",
        970: "mountain",
        981: "baseball player",
        982: "bridegroom",
    }


def words(text: str) -> list[str]:
    return text.lower().replace(",", " ").split()


def test_builtin_class_names_follow_an_article() -> None:
    names = class_names(BUILTIN.parent / pack.load(BUILTIN).visual_encoder.classes)
    for name in names:
        assert re.fullmatch(r"[A-Za-z][A-Za-z' -]*", name)
        assert not name.startswith(("a ", "an ", "the "))


def test_one_model_serves_both_spaces_of_texts_when_their_source_is_one() -> None:
    builtin = pack.load(BUILTIN)
    assert builtin.one_text_model
    other = builtin.sentence_encoder.source.model_copy(update={"version": "9"})
    changed = builtin.sentence_encoder.model_copy(update={"source": other})
    assert not builtin.model_copy(update={"sentence_encoder": changed}).one_text_model


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("width = 384", "width = 385", "visual_encoder.width"),
        ('technology = "minilm"', 'technology = "other"', "text_encoder.technology"),
        ('sha256 = "5', 'sha256 = "x', "visual_encoder.source.weights.sha256"),
        ("temperature = ", "temperatur = ", "visual_encoder.temperature"),
        ("max_batch_size = 64", "max_batch_size = 4", "serving"),
        ('technology = "pocketsphinx"', 'technology = "faster_whisper"', "speech"),
        ('language = "en-US"', 'language = "English"', "speech.language"),
        ('technology = "classes"', 'technology = "triton"', "captioner"),
        ('technology = "classes"', 'technology = "classes"\nheight = 32', "captioner"),
        ('classes = "imagenet_classes.txt"', "", "pack"),
    ],
    ids=[
        "size not a multiple of 32",
        "unknown technology",
        "not a digest",
        "unknown key",
        "preferred above maximum",
        "no folder of the speech model",
        "not a language tag",
        "no captioning model",
        "tensors of no captioning model",
        "captions of classes without names",
    ],
)
def test_refuses_and_names_the_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    file = tmp_path / "pack.toml"
    file.write_text(BUILTIN.read_text().replace(old, new, 1))
    with pytest.raises(errors.InvalidInput) as refused:
        pack.load(file)
    assert field in refused.value.fields


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound):
        pack.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name =")
    with pytest.raises(errors.InvalidInput, match="not TOML"):
        pack.load(tmp_path / "bad.toml")


def test_digest_separates_its_parts() -> None:
    assert pack.digest("ab", "c") != pack.digest("a", "bc")
    assert pack.digest(b"ab") == pack.digest("ab")


def test_wrong_weights_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"not these")
    with pytest.raises(errors.ChecksumMismatch) as refused:
        source.verify(file, "0" * 64)
    assert all(part in str(refused.value) for part in (str(file), "expected " + "0" * 64, "found "))


def test_missing_distribution_says_what_to_install() -> None:
    wanted = pack.Source(
        distribution="no-such-weights",
        version="1.2",
        licence="MIT",
        weights=pack.File(path="a.bin", sha256="0" * 64),
    )
    with pytest.raises(errors.NotFound, match=r"pip install no-such-weights==1\.2"):
        source.locate(wanted, wanted.weights)


def test_empty_sentence_is_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("# comment\na | b\nc | | d\n")
    with pytest.raises(errors.InvalidInput, match=r"s\.txt:3"):
        load_sentences(tmp_path / "s.txt")
