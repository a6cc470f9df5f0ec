"""What a copilot is composed of, and what is left alone."""

from __future__ import annotations

import sys
from pathlib import Path

from sre_copilot.agents.answer import Understood
from sre_copilot.app.asking import equip, existing_database, open_live_copilot
from sre_copilot.app.library import library_of
from sre_copilot.app.remembering import read, written
from sre_copilot.app.storing import open_database
from sre_copilot.app.told import ToldSource
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.signals import Change, Window
from sre_copilot.incidents.watch.journal import change_row
from sre_copilot.llm.speaking import Silent
from sre_copilot.settings.document import Settings
from sre_copilot.store.records import change_records
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
WINDOW = Window(NOW - 600, NOW)


def settings(folder: Path) -> Settings:
    return Settings.model_validate({"store": {"folder": folder}})


def test_asking_makes_no_store_and_a_store_without_knowledge_is_no_library(tmp_path: Path) -> None:
    wanted = settings(tmp_path / "data")
    assert existing_database(wanted) is None
    assert not (tmp_path / "data").exists()
    database = open_database(wanted)
    assert existing_database(wanted) is not None
    assert library_of(wanted, database, TurnedClock(NOW)) is None
    database.close()


def test_without_models_the_team_is_silent_and_no_framework_is_loaded(tmp_path: Path) -> None:
    before = set(sys.modules)
    equipment = equip(settings(tmp_path))
    assert isinstance(equipment.speaker, Silent)
    assert not [name for name in set(sys.modules) - before if name.startswith("pydantic_ai")]
    equipment.close()


def test_changes_that_pipelines_told_are_seen_by_a_question(tmp_path: Path) -> None:
    wanted = settings(tmp_path)
    database = open_database(wanted)
    change = Change(ts=NOW - 300, service="service-001", kind="deployment", text="release 42")
    change_records(database).save([change_row(change, at=NOW)])
    equipment = equip(wanted, clock=TurnedClock(NOW), database=database)
    with open_live_copilot(wanted, equipment=equipment, opener=lambda: (SyntheticSource(),)) as opened:
        answer = opened.copilot.ask("what was changed at service-001 in the last 10 minutes?")
    assert any("release 42" in claim.text for claim in answer.claims), answer.headline
    database.close()


def test_that_nobody_tells_changes_is_not_that_nothing_was_changed(tmp_path: Path) -> None:
    database = open_database(settings(tmp_path))
    source = ToldSource(change_records(database))
    assert source.read(WINDOW).telemetry.changes is None
    old = Change(ts=NOW - 86_400, service="cart", kind="deployment", text="release 1")
    other = Change(ts=NOW - 60, service="cart", kind="deployment", text="told by a source of its own")
    change_records(database).save([change_row(old, at=NOW), change_row(other, at=NOW, source="kubernetes")])
    assert source.read(WINDOW).telemetry.changes == ()
    database.close()


def test_what_was_understood_comes_back_and_what_another_version_wrote_is_forgotten() -> None:
    understood = Understood(
        text="延迟怎么样", lang="zh", intent="metric", services=("cart",), window=WINDOW,
        parameters={"metric": "latency"}, missing=(), confidence=0.9,
    )  # fmt: skip
    assert read(written(understood)) == understood
    assert read({"text": "x"}) is None
    assert read({**written(understood), "window": "soon"}) is None
