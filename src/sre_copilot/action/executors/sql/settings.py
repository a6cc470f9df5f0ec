"""What the executor `sql` can be told: a database, and the statements that may be run there."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import sqlglot
from pydantic import Field, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlglot import exp

from sre_copilot.action.executors.levels import Level
from sre_copilot.action.executors.parameters import CatalogueParameter, once_each
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

VERSION = "version"
KINDS: dict[str, type[exp.Expr]] = {"update": exp.Update, "insert": exp.Insert, "delete": exp.Delete, "select": exp.Select}  # fmt: skip
CHANGES = (exp.Update, exp.Insert, exp.Delete, exp.Merge, exp.DDL, exp.Command)
HARMLESS = (
    exp.And, exp.Or, exp.Xor, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Cast, exp.Exists, exp.Array, exp.Greatest, exp.Least,
    exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Concat, exp.ConcatWs, exp.Substring, exp.Replace, exp.Abs, exp.Round, exp.Ceil,
    exp.Floor, exp.Mod, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime,
    exp.TimestampTrunc, exp.Extract, exp.TimeToStr, exp.TsOrDsToTimestamp, exp.JSONExtract, exp.JSONExtractScalar, exp.JSONSet,
    exp.Rand, exp.Uuid,
)  # fmt: skip
HARMLESS_BY_NAME = frozenset(
    {"jsonb_set", "date", "time", "datetime", "julianday", "unixepoch", "clock_timestamp"}
)
"""What both databases bring along and what only computes; whatever else a statement calls may do anything."""
DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}


class SqlStatement(Section):
    """An action: one statement; `:NAME` stands for a parameter and is always bound, never written into the text."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """How plans call it: `sql.NAME`."""
    statement: str
    """One UPDATE, INSERT or DELETE, or a SELECT of a function that acts, such as `SELECT pg_terminate_backend(:pid)`."""
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], CatalogueParameter] = Field(default_factory=dict)  # fmt: skip
    """Its parameters."""
    level: Level = "irreversible"
    """How bad it can be; `key` needs two people, `reversible` needs `backup` and `undo`."""
    least_rows: int = Field(default=1, ge=0)
    """Rows that must change; fewer are rolled back and refused."""
    most_rows: int = Field(default=1, ge=1, le=100_000)
    """Rows that may change; more are rolled back and refused. One, for what changes more should be meant to."""
    look: str = ""
    """SELECT of the state that it changes; kept with the plan, so it must show no secret. Where it finds no row the target is not there."""
    check: str = ""
    """SELECT of one value that is true once the effect is there; what is so already is not done again."""
    version: str = ""
    """SELECT of one value that the statement compares as `:version`, such as a row version: what rests on an outdated state changes no row."""
    backup: str = ""
    """SELECT of the rows that `undo` needs; kept with the plan, so it must show no secret."""
    undo: str = ""
    """UPDATE, INSERT or DELETE that restores one row of `backup`; its columns are bound by their names, besides the parameters; where both have one name, the column is meant."""
    dry_run: Literal["rollback", "explain"] = "rollback"
    """How it is tried: run and rolled back, or by EXPLAIN only; always EXPLAIN for a SELECT and for what calls a function that is not known to be harmless, since what functions do is not rolled back."""
    timeout_seconds: float = Field(default=60.0, ge=1, le=600)
    """Time-out of the action."""


class SqlExecutorSettings(Section):
    """What the executor `sql` can be told."""

    name: str = Field(default="sql", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.STATEMENT`."""
    url: Secret
    """SQLAlchemy address: `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full` or `sqlite:////PATH`. Give the account as few rights as the statements need."""
    database: str = Field(default="database", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name of the target, of kind `database`."""
    statements: tuple[SqlStatement, ...] = Field(min_length=1)
    """What may be run."""
    keys_table: bool = False
    """Keep the key of each effect in the table `sre_copilot_actions` of that database, in the same transaction as the effect, which makes it exactly once. Create the table first."""
    connect_seconds: float = Field(default=5.0, ge=1, le=60)
    """Longest wait for a connection."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        once_each((each.name for each in self.statements), "statements")
        dialect = dialect_of(self.url.get_secret_value())
        if dialect == "sqlite" and make_url(self.url.get_secret_value()).database in {None, "", ":memory:"}:
            raise ValueError("url: an SQLite in memory is nobody else's; name a file")
        for each in self.statements:
            _check_statement(each, dialect)
        return self


def dialect_of(url: str) -> str:
    """`postgresql` or `sqlite`.

    Raises
    ------
    ValueError : for another one; the address is in no message
    """
    try:
        name = make_url(url).get_backend_name()
    except ArgumentError:
        raise ValueError("url: is no address; write it as postgresql+psycopg://USER@HOST/DATABASE") from None
    if name not in DIALECTS:
        raise ValueError(f"url: {name} cannot be used; it is one of {', '.join(DIALECTS)}")
    return name


def selects(told: SqlStatement, dialect: str) -> bool:
    """Whether it is a SELECT, which can change something by its functions alone."""
    return isinstance(sqlglot.parse_one(told.statement, dialect=DIALECTS[dialect]), exp.Select)


def acts_by_function(statement: str, dialect: str) -> bool:
    """Whether it may do something that no transaction holds: it is a SELECT, or calls a function that is not known to be harmless."""
    parsed = sqlglot.parse_one(statement, dialect=DIALECTS[dialect])
    return isinstance(parsed, exp.Select) or any(not _harmless(each) for each in parsed.find_all(exp.Func))


def _harmless(function: exp.Func) -> bool:
    """Whether a function only computes; one of a schema is somebody's own, whatever its name."""
    if isinstance(function.parent, exp.Dot):
        return False
    if isinstance(function, exp.Anonymous):
        return function.name.lower() in HARMLESS_BY_NAME
    return isinstance(function, HARMLESS)


def _check_statement(told: SqlStatement, dialect: str) -> None:
    names = set(told.parameters)
    if VERSION in names:
        raise ValueError(f"{told.name}: parameters: version is taken; choose another name")
    acts = _parsed(
        told, "statement", dialect, tuple(KINDS.values()), names | ({VERSION} if told.version else set())
    )
    if told.version and VERSION not in _placeholders(acts):
        raise ValueError(f"{told.name}: version: the statement must compare it as :version")
    for place in ("look", "check", "version", "backup"):
        if getattr(told, place):
            _parsed(told, place, dialect, (exp.Select,), names)
    if told.undo:
        _parsed(told, "undo", dialect, (exp.Update, exp.Insert, exp.Delete), None)
    if bool(told.undo) != bool(told.backup):
        raise ValueError(f"{told.name}: backup, undo: give both, or neither")
    if told.level == "reversible" and not told.undo:
        raise ValueError(f"{told.name}: level: reversible needs backup and undo")
    if isinstance(acts, exp.Select) and told.undo:
        raise ValueError(f"{told.name}: undo: what a function did cannot be undone by rows")


def _parsed(
    told: SqlStatement, place: str, dialect: str, kinds: tuple[Any, ...], names: set[str] | None
) -> exp.Expr:
    try:
        parsed = [each for each in sqlglot.parse(getattr(told, place), dialect=DIALECTS[dialect]) if each]
    except sqlglot.errors.SqlglotError:
        raise ValueError(f"{told.name}: {place}: cannot be read as SQL of {dialect}; correct it") from None
    if len(parsed) != 1:
        raise ValueError(f"{told.name}: {place}: holds {len(parsed)} statements; write one")
    found: exp.Expr = parsed[0]
    allowed = [name for name, kind in KINDS.items() if kind in kinds]
    inner = [each for each in found.find_all(*CHANGES) if each is not found]
    if not any(isinstance(found, kind) for kind in kinds) or inner or found.args.get("into"):
        raise ValueError(
            f"{told.name}: {place}: must be one of {', '.join(allowed)}, and change nothing else within"
        )
    if isinstance(found, (exp.Update, exp.Delete)) and not found.args.get("where"):
        raise ValueError(f"{told.name}: {place}: has no WHERE and would change every row; add one")
    unknown = _placeholders(found) - names if names is not None else set()
    if unknown:
        raise ValueError(
            f"{told.name}: {place}: {', '.join(sorted(unknown))} is no parameter; add it to parameters"
        )
    return found


def _placeholders(parsed: exp.Expr) -> set[str]:
    return {str(each.this) for each in parsed.find_all(exp.Placeholder)}
