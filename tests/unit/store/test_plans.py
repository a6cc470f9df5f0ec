"""Plans as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import inspect, select, text

from sre_copilot.bus.schemas import event_type, normal_form
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import Plan
from sre_copilot.errors import UsageError
from sre_copilot.store.alerting.tables import outbox
from sre_copilot.store.approvals import approvals, delegations, keep_vote, link_key, votes_of
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plan_ids import first_id, next_id
from sre_copilot.store.plans import PlanAltered, PlanStore, plans
from sre_copilot.testing.plans import NOW, a_plan, a_step


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path))
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> PlanStore:
    return PlanStore(database)


@pytest.mark.parametrize("table", [plans, approvals, delegations])
def test_the_schema_is_the_one_that_the_code_knows(database: Database, table: Any) -> None:
    found = {column["name"]: column for column in inspect(database.engine).get_columns(table.name)}
    assert set(found) == {column.name for column in table.columns}
    assert all(found[c.name]["nullable"] == c.nullable for c in table.columns if not c.primary_key)


def test_what_is_read_is_what_was_proposed_to_the_last_type(store: PlanStore) -> None:
    plan = a_plan(
        a_step(1),
        a_step(2),
        created_at=int(NOW),
        title=Message(key="t", params=(("a", 1), ("b", 2.0), ("c", "x"))),
    )
    made = store.propose(plan)
    kept = store.get(made.id)
    assert kept is not None
    assert kept.plan == made == plan
    assert kept.fingerprint == made.fingerprint == kept.plan.fingerprint
    assert (kept.status, kept.told) == ("proposed", 0)


def test_a_taken_id_gives_way_to_the_next_free_second(store: PlanStore) -> None:
    ids = [store.propose(a_plan()).id for _ in range(3)]
    assert ids == ["PLAN-20260206143022", "PLAN-20260206143023", "PLAN-20260206143024"]
    assert store.propose(a_plan(id="")).id == "PLAN-20260206143025"
    assert first_id(NOW) == "PLAN-20260206143022"
    assert next_id("PLAN-20261231235959") == "PLAN-20270101000000"
    with pytest.raises(UsageError, match="PLAN-YYYYMMDDHHMMSS"):
        next_id("PLAN-1")


def test_many_at_once_get_ids_of_their_own(store: PlanStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: store.propose(a_plan()).id, range(12)))
    assert len(set(ids)) == 12


def test_the_same_key_again_is_no_second_plan_and_tells_nobody_again(database: Database) -> None:
    told = Notification(key="k", group="g", receiver="r", state="approval", sequence=1, created_at=NOW)
    store = PlanStore(database, tell=lambda plan: (replace(told, key=f"k/{plan.id}"),))
    first = store.propose(a_plan(), key="incident 1, attempt 1")
    assert store.propose(a_plan(strategy="scale_out"), key="incident 1, attempt 1") == first
    assert NotificationStore(database).counts() == {"pending": 1}
    assert store.counts() == {"proposed": 1}


def test_a_proposal_is_kept_with_its_event_its_audit_and_what_people_are_told_or_not_at_all(
    database: Database,
) -> None:
    told = Notification(key="k", group="g", receiver="r", state="approval", sequence=1, created_at=NOW)
    store = PlanStore(database, tell=lambda plan: (told,))
    plan = store.propose(a_plan(incident_id="INC-7"))
    with database.begin() as connection:
        row = connection.execute(select(outbox)).mappings().one()
    data = normal_form(event_type(row["type"]), orjson.loads(row["data"]))
    assert (row["key"], data["plan_id"], data["digest"]) == ("INC-7", plan.id, plan.fingerprint)
    assert AuditChain(database).page().rows[0]["subject"] == plan.id
    assert NotificationStore(database).get("k") is not None

    def fails(plan: Plan) -> tuple[Notification, ...]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        PlanStore(database, tell=fails).propose(a_plan())
    assert store.counts() == {"proposed": 1}
    assert AuditChain(database).verify().entries == 1


def test_a_plan_whose_text_or_fingerprint_was_changed_is_not_read(
    database: Database, store: PlanStore
) -> None:
    made = store.propose(a_plan())
    changes = (
        "document = replace(document, 'cart', 'bank')",
        "document = 'nothing'",
        "fingerprint = 'x'",
    )
    for change in changes:
        with database.begin() as connection:
            before = connection.execute(text("SELECT document, fingerprint FROM plans")).one()
            connection.execute(text(f"UPDATE plans SET {change}"))  # noqa: S608 - of this test
        with pytest.raises(PlanAltered, match="propose it anew"):
            store.get(made.id)
        with database.begin() as connection:
            connection.execute(
                text("UPDATE plans SET document = :d, fingerprint = :f"), {"d": before[0], "f": before[1]}
            )
    assert store.get(made.id) is not None


def test_what_json_cannot_say_is_refused_by_name(store: PlanStore) -> None:
    with pytest.raises(UsageError, match="plan: holds what cannot be kept"):
        store.propose(a_plan(confidence=float("nan")))
    assert store.counts() == {}


def test_a_status_changes_only_from_the_one_that_is_expected_and_is_audited(
    database: Database, store: PlanStore
) -> None:
    key = store.propose(a_plan()).id
    assert store.set_status(key, "approved", expected="proposed", who="ann", at=NOW)
    assert not store.set_status(key, "rejected", expected="proposed", who="bob", at=NOW)
    assert store.set_status(key, "running", expected=("approved", "paused"), who="x", at=NOW, reason="begins")
    kept = store.get(key)
    assert kept is not None
    assert (kept.status, kept.reason) == ("running", "begins")
    verbs = [row["verb"] for row in AuditChain(database).page().rows]
    assert verbs == ["plan.running", "plan.approved", "plan.propose"]
    assert not store.set_status("PLAN-1", "running", expected="approved", who="x", at=NOW)


def test_pages_are_by_status_incident_and_time(store: PlanStore) -> None:
    one = store.propose(a_plan(incident_id="INC-1"))
    two = store.propose(a_plan(incident_id="INC-2", now=NOW + 100, id=""))
    store.set_status(one.id, "approved", expected="proposed", who="x", at=NOW)
    assert [row["id"] for row in store.page().rows] == [two.id, one.id]
    assert [row["id"] for row in store.page(statuses=("approved",)).rows] == [one.id]
    assert [row["id"] for row in store.page(incident_id="INC-2").rows] == [two.id]
    assert [row["id"] for row in store.page(since=NOW + 50).rows] == [two.id]
    assert [row["id"] for row in store.all_of(("proposed",))] == [two.id]


def test_a_person_who_votes_again_has_changed_their_mind(database: Database) -> None:
    row = {"fingerprint": "f", "verdict": "approve", "person": "ann", "who": "Ann", "token_id": "",
           "on_behalf_of": "", "way": "rest", "reason": "", "at": NOW}  # fmt: skip
    with database.begin() as connection:
        keep_vote(connection, "PLAN-1", row)
        keep_vote(connection, "PLAN-1", {**row, "verdict": "reject", "reason": "no"})
        (vote,) = votes_of(connection, "PLAN-1")
    assert (vote["verdict"], vote["reason"]) == ("reject", "no")


def test_the_key_of_links_is_made_once(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: link_key(database), range(8)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
