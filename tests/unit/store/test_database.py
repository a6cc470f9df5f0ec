"""The schema is brought up to date as a whole, by one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, inspect

from sre_copilot.store.database import Database, _engine, migrate, sqlite_url
from sre_copilot.store.schema import metadata


class PowerCut(Exception):  # noqa: N818 - what a test does to the process
    """Ends it in the middle."""


@pytest.mark.parametrize("statements", [1, 2, 40, 120])
def test_an_upgrade_that_is_cut_short_leaves_nothing_behind(tmp_path: Path, statements: int) -> None:
    url, left = sqlite_url(tmp_path), [statements]
    engine = _engine(url)

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")):
            left[0] -= 1
        if left[0] < 0:
            raise PowerCut

    event.listen(engine, "before_cursor_execute", count)
    with pytest.raises(PowerCut):
        migrate(engine)
    engine.dispose()
    database = Database(url)
    assert set(metadata.tables) <= set(inspect(database.engine).get_table_names())
    database.close()


def test_several_that_open_a_new_store_at_once_make_it_once(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Database(url), range(4)))
    assert all(each.healthy() for each in opened)
    for each in opened:
        each.close()
