"""What a drill concludes from what it saw, and the releases that it has taken back."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import control, releases
from lab.faults import FAULTS
from lab.layout import SERVICES, STORES, Configuration
from lab.live import acting, copilot, drill
from lab.live.drill_trial import (
    Repair,
    Trial,
    Wanted,
    document,
    figures,
    table,
    trials_of,
)
from lab.stack import Shop

from sre_copilot.settings.document import Settings

HEALING = Repair(
    id="PLAN-1",
    service="payment",
    fault_type="process/hung",
    actions=("supervisor.restart",),
    mode="AUTO",
    status="succeeded",
    planned_at=130.0,
    acted_at=131.0,
    ended_at=190.0,
)
TRIAL = Trial(
    fault="process-hung",
    service="payment",
    fault_type="process/hung",
    number=1,
    injected_at=100.0,
    detected_at=104.0,
    localised_at=129.0,
    named="payment",
    repairs=(HEALING,),
    well=True,
)
ASTRAY = replace(HEALING, id="PLAN-0", service="cart", status="rolled_back")


def test_a_fault_is_repaired_only_when_the_lab_itself_sees_that_the_shop_is_well() -> None:
    assert TRIAL.word == "repaired"
    assert replace(TRIAL, well=False).word == "helped not"
    assert replace(TRIAL, well=None).word == "helped not"


@pytest.mark.parametrize(
    ("repairs", "word"),
    [
        ((), "no plan"),
        ((ASTRAY,), "wrong"),
        ((replace(HEALING, status="rolled_back"),), "helped not"),
        ((replace(HEALING, status="proposed", mode="SEMI_AUTO", acted_at=None),), "asked"),
        ((replace(HEALING, status="proposed", acted_at=None),), "acted not"),
        ((ASTRAY, HEALING), "repaired"),
    ],
)
def test_what_came_of_a_fault_is_said_by_what_was_done_to_whom(
    repairs: tuple[Repair, ...], word: str
) -> None:
    assert replace(TRIAL, repairs=repairs).word == word


def test_a_fault_that_was_not_repaired_took_longer_than_any_in_the_median() -> None:
    lost = replace(TRIAL, number=2, repairs=())
    assert figures([TRIAL]).seconds == 90.0
    assert figures([TRIAL, TRIAL, lost]).seconds == 90.0
    assert figures([TRIAL, lost, lost]).seconds is None
    assert figures([]).seconds is None


def test_repairs_of_the_wrong_service_are_counted_with_what_became_of_them() -> None:
    left = replace(ASTRAY, id="PLAN-2", status="failed")
    found = figures([replace(TRIAL, repairs=(ASTRAY, left, HEALING))])
    assert (found.repaired, found.astray, found.taken_back) == (1, 2, 1)


def test_a_success_that_the_lab_does_not_see_counts_as_astray() -> None:
    found = figures([replace(TRIAL, well=False)])
    assert (found.repaired, found.astray, found.taken_back) == (0, 1, 0)


def test_a_drill_is_read_back_as_it_was_kept() -> None:
    trials = (TRIAL, replace(TRIAL, number=2, repairs=(ASTRAY,), notes=("a word",)))
    kept = json.loads(json.dumps(document(trials, about={"on": "supervisor"})))
    assert trials_of(kept) == trials
    assert kept["figures"]["repaired"] == 1


def test_what_was_drilled_is_not_drilled_again_and_every_fault_comes_once_before_any_comes_twice() -> None:
    wanted = Wanted(faults=("one", "two"), runs=2, done=frozenset({"one/1"}))
    assert wanted.left() == [("two", 1), ("one", 2), ("two", 2)]


def test_the_table_says_what_became_of_each_fault_and_of_repairs_that_went_astray() -> None:
    shown = table([replace(TRIAL, repairs=(ASTRAY, HEALING))])
    assert "repaired by supervisor.restart" in shown
    assert "PLAN-0 supervisor.restart at cart" in shown
    assert "1 of 1" in shown


def test_every_fault_that_is_drilled_by_default_is_one_of_the_lab() -> None:
    assert all(FAULTS[name].fault_type for name in drill.REPAIRABLE)


def test_a_trial_waits_as_long_as_a_plan_is_under_way_and_no_longer_than_the_limit() -> None:
    running = replace(TRIAL, repairs=(replace(HEALING, status="running", ended_at=None),))
    assert not drill._decided(running, 100 + drill.NO_PLAN_S + 1)
    assert drill._decided(running, 100 + drill.GIVE_UP_S + 1)
    assert drill._decided(TRIAL, 200.0)
    assert drill._decided(replace(TRIAL, repairs=()), 100 + drill.NO_PLAN_S + 1)


@pytest.mark.parametrize("cluster", ["", "http://127.0.0.1:1"])
def test_the_configuration_with_hands_is_one_that_serve_takes(tmp_path: Path, cluster: str) -> None:
    given = copilot.configuration(
        tmp_path, shop=tmp_path, prometheus="http://p", jaeger="http://j", interval=10, days=7, port=0,
        receiver="http://127.0.0.1:2/",
    )  # fmt: skip
    reach = acting.Reach(shop=tmp_path, cluster=cluster, ssh_port=1, database="postgresql://u:@/d?host=/tmp")
    settings = Settings.model_validate(acting.with_hands(given, reach))
    assert settings.risk.auto_remediation_enabled
    assert {each.environment for each in settings.actions.targets} == {acting.ENVIRONMENT}
    assert {each.service for each in settings.actions.targets} == {*SERVICES, *STORES}
    assert settings.alerting.notify.receivers


class SilentShop(Shop):
    """A shop without processes."""

    def signal(self, process: str, number: signal.Signals) -> None:
        """Nobody is there."""


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    ports = dict.fromkeys(SERVICES, 1)
    found = SilentShop(
        Configuration(str(tmp_path), ports, ports, ports, "", 1, ""), None, None,  # type: ignore[arg-type]
        {name: control.Release("2.0.1") for name in SERVICES},
    )  # fmt: skip
    for name, release in found.releases.items():
        control.write_release(tmp_path, name, release)
    return found


def test_a_commit_rolls_out_and_its_revert_rolls_back(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "LOOK_S", 0.02)
    bad, good = control.Release("2.0.2", ("raises",)), control.Release("2.0.1")
    with releases.delivering(shop):
        commit = releases.commit(tmp_path, "cart", bad)
        assert len(commit) == 40
        _until(tmp_path, "cart", bad)
        releases.commit(tmp_path, "cart", good)
        _until(tmp_path, "cart", good)


def test_reverting_leads_back_to_what_ran_and_not_to_what_the_branch_said_before(
    shop: Shop, tmp_path: Path
) -> None:
    with releases.delivering(shop):
        releases.commit(tmp_path, "cart", control.Release("2.0.2", ("raises",)))
        control.write_release(tmp_path, "cart", control.Release("2.0.2"))  # healed by hand
        commit = releases.commit(tmp_path, "cart", control.Release("2.0.3", ("skips",)))
        before = releases._git(releases.repository(tmp_path), "show", f"{commit}^:releases/cart.json")
    assert json.loads(before) == {"version": "2.0.2", "defects": []}


def _until(folder: Path, service: str, wanted: control.Release) -> None:
    until = time.monotonic() + 5
    while control.read_release(folder, service) != wanted:
        assert time.monotonic() < until
        time.sleep(0.02)
