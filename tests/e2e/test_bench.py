"""`vidx bench` measures a real platform and leaves nothing on it."""

from tests.servers.platform import Platform


def test_a_platform_is_measured_and_left_as_it_was(platform: Platform):
    before = {c["name"] for c in platform.messages("collections", "list")}
    (report,) = platform.messages("bench", "--minutes", "0.2", "--queries", "10", "--clients", "1", "--clients", "3")
    assert [one["film"] for one in report["indexed"]] == ["clip 0", "clip 1", "clip 2", "slides", "photographs"]
    for one in report["indexed"]:
        assert one["real_time"] == one["seconds"] / one["ready_s"] > 0
        assert one["busy_s"]["decoding"] > 0
        assert one["input"].startswith(("slides, H.264", "photographs in motion, H.264"))
        assert one["size_bytes"] > 0
        assert one["rows"] > 0
    assert [(round_["clients"], round_["queries"]) for round_ in report["searched"]] == [(1, 10), (3, 10)]
    assert all(0 < round_["p50_ms"] <= round_["p95_ms"] <= round_["p99_ms"] for round_ in report["searched"])
    assert report["rows"] == sum(one["rows"] for one in report["indexed"])
    assert report["machine"]["cores"] > 0
    assert report["versions"]["pymilvus"]
    assert {c["name"] for c in platform.messages("collections", "list")} == before
