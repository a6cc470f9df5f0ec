"""What the watch investigates teaches something: a draft for a person, never more, and never at the cost of the answer."""

from __future__ import annotations

from pathlib import Path

from sre_copilot.app.closing import investigating
from sre_copilot.app.methods import registered_methods
from sre_copilot.app.storing import open_database
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Outcome
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.settings.document import Settings
from sre_copilot.testing.cases import build_case

CLOCK = TurnedClock(1_700_000_000.0)


def settings(folder: Path) -> Settings:
    return Settings.model_validate({"store": {"folder": folder}})


def test_a_fault_becomes_a_draft_that_waits_for_a_review(tmp_path: Path) -> None:
    database = open_database(settings(tmp_path))
    found = investigating(database, CLOCK)(
        build_case("cpu", culprit="stock", seed=3).observation(), registered_methods()
    )
    assert found.diagnosis.outcome is Outcome.FAULT
    kept = Experience(database, CLOCK).past_faults()
    assert [(each.service, each.standing) for each in kept] == [("stock", "draft")]
    database.close()


def test_a_quiet_time_teaches_nothing(tmp_path: Path) -> None:
    database = open_database(settings(tmp_path))
    investigating(database, CLOCK)(build_case("none", seed=3).observation(), registered_methods())
    assert Experience(database, CLOCK).past_faults() == ()
    database.close()


def test_a_store_that_refuses_costs_no_answer(tmp_path: Path) -> None:
    database = open_database(settings(tmp_path))
    investigate = investigating(database, CLOCK)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE past_faults")
    found = investigate(build_case("cpu", culprit="stock", seed=3).observation(), registered_methods())
    assert found.diagnosis.suspects[0].entity == "stock"
    database.close()
