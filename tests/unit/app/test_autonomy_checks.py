"""Before anything begins by itself the product says how to begin small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sre_copilot.app.autonomy_checks import check_autonomy
from sre_copilot.cli.check import check_config, doctor
from sre_copilot.settings.document import Settings

RESTART = "supervisor.restart"


def advice(
    *entries: dict[str, Any], enabled: bool = True, environments: tuple[str, ...] = ("production",)
) -> str:
    targets = [
        {"service": f"cart-{n}", "executor": "supervisor", "kind": "process", "name": "cart", "environment": each}
        for n, each in enumerate(environments)
    ]  # fmt: skip
    given = {
        "risk": {"auto_remediation_enabled": enabled},
        "decision": {"autonomy": {"actions": list(entries)}},
        "actions": {"executors": [{"type": "supervisor", "url": "http://127.0.0.1:9"}], "targets": targets},
    }
    return "\n".join(check_autonomy(Settings.model_validate(given)))


def test_nothing_is_said_of_what_is_off_and_names_nothing() -> None:
    assert check_autonomy(Settings()) == ()


def test_what_is_named_and_switched_off_is_told_so() -> None:
    assert "1 named, and none begins by itself" in advice({"action": RESTART}, enabled=False)


def test_what_acts_in_production_alone_is_advised_to_be_tried_in_a_test_environment_first() -> None:
    first = "let them act in a test environment first"
    assert first in advice({"action": RESTART})
    assert first in advice({"action": RESTART}, environments=("nobody-knows-it",))
    assert first not in advice({"action": RESTART}, environments=("production", "staging"))
    assert first in advice(
        {"action": RESTART, "environments": ["production"]}, environments=("production", "lab")
    )


def test_a_pattern_over_several_actions_is_advised_to_be_widened_one_by_one() -> None:
    said = advice({"action": "supervisor.*"})
    assert "decision.autonomy.actions[0].action: 'supervisor.*' stands for" in said
    assert RESTART in said
    assert "stands for" not in advice({"action": RESTART})


def test_what_cannot_be_undone_is_advised_against() -> None:
    assert "supervisor.signal cannot be undone" in advice({"action": "supervisor.signal"})
    assert "cannot be undone" not in advice({"action": RESTART})


def test_acting_in_production_without_a_record_is_advised_against_and_in_a_laboratory_is_not() -> None:
    bare = {"action": RESTART, "minimum_cases": 0}
    assert "decision.autonomy.actions[0].minimum_cases: is 0" in advice(bare)
    assert "minimum_cases" not in advice(bare, environments=("lab",))


def test_an_entry_that_fits_no_action_is_named() -> None:
    assert "decision.autonomy.actions[0].action: 'supervisr.restart' fits no action" in advice(
        {"action": "supervisr.restart"}
    )


def test_looking_at_the_records_is_advised_as_soon_as_anything_may_begin_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"store: {{folder: {tmp_path}}}\nrisk: {{auto_remediation_enabled: true}}\n")
    for command in (check_config, doctor):
        command(path)
        said = " ".join(capsys.readouterr().out.split())
        assert "look regularly at `sre-copilot audit list`" in said
