"""The executor `sql` against a real PostgreSQL."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.sql import SqlExecutor, SqlExecutorSettings
from sre_copilot.domain.plan import Action
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call
from sre_copilot.testing.servers.relay import relay
from sre_copilot.testing.sql_actions import GROW, SET, action, furnish, sizes

pytestmark = pytest.mark.integration
WHO = "catalogue"


def executor(url: Any, **more: Any) -> SqlExecutor:
    usual = {"url": url.render_as_string(hide_password=False), "database": "shop", "keys_table": True}
    return SqlExecutor(SqlExecutorSettings(**{**usual, "statements": [SET, GROW], **more}))


@pytest.fixture
def engine(postgresql: Any) -> Iterator[Engine]:
    address = str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    found = create_engine(address)
    furnish(found)
    yield found
    found.dispose()


@contextmanager
def opened(engine: Engine, asked: Action) -> Iterator[Case]:
    before, url = sizes(engine), engine.url
    port = url.port or int(str(url.query.get("port", 5432)))
    host = url.host or str(url.query.get("host", "127.0.0.1"))
    server = Path(host) / f".s.PGSQL.{port}" if host.startswith("/") else (host, port)

    def moved(to: Any) -> Any:
        query = {name: value for name, value in url.query.items() if name not in {"host", "port"}}
        return url.set(host="127.0.0.1", port=to[1], password=SECRET, query={**query, "sslmode": "disable"})

    @contextmanager
    def silent() -> Iterator[SqlExecutor]:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE sre_copilot_actions IN ACCESS EXCLUSIVE MODE"))
            yield executor(url)

    with relay(server) as gone:
        closed = moved(gone.address)
    yield Case(
        executor=lambda: executor(url),
        action=asked,
        effects=lambda: (sizes(engine)["web"] - before["web"]) // 7,
        state=lambda: sizes(engine),
        unreachable=lambda: executor(closed),
        silent=silent,
    )


class TestAStatementThatAdds(ExecutorContract):
    @pytest.fixture
    def case(self, engine: Engine) -> Iterator[Case]:
        with opened(engine, action("grow", by=7, pool="web")) as case:
            yield case


class TestAStatementThatSets(ExecutorContract):
    @pytest.fixture
    def case(self, engine: Engine) -> Iterator[Case]:
        with opened(engine, action("set_size", size=17, pool="web")) as case:
            yield case


def test_two_who_make_the_same_effect_at_once_make_it_once(engine: Engine) -> None:
    found, changed = [executor(engine.url) for _ in range(4)], []
    asked = action("grow", by=7, pool="web")
    threads = [
        threading.Thread(target=lambda each=each: changed.append(each.execute(asked, call()).changed))
        for each in found
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert sorted(changed) == [False, False, False, True]
    assert sizes(engine)["web"] == 17


def test_a_commit_whose_answer_is_lost_is_unknown_and_found_by_its_key(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE OR REPLACE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$ LANGUAGE plpgsql"
            )
        )
        connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON pools DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
            )
        )
    found, asked = executor(engine.url), action("grow", by=7, pool="web")
    found._verbs["sql.grow"]._target._engine = lambda seconds: create_engine(engine.url)  # type: ignore[attr-defined]  # without the server's own time-out
    with pytest.raises(ActionError) as caught:
        found.execute(asked, call(seconds=1))
    assert caught.value.effect == "unknown"
    fresh = executor(engine.url)
    fresh.execute(asked, call())
    assert fresh.done(asked, call(), {}) is True
    assert sizes(engine)["web"] == 17


def test_sessions_are_ended_by_a_select(engine: Engine) -> None:
    told = {
        "name": "end_sessions",
        "statement": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :who",
        "parameters": {"who": {"pattern": "[a-z]+"}},
        "look": "SELECT pid FROM pg_stat_activity WHERE application_name = :who",
        "check": "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = :who",
    }
    stuck = create_engine(engine.url, connect_args={"application_name": WHO})
    with stuck.connect() as connection:
        connection.execute(text("SELECT 1"))
        found, ending = executor(engine.url, statements=[told]), action("end_sessions", who=WHO)
        assert found.preview(ending).difference
        assert found.done(ending, call(), {}) is False
        assert found.execute(ending, call()).detail == {"rows": 1}
        connection.invalidate()
    assert found.verify(ending, call()).ok
    stuck.dispose()
