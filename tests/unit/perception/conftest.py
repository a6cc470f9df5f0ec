"""What the tests of all sources share."""

from __future__ import annotations

import pytest

from sre_copilot.testing import source_contract


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are tried again after short pauses."""
    source_contract.impatient(monkeypatch)
