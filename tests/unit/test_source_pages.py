"""The page of each source says what its settings are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from sre_copilot.perception.settings_page import (
    BEGIN,
    END,
    _sections,
    main,
    names_by_class,
    page,
    stale,
    stale_configuration,
    write,
)
from sre_copilot.settings.document import Settings
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

PAGES = Path(__file__).parents[2] / "docs/reference/sources"


class Part(Section):
    """What is within."""

    depth: int = 3
    """How deep."""


class Whole(Section):
    needed: str
    """What must be given."""
    share: float = Field(default=0.5, ge=0, lt=1)
    """A share of one."""
    token: Secret | None = None
    """Never shown."""
    way: Literal["a", "b"] = "a"
    """One way | or another."""
    parts: dict[str, Part] = Field(default_factory=dict)
    """Further parts."""


def test_no_page_is_stale_and_every_source_has_one() -> None:
    assert {path.name: problem for path, problem in stale(PAGES).items()} == {}


def test_the_page_of_the_configuration_is_not_stale_and_every_key_says_what_it_means() -> None:
    assert stale_configuration(PAGES.parent / "configuration.md") == ""
    sections: list[type[BaseModel]] = [Settings, *_sections(Settings)]
    assert [
        path
        for section in sections
        for path, field in section.model_fields.items()
        if not field.description
        and not (isinstance(field.annotation, type) and issubclass(field.annotation, Section))
    ] == []


@pytest.mark.parametrize("source", names_by_class(), ids=lambda source: source.__name__)
def test_every_setting_says_what_it_means(source: type) -> None:
    fields = source.Settings.model_fields  # type: ignore[attr-defined]
    assert [name for name, field in fields.items() if not field.description] == []


def test_a_table_names_type_bounds_default_and_meaning() -> None:
    lines = page(Whole).splitlines()
    assert "| `needed` | text | required | What must be given. |" in lines
    assert "| `share` | number, ≥ 0, < 1 | `0.5` | A share of one. |" in lines
    assert "| `token` | secret | none | Never shown. |" in lines
    assert "| `way` | one of `a`, `b` | `a` | One way \\| or another. |" in lines
    assert "| `parts` | mapping of text to section Part | none | Further parts. |" in lines


def test_a_section_within_has_a_table_of_its_own() -> None:
    table = page(Whole).partition("Section Part: What is within.")[2]
    assert "| `depth` | whole number | `3` | How deep. |" in table


def test_own_settings_come_before_those_that_all_share() -> None:
    class Derived(Whole):
        own: str = ""
        """Its own."""

    keys = [line.split("`")[1] for line in page(Derived).splitlines() if line.startswith("| `")]
    assert keys[:2] == ["own", "needed"]


def test_writing_renews_the_table_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "whole.md"
    path.write_text(f"# Whole\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    write(path, Whole)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Whole\n\n")
    assert text.endswith(f"{END}\n\nafter\n")
    assert page(Whole) in text
    assert "old" not in text


def test_a_page_without_a_place_is_told_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "whole.md"
    path.write_text("# Whole\n", encoding="utf-8")
    with pytest.raises(ValueError, match="end of settings"):
        write(path, Whole)


def test_the_command_names_missing_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path)]) == 1
    assert "recorded.md: is missing" in capsys.readouterr().out
