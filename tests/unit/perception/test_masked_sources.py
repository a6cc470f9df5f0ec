"""What the setting `mask` names is in nothing that a source returns, whatever it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sre_copilot.domain.cmdb import Entity
from sre_copilot.domain.signals import Alert, Change, Telemetry, Window
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.perception.registry import open_source
from sre_copilot.perception.source import SourceSettings
from sre_copilot.testing.servers.json_server import Response, serving

KEYED = {"mask_key": "k"}
WINDOW = Window(1_700_000_040, 1_700_000_100)
MATRIX = {"status": "success", "data": {"resultType": "matrix", "result": [
    {"metric": {"service": "cart", "customer": "ann", "pod": "p-1"}, "values": [[1_700_000_040, "1"]]},
    {"metric": {"service": "cart", "customer": "bob", "pod": "p-1"}, "values": [[1_700_000_040, "2"]]}]}}  # fmt: skip


def masker(*names: str) -> Masker:
    return Masker(SourceSettings(mask=names, **KEYED))  # type: ignore[arg-type]


def prometheus(url: str, *names: str) -> PrometheusSource:
    found = open_source({"type": "prometheus", "url": url, "core_metrics": False, "queries": {"m": "m"}, "lookback_seconds": 0,
                         "alerts": False, "mask": names, **KEYED})  # fmt: skip
    assert isinstance(found, PrometheusSource)
    return found


@pytest.mark.parametrize(("name", "secret"), [("customer", "ann"), ("service", "cart"), ("instance", "p-1"), ("pod", "p-1")])  # fmt: skip
def test_labels_of_metrics_are_masked_in_tables_arrays_and_names(name: str, secret: str) -> None:
    with serving(lambda _: Response(MATRIX)) as url:
        source = prometheus(url, name)
        metrics, keys = source.read(WINDOW).telemetry.metrics, source.series(WINDOW, step_seconds=60).keys
        source.close()
    assert metrics is not None
    assert metrics["value"].sort().to_list() == [1.0, 2.0]
    assert secret not in f"{metrics.rows()} {keys}"
    assert "masked-" in f"{metrics.rows()}"


def test_nothing_is_masked_that_is_not_named() -> None:
    with serving(lambda _: Response(MATRIX)) as url:
        source = prometheus(url)
        metrics = source.read(WINDOW).telemetry.metrics
        source.close()
    assert metrics is not None
    assert metrics["metric"].sort().to_list() == ['m{customer="ann"}', 'm{customer="bob"}']


def test_every_kind_of_telemetry_is_masked() -> None:
    seen = masker("customer", "by", "service").telemetry(
        Telemetry(
            metrics=pl.DataFrame({"service": ["cart"], "metric": ['m{customer="ann"}']}),
            logs=pl.DataFrame({"service": ["cart"], "message": ["customer=ann failed"]}),
            transactions=pl.DataFrame({"service": ["cart"], "channel": ["web"]}),
            state={"describe": "  customer: ann\n"},
            alerts=(Alert(name="a", entity="cart", text=("customer=ann",)),),
            changes=(Change(1.0, "cart", "commit", "for customer=ann", {"by": "ann", "sha": "7"}),),
        )
    )
    shown = f"{seen.metrics.rows() if seen.metrics is not None else 0} {seen.logs.rows() if seen.logs is not None else 0}"
    shown += f"{seen.transactions.rows() if seen.transactions is not None else 0} {seen.state} {seen.alerts} {seen.changes}"
    assert "ann" not in shown
    assert "cart" not in shown
    assert "'sha': '7'" in shown


def test_one_service_has_one_word_in_all_that_a_source_says_of_it() -> None:
    mask = masker("service")
    named = mask.change(Change(1.0, "cart", "", "")).service
    assert mask.alert(Alert(name="a", entity="cart")).entity == named
    assert mask.entity(Entity(name="cart")).name == named


def test_an_estate_is_masked_and_so_are_its_contradictions(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"entities": [{"name": "cart", "owner": "ann"}], "edges": [["web", "cart"]]}))  # fmt: skip
    (tmp_path / "b.csv").write_text("name,owner\ncart,bob\n")
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.csv")]
    for names, hidden in ((["owner"], ("ann", "bob")), (["name"], ("cart", "web"))):
        source = open_source({"type": "topology_file", "files": files, "mask": names, **KEYED})
        reading = source.read(Window(0, 1))
        shown = f"{reading.inventory} {reading.topology} {reading.gaps}"
        assert reading.topology is not None
        assert len(reading.topology.edges) == 1
        assert not any(word in shown for word in hidden)


@pytest.mark.parametrize(
    "line",
    [
        '{"log":"{\\"email\\":\\"ann@x\\"}"}',
        '{"log":"sent email=ann@x"}',
        'sent {"email":["ann@x","b"]} off',
        "<e><email><![CDATA[ann@x]]></email></e>",
        '<e><email kind="home">ann@x</email></e>',
        "<n:e><n:email>ann@x</n:email></n:e>",
    ],
)
def test_a_value_is_found_wherever_a_line_holds_it(line: str) -> None:
    assert "ann@x" not in masker("email").text(line)


def test_a_line_that_is_nested_too_deep_to_be_walked_is_masked_as_a_text() -> None:
    deep: Any = '{"a":' * 900 + '{"email":"ann@x"}' + "}" * 900
    assert "ann@x" not in masker("email").text(deep)
