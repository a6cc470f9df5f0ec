"""Documentation that goes stale fails here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer

from sre_copilot.cli.main import app
from sre_copilot.plugins import registered

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
PAGES = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))


def test_the_architecture_page_states_each_import_contract_in_its_own_words() -> None:
    stated = re.findall(r"^- (.+)$", ARCHITECTURE, re.MULTILINE)
    assert stated == [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]


def test_the_architecture_page_draws_the_layers_as_the_linter_knows_them() -> None:
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert "\n".join(layers) in ARCHITECTURE


@pytest.mark.parametrize("plugin", list(registered()), ids=lambda plugin: f"{plugin.group}:{plugin.name}")
def test_every_plugin_is_documented(plugin: object) -> None:
    assert f"`{plugin.name}`" in PAGES  # type: ignore[attr-defined]


def commands() -> list[tuple[str, list[str]]]:
    found = []
    group = typer.main.get_command(app)
    context = typer.Context(group)
    for name in group.list_commands(context):  # type: ignore[attr-defined]
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        children = getattr(command, "commands", None) or {"": command}
        for child, each in children.items():
            options = [
                option for parameter in each.params for option in parameter.opts if option.startswith("--")
            ]
            found.append((f"sre-copilot {name} {child}".strip(), options))
    return found


@pytest.mark.parametrize(
    ("command", "options"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_documented(command: str, options: list[str]) -> None:
    assert f"`{command}" in COMMANDS
    assert [option for option in options if option not in ("--help",) and f"`{option}" not in COMMANDS] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]
    broken = [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
    assert broken == []
