"""Webhooks: what happens to videos is told to a real web server, signed, again and again until it is taken."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import sqlalchemy as sa
import structlog
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from vidx.gateway.v1 import video_index_service_pb2 as video_pb
from vidx.gateway.v1 import webhook_service_pb2 as pb
from vidx.gateway.v1.webhook_service_pb2_grpc import WebhookServiceStub

from services.catalog.models import Delivery
from services.core.errors import Denied, InvalidInput, NotFound
from services.core.times import SECOND
from services.pipeline import ledger, sending
from services.pipeline.sending import PAUSES_S, Sender, WebhookSettings, check
from services.runtime.queue import Report
from tests.fakes.house import House
from tests.fakes.public_api import HERE, refused, serving, upload
from tests.servers.hooks import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        found.hooks = WebhookServiceStub(found.channel)
        found.sender = Sender(house.database, HERE)
        yield found
        found.sender.close()


@contextmanager
def dripping() -> Iterator[tuple[str, threading.Event]]:
    """A server that answers for ever, a byte at a time; its address, and whether it was hung up on."""
    over, cut = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not over.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                cut.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                answer(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", cut
        over.set()
        thread.join(30)


def create(gateway, url: str, *events: str) -> tuple[str, Verifier]:
    request = pb.CreateWebhookRequest(parent="collections/c", webhook=pb.Webhook(url=url, events=events))
    made = gateway.hooks.CreateWebhook(request, timeout=60)
    return made.webhook.name, Verifier(made.secret)


def deliveries(gateway, name: str, **asked) -> list[pb.Delivery]:
    return list(gateway.hooks.ListDeliveries(pb.ListDeliveriesRequest(parent=name, **asked), timeout=60).deliveries)


def fail(house: House, video: str) -> None:
    """A video whose file is none."""
    house.add(video)
    report = Report(house.queue.messages.popleft(), "failed", "w", reason="DECODE_ERROR", message="no video stream")
    house.pipeline.report(report)


def come_again(house: House) -> None:
    """The pause of whatever waits is over."""
    with house.database.write() as session:
        session.execute(sa.update(Delivery).values(not_before=0))


def test_ready_failed_and_deleted_are_told_signed_as_the_standard_says(gateway, receiver) -> None:
    house = gateway.house
    name, verifier = create(gateway, f"{receiver.url}/hook?a=1")
    ready = house.add("v")
    house.work()
    fail(house, "w")
    gateway.stub.DeleteVideo(video_pb.DeleteVideoRequest(name=str(ready)), timeout=60)
    assert gateway.sender.look() == 3
    told = []
    for path, headers, body in receiver.got:
        assert path == "/hook?a=1"
        verifier.verify(body, headers)
        message = json.loads(body)
        told.append((message["type"], message["data"]))
    error = {"stage": "decoding", "reason": "DECODE_ERROR", "message": "no video stream"}
    assert sorted(told, key=lambda one: one[0]) == [
        ("video.deleted", {"video": str(ready)}),
        ("video.failed", {"video": "collections/c/videos/w", "error": error}),
        ("video.ready", {"video": str(ready)}),
    ]
    _, headers, body = receiver.got[0]
    for forged in (body + b" ", body.replace(b"videos/", b"videos/x")):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(forged, headers)
    found = deliveries(gateway, name)
    assert [(d.state, d.tries, d.status) for d in found] == [(pb.Delivery.DELIVERED, 1, 204)] * 3
    assert gateway.sender.look() == 0


def test_only_the_events_that_are_wanted_are_told(gateway, receiver) -> None:
    name, _ = create(gateway, receiver.url, "video.failed")
    gateway.house.add("v")
    gateway.house.work()
    assert deliveries(gateway, name) == []


def test_a_refused_message_is_sent_again_with_growing_pauses_given_up_listed_and_redelivered(gateway, receiver) -> None:
    name, verifier = create(gateway, receiver.url, "video.failed")
    tries = len(PAUSES_S) + 1
    receiver.answers = [500, 302, *[503] * (tries - 2)]
    fail(gateway.house, "v")
    for n in range(tries):
        before = ledger.now()
        assert gateway.sender.look() == 1
        (found,) = deliveries(gateway, name)
        assert found.tries == n + 1
        if n < len(PAUSES_S):
            assert found.state == pb.Delivery.WAITING
            pause = (found.next_time.ToNanoseconds() - before) / SECOND
            assert PAUSES_S[n] <= pause < PAUSES_S[n] + 60
            assert gateway.sender.look() == 0  # not before its time
            come_again(gateway.house)
    (failed,) = deliveries(gateway, name, state=pb.Delivery.FAILED)
    assert (failed.status, failed.error) == (503, "answered 503")
    assert [path for path, _, _ in receiver.got] == ["/"] * tries  # the redirect was not followed
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    gateway.hooks.RedeliverDelivery(pb.RedeliverDeliveryRequest(name=failed.name), timeout=60)
    assert gateway.sender.look() == 1
    _, headers, body = receiver.got[-1]
    verifier.verify(body, headers)
    assert [d.state for d in deliveries(gateway, name)] == [pb.Delivery.DELIVERED]


def test_a_server_that_says_gone_is_not_asked_again(gateway, receiver) -> None:
    name, _ = create(gateway, receiver.url, "video.failed")
    receiver.answers = [410]
    fail(gateway.house, "v")
    gateway.sender.look()
    assert [(d.state, d.tries) for d in deliveries(gateway, name)] == [(pb.Delivery.FAILED, 1)]


def test_two_senders_do_not_send_the_same_message(gateway, receiver) -> None:
    create(gateway, receiver.url, "video.failed")
    for n in range(4):
        fail(gateway.house, f"v{n}")
    other = Sender(gateway.house.database, HERE)
    threads = [threading.Thread(target=one.look) for one in (gateway.sender, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(receiver.got) == len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 4


def test_a_server_that_does_not_answer_does_not_hold_up_the_messages_of_others(gateway, receiver) -> None:
    away, _ = create(gateway, "http://127.0.0.1:9/", "video.failed")
    create(gateway, receiver.url, "video.failed")
    for n in range(sending.OF_ONE + 3):
        fail(gateway.house, f"v{n}")
    gateway.sender.look()
    assert len(receiver.got) == sending.OF_ONE
    assert {d.error for d in deliveries(gateway, away)} == {"", "no answer: NewConnectionError"}


def test_what_a_collection_tells_ends_with_it_after_what_is_to_be_told(gateway, receiver) -> None:
    create(gateway, receiver.url)
    fail(gateway.house, "v")
    gateway.stub.DeleteCollection(video_pb.DeleteCollectionRequest(name="collections/c", force=True), timeout=60)
    gateway.sender.look()
    assert {json.loads(body)["type"] for _, _, body in receiver.got} == {"video.failed", "video.deleted"}
    gateway.stub.CreateCollection(video_pb.CreateCollectionRequest(collection_id="c"), timeout=60)
    assert not gateway.hooks.ListWebhooks(pb.ListWebhooksRequest(parent="collections/c"), timeout=60).webhooks


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://example.com/", InvalidInput),
        ("ftp://example.com/", InvalidInput),
        ("https://user:password@example.com/", InvalidInput),
        ("https://", InvalidInput),
        ("https://[::1", InvalidInput),
        ("https://127.0.0.1/", Denied),
        ("https://169.254.169.254/latest/meta-data", Denied),
        ("https://[::ffff:10.0.0.1]/", Denied),
        ("https://localhost:6379/", Denied),
        ("https://nowhere.invalid/", NotFound),
    ],
)
def test_addresses_inside_are_refused_when_a_webhook_is_made(url: str, error) -> None:
    with pytest.raises(error):
        check(url, WebhookSettings())


def test_an_address_that_moves_inside_later_is_refused_when_it_is_used(gateway, receiver, monkeypatch) -> None:
    name, _ = create(gateway, receiver.url, "video.failed")
    fail(gateway.house, "v")
    strict = Sender(gateway.house.database, WebhookSettings(http=True))
    strict.look()
    strict.close()
    (found,) = deliveries(gateway, name)
    assert (receiver.got, found.state) == ([], pb.Delivery.WAITING)
    assert "VIDX_WEBHOOK_NETWORKS" in found.error


def test_wrong_requests_are_told(gateway) -> None:
    hook = pb.CreateWebhookRequest(parent="collections/c", webhook=pb.Webhook(url="http://127.0.0.1:9", events=["x"]))
    fields = refused(lambda: gateway.hooks.CreateWebhook(hook, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)[1]
    assert list(fields) == ["webhook.events"]
    for name in ("collections/c", "collections/c/webhooks/", "webhooks/x"):
        asked = pb.DeleteWebhookRequest(name=name)
        refused(lambda asked=asked: gateway.hooks.DeleteWebhook(asked, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)
    gone = pb.ListDeliveriesRequest(parent="collections/c/webhooks/none")
    refused(lambda: gateway.hooks.ListDeliveries(gone, timeout=60), grpc.StatusCode.NOT_FOUND)


def test_the_command_line_makes_lists_and_redelivers(gateway, receiver, vidx, monkeypatch) -> None:
    monkeypatch.setenv("VIDX_ADDRESS", gateway.address)
    with structlog.testing.capture_logs():
        made = vidx("webhooks", "create", receiver.url, "-c", "c", "--event", "failed")
        assert (made.status, made.lines[0][:6]) == (0, "whsec_")
        name = vidx("webhooks", "list", "-c", "c").lines[0].split("\t")[0]
        receiver.answers = [410]
        fail(gateway.house, "v")
        gateway.sender.look()
        (line,) = vidx("webhooks", "deliveries", name, "--state", "failed").lines
        assert line.split("\t")[1:] == ["video.failed", "collections/c/videos/v", "FAILED", "1", "answered 410"]
        assert vidx("webhooks", "redeliver", line.split("\t")[0]).status == 0
        gateway.sender.look()
        assert len(vidx("webhooks", "deliveries", name, "--state", "delivered").lines) == 1
        assert vidx("webhooks", "delete", name).status == 0
        assert vidx("webhooks", "list", "-c", "c").lines == []


def test_a_server_that_answers_for_ever_is_hung_up_on_and_holds_up_nobody(gateway, receiver: Receiver) -> None:
    with dripping() as (slow, cut):
        for url in (slow, receiver.url):
            create(gateway, url, "video.deleted")
        name = upload(gateway).name
        gateway.stub.DeleteVideo(video_pb.DeleteVideoRequest(name=name), timeout=60)
        # Long enough for the other server to be told on a busy machine.
        sender = Sender(gateway.house.database, HERE.model_copy(update={"timeout_s": 3.0}))
        try:
            assert sender.look() == 2
        finally:
            sender.close()
        assert cut.wait(60)
    assert len(receiver.got) == 1
    with gateway.house.database.read() as session:
        states = {row.state: row.error for row in session.scalars(sa.select(Delivery))}
    assert states["WAITING"].startswith("no answer")
