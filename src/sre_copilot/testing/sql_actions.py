"""A catalogue of statements on a small shop, and what of it is counted, for tests of the executor `sql` on any database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text

from sre_copilot.domain.plan import Action, Target

SIZE = {"type": "integer", "minimum": 0, "maximum": 1000}
NAME = {"pattern": "[a-z' ;=-]*"}
TABLES = (
    "DROP TABLE IF EXISTS sre_copilot_actions",
    "DROP TABLE IF EXISTS pools",
    "DROP TABLE IF EXISTS changes",
    "CREATE TABLE sre_copilot_actions (key VARCHAR(200) PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
    "CREATE TABLE pools (name VARCHAR(50) PRIMARY KEY, size INTEGER NOT NULL CHECK (size < 900), version INTEGER NOT NULL)",
    "CREATE TABLE changes (pool VARCHAR(50) NOT NULL, size INTEGER NOT NULL)",
    "INSERT INTO pools VALUES ('web', 10, 1), ('db', 5, 1), ('dbs', 5, 1)",
)
SET = {
    "name": "set_size",
    "statement": "UPDATE pools SET size = :size, version = version + 1 WHERE name = :pool AND version = CAST(:version AS INTEGER)",
    "parameters": {"size": SIZE, "pool": NAME},
    "level": "reversible",
    "look": "SELECT name, size FROM pools WHERE name = :pool",
    "check": "SELECT 1 FROM pools WHERE name = :pool AND size = :size",
    "version": "SELECT version FROM pools WHERE name = :pool",
    "backup": "SELECT name, size AS former FROM pools WHERE name = :pool",
    "undo": "UPDATE pools SET size = :former, version = version + 1 WHERE name = :name",
}
GROW = {
    "name": "grow",
    "statement": "UPDATE pools SET size = size + :by WHERE name LIKE :pool",
    "parameters": {"by": SIZE, "pool": {"pattern": "[a-z%]*"}},
    "level": "reversible",
    "look": "SELECT name, size FROM pools WHERE name LIKE :pool ORDER BY name",
    "backup": "SELECT name, size AS former FROM pools WHERE name LIKE :pool",
    "undo": "UPDATE pools SET size = :former WHERE name = :name",
}


def action(verb: str, database: str = "shop", **parameters: Any) -> Action:
    """An action on the shop."""
    target = Target(executor="sql", kind="database", name=database)
    return Action(name=f"sql.{verb}", target=target, parameters=parameters)


def furnish(engine: Engine) -> None:
    """Make the tables anew."""
    with engine.begin() as connection:
        for each in TABLES:
            connection.execute(text(each))


def sizes(engine: Engine) -> dict[str, int]:
    """Size of each pool."""
    with engine.connect() as connection:
        return {
            str(name): int(size)
            for name, size in connection.execute(text("SELECT name, size FROM pools ORDER BY name"))
        }
