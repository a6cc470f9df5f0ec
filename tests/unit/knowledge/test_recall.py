"""A fault that comes again is recalled, another one is not, and no card can make itself certain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.knowledge.faults import CPU, DISK, SERVICES, finding, holds_on, known, look, observation

from sre_copilot.domain.knowledge import Card, Recalled, Scope
from sre_copilot.domain.signals import Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.probes import holding, probes_document, probes_from
from sre_copilot.knowledge.recall import Known, recall, recall_instantly
from sre_copilot.knowledge.signature import Token, contradicted, parse_token, role_of, similarity

LATER = 90_000.0
CARD = Card(
    id="cpu",
    title="CPU",
    root_cause="A loop.",
    manifestation="Slow.",
    measure="Scale out.",
    fault_type="resource/cpu",
    signature=("culprit metric.saturation_cpu resource/cpu strong",),
    standing="accepted",
    trust=0.75,
)


def at_once(*experiences: Known, seen: object) -> Recalled | None:
    return recall_instantly(
        experiences,
        observation=seen,  # type: ignore[arg-type]
        look=look,
        look_closely=lambda seen: (),
        holds=holds_on(seen),  # type: ignore[arg-type]
        entities=SERVICES,
    )


def test_a_learned_fault_that_comes_again_hours_later_is_recalled_without_an_investigation() -> None:
    found = at_once(known("payment"), known("cart", metric="disk"), seen=observation("payment", onset=LATER))
    assert found is not None
    assert found.past is not None
    assert (found.entity, found.past.fault_type, found.certain) == ("payment", "resource/cpu", True)


@pytest.mark.parametrize(
    ("entity", "metric"),
    [("payment", "disk"), ("cart", "cpu"), ("", "cpu")],
    ids=["fault", "service", "quiet"],
)
def test_what_was_not_learned_is_not_recalled(entity: str, metric: str) -> None:
    assert at_once(known("payment"), seen=observation(entity, metric=metric, onset=LATER)) is None


def test_something_strong_that_the_known_fault_never_showed_forbids_certainty() -> None:
    seen = observation("payment", onset=LATER)
    found = (*look(seen), finding("payment", *DISK, metric="cpu", onset=LATER))
    (first, *_) = recall((known("payment"),), found, observation=seen, holds=holds_on(seen))
    assert first.confirmed
    assert not first.certain


def test_what_a_service_suffers_from_one_that_it_calls_is_not_its_own_fault() -> None:
    skipped = Token(kind="trace.missing_call", fault_type="code/missing-step", size="strong")
    below = Token(kind="trace.stops_after", role="callee", fault_type="code/exception", size="clear")
    assert not contradicted([skipped, below], [skipped, below])
    assert contradicted([skipped, below], [skipped, replace(below, size="strong")])


def test_a_card_that_calls_the_signs_by_another_name_stays_a_hint() -> None:
    seen = observation("payment", onset=LATER)
    lie = Known(card=replace(CARD, id="lie", fault_type="security/certificate"))
    (first,) = recall((lie,), look(seen), observation=seen, holds=holds_on(seen))
    assert first.match > 0.9
    assert not first.confirmed
    assert not first.certain


def test_a_lie_takes_no_certainty_from_the_truth() -> None:
    seen = observation("payment", onset=LATER)
    lie = Known(card=replace(CARD, id="lie", fault_type="security/certificate"))
    found = recall((lie, Known(card=CARD)), look(seen), observation=seen, holds=holds_on(seen))
    assert [each.card.id for each in found if each.card and each.certain] == ["cpu"]


@pytest.mark.parametrize("changed", [{"standing": "draft"}, {"standing": "retired"}, {"trust": 0.4}])
def test_only_what_was_accepted_and_is_trusted_is_certain(changed: dict[str, object]) -> None:
    seen = observation("payment", onset=LATER)
    card = replace(CARD, **changed)  # type: ignore[arg-type]
    (first,) = recall((Known(card=card),), look(seen), observation=seen, holds=holds_on(seen))
    assert not first.certain


def test_two_that_fit_alike_and_say_different_things_are_a_tie() -> None:
    seen = observation("payment", onset=LATER)
    other = replace(CARD, id="other", fault_type="resource/memory")
    found = recall((Known(card=CARD), Known(card=other)), look(seen), observation=seen, holds=holds_on(seen))
    assert [each.certain for each in found] == [False, False]


def test_a_card_holds_only_within_its_scope() -> None:
    seen = observation("payment", onset=LATER)
    scoped = Known(card=replace(CARD, scope=Scope(services=("cart",))))
    assert recall((scoped,), look(seen), observation=seen, holds=holds_on(seen)) == ()


def test_the_asked_fault_type_comes_first() -> None:
    seen = observation("payment", onset=LATER)
    (first,) = recall(
        (Known(card=CARD),), look(seen), observation=seen, holds=holds_on(seen), fault_type="network/delay"
    )
    assert first.match <= 0.55


def test_checks_are_kept_without_names_and_times_and_come_back_alike() -> None:
    (probe,) = known("payment").probes
    (check,) = probe.checks
    assert check.query.where == (("service", "{culprit}"), ("instance", "{instance}"), ("metric", "cpu"))
    assert check.query.window == Window(0.0, 300.0)
    assert probes_from(probes_document((probe,))) == (probe,)


def test_stored_checks_hold_for_another_service_with_the_same_fault() -> None:
    seen = observation("cart", onset=LATER)
    (held,) = holding(known("payment").probes, "cart", seen, holds_on(seen))
    assert (held.entity, held.kind, held.fault_type) == ("cart", *CPU)
    assert holding(known("payment").probes, "payment", seen, holds_on(seen)) == ()


def test_a_recording_that_ends_too_soon_recalls_nothing() -> None:
    seen = observation("payment", onset=LATER)
    short = replace(seen, incident=replace(seen.incident, window=Window(LATER - 300, LATER + 60)))
    assert at_once(known("payment"), seen=short) is None


def test_a_guess_of_the_onset_that_is_half_a_minute_off_changes_nothing() -> None:
    seen = observation("payment", onset=LATER)
    for guess in (-30, 30):
        early = replace(seen, incident=replace(seen.incident, onset=LATER + guess))
        assert at_once(known("payment"), seen=early) is not None


def test_roles_follow_the_calls() -> None:
    topology = Topology.of((("a", "b"), ("b", "c"), ("x", "y")))
    assert [role_of(each, "b", topology) for each in "abcx"] == ["caller", "culprit", "callee", "elsewhere"]


def test_a_token_that_cannot_be_read_names_the_word() -> None:
    assert parse_token("metric.down") == Token(kind="metric.down")
    for text in ("metric.down metric.idle", "culprit", "victim metric.down", ""):
        with pytest.raises(UsageError, match="signature"):
            parse_token(text)


TOKENS = st.lists(
    st.builds(
        Token,
        kind=st.sampled_from(["metric.down", "trace.errors", "log.vanished"]),
        role=st.sampled_from(["culprit", "caller", "callee"]),
        fault_type=st.sampled_from(["", "process/killed", "code/exception", "degradation/latency"]),
        size=st.sampled_from(["", "weak", "clear", "strong"]),
    ),
    min_size=1,
    max_size=8,
)


@given(TOKENS, TOKENS)
def test_likeness_is_between_nought_and_one_and_order_does_not_matter(
    one: list[Token], other: list[Token]
) -> None:
    value = similarity(one, other)
    assert 0 <= value <= 1 + 1e-9
    assert similarity(one[::-1], other[::-1]) == pytest.approx(value)


@given(TOKENS)
def test_a_fault_is_like_itself_and_does_not_contradict_itself(tokens: list[Token]) -> None:
    assert similarity(tokens, tokens) == pytest.approx(1.0)
    assert not contradicted(tokens, tokens)
