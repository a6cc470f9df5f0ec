"""The executor `sql` against SQLite files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, create_engine, text

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.sql import SqlExecutor, SqlExecutorSettings
from sre_copilot.domain.plan import Action, RiskLevel
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call
from sre_copilot.testing.sql_actions import GROW, SET, action, furnish, sizes


def executor(url: str, **more: Any) -> SqlExecutor:
    usual = {"url": url, "database": "shop", "keys_table": True, "statements": [SET, GROW]}
    return SqlExecutor(SqlExecutorSettings(**{**usual, **more}))


@contextmanager
def opened(folder: Path, asked: Action, **more: Any) -> Iterator[Case]:
    url = f"sqlite:///{folder}/shop.sqlite"
    engine = create_engine(url)
    furnish(engine)
    before = sizes(engine)

    @contextmanager
    def locked() -> Iterator[SqlExecutor]:
        with engine.connect() as connection:
            connection.execute(text("BEGIN EXCLUSIVE"))
            yield executor(url)

    yield Case(
        executor=lambda: executor(url),
        action=asked,
        effects=lambda: (sizes(engine)["web"] - before["web"]) // 7,
        state=lambda: sizes(engine),
        unreachable=lambda: executor(f"sqlite:///{folder}/{SECRET}/gone.sqlite"),
        silent=locked,
        **more,
    )
    engine.dispose()


class TestAStatementThatAdds(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return opened(folder, action("grow", by=7, pool="web"))


class TestAStatementThatSets(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        refused = (
            (action("set_size", "other", size=1, pool="web"), "other"),
            (action("set_size", size=1001, pool="web"), "parameters.size"),
            (action("set_size", size=1), "parameters"),
            (action("set_size", size=1, pool="web\n"), "parameters.pool"),
            (action("drop", size=1), "sql.drop"),
        )
        absent = action("set_size", size=17, pool="shop")
        return opened(folder, action("set_size", size=17, pool="web"), refused=refused, absent=absent)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = create_engine(f"sqlite:///{tmp_path}/shop.sqlite")
    furnish(found)
    yield found
    found.dispose()


def url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_a_parameter_is_bound_and_never_becomes_part_of_the_statement(engine: Engine) -> None:
    with pytest.raises(ActionError, match="at least 1") as caught:
        executor(url(engine)).execute(
            action("set_size", size=1, pool="web' or ''='; drop table pools; --"), call()
        )
    assert caught.value.effect == "none"
    assert sizes(engine) == {"db": 5, "dbs": 5, "web": 10}


def test_more_rows_than_allowed_are_rolled_back_with_their_key(engine: Engine) -> None:
    found, many = executor(url(engine)), action("grow", by=1, pool="db%")
    for ask in (lambda: found.execute(many, call()), lambda: found.preview(many), lambda: found.backup(many)):
        with pytest.raises(ActionError, match=r"1 may change|allows 1") as caught:
            ask()
        assert caught.value.effect == "none"
    assert sizes(engine) == {"db": 5, "dbs": 5, "web": 10}
    assert found.done(many, call(), {}) is False
    wide = executor(url(engine), statements=[GROW | {"most_rows": 2}])
    backup = wide.backup(many)
    wide.execute(many, call())
    assert sizes(engine) == {"db": 6, "dbs": 6, "web": 10}
    assert wide.undo(many, call("undo"), backup).detail == {"rows": 2}
    assert sizes(engine) == {"db": 5, "dbs": 5, "web": 10}


def test_what_rests_on_an_outdated_row_changes_nothing(engine: Engine) -> None:
    found, asked = executor(url(engine)), action("set_size", size=17, pool="web")
    version = found.look(asked).version
    with engine.begin() as connection:
        connection.execute(text("UPDATE pools SET version = 2, size = 11 WHERE name = 'web'"))
    with pytest.raises(ActionError, match="changed after it was looked at") as caught:
        found.execute(asked, call(version=version))
    assert caught.value.effect == "none"
    assert sizes(engine)["web"] == 11


def test_a_dry_run_shows_rows_before_and_after_and_leaves_them(engine: Engine) -> None:
    preview = executor(url(engine)).preview(action("grow", by=7, pool="web"))
    assert preview.difference == ("1 rows", "- name=web, size=10", "+ name=web, size=17")
    assert preview.checked_by_target
    explained = executor(url(engine), statements=[GROW | {"dry_run": "explain"}])
    assert "pools" in explained.preview(action("grow", by=7, pool="web")).difference[0]
    assert sizes(engine)["web"] == 10


def test_an_undo_of_what_was_never_done_changes_nothing(engine: Engine) -> None:
    found, asked = executor(url(engine)), action("grow", by=7, pool="web")
    backup = found.backup(asked)
    with engine.begin() as connection:
        connection.execute(text("UPDATE pools SET size = 99 WHERE name = 'web'"))
    assert not found.undo(asked, call("undo"), backup).changed
    assert sizes(engine)["web"] == 99


def test_what_the_database_refuses_was_not_done_and_its_words_are_not_repeated(engine: Engine) -> None:
    with pytest.raises(ActionError, match="IntegrityError") as caught:
        executor(url(engine)).execute(action("set_size", size=950, pool="web"), call())
    assert (caught.value.effect, caught.value.retry) == ("none", False)
    assert "size <" not in str(caught.value)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE sre_copilot_actions"))
    with pytest.raises(ActionError, match="create the table sre_copilot_actions"):
        executor(url(engine)).execute(action("grow", by=7, pool="web"), call())


def test_without_key_and_check_it_is_at_least_once_and_irreversible_by_default(engine: Engine) -> None:
    told = {
        "name": "note",
        "statement": "INSERT INTO changes VALUES (:pool, 1)",
        "parameters": SET["parameters"],
    }
    told["parameters"] = {"pool": {"pattern": "[a-z]+"}}
    found = executor(url(engine), statements=[told], keys_table=False)
    (spec,) = found.specs()
    assert (spec.exactly_once, spec.reversible, spec.level) == (False, False, RiskLevel.HIGH)
    note = action("note", pool="web")
    assert found.execute(note, call()).detail == {"rows": 1}
    assert found.done(note, call(), {}) is None
    assert [each.key for each in found.preview(note).objections] == ["sql.objection.no_trace"]


def test_a_select_that_acts_is_never_tried_by_running_it(engine: Engine) -> None:
    found = executor(url(engine), statements=[{"name": "act", "statement": "SELECT random() AS acted"}])
    assert found.execute(action("act"), call()).detail == {"rows": 1}
    assert (found.specs()[0].exactly_once, found.specs()[0].reversible) == (False, False)
    assert "acted" not in repr(found.preview(action("act")))


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ({"statement": "UPDATE pools SET size = 1"}, "no WHERE"),
        ({"statement": "DELETE FROM pools"}, "no WHERE"),
        (
            {"statement": "DELETE FROM pools WHERE size = 1; DELETE FROM changes WHERE size = 1"},
            "2 statements",
        ),
        ({"statement": "DROP TABLE pools"}, "must be one of"),
        ({"statement": "PRAGMA writable_schema = 1"}, "must be one of"),
        ({"statement": "UPDATE pools SET size = :size WHERE 1 = 1"}, "size is no parameter"),
        ({"statement": "not SQL at all ("}, "cannot be read"),
        (
            {"statement": "DELETE FROM pools WHERE size = 1", "look": "DELETE FROM pools WHERE size = 1"},
            "look",
        ),
        ({"statement": "DELETE FROM pools WHERE size = 1", "level": "reversible"}, "needs backup"),
        ({"statement": "DELETE FROM pools WHERE size = 1", "backup": "SELECT 1"}, "both"),
        ({"statement": "DELETE FROM pools WHERE size = 1", "version": "SELECT 1"}, ":version"),
    ],
)
def test_a_catalogue_that_cannot_be_right_is_refused(statement: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        executor("sqlite:////tmp/none.sqlite", statements=[{"name": "x"} | statement])


@pytest.mark.parametrize(
    ("address", "word"),
    [("mysql://a", "cannot be used"), ("sqlite://", "name a file"), (SECRET, "no address")],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(address: str, word: str) -> None:
    with pytest.raises(ValidationError, match=word) as caught:
        executor(address)
    assert SECRET not in str(caught.value)


def test_rows_of_a_statement_within_another_are_no_way_around_the_check() -> None:
    hidden = "WITH gone AS (DELETE FROM pools WHERE size = 1 RETURNING size) SELECT size FROM gone"
    with pytest.raises(ValidationError, match="nothing else within"):
        executor("postgresql+psycopg://a@b/c", statements=[{"name": "x", "statement": hidden}])
