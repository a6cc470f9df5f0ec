"""Prompts: one Markdown file a role and language; a user's own version goes before the shipped one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from sre_copilot.domain.knowledge import Lang

Override = Callable[[str, Lang], str | None]
_overrides: list[Override] = []


def prompt(role: str, lang: Lang) -> str:
    """The instructions of a role, the user's own where there are some."""
    for override in _overrides:
        if (own := override(role, lang)) is not None:
            return own
    return shipped(role, lang)


@cache
def shipped(role: str, lang: Lang) -> str:
    """The instructions that come with the product.

    Raises
    ------
    FileNotFoundError : when there is no such role
    """
    return (files("sre_copilot.agents.prompts") / f"{role}.{lang}.md").read_text(encoding="utf-8")


def roles() -> tuple[str, ...]:
    """All roles that have a prompt."""
    names = [file.name for file in files("sre_copilot.agents.prompts").iterdir()]
    return tuple(sorted({name.split(".")[0] for name in names if name.endswith(".md")}))


def override_with(override: Override) -> None:
    """Look here for a user's own prompts from now on; the composition root says where they lie."""
    _overrides[:] = [override]
