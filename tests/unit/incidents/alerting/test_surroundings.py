"""What is known of services around alerts: read from sources, seen by the watch, kept over a restart, used from the next turn on."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from sre_copilot.alerts.enrichment import Surroundings
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.cmdb import CALLS, Entity, Relation, inventory_of
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.alerting.surroundings import BELIEVED_S, Lookout
from sre_copilot.perception.source import Reading, Source
from sre_copilot.perception.topology_file import TopologyFileSettings, TopologyFileSource
from sre_copilot.store.database import Database
from sre_copilot.store.facts import Facts
from sre_copilot.testing.alerting import Rehearsing

NOW = 1_760_000_000.0
ESTATE = {
    "entities": [{"name": "cart", "owner": "basket", "tier": "1 - most critical", "aliases": ["cart-svc"]}],
    "relations": [["web", "cart"], ["cart", "redis"]],
}


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    return Facts(database)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    file = tmp_path / "estate.json"
    file.write_text(json.dumps(ESTATE))
    return file


def lookout(facts: Facts, file: Path | None, clock: TurnedClock | None = None) -> Lookout:
    def opened() -> tuple[Source, ...]:
        return (TopologyFileSource(TopologyFileSettings(files=(file,))),) if file is not None else ()

    return Lookout(opened, facts, clock or TurnedClock(NOW))


def traces(*calls: tuple[str, str]) -> Reading:
    """What a source of traces answers."""
    import polars as pl

    return Reading(telemetry=Telemetry(traces=pl.DataFrame()), topology=Topology.of(calls))


def test_calls_names_owners_and_tiers_come_from_the_sources(facts: Facts, estate: Path) -> None:
    around = lookout(facts, estate)
    around.read()
    assert around.news() == Surroundings(
        topology=Topology.of([("web", "cart"), ("cart", "redis")]),
        aliases={"cart-svc": "cart"},
        owners={"cart": "basket"},
        tiers={"cart": 1},
    )
    assert around.news() is None, "what was taken is no news"


def test_a_source_that_cannot_be_read_keeps_what_it_told(facts: Facts, estate: Path) -> None:
    around = lookout(facts, estate)
    around.read()
    known = around.known
    estate.unlink()
    around.read()
    assert around.known == known


def test_calls_that_traces_show_add_up_and_fade(facts: Facts) -> None:
    clock = TurnedClock(NOW)
    around = lookout(facts, None, clock)
    around.told("jaeger", traces(("web", "cart")))
    clock.wait(60, threading.Event())
    around.told("jaeger", traces(("cart", "redis")))
    assert around.known.topology.edges == (("cart", "redis"), ("web", "cart"))
    clock.wait(BELIEVED_S - 30, threading.Event())
    around.read()
    assert around.known.topology.edges == (("cart", "redis"),)


def test_what_is_known_outlives_the_process_and_sources_that_are_gone_do_not(
    facts: Facts, estate: Path
) -> None:
    before = lookout(facts, estate)
    before.told("jaeger", traces(("web", "search")))
    before.read()
    after = lookout(facts, None)
    assert after.known == before.known
    assert after.news() == before.known
    after.read()
    assert after.known.topology.edges == (("web", "search"),)


def test_many_calls_that_are_new_one_by_one_are_used_together(facts: Facts) -> None:
    clock = TurnedClock(NOW)
    around = lookout(facts, None, clock)
    around.saw(Topology.of([("a", "b")]))
    assert around.news() is not None
    around.saw(Topology.of([("b", "c")]))
    assert around.news() is None
    clock.wait(10, threading.Event())
    around.saw(Topology.of([("c", "d")]))
    known = around.news()
    assert known is not None
    assert len(known.topology.edges) == 3


def test_without_any_source_nothing_is_known_and_nothing_is_news(facts: Facts) -> None:
    around = lookout(facts, None)
    around.read()
    assert around.news() is None
    assert around.known == Surroundings()


def test_an_inventory_without_calls_still_says_who_owns_what(facts: Facts) -> None:
    inventory = inventory_of(
        [Entity(name="stock", attributes={"team": "supply", "tier": "T4"})],
        [
            Relation(caller="shop", callee="stock", kind="contains"),
            Relation(caller="x", callee="y", kind=CALLS),
        ],
    )
    around = lookout(facts, None)
    around.told("cmdb", Reading(inventory=inventory))
    assert around.known.owners == {"stock": "supply"}
    assert around.known.tiers == {"stock": 4}
    assert around.known.topology.edges == (("x", "y"),)


def test_calls_that_become_known_tie_what_fires_next_to_what_fires_already() -> None:
    room = Rehearsing()
    room.fire("Down", service="redis", severity="critical")
    (first,) = room.pipeline.memory.incidents
    calls = Topology.of([("web", "cart"), ("cart", "redis")])
    room.pipeline.parts.enricher.renew(Surroundings(topology=calls, owners={"web": "front"}))
    room.pipeline.parts.correlator.renew(calls)
    room.fire("Slow", service="web", severity="critical")
    room.fire("Full", service="elsewhere", severity="critical")
    alerts = {each.name: each for each in room.pipeline.memory.alerts.values()}
    assert alerts["Slow"].incident_id == first
    assert alerts["Slow"].context["owner"] == "front"
    assert alerts["Full"].incident_id != first
