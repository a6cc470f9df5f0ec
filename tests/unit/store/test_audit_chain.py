"""The audit as a chain of hashes: whatever is done to it afterwards is named."""

# ruff: noqa: S608 - statements of these tests

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from sre_copilot.errors import StoreError, UsageError
from sre_copilot.store.alerting.audit import note
from sre_copilot.store.audit_chain import FIELDS, AuditChain, Broken, append_rows, read_head
from sre_copilot.store.database import Database, sqlite_url

ENTRIES = 7


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path))
    yield made
    made.close()


@pytest.fixture
def chain(database: Database) -> AuditChain:
    found = AuditChain(database)
    for number in range(1, ENTRIES + 1):
        found.note(
            f"ann {number}",
            "plan.approve",
            f"PLAN-{number}",
            outcome="done",
            detail={"n": number},
            at=float(number),
        )
    return found


def broken(database: Database, statement: str) -> Broken:
    with database.begin() as connection:
        connection.execute(text(statement))
    found = AuditChain(database).verify().broken
    assert found is not None
    return found


def test_a_whole_chain_is_whole_and_an_empty_one_too(database: Database) -> None:
    assert AuditChain(database).verify().broken is None
    chain = AuditChain(database)
    chain.note("ann", "plan.approve", "PLAN-1", outcome="done", detail={"reason": "“ok” \0 \ud800"}, at=1.0)
    found = chain.verify()
    assert (found.broken, found.entries, found.head) == (None, 1, chain.head())
    assert chain.head().count == 1


@pytest.mark.parametrize("column", [*FIELDS[1:], "hash"])
@pytest.mark.parametrize("number", [1, 4, ENTRIES])
def test_a_changed_byte_in_any_column_of_any_entry_is_named(
    database: Database, chain: AuditChain, column: str, number: int
) -> None:
    change = "at = at + 0.001" if column == "at" else f"{column} = {column} || 'x'"
    found = broken(database, f"UPDATE audit SET {change} WHERE id = {number}")
    assert (found.number, found.wrong) == (number, "changed")


@pytest.mark.parametrize("number", range(1, ENTRIES))
def test_a_removed_entry_is_named(database: Database, chain: AuditChain, number: int) -> None:
    found = broken(database, f"DELETE FROM audit WHERE id = {number}")
    assert (found.number, found.wrong) == (number, "missing")


def test_a_cut_tail_is_named_with_what_was_there(database: Database, chain: AuditChain) -> None:
    found = broken(database, "DELETE FROM audit WHERE id >= 6")
    assert (found.number, found.wrong) == (6, "tail")
    assert "there were 7" in found.problem


def test_all_entries_gone_is_a_cut_tail_too(database: Database, chain: AuditChain) -> None:
    assert broken(database, "DELETE FROM audit").number == 1


def test_two_entries_that_change_places_are_named(database: Database, chain: AuditChain) -> None:
    swap = "UPDATE audit SET id = CASE id WHEN 3 THEN -4 ELSE -3 END WHERE id IN (3, 4)"
    with database.begin() as connection:
        connection.execute(text(swap))
    found = broken(database, "UPDATE audit SET id = -id WHERE id < 0")
    assert (found.number, found.wrong) == (3, "changed")


def test_an_entry_that_was_made_anew_with_a_right_hash_breaks_the_one_after_it(
    database: Database, chain: AuditChain
) -> None:
    from sre_copilot.store.audit_chain import digest_of

    row = {**chain.page(limit=100).rows[ENTRIES - 3], "who": "mallory"}
    assert row["id"] == 3
    row["detail"] = '{"n":3}'
    found = broken(database, f"UPDATE audit SET who = 'mallory', hash = '{digest_of(row)}' WHERE id = 3")
    assert (found.number, found.wrong) == (4, "order")


def test_an_entry_put_in_beside_the_chain_is_named(database: Database, chain: AuditChain) -> None:
    columns = ", ".join((*FIELDS, "hash"))
    new = f"INSERT INTO audit ({columns}) SELECT 8, at, who, verb, subject, outcome, detail, hash, 'x' FROM audit WHERE id = 7"
    assert broken(database, new).number == 8


def test_a_tail_cut_with_its_head_shows_against_what_was_noted_outside(
    database: Database, chain: AuditChain
) -> None:
    noted = read_head(str(chain.head()))
    with database.begin() as connection:
        fifth = connection.execute(text("SELECT hash FROM audit WHERE id = 5")).scalar_one()
        connection.execute(text("DELETE FROM audit WHERE id > 5"))
        connection.execute(
            text("UPDATE facts SET value = :value WHERE key = 'audit.head'"),
            {"value": f'{{"count": 5, "hash": "{fifth}"}}'},
        )
    assert chain.verify().broken is None
    found = chain.verify([noted]).broken
    assert found is not None
    assert (found.number, found.wrong) == (6, "tail")


def test_a_chain_made_wholly_anew_shows_against_what_was_noted_outside(
    database: Database, chain: AuditChain
) -> None:
    noted = chain.head()
    with database.begin() as connection:
        connection.execute(text("DELETE FROM audit"))
        connection.execute(text("DELETE FROM facts WHERE key = 'audit.head'"))
    for number in range(ENTRIES):
        chain.note("mallory", "plan.approve", f"PLAN-{number}", outcome="done", at=1.0)
    assert chain.verify().broken is None
    found = chain.verify([noted]).broken
    assert found is not None
    assert (found.number, found.wrong) == (ENTRIES, "anchor")


@pytest.mark.parametrize("kept", [ENTRIES, 3], ids=["nothing else", "with the tail"])
def test_a_lost_head_is_named_for_good_by_an_entry_of_its_own(
    database: Database, chain: AuditChain, kept: int
) -> None:
    with database.begin() as connection:
        connection.execute(text(f"DELETE FROM audit WHERE id > {kept}"))
        connection.execute(text("DELETE FROM facts WHERE key = 'audit.head'"))
    for number in (8, 9):
        chain.note("bob", "plan.reject", f"PLAN-{number}", outcome="done", at=float(number))
        found = chain.verify().broken
        assert found is not None
        assert (found.number, found.wrong) == (kept + 1, "head")
    assert chain.head().count == kept + 3
    assert chain.page(verb="audit.").rows[0]["detail"]["begun_anew_after"].startswith(f"{kept}:")
    later = f"UPDATE audit SET who = 'eve' WHERE id = {kept + 3}"
    assert broken(database, later).wrong == "changed"  # what comes after it is still looked at


def test_of_two_anchors_of_one_number_both_are_held_against_the_chain(chain: AuditChain) -> None:
    right = chain.head()
    wrong = read_head(f"{right.count}:{'0' * 64}")
    for anchors in ([wrong, right], [right, wrong], [wrong]):
        found = chain.verify(anchors).broken
        assert found is not None
        assert (found.number, found.wrong) == (right.count, "anchor")
    assert chain.verify([right, right]).broken is None


def test_what_is_rolled_back_leaves_no_gap(database: Database, chain: AuditChain) -> None:
    with database.engine.connect() as connection:
        AuditChain.append(connection, "ann", "x", "y", "done", None, 1.0)
        connection.rollback()
    chain.note("ann", "x", "y", outcome="done", at=1.0)
    assert chain.verify().entries == ENTRIES + 1


def test_what_alerting_notes_stands_in_the_same_chain(database: Database, chain: AuditChain) -> None:
    with database.write() as connection:
        note(connection, "silence.add", who="ann", at=9.0, subject="S-1", detail={"arguments": {}})
        assert append_rows(connection, []) == 0
    latest = chain.page(limit=1).rows[0]
    assert (latest["id"], latest["verb"]) == (ENTRIES + 1, "silence.add")
    assert chain.verify().broken is None


def test_pages_go_back_in_time_and_can_be_narrowed(chain: AuditChain) -> None:
    first = chain.page(limit=3)
    rest = chain.page(limit=10, cursor=first.next)
    assert [row["id"] for row in (*first.rows, *rest.rows)] == [7, 6, 5, 4, 3, 2, 1]
    assert [row["id"] for row in chain.page(subject="PLAN-4").rows] == [4]
    assert not chain.page(verb="silence.").rows


@pytest.mark.parametrize("given", ["", "12", "x:" + "0" * 64, "1:xyz", "1:" + "G" * 64])
def test_a_head_that_is_none_is_said_to_be_none(given: str) -> None:
    with pytest.raises(UsageError, match="anchor"):
        read_head(given)


def test_a_time_that_is_no_number_is_refused(chain: AuditChain) -> None:
    with pytest.raises(StoreError, match="time of an entry"):
        chain.note("ann", "x", "y", outcome="done", at=float("nan"))


def test_threads_append_without_a_fork(database: Database, chain: AuditChain) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: chain.note("ann", "x", str(n), outcome="done", at=1.0), range(40)))
    assert (chain.verify().broken, chain.verify().entries) == (None, ENTRIES + 40)


WRITER = """
import sys
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
chain = AuditChain(Database(sys.argv[1]))
for number in range(10):
    chain.note(sys.argv[2], "x", str(number), outcome="done", at=1.0)
"""


def write_at_once(url: str, *, processes: int) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, f"writer {number}"])
        for number in range(processes)
    ]
    assert [process.wait(60) for process in started] == [0] * processes


@pytest.fixture
def several() -> Callable[..., None]:
    return write_at_once


def test_processes_append_without_a_fork(
    tmp_path: Path, chain: AuditChain, several: Callable[..., None]
) -> None:
    several(sqlite_url(tmp_path), processes=2)
    assert (chain.verify().broken, chain.verify().entries) == (None, ENTRIES + 20)


def test_entries_of_an_earlier_version_are_chained_in_their_order(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(files("sre_copilot.store") / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        for number in (3, 7, 9):
            connection.execute(
                text("INSERT INTO audit VALUES (:n, :n, 'ann', 'silence.add', 'S', 'done', '{}')"),
                {"n": number},
            )
    engine.dispose()
    database = Database(url)
    chain = AuditChain(database)
    chain.note("bob", "x", "y", outcome="done", at=10.0)
    assert (chain.verify().broken, chain.verify().entries) == (None, 4)
    assert [row["at"] for row in chain.page().rows] == [10.0, 9.0, 7.0, 3.0]
    database.close()
