"""What an executor raises that it should not: never lost, and never taken for nothing having happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import ActionError, Call, Effect
from sre_copilot.action.order import Order
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.plan import Action
from sre_copilot.errors import SettingsError
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.acting import Acting, add, plan, step
from sre_copilot.testing.counted_target import CountedExecutor, CountedTarget
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.executor_contract import call


@pytest.fixture
def executor(tmp_path: Path) -> CountedExecutor:
    return CountedExecutor(CountedTarget(tmp_path / "target.sqlite"))


@pytest.mark.parametrize(
    ("method", "more", "effect"),
    [
        ("execute", (call(),), "unknown"), ("undo", (call("undo"), {}), "unknown"), ("check", (), "none"), ("look", (), "none"),
        ("preview", (), "none"), ("backup", (), "none"), ("done", (call(), {}), "none"), ("verify", (call(),), "none"),
    ],
)  # fmt: skip
def test_an_unexpected_exception_is_an_action_error_without_its_words(
    executor: CountedExecutor,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    more: tuple[Any, ...],
    effect: str,
) -> None:
    def broken(action: Action, *rest: Any) -> Any:
        raise KeyError("s3cret")

    monkeypatch.setattr(executor, method, broken)
    found = Catalogue([executor]).executor(add("a"))
    with pytest.raises(ActionError, match="KeyError") as caught:
        getattr(found, method)(add("a"), *more)
    assert caught.value.effect == effect
    assert "s3cret" not in str(caught.value)


def test_a_configuration_that_cannot_be_used_says_the_way_out(
    executor: CountedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(action: Action) -> Any:
        raise SettingsError("counted: url: is missing. Give it.")

    monkeypatch.setattr(executor, "look", unusable)
    with pytest.raises(ActionError, match=r"^counted: url: is missing\. Give it\.$"):
        Catalogue([executor]).executor(add("a")).look(add("a"))


def test_what_an_executor_says_itself_passes_unchanged(
    executor: CountedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ActionError("the time is over", effect="none", retry=True)

    def telling(action: Action, *rest: Any) -> Any:
        raise said

    monkeypatch.setattr(executor, "execute", telling)
    with pytest.raises(ActionError) as caught:
        Catalogue([executor]).executor(add("a")).execute(add("a"), call())
    assert caught.value is said


def test_an_executor_that_breaks_after_its_effect_leaves_an_outcome_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TurnedClock(1_770_000_000.0)
    database, durable = Database(sqlite_url(tmp_path)), MemoryDurable(clock)
    target = CountedTarget(tmp_path / "target.sqlite")
    target.put("a", 10.0)
    acting = Acting(database, durable, target, clock=clock, elapsed=clock.now)
    durable.launch()
    execute = acting.executor.execute

    def broken(action: Action, made: Call) -> Effect:
        execute(action, made)
        raise KeyError("s3cret")

    monkeypatch.setattr(acting.executor, "execute", broken)
    kept = acting.approved(plan([step("s1", add("a"))], now=clock.now()))
    assert acting.remedies.start(kept.id).begun
    order = Order(plan_id=kept.id, step_id="s1", direction="do")
    assert acting.hands.perform(order).outcome == "unknown"
    entries = [(row["outcome"], row["detail"]["problem"]) for row in acting.audit.page(verb="action.do").rows]
    assert "KeyError" in entries[0][1]
    assert "s3cret" not in str(entries)
    assert acting.hands.perform(order).outcome == "done"
    assert target.counts() == {order.key: 1}
    database.close()
