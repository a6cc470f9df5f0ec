"""The keys by which chat platforms may bring decisions in."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.app.secrets import secrets_of
from sre_copilot.errors import SettingsError
from sre_copilot.settings.loading import load

KEYS = "decision: {{approval: {{chat: {{slack: {{signing_secret: '{}'}}}}}}}}"


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_platform_is_taken_from_unless_it_is_configured(tmp_path: Path) -> None:
    assert load(written(tmp_path, "language: en")).decision.approval.chat.platforms() == ()


def test_a_secret_comes_from_the_environment_and_is_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_APP", "0123456789abcdef0123456789abcdef")
    settings = load(written(tmp_path, KEYS.format("{{ env.OF_THE_APP }}")))
    assert settings.decision.approval.chat.platforms() == ("slack",)
    assert "0123456789abcdef0123456789abcdef" in secrets_of(settings)
    assert "0123456789abcdef" not in repr(settings)


def test_one_that_is_too_short_is_named_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="signing_secret") as refused:
        load(written(tmp_path, KEYS.format("tooshort")))
    assert "tooshort" not in str(refused.value)
