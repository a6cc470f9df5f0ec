from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.app.rulebook import frozen_by, rulebook_of, trusted_by
from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.record import standing_of
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Mode, Plan, PlanStep, Risk, RiskLevel, Target
from sre_copilot.errors import SettingsError
from sre_copilot.settings.acting.decision import Decision
from sre_copilot.settings.acting.decision import Risk as RiskKeys
from sre_copilot.settings.acting.freezes import FreezeWindow
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import load

FILE = """
policies: [{name: no sql, when: {actions: [sql.*]}, effect: forbid}]
tests: [{name: t, given: {action: sql.x}, expect: {forbidden: true}}]
"""


def settings(*files: Path) -> Settings:
    return Settings(decision=Decision(policies=list(files)))


def test_policies_of_files_are_in_force(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(FILE, encoding="utf-8")
    assert [each.name for each in rulebook_of(settings(file)).policies.rules] == ["no sql"]


def test_a_file_that_fails_its_own_tests_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(FILE.replace("forbidden: true", "forbidden: false"), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"decision\.policies\.0: .*'t': forbidden is true, expected false"
    ):
        rulebook_of(settings(file))


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.yaml: cannot be read"):
        rulebook_of(settings(tmp_path / "gone.yaml"))


FREEZE = FreezeWindow(name="f", starts_at="2026-01-01T00:00Z", ends_at="2026-02-01T00:00Z", targets=["b*"])  # type: ignore[arg-type]  # fmt: skip
INSIDE, OUTSIDE = 1_767_787_200.0, 1_788_000_000.0
SAYS = Message(key="decision.frozen")
STEPS = tuple(
    PlanStep(id=name, action=Action(name=f"{name}.x", target=Target(executor=name, kind="k", name="n")), expected=SAYS, timeout_seconds=1)
    for name in ("a", "b")
)  # fmt: skip
PLAN = Plan(
    id="PLAN-20260107120000",
    created_at=0,
    strategy="s",
    title=SAYS,
    steps=STEPS,
    risk=Risk(score=0.1, level=RiskLevel.MEDIUM, parts=(), mode=Mode.AUTO),
    requester="r",
    expires_at=1,
    origin="person",
)


def test_a_plan_is_frozen_when_one_of_its_targets_is() -> None:
    judgement = frozen_by(Rulebook(decision=Decision(freezes=[FREEZE])))
    found = judgement(PLAN, INSIDE)
    assert found is not None
    assert found.key == "decision.frozen"
    assert judgement(PLAN, OUTSIDE) is None
    assert judgement(replace(PLAN, steps=STEPS[:1]), INSIDE) is None
    assert judgement(replace(PLAN, risk=replace(PLAN.risk, level=RiskLevel.LOW)), INSIDE) is None


def trusts(
    plan: Plan = PLAN, at: float = OUTSIDE, *, on: bool = True, effect: str = "forbid", failed: str = ""
) -> bool:
    freeze = FREEZE.model_copy(update={"effect": effect})
    rules = Rulebook(risk=RiskKeys(auto_remediation_enabled=on), decision=Decision(freezes=[freeze]))
    return trusted_by(rules, lambda action, fault: standing_of([True, action != failed]))(plan, at)


def test_a_plan_that_was_judged_auto_is_judged_again_before_it_begins() -> None:
    assert trusts()
    assert not trusts(on=False)
    assert not trusts(failed="b.x")
    assert not trusts(at=INSIDE)
    assert not trusts(at=INSIDE, effect="approval")


@pytest.mark.parametrize(
    "change",
    [{"mode": Mode.SEMI_AUTO}, {"forbidden": True}, {"four_eyes": True}, {"level": RiskLevel.HIGH}],
)
def test_a_plan_that_needs_a_person_is_never_trusted(change: dict[str, Any]) -> None:
    assert not trusts(replace(PLAN, risk=replace(PLAN.risk, **change)))


EXAMPLES = re.findall(
    r"```yaml\n(.*?)```",
    (Path(__file__).parents[3] / "docs/concepts/risk.md").read_text(encoding="utf-8"),
    re.DOTALL,
)


def test_the_examples_of_the_documentation_can_be_used_and_pass_their_own_tests(tmp_path: Path) -> None:
    keys, policies = EXAMPLES
    (tmp_path / "policies.yaml").write_text(policies, encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(keys.replace("[policies.yaml]", f"[{tmp_path / 'policies.yaml'}]"), encoding="utf-8")
    assert len(rulebook_of(load(config)).policies.rules) == 3
