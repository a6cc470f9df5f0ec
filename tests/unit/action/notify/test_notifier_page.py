"""The page of notifiers says what their settings are."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.action.notify.registry import GROUP
from sre_copilot.perception.settings_page import page
from sre_copilot.plugins import load_one, registered

PAGE = (Path(__file__).parents[4] / "docs/reference/notifiers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [plugin.name for plugin in registered(GROUP) if plugin.distribution.startswith("sre-copilot")]
)
def test_each_notifier_has_a_section_with_the_settings_that_it_has(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_FROM_EMAIL", raising=False)
    assert f"`type: {name}`" in PAGE
    assert page(load_one(GROUP, name).Settings) in PAGE
