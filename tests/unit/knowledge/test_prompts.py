"""Prompts can be changed, compared and brought back, and a text that would break the product is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.agents.prompts import override_with, prompt
from sre_copilot.app.asking import use_own_prompts
from sre_copilot.app.experience import open_prompts
from sre_copilot.clock import TurnedClock
from sre_copilot.errors import StoreError, UsageError
from sre_copilot.knowledge.prompts import Prompts, shipped_prompts, tried
from sre_copilot.llm.speaking import Silent
from sre_copilot.settings.document import Settings

SHIPPED = {"report.en": "Write for {reader}.\nBe brief.", "report.zh": "写给{reader}。"}


@pytest.fixture
def prompts(tmp_path: Path) -> Prompts:
    return Prompts(tmp_path / "prompts", TurnedClock(10.0), shipped=SHIPPED)


def test_the_last_version_is_in_use_and_every_one_can_be_brought_back(prompts: Prompts) -> None:
    assert prompts.text("report.en") == SHIPPED["report.en"]
    prompts.edit("report.en", "Tell {reader} what broke.", by="ada", note="shorter")
    prompts.edit("report.en", "Tell {reader} all.", by="bob")
    assert prompts.text("report.en") == "Tell {reader} all."
    assert prompts.text("report.en", version=1) == "Tell {reader} what broke."
    assert prompts.text("report.zh") == SHIPPED["report.zh"]
    assert prompts.restore("report.en", 0, by="eve").number == 3
    assert prompts.text("report.en") == SHIPPED["report.en"]
    assert [(each.number, each.by) for each in prompts.history("report.en")] == [
        (3, "eve"),
        (2, "bob"),
        (1, "ada"),
    ]


def test_versions_outlive_the_process(prompts: Prompts, tmp_path: Path) -> None:
    prompts.edit("report.zh", "给{reader}看。", by="ada")
    again = Prompts(tmp_path / "prompts", TurnedClock(20.0), shipped=SHIPPED)
    assert again.text("report.zh") == "给{reader}看。"


def test_a_difference_is_shown_line_by_line(prompts: Prompts) -> None:
    prompts.edit("report.en", "Write for {reader}.\nBe kind.", by="ada")
    assert prompts.difference("report.en").splitlines()[-2:] == ["-Be brief.", "+Be kind."]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("report.en", "Write.", r"missing \{reader\}"),
        ("report.en", "{reader} {secret}", r"unknown \{secret\}"),
        ("report.en", "  ", "must have 1 to"),
        ("report.en", "{reader}" * 9000, "must have 1 to"),
        ("../../etc/passwd", "{reader}", "there is no prompt"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(prompts: Prompts, name: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        prompts.edit(name, text, by="ada")
    assert name not in SHIPPED or prompts.history(name) == ()


def test_a_damaged_history_is_said_and_not_overwritten(prompts: Prompts, tmp_path: Path) -> None:
    prompts.edit("report.en", "For {reader}.", by="ada")
    (tmp_path / "prompts/report.en/history.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match=r"history\.json"):
        prompts.text("report.en")


def test_agents_are_instructed_with_the_last_version(tmp_path: Path) -> None:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    name = next(iter(shipped_prompts()))
    role, _, lang = name.rpartition(".")
    try:
        use_own_prompts(settings, TurnedClock(0.0))
        assert prompt(role, lang) == shipped_prompts()[name]  # type: ignore[arg-type]
        mine = shipped_prompts()[name] + "\nBe kind.\n"
        open_prompts(settings).edit(name, mine, by="ada")
        assert prompt(role, lang) == mine  # type: ignore[arg-type]
    finally:
        override_with(lambda role, lang: None)


def test_a_trial_without_a_model_says_that_there_is_none() -> None:
    assert tried("Be brief.", "what broke?", Silent()).trouble == "no_model"
