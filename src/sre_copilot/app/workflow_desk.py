"""Workflows as the command line and the interface handle them: kept texts and drafts, with lint by what this installation has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.agents.toolbox import registered_tools, schema_of
from sre_copilot.app.tools import all_tools
from sre_copilot.clock import Clock
from sre_copilot.errors import UsageError
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.audit import noted
from sre_copilot.store.database import Database
from sre_copilot.store.facts import Facts, read_fact, write_fact
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.workflows.collection import Applied, Collection, Lint, diff
from sre_copilot.workflows.lint.known import Known, Schema, kept
from sre_copilot.workflows.lint.linter import errors
from sre_copilot.workflows.problems import Problem
from sre_copilot.workflows.reading import Source, read

DRAFTS = "workflow_drafts"
MOST_DRAFTS = 100  # that are kept; the oldest goes
Draft = dict[str, Any]


def known_of_settings(settings: Settings, database: Database | None = None) -> Known:
    """What a configuration has: tools, actions, receivers, and the workflows that are kept."""
    store = WorkflowStore(database) if database is not None else None
    return Known(
        tools=_tools(settings),
        actions={each.name: each.parameters for each in open_catalogue(settings.actions.executors).specs},
        receivers=tuple(each.name for each in settings.alerting.notify.known()),
        workflows=partial(kept, store) if store is not None else None,
    )


def _tools(settings: Settings) -> Mapping[str, Schema]:
    if not (settings.toolsets or settings.custom_toolsets or settings.mcp_servers):
        return {name: schema_of(tool) for name, tool in registered_tools().items()}
    tools = all_tools(settings)
    try:
        return {name: schema_of(tool) for name, tool in tools.tools.items()}
    finally:
        tools.close()


def linter(settings: Settings, database: Database) -> Lint:
    """Looks at a text when it is applied; what there is, is looked up at the first one, for systems take their time to answer."""
    known: list[Known] = []

    def lint(source: Source) -> Sequence[Problem]:
        if not known:
            known.append(known_of_settings(settings, database))
        return errors(source, known[0])

    return lint


@dataclass
class WorkflowDesk:
    """Texts, versions and drafts of workflows; it needs the store alone."""

    settings: Settings
    database: Database
    clock: Clock

    @cached_property
    def collection(self) -> Collection:
        """All workflows."""
        store = WorkflowStore(self.database)
        return Collection(store, self.clock, lint=linter(self.settings, self.database))

    @cached_property
    def known(self) -> Known:
        """What lint knows."""
        return known_of_settings(self.settings, self.database)

    def apply(self, text: str, *, who: str, note: str = "", expected: int | None = None) -> Applied:
        """Make a text the newest version, as a person decided it; its draft is over with that.

        Raises
        ------
        WorkflowProblems : all that is wrong with it
        StaleError : there is another version than the expected one
        """
        with noted(self.database, self.clock, "workflow.apply", who=who, note=note):
            applied = self.collection.apply(text, who=who, note=note, expected=expected)
        self._drafts(lambda drafts: drafts.pop(applied.workflow.id, None))
        return applied

    def id_of(self, text: str) -> str:
        """The id of the workflow that a text is."""
        return read(text).workflow.id

    def draft(
        self, text: str, *, who: str, origin: str, made_by: str = "rules", repairs: Sequence[str] = ()
    ) -> Draft:
        """Keep a text that was generated, to be looked at by a person; nothing runs it. With the difference to the present version."""
        key = self.id_of(text)
        row = {"id": key, "text": text, "by": who, "origin": origin, "at": self.clock.now(),
               "made_by": made_by, "repairs": list(repairs)}  # fmt: skip

        def keep(drafts: dict[str, Draft]) -> None:
            drafts.pop(key, None)
            drafts[key] = row
            while len(drafts) > MOST_DRAFTS:
                del drafts[next(iter(drafts))]

        self._drafts(keep)
        return {**row, "difference": self.difference(text)}

    def difference(self, text: str) -> str:
        """To the present version, as a unified diff; all of it is new where there is none."""
        key = self.id_of(text)
        before = self.collection.store.version(key)
        return diff(before["text"] if before else "", text, key)

    def drafts(self) -> tuple[Draft, ...]:
        """All drafts, the latest first."""
        found = Facts(self.database).get(DRAFTS) or {}
        return tuple(reversed(found.values()))

    def drafted(self, key: str) -> Draft:
        """A draft with its difference to the present version."""
        found = next((each for each in self.drafts() if each["id"] == key), None)
        if found is None:
            raise UsageError(f"draft {key!r}: is not there. Make one with `workflow generate`.")
        return {**found, "difference": self.difference(found["text"])}

    def _drafts(self, change: Callable[[dict[str, Draft]], object]) -> None:
        with self.database.write() as connection:
            before = read_fact(connection, DRAFTS) or {}
            drafts = dict(before)
            change(drafts)
            if list(drafts.items()) != list(before.items()):
                write_fact(connection, DRAFTS, drafts)
