"""Between the nouns of `core.text` and the messages of `vidx.media.v1`."""

from collections.abc import Callable
from typing import Any

from vidx.media.v1 import text_pb2 as pb

from services.core import text
from services.runtime.media_proto import range_from, range_to

TRACKS = {
    text.Track.VISUAL: pb.VISUAL,
    text.Track.SPEECH: pb.SPEECH,
    text.Track.ON_SCREEN_TEXT: pb.ON_SCREEN_TEXT,
    text.Track.CAPTION: pb.CAPTION,
    text.Track.TITLE: pb.TITLE,
}
FROM_TRACK = {value: key for key, value in TRACKS.items()}
SOURCES = {
    text.Source.EDITED: pb.TranscriptTrack.EDITED,
    text.Source.SUBTITLE_FILE: pb.TranscriptTrack.SUBTITLE_FILE,
    text.Source.SUBTITLE_STREAM: pb.TranscriptTrack.SUBTITLE_STREAM,
    text.Source.RECOGNIZED: pb.TranscriptTrack.RECOGNIZED,
}
FROM_SOURCE = {value: key for key, value in SOURCES.items()}


def word_to(w: text.Word) -> pb.Word:
    return pb.Word(range=range_to(w.range), text=w.text, confidence=w.confidence)


def word_from(w: pb.Word) -> text.Word:
    return text.Word(range_from(w.range), w.text, w.confidence)


def cue_to(c: text.Cue) -> pb.Cue:
    words = [word_to(w) for w in c.words]
    return pb.Cue(range=range_to(c.range), text=c.text, confidence=c.confidence, words=words)


def cue_from(c: pb.Cue) -> text.Cue:
    return text.Cue(range_from(c.range), c.text, c.confidence, tuple(word_from(w) for w in c.words))


def track_to(t: text.TranscriptTrack) -> pb.TranscriptTrack:
    return pb.TranscriptTrack(
        language=t.language,
        source=SOURCES[t.source],
        title=t.title,
        cues=[cue_to(c) for c in t.cues],
        sentences=[pb.Sentence(range=range_to(s.range), text=s.text, confidence=s.confidence) for s in t.sentences],
    )


def track_from(t: pb.TranscriptTrack) -> text.TranscriptTrack:
    return text.TranscriptTrack(
        language=t.language,
        source=FROM_SOURCE[t.source],
        title=t.title,
        cues=tuple(cue_from(c) for c in t.cues),
        sentences=tuple(text.Sentence(range_from(s.range), s.text, s.confidence) for s in t.sentences),
    )


def transcript_to(t: text.Transcript) -> pb.Transcript:
    return pb.Transcript(tracks=[track_to(track) for track in t.tracks])


def transcript_from(t: pb.Transcript) -> text.Transcript:
    return text.Transcript(tuple(track_from(track) for track in t.tracks))


def line_to(line: text.TextLine) -> pb.TextLine:
    b = line.box
    box = pb.Box(left=b.left, top=b.top, right=b.right, bottom=b.bottom)
    return pb.TextLine(text=line.text, box=box, confidence=line.confidence)


def line_from(line: pb.TextLine) -> text.TextLine:
    b = line.box
    return text.TextLine(line.text, text.Box(b.left, b.top, b.right, b.bottom), line.confidence)


def reading_to(r: text.Reading) -> pb.Reading:
    lines = [line_to(line) for line in r.lines]
    return pb.Reading(range=range_to(r.range), text=r.text, confidence=r.confidence, lines=lines)


def reading_from(r: pb.Reading) -> text.Reading:
    return text.Reading(range_from(r.range), r.text, r.confidence, tuple(line_from(line) for line in r.lines))


def on_screen_text_to(o: text.OnScreenText) -> pb.OnScreenText:
    return pb.OnScreenText(readings=[reading_to(r) for r in o.readings])


def on_screen_text_from(o: pb.OnScreenText) -> text.OnScreenText:
    return text.OnScreenText(tuple(reading_from(r) for r in o.readings))


def caption_to(c: text.Caption) -> pb.Caption:
    return pb.Caption(
        shot=c.shot,
        range=range_to(c.range),
        brief=c.brief,
        detailed=c.detailed,
        confidence=c.confidence,
        agreement=c.agreement,
        model=c.model,
    )


def caption_from(c: pb.Caption) -> text.Caption:
    return text.Caption(c.shot, range_from(c.range), c.brief, c.detailed, c.confidence, c.agreement, c.model)


def captions_to(c: text.Captions) -> pb.Captions:
    return pb.Captions(captions=[caption_to(one) for one in c.captions])


def captions_from(c: pb.Captions) -> text.Captions:
    return text.Captions(tuple(caption_from(one) for one in c.captions))


def label_to(label: text.ShotLabel) -> pb.ShotLabel:
    return pb.ShotLabel(shot=label.shot, label=label.label, score=label.score)


def shot_labels_to(s: text.ShotLabels) -> pb.ShotLabels:
    return pb.ShotLabels(labels=[label_to(label) for label in s.labels])


def shot_labels_from(s: pb.ShotLabels) -> text.ShotLabels:
    return text.ShotLabels(tuple(text.ShotLabel(one.shot, one.label, one.score) for one in s.labels))


def passage_to(p: text.Passage) -> pb.Passage:
    return pb.Passage(
        track=TRACKS[p.track],
        range=range_to(p.range),
        text=p.text,
        language=p.language,
        confidence=p.confidence,
    )


def passage_from(p: pb.Passage) -> text.Passage:
    return text.Passage(FROM_TRACK[p.track], range_from(p.range), p.text, p.language, p.confidence)


def passages_to(p: text.Passages) -> pb.Passages:
    return pb.Passages(passages=[passage_to(one) for one in p.passages])


def passages_from(p: pb.Passages) -> text.Passages:
    return text.Passages(tuple(passage_from(one) for one in p.passages))


CODECS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any], type[Any]]] = {
    text.Transcript: (transcript_to, transcript_from, pb.Transcript),
    text.OnScreenText: (on_screen_text_to, on_screen_text_from, pb.OnScreenText),
    text.Captions: (captions_to, captions_from, pb.Captions),
    text.ShotLabels: (shot_labels_to, shot_labels_from, pb.ShotLabels),
    text.Passages: (passages_to, passages_from, pb.Passages),
}
"""Noun -> (to message, from message, message class)."""
