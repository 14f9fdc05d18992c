"""A gateway in memory behind the real API: keeps uploads and videos, and breaks where a test tells it to."""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1 import video_index_service_pb2_grpc as rpc
from vidx.media.v1 import chapters_pb2, media_pb2, text_pb2
from vidx.search.v1 import search_service_pb2 as search_pb

from services.core import errors as e
from services.runtime.grpc_server import Server, create_server
from services.runtime.settings import ServerSettings

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["VideoIndexService"]


@dataclass
class FakeGateway(rpc.VideoIndexServiceServicer):
    """`broken_uploads`: after how many bytes each of the next streams breaks. `fails`: titles that become FAILED.

    `lacks`: titles that become READY without a track. `fault`: why no language model wrote what is asked for.
    """

    broken_uploads: list[int] = field(default_factory=list)
    broken_watches: int = 0
    fails: dict[str, str] = field(default_factory=dict)
    collections: dict[str, list[str]] = field(default_factory=dict)
    videos: dict[str, pb.Video] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    headers: list[pb.UploadHeader] = field(default_factory=list)
    imports: list[pb.ImportVideoRequest] = field(default_factory=list)
    searches: list[pb.SearchRequest] = field(default_factory=list)
    changes: list[pb.UpdateTranscriptRequest] = field(default_factory=list)
    lists: list[pb.ListChaptersRequest] = field(default_factory=list)
    edits: list[pb.UpdateChaptersRequest] = field(default_factory=list)
    summaries: list[pb.GetSummaryRequest | pb.SummarizeRequest] = field(default_factory=list)
    questions: list[pb.AskRequest] = field(default_factory=list)
    skims: list[pb.GetSkimRequest | pb.ExportSkimRequest] = field(default_factory=list)
    film: list[bytes] = field(default_factory=lambda: [b"a film ", b"in two parts"])
    film_breaks: bool = False
    file_names: frozenset[str] = frozenset()
    """Titles of chapters that the video's file names."""
    highlights: list[pb.GetHighlightsRequest] = field(default_factory=list)
    fault: media_pb2.Fault | None = None
    lacks: dict[str, pb.MissingTrack] = field(default_factory=dict)
    slow: dict[str, threading.Event] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self) -> Server:
        """A real server on a free port."""
        settings = ServerSettings(address="127.0.0.1:0", drain_s=0.0)
        return create_server(
            settings, [(DESCRIPTOR, lambda server: rpc.add_VideoIndexServiceServicer_to_server(self, server))]
        )

    def add(self, title: str, collection: str = "default", state: int = pb.Video.READY, size: int = 1) -> pb.Video:
        """A video that is there."""
        with self.lock:
            self.collections.setdefault(collection, [])
            name = f"collections/{collection}/videos/v{len(self.videos)}"
            video = pb.Video(name=name, title=title, state=state, size_bytes=size, duration=Duration(seconds=4))
            video.stages.add(stage="decoding", state=pb.Stage.RUNNING, done=1, total=2, progress=0.5)
            self.videos[name] = video
        return video

    def CreateCollection(self, request, context):  # noqa: N802
        if request.collection_id in self.collections:
            raise e.AlreadyExists("it is there")
        self.collections[request.collection_id] = list(request.shot_labels)
        return self._collection(request.collection_id)

    def GetCollection(self, request, context):  # noqa: N802
        return self._collection(request.name.split("/")[1])

    def UpdateCollection(self, request, context):  # noqa: N802
        assert list(request.update_mask.paths) == ["shot_labels"]
        collection = request.collection.name.split("/")[1]
        self._collection(collection)
        self.collections[collection] = list(request.collection.shot_labels)
        return self._collection(collection)

    def ListCollections(self, request, context):  # noqa: N802
        return pb.ListCollectionsResponse(collections=map(self._collection, self.collections))

    def DeleteCollection(self, request, context):  # noqa: N802
        if not request.force:
            raise e.Conflict("it holds videos; use force")
        return pb.DeleteCollectionResponse(removed=pb.Removed(videos=2, objects=3, bytes=4, rows=5))

    def GetUpload(self, request, context):  # noqa: N802
        if request.request_id in self.finished:
            return pb.Upload(video=self.finished[request.request_id])
        if request.request_id not in self.uploads:
            raise e.NotFound("no such upload")
        return pb.Upload(offset=len(self.uploads[request.request_id]))

    def UploadVideo(self, requests: Iterator[pb.UploadVideoRequest], context):  # noqa: N802
        header = next(requests).header
        with self.lock:
            self.headers.append(header)
            limit = self.broken_uploads.pop(0) if self.broken_uploads else None
        kept = self.uploads.get(header.request_id, b"")
        if limit == 0:
            raise e.Unavailable("the store is away")
        # A stream that was cut may still be read while the next one goes on from what it had kept.
        assert header.offset <= len(kept)
        kept = kept[: header.offset]
        for request in requests:
            kept += request.chunk
            with self.lock:
                if len(kept) > len(self.uploads.get(header.request_id, b"")):
                    self.uploads[header.request_id] = kept
            if limit is not None and len(kept) >= limit:
                raise e.Unavailable("the store is away")
        if hashlib.sha256(kept).hexdigest() != header.sha256 or len(kept) != header.size_bytes:
            raise e.ChecksumMismatch("other bytes")
        collection = header.parent.split("/")[1]
        video = self.add(header.spec.title or header.file_name, collection, pb.Video.PROCESSING, len(kept))
        self.finished[header.request_id] = video.name
        return video

    def ImportVideo(self, request, context):  # noqa: N802
        self.imports.append(request)
        return self.add(request.uri, request.parent.split("/")[1], pb.Video.PROCESSING)

    def GetVideo(self, request, context):  # noqa: N802
        return self._video(request.name)

    def ListVideos(self, request, context):  # noqa: N802
        found = [v for v in self.videos.values() if request.state in (0, v.state)]
        at = int(request.page_token or 0)
        more = str(at + 2) if at + 2 < len(found) else ""
        return pb.ListVideosResponse(videos=found[at : at + 2], next_page_token=more)

    def WatchVideo(self, request, context):  # noqa: N802
        video = self._video(request.name)
        yield video
        with self.lock:
            self.broken_watches -= 1
            if self.broken_watches >= 0:
                raise e.Unavailable("the catalog is away")
        if video.title in self.fails:
            video.state = pb.Video.FAILED
            video.error.CopyFrom(
                pb.StageError(stage="decoding", reason="NO_VIDEO_STREAM", message=self.fails[video.title])
            )
        elif video.state == pb.Video.PROCESSING:
            video.state = pb.Video.READY
            if video.title in self.lacks:
                video.missing_tracks.append(self.lacks[video.title])
        yield video

    def RetryVideo(self, request, context):  # noqa: N802
        video = self._video(request.name)
        if video.state == pb.Video.READY and not request.stage:
            raise e.Conflict("it is READY; name a stage")
        return pb.Video(name=video.name, state=pb.Video.PROCESSING)

    def CancelVideo(self, request, context):  # noqa: N802
        return pb.Video(name=self._video(request.name).name, state=pb.Video.CANCELLED)

    def DeleteVideo(self, request, context):  # noqa: N802
        self._video(request.name)
        del self.videos[request.name]
        return pb.DeleteVideoResponse(removed=pb.Removed(videos=1, objects=7, bytes=8, rows=9))

    def Search(self, request, context):  # noqa: N802
        with self.lock:
            self.searches.append(request)
        if request.query in self.slow:
            assert self.slow[request.query].wait(120)
        if not request.query:
            raise e.InvalidInput("the query is empty", fields={"query": "1 to 10,000 characters"})
        at = int(request.page_token or 0)
        count = min(request.page_size, 250 - at)
        moments = [self._moment(request, at + i) for i in range(count)]
        facets = [search_pb.Facet(label="a tree", count=3)] if request.with_facets else []
        token = str(at + count) if at + count < 250 else ""
        return pb.SearchResponse(moments=moments, next_page_token=token, facets=facets)

    def GetTranscript(self, request, context):  # noqa: N802
        if request.language == "fr":
            raise e.NotFound("no transcript in 'fr'")
        if request.name.endswith("/silent"):
            return pb.GetTranscriptResponse()
        at = int(request.page_token or 0)
        found = [
            pb.TranscriptSegment(
                range=_range(i, i + 1),
                text=f"cue {i}\nline 2",
                language="en",
                source=text_pb2.TranscriptTrack.SUBTITLE_STREAM,
                confidence=1,
            )
            for i in range(at, at + 2)
        ]
        token = str(at + 2) if at < 4 else ""
        return pb.GetTranscriptResponse(segments=found, next_page_token=token, languages=["en", "de"])

    def ExportTranscript(self, request, context):  # noqa: N802
        return pb.ExportTranscriptResponse(content=f"format {request.format} of {request.language}\n".encode())

    def UpdateTranscript(self, request, context):  # noqa: N802
        self.changes.append(request)
        if b"rubbish" in request.file.content:
            raise e.InvalidInput("line 1: rubbish")
        video = self._video(request.name)
        video.state = pb.Video.PROCESSING
        return video

    def ListChapters(self, request, context):  # noqa: N802
        self.lists.append(request)
        titles = list(request.titles) or [f"part {i}" for i in range(request.count)] or ["Opening", "The end"]
        found = pb.ListChaptersResponse(writer="builtin", fault=self.fault)
        for i, title in enumerate(titles):
            locked = title == "The end"
            found.chapters.add(name=f"{request.parent}/chapters/c{i}000", range=_range(i, i + 1), title=title)
            found.chapters[i].locked = locked
            if title in self.file_names:
                found.chapters[i].title_source = chapters_pb2.Chapter.FILE
        return found

    def UpdateChapters(self, request, context):  # noqa: N802
        self.edits.append(request)
        if b"rubbish" in request.file.content:
            raise e.InvalidInput("the file of chapters: line 1: rubbish")
        video = self._video(request.parent)
        video.state = pb.Video.PROCESSING
        return video

    def ExportChapters(self, request, context):  # noqa: N802
        return pb.ExportChaptersResponse(content=f"{request.format} of Öl\n".encode(), ending="x")

    def GetSummary(self, request, context):  # noqa: N802
        self.summaries.append(request)
        if "/videos/new" in request.name:
            raise e.Conflict("it is not there yet")
        return self._summary(request)

    def Summarize(self, request, context):  # noqa: N802
        self.summaries.append(request)
        yield pb.SummarizeResponse(making=chapters_pb2.Making(done=1, total=2))
        if request.focus == "nonsense":
            raise e.Conflict("it is not there yet")
        if request.focus != "silence":
            yield pb.SummarizeResponse(summary=self._summary(request, list(request.videos)))

    def _summary(self, request, videos: Sequence[str] = ()) -> chapters_pb2.Summary:
        """A sentence, of several videos one of each."""
        found = chapters_pb2.Summary(length=request.length, fault=self.fault, videos=videos)
        if "/videos/none" not in request.name:
            for video in videos or ("",):
                found.sentences.add(text="A boat comes.", ranges=[_range(1, 2), _range(3, 4)], video=video)
        return found

    def GetHighlights(self, request, context):  # noqa: N802
        """A curve of eight steps that rises, and one moment; nothing of "nothing"."""
        self.highlights.append(request)
        if request.query == "nothing":
            return chapters_pb2.Highlights(step=Duration(seconds=1), saliency=[0.0] * 4)
        best = chapters_pb2.Highlight(range=_range(5, 8), peak=Duration(seconds=7, nanos=500_000_000), score=0.875)
        curve = [i / 8 for i in range(8)]
        return chapters_pb2.Highlights(step=Duration(seconds=1), saliency=curve, highlights=[best])

    def GetSkim(self, request, context):  # noqa: N802
        self.skims.append(request)
        return self._skim(request)

    def ExportSkim(self, request, context):  # noqa: N802
        self.skims.append(request)
        yield pb.ExportSkimResponse(skim=self._skim(request.skim))
        for chunk in self.film:
            yield pb.ExportSkimResponse(chunk=chunk)
            if self.film_breaks:
                raise e.BadMedia("the file is damaged")

    def _skim(self, request) -> chapters_pb2.Skim:
        if request.length.seconds > 3600:
            raise e.InvalidInput("length: 1 s to 3600 s")
        return chapters_pb2.Skim(ranges=[_range(1, 2), _range(5, 8)], length=Duration(seconds=4))

    def Ask(self, request, context):  # noqa: N802
        self.questions.append(request)
        answer = chapters_pb2.Answer(writer="builtin", fault=self.fault)
        if request.question != "nothing":
            one = answer.sentences.add(text="At nine.")
            for video, start in (("v0", 1), ("v0", 5), ("gone", 2)):
                name = f"collections/default/videos/{video}"
                one.citations.add(video=name, range=_range(start, start + 1), text="The boat comes at nine.")
        return answer

    def ListCaptions(self, request, context):  # noqa: N802
        if request.parent.endswith("/none"):
            return pb.ListCaptionsResponse()
        if request.page_token:
            seen = pb.ShotDescription(shot=2, range=_range(2, 3))
            seen.labels.add(shot=2, label="a tree", score=0.75)
            return pb.ListCaptionsResponse(descriptions=[seen])
        seen = pb.ShotDescription(shot=0, range=_range(0, 1))
        seen.caption.brief, seen.caption.detailed, seen.caption.confidence = "A cat.", "It sleeps.", 0.5
        return pb.ListCaptionsResponse(descriptions=[seen], next_page_token="more")

    def ListOnScreenText(self, request, context):  # noqa: N802
        readings = [text_pb2.Reading(range=_range(1, 4), text="EXIT\nthis way", confidence=0.9)]
        return pb.ListOnScreenTextResponse(readings=[] if request.parent.endswith("/none") else readings)

    def ListShots(self, request, context):  # noqa: N802
        at = int(request.page_token or 0)
        shots = [
            media_pb2.Shot(
                index=i,
                range=media_pb2.TimeRange(start=Duration(seconds=i), end=Duration(seconds=i + 1)),
                transition=media_pb2.Shot.CUT,
            )
            for i in range(at, at + 2)
        ]
        return pb.ListShotsResponse(shots=shots, next_page_token=str(at + 2) if at < 4 else "")

    def GetFrame(self, request, context):  # noqa: N802
        return pb.GetFrameResponse(
            jpeg=b"\xff\xd8" + json.dumps(request.time.ToJsonString()).encode(), time=request.time
        )

    def _collection(self, collection: str) -> pb.Collection:
        if collection not in self.collections:
            raise e.NotFound(f"no collections/{collection}")
        return pb.Collection(name=f"collections/{collection}", shot_labels=self.collections[collection])

    def _video(self, name: str) -> pb.Video:
        if name not in self.videos:
            raise e.NotFound(f"no video {name}")
        return self.videos[name]

    @staticmethod
    def _moment(request: pb.SearchRequest, index: int) -> search_pb.Moment:
        moment = search_pb.Moment(video=f"collections/default/videos/{request.query[:20]}", score=1 - index / 1000)
        moment.range.end.seconds = index + 1
        if request.query == "said":
            text = "What was said,\nat length. " * 9
            moment.evidence.add(track=text_pb2.SPEECH, range=moment.range, text=text, share=1)
            return moment
        moment.evidence.add(track=text_pb2.VISUAL, frame_time=Duration(seconds=index), share=1)
        return moment


def _range(start: int, end: int) -> media_pb2.TimeRange:
    return media_pb2.TimeRange(start=Duration(seconds=start), end=Duration(seconds=end))
