from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cognition.state.cluster_text import City

from sre_copilot.cognition.rca.state_rank import localise
from sre_copilot.cognition.state import databases, scheduling, text
from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.dependencies import references
from sre_copilot.cognition.state.detector import detect
from sre_copilot.cognition.state.documents import read
from sre_copilot.cognition.state.scheduling import reasons
from sre_copilot.cognition.state.symptoms import symptoms
from sre_copilot.cognition.state.text import listed_events, pairs, quantity, seconds, table, tree, whole
from sre_copilot.domain.signals import Alert

KEYS = st.sampled_from(sorted(City().observe().current.state or {}))
HOSTILE = st.text(alphabet=st.sampled_from("aZ09:/.-_ \n\t{}[]()=,<>%\x00\u4e2d\u2028\"'"), max_size=300)


@settings(max_examples=60, deadline=None)
@given(KEYS, HOSTILE)
def test_hostile_output_raises_nothing(key: str, text: str) -> None:
    observation = City().observe()
    state = dict(observation.current.state or {}) | {key: text}
    changed = replace(observation, current=replace(observation.current, state=state))
    assert localise(changed, detect(changed).findings) is not None


@settings(max_examples=40, deadline=None)
@given(KEYS, st.integers(0, 400))
def test_truncated_output_raises_nothing(key: str, length: int) -> None:
    observation = City().bend("corn", target="8009/TCP").observe()
    state = dict(observation.current.state or {})
    state[key] = state[key][:length]
    changed = replace(observation, current=replace(observation.current, state=state))
    assert localise(changed, detect(changed).findings) is not None


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_commands_does_not_matter(chance: object) -> None:
    observation = City().bend("corn", target="8009/TCP").observe()
    items = list((observation.current.state or {}).items())
    chance.shuffle(items)  # type: ignore[attr-defined]
    changed = replace(observation, current=replace(observation.current, state=dict(items)))
    assert localise(changed, detect(changed).findings) == localise(observation, detect(observation).findings)


def test_indentation_alone_says_what_belongs_to_what() -> None:
    root = tree("A:  1\nB:\n    C:  2\n      D:  x: y\n    E:\nF: g=h\n   i=j")
    assert root.get("A").value == "1"
    assert root.get("B").get("C").get("D").value == "x: y"
    assert pairs(root.get("F").values()) == {"g": "h", "i": "j"}
    assert root.get("nothing").get("at all").value == ""


def test_rows_with_blank_cells_are_aligned_to_the_header() -> None:
    text = "NAME   STATUS    VOLUME   AGE\nkeep   Pending            40s\nother  Bound     v1       2m1s"
    rows = [row for row, _ in table(text)]
    assert rows[0] == {"NAME": "keep", "STATUS": "Pending", "AGE": "40s"}
    assert rows[1]["VOLUME"] == "v1"


def test_ages_and_quantities_are_numbers_or_unknown() -> None:
    assert seconds("2m15s") == 135
    assert seconds("34d") == 34 * 86_400
    assert seconds("<unknown>") is None
    assert quantity("250m") == 0.25
    assert quantity("3Gi") == 3 * 2**30
    assert quantity("1.2.3") is None
    assert quantity("lots") is None


def test_reasons_of_the_scheduler_are_counted_in_old_and_new_words() -> None:
    new = "0/4 nodes are available: 1 node(s) had untolerated taint {a: b}, 3 Insufficient cpu. preemption: 0/4 nodes are available"
    old = "0/2 nodes are available: 2 node(s) didn't match node selector."
    assert reasons(new) == [(1, "node(s) had untolerated taint {a: b}"), (3, "Insufficient cpu")]
    assert reasons(old) == [(2, "node(s) didn't match node selector")]
    assert reasons("skip schedule deleting pod") == []


def test_commands_are_known_by_verb_kind_and_name_in_any_spelling() -> None:
    found = {(each.verb, each.kind, each.name, each.namespace) for each in read({
        "kubectl get po -n a -o wide": "", "kubectl -v": "", "kubectl describe deploy/x -n b": "", "uptime": "",
        "kubectl get events -n c --sort-by='.lastTimestamp' | tail -n 20": "",
    })}  # fmt: skip
    assert found == {
        ("get", "pods", "", "a"),
        ("describe", "deployments", "x", "b"),
        ("get", "events", "", "c"),
    }


def test_addresses_are_read_from_urls_pairs_of_variables_and_plain_names() -> None:
    city = City().bend(
        "lamp",
        environment=(
            "URL:  jdbc:mysql://deep:3306/x?y=z",
            "BOOK_HOST:  book",
            "BOOK_PORT:  8000",
            "C:  http://corn.harbour.svc:8000/",
        ),
    )
    cluster = Cluster(city.observe().current.state or {}, "harbour")
    assert {(each.service, each.port) for each in references(cluster, "lamp")} == {
        ("deep", 3306),
        ("book", 8000),
        ("corn", 8000),
    }


def test_an_alert_says_from_what_to_what() -> None:
    alert = Alert(
        "book", "Service", "book", ("SLOW [p90 latency] | Normal=2.00ms -> Current=8.00ms (+300%)",)
    )
    (found,) = symptoms([alert])
    assert (found.topic, found.before, found.now, found.factor) == ("latency", 2.0, 8.0, 4.0)


@pytest.mark.parametrize(
    "atom", ["1", "1 ", ", 1 ", "ready for connections ", "listening on ", "{:", "a.b:1 ("]
)
def test_hostile_repetition_costs_no_time(atom: str) -> None:
    hostile = "0/3 nodes are available: " + atom * (20_000 // len(atom))
    for pattern in (scheduling._HEAD, scheduling._REASON, scheduling._TAINT, databases._LISTENS):
        began = time.perf_counter()
        pattern.findall(hostile[: text.LONGEST])
        assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5_000, "\u00b2", "\u0661"])
@pytest.mark.parametrize("key", sorted(City().observe().current.state or {}))
def test_numbers_that_no_cluster_has_raise_nothing(key: str, digits: str) -> None:
    observation = City().observe()
    state = dict(observation.current.state or {})
    state[key] = re.sub(r"\d+", digits, state[key])
    changed = replace(observation, current=replace(observation.current, state=state))
    assert localise(changed, detect(changed).findings) is not None


def test_a_number_is_read_only_where_int_can_read_it() -> None:
    assert whole("8080") == 8080
    assert whole("") is whole("-1") is whole("\u00b2") is whole("9" * 5_000) is None
    assert seconds("9" * 400 + "s") is None
    (event,) = listed_events(f"5m (x{'9' * 5_000} over 5m)  Warning  BackOff  pod/a  waits", "k")
    assert event.age_s == 300.0


@pytest.mark.parametrize("kind", ["deployments", "services"])
def test_an_object_that_calls_itself_otherwise_than_its_command_is_known_by_its_own_name(kind: str) -> None:
    observation = City().observe()
    state = dict(observation.current.state or {})
    key = f"kubectl describe {kind} book -n harbour"
    state[key] = state[key].replace("Name:  book", "Name:  bookish")
    changed = replace(observation, current=replace(observation.current, state=state))
    known = Cluster(state)
    assert "bookish" in (known.workloads if kind == "deployments" else known.services)
    assert localise(changed, detect(changed).findings) is not None


def test_a_long_line_of_an_ingress_costs_no_time() -> None:
    observation = City().observe()
    state = dict(observation.current.state or {})
    state["kubectl describe ingress door -n harbour"] = "Name:  door\n  " + "1m" * 50_000
    began = time.perf_counter()
    detect(replace(observation, current=replace(observation.current, state=state)))
    assert time.perf_counter() - began < 2.0
