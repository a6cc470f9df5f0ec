"""`sre-copilot plan pause|resume|cancel` in a terminal: the same desk as REST, with its entry in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sre_copilot.cli.plan import app as plan
from sre_copilot.errors import SreCopilotError
from sre_copilot.store import remediation as book
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.testing.alerting_service import Deciding, deciding, listening
from sre_copilot.testing.plans import a_plan


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("wishes")) as found:
        yield found


@pytest.fixture(scope="module")
def config(there: Deciding) -> Iterator[Path]:
    with listening(there) as path:
        yield path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(plan, [*arguments, "--config", str(config)])


def begun(there: Deciding) -> str:
    """A plan that is being carried out."""
    now = there.service.clock.now()
    kept = there.application.state.approving.plans.propose(a_plan(now=now, id=""))
    row = {"id": kept.id, "incident_id": "", "state": "running", "fingerprint": kept.fingerprint, "who": "ann",
           "autonomous": False, "attempt": 1, "worker": "w"}  # fmt: skip
    with there.service.database.write() as connection:
        assert book.begin(connection, row, [], now=now)
    return str(kept.id)


def test_a_plan_under_way_is_paused_goes_on_and_is_called_off_for_good(there: Deciding, config: Path) -> None:
    key = begun(there)
    database = there.service.database
    for wish in ("pause", "resume", "cancel"):
        assert run(config, wish, key.lower()).exit_code == 0
        assert book.Remediations(database).asked(key) == wish
    assert isinstance(run(config, "resume", key).exception, SreCopilotError)
    assert book.Remediations(database).asked(key) == "cancel"
    noted = [(row["verb"], row["outcome"]) for row in AuditChain(database).page(subject=key, limit=4).rows]
    assert noted == [
        ("plan.resume", "refused"),
        *((f"plan.{each}", "done") for each in ("cancel", "resume", "pause")),
    ]


def test_a_plan_that_was_never_begun_is_named(config: Path) -> None:
    assert "PLAN-1" in str(run(config, "pause", "PLAN-1").exception)


def test_a_wish_that_cannot_be_audited_is_not_noted(there: Deciding, monkeypatch: pytest.MonkeyPatch) -> None:
    from sre_copilot.app.acting import open_desk

    key, service = begun(there), there.service
    desk = open_desk(service.settings, service.database, service.clock)

    def broken(*arguments: object) -> int:
        raise OSError("no place is left")

    monkeypatch.setattr(AuditChain, "append", staticmethod(broken))
    with pytest.raises(OSError, match="no place"):
        desk.wish(key, "cancel", who="ann")
    assert desk.rows.asked(key) == ""
