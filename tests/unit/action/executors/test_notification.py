"""The executor `notification` against a store of its own; delivery is played by setting what became of a message."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sre_copilot.action.executor import ActionError, Executor, Verified
from sre_copilot.action.executors.notification import NotificationExecutor, NotificationExecutorSettings
from sre_copilot.domain.plan import Action, RiskLevel, Target
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import notifications
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call, settled

TELL = Action(
    name="notification.tell",
    target=Target(executor="notification", kind="receiver", name="team-shop"),
    parameters={"title": "The shop was restarted", "severity": "warning"},
)


def executor(url: str) -> NotificationExecutor:
    return NotificationExecutor(NotificationExecutorSettings(store_url=url, receivers=("team-*",)))


def rows(database: Database) -> list[dict[str, Any]]:
    with database.begin() as connection:
        return [dict(row) for row in connection.execute(select(notifications)).mappings()]


@contextmanager
def opened(folder: Path) -> Iterator[Case]:
    url = f"sqlite:///{folder}/store.db"
    database = Database(url)
    other = Action(
        name=TELL.name,
        target=Target(executor="notification", kind="receiver", name="all"),
        parameters=TELL.parameters,
    )
    yield Case(
        executor=lambda: executor(url),
        action=TELL,
        effects=lambda: len(rows(database)),
        state=lambda: None,
        refused=((other, "team-*"),),
        unreachable=lambda: executor(f"sqlite:///{folder}/{SECRET}/gone/store.db"),
    )
    database.close()


def delivered(folder: Path, status: str) -> None:
    database = Database(f"sqlite:///{folder}/store.db")
    with database.write() as connection:
        connection.execute(update(notifications).values(status=status))
    database.close()


class TestTelling(ExecutorContract):
    undo_restores = False

    def opened(self, folder: Path) -> Any:
        return opened(folder)

    def test_it_is_verified_by_what_is_seen(self, case: Case) -> None:
        """Delivered, which takes a while; a failure is said."""
        found = case.executor()
        found.execute(case.action, call())
        waits = found.verify(case.action, call())
        assert (waits.ok, waits.settled) == (False, False)
        assert self._after(found, "sent").ok
        failed = self._after(found, "failed")
        assert (failed.ok, failed.settled) == (False, True)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def _after(self, found: Executor, status: str) -> Verified:
        delivered(self.folder, status)
        return settled(found, TELL)


def test_what_is_told_is_in_the_outbox_with_the_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    executor(url).execute(TELL, call())
    (row,) = rows(Database(url))
    assert (row["key"], row["receiver"], row["status"]) == (f"action/{call().key}", "team-shop", "pending")
    assert row["payload"]["content"]["title"] == "The shop was restarted"


def test_it_cannot_be_taken_back(tmp_path: Path) -> None:
    found = executor(f"sqlite:///{tmp_path}/store.db")
    assert (found.specs()[0].level, found.specs()[0].reversible) == (RiskLevel.HIGH, False)
    with pytest.raises(ActionError, match="cannot be undone"):
        found.undo(TELL, call("undo"), {})
