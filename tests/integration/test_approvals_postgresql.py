"""Plans, votes and the audit chain on PostgreSQL, as on SQLite: several processes and threads at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text

from sre_copilot.store.approvals import approvals, delegations, link_key
from sre_copilot.store.audit_chain import AuditChain, audit
from sre_copilot.store.database import Database
from sre_copilot.store.plans import PlanStore, plans
from sre_copilot.testing.plans import NOW, a_plan

pytestmark = pytest.mark.integration
WRITER = """
import sys
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
chain = AuditChain(Database(sys.argv[1]))
for number in range(30):
    chain.note(sys.argv[2], "x", str(number), outcome="done", at=1.0)
"""


@pytest.mark.parametrize("table", [plans, approvals, delegations, audit])
def test_the_migration_makes_the_tables_that_the_schema_describes(
    empty_postgresql: Database, table: object
) -> None:
    name, columns = table.name, set(table.c.keys())  # type: ignore[attr-defined]
    assert {each["name"] for each in inspect(empty_postgresql.engine).get_columns(name)} == columns


def test_processes_append_without_a_fork_and_what_is_changed_is_named(empty_postgresql: Database) -> None:
    url = empty_postgresql.engine.url.render_as_string(hide_password=False)
    started = [subprocess.Popen([sys.executable, "-c", WRITER, url, f"writer {n}"]) for n in range(3)]
    assert [process.wait(90) for process in started] == [0, 0, 0]
    chain = AuditChain(empty_postgresql)
    assert (chain.verify().entries, chain.verify().broken) == (90, None)
    for statement, number, wrong in (
        ("UPDATE audit SET who = 'mallory' WHERE id = 40", 40, "changed"),
        ("DELETE FROM audit WHERE id = 20", 20, "missing"),
    ):
        with empty_postgresql.begin() as connection:
            connection.execute(text(statement))
        broken = chain.verify().broken
        assert broken is not None
        assert (broken.number, broken.wrong) == (number, wrong)


def test_proposals_and_decisions_at_once_make_one_order(empty_postgresql: Database) -> None:
    store = PlanStore(empty_postgresql)
    with ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(lambda _: store.propose(a_plan()).id, range(12)))
        moved = list(
            pool.map(
                lambda n: store.set_status(ids[0], "approved", expected="proposed", who=str(n), at=NOW),
                range(6),
            )
        )
        keys = set(pool.map(lambda _: link_key(empty_postgresql), range(6)))
    assert (len(set(ids)), moved.count(True), len(keys)) == (12, 1, 1)
    assert AuditChain(empty_postgresql).verify().entries == 13
    assert store.propose(a_plan(), key="k") == store.propose(a_plan(), key="k")
    assert AuditChain(empty_postgresql).verify().broken is None
