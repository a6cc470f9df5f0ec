"""`sre-copilot worker` refuses a store that one process alone may write."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.cli.worker import worker
from sre_copilot.errors import SettingsError


def test_a_worker_of_its_own_needs_postgresql(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"store: {{folder: {tmp_path}}}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="serve"):
        worker(config=path)
