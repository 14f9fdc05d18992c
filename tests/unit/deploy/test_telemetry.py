"""Every rule and every panel asks for what the code has; every alert has its page in the runbook and its test."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml

from services.catalog.states import JobState, VideoState
from services.core import errors
from services.pipeline import workflow
from services.pipeline.metrics import OverviewCollector
from services.pipeline.overview import QUEUES, Overview
from services.runtime import metrics

ROOT = Path(__file__).parents[3]
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
BOARD = json.loads((ROOT / "deploy/grafana/vidx.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
QUERIES = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"].replace("$__rate_interval", "5m"))
    for panel in PANELS
    for target in panel["targets"]
]
PROMETHEUS_OWN = {"up": {"job", "instance", "service", "process"}}
"""What Prometheus itself knows of a target."""
TARGET = {"job", "instance", "service", "process"}
"""Labels that every sample has from its target."""
REASONS = {
    error.reason for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.VidxError)
}


def known() -> dict[str, set[str]]:
    """Samples that the code can give, with their labels."""
    found = {name: set(labels) for name, labels in PROMETHEUS_OWN.items()}
    for collector in metrics.REGISTRY._collector_to_names:
        labels = set(getattr(collector, "_labelnames", ()))
        for family in collector.describe() if hasattr(collector, "describe") else collector.collect():
            found |= samples(family, labels)
    for family in OverviewCollector(Overview).describe():
        found |= samples(family, set(family._labelnames))
    for family in (f for f in metrics.REGISTRY.collect() if f.name.startswith(("process_", "python_"))):
        found |= samples(family, {label for sample in family.samples for label in sample.labels})
    return found


def samples(family, labels: set[str]) -> dict[str, set[str]]:
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
    return {family.name + suffix: labels | ({"le"} if suffix == "_bucket" else set()) for suffix in suffixes}


def selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    """Every metric that an expression asks for."""

    stack = [promql_parser.parse(expression)]
    while stack:
        node = stack.pop()
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        for name in ("expr", "lhs", "rhs", "param", "vector_selector", "selector", "vs"):
            child = getattr(node, name, None)
            if isinstance(child, promql_parser.Expr):
                stack.append(child)
        stack += [child for child in getattr(node, "args", None) or () if isinstance(child, promql_parser.Expr)]


@pytest.mark.parametrize(("where", "expression"), QUERIES, ids=[f"{w}-{i}" for i, (w, _) in enumerate(QUERIES)])
def test_a_query_asks_for_metrics_and_labels_that_the_code_has(where: str, expression: str) -> None:
    have = known()
    found = list(selectors(expression))
    assert found, expression
    for one in found:
        assert one.name in have, f"{where}: no metric {one.name}"
        for matcher in one.matchers.matchers:
            assert matcher.name in have[one.name] | TARGET, f"{where}: {one.name} has no label {matcher.name}"
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    labels = {label.strip() for group in grouped for label in group.split(",")}
    assert labels <= set.union(*(have[one.name] for one in found)) | TARGET, f"{where}: {labels}"


@pytest.mark.parametrize(("where", "expression"), QUERIES, ids=[f"{w}-{i}" for i, (w, _) in enumerate(QUERIES)])
def test_a_query_names_reasons_states_and_queues_that_there_are(where: str, expression: str) -> None:
    legal = {
        "reason": REASONS,
        "outcome": REASONS | {metrics.OK, "failed", "succeeded", "cancelled"},
        "state": {*VideoState, *JobState},
        "queue": set(QUEUES),
        "step": set(workflow.BY_NAME),
    }
    for one in selectors(expression):
        for matcher in one.matchers.matchers:
            if matcher.name in legal:
                assert set(matcher.value.split("|")) <= legal[matcher.name], f"{where}: {matcher.name}={matcher.value}"


def test_no_label_holds_what_a_request_brings() -> None:
    labels = set().union(*known().values())
    assert not labels & {"video", "collection", "query", "address", "peer", "user", "key", "title", "message"}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_has_a_severity_a_page_of_the_runbook_and_a_test_either_way(rule) -> None:
    name = rule["alert"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
    text = (ROOT / "docs/runbook.md").read_text()
    (page,) = re.findall(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert re.search(r"^1\. \S", page, re.MULTILINE), "it says what to do first"
    cases = [
        bool(case["exp_alerts"])
        for test in yaml.safe_load((ROOT / "deploy/prometheus/alerts.test.yaml").read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert set(cases) == {True, False}


def test_the_runbook_has_no_page_of_an_alert_that_is_gone() -> None:
    pages = re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert sorted(pages) == sorted(rule["alert"] for rule in RULES)


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    asked = {one.name for _, expression in QUERIES for one in selectors(expression)}
    ours = {name for name in known() if name.startswith(("vidx_", "grpc_"))}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}
    assert families <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        assert 0 < place["w"] <= 24 - place["x"]
