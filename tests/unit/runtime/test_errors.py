"""One table for errors, both ways."""

import grpc
import pytest
from google.rpc import error_details_pb2

from services.core.errors import InvalidInput, VidxError, all_errors
from services.runtime.grpc_errors import CODES, from_call, to_status


class Answer(grpc.RpcError, grpc.Call):
    """A failed call that carries a status."""

    def __init__(self, status) -> None:
        self._status = status

    def code(self):
        return next(c for c in grpc.StatusCode if c.value[0] == self._status.code)

    def details(self):
        return self._status.message

    def trailing_metadata(self):
        return (("grpc-status-details-bin", self._status.SerializeToString()),)

    initial_metadata = is_active = time_remaining = cancel = add_callback = lambda *_: None


@pytest.mark.parametrize("cls", all_errors())
def test_every_error_has_a_code_and_comes_back_as_itself(cls: type[VidxError]) -> None:
    assert cls in CODES
    found = from_call(Answer(to_status(cls("what happened", fields={"name": "wrong"}))))
    assert found.reason == cls.reason
    assert found.retryable == cls.retryable
    assert found.message == "what happened"
    assert found.fields == {"name": "wrong"}


def test_reasons_are_unique_but_for_the_base() -> None:
    reasons = [cls.reason for cls in all_errors() if cls is not VidxError]
    assert len(reasons) == len(set(reasons))


def test_a_wrong_field_is_told_as_a_bad_request() -> None:
    status = to_status(InvalidInput("no", fields={"query": "1 to 10,000 characters"}))
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "query"
